"""EncordExportDataRowsOperator: data rows and label rows as tables, with the metadata of the items behind them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from encord_provider.exceptions import EncordError, EncordInputError
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.export_data_rows import EncordExportDataRowsOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from tests.helpers.folders import images, metadata_in, new_dataset, new_folder, new_project, register, url
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

pytestmark = [
    pytest.mark.usefixtures("encord_emulator"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Any]:
    return lambda **arguments: run(
        EncordExportDataRowsOperator(task_id="rows", workspace=f"file://{tmp_path}/workspace", **arguments)
    )


def lines(result: Any) -> list[Any]:
    return [json.loads(line) for line in Path(result["uri"].removeprefix("file://")).read_text().splitlines()]


def test_the_data_rows_of_a_dataset(encord_emulator: EncordEmulator, export: Any) -> None:
    folder = new_folder("lake")
    items = register(folder, images("a.jpg", site="oslo"))
    dataset = new_dataset(items["a.jpg"])
    (row,) = EncordHook().client.get_dataset(dataset.dataset_hash).list_data_rows()
    encord_emulator.call(lambda store: store.requests.clear())
    result = export(dataset="trucks")
    assert (result["rows"], result["format"]) == (1, "jsonl")
    assert lines(result) == [
        {
            "encord_uuid": items["a.jpg"],
            "encord_object_url": url("a.jpg"),
            "encord_name": "a.jpg",
            "encord_type": "image",
            "encord_folder": str(folder.uuid),
            "encord_data_row": row.uid,
            "encord_dataset": dataset.dataset_hash,
            "encord_label_row": None,
            "encord_stage": None,
            "encord_values": "json",
            "site": "oslo",
        }
    ]
    assert writes(encord_emulator) == []


def test_the_label_rows_of_a_project(export: Any) -> None:
    items = register(new_folder("lake"), images("a.jpg", "b.jpg", site="oslo"))
    dataset = new_dataset(*items.values())
    project = new_project(dataset)
    shown = {
        row.data_hash: row.workflow_graph_node.title
        for row in EncordHook().client.get_project(project.project_hash).list_label_rows_v2()
    }
    rows = lines(export(project="labels"))
    assert {row["encord_data_row"]: row["encord_stage"] for row in rows} == shown
    assert [(row["encord_name"], row["encord_dataset"], row["site"]) for row in rows] == [
        ("a.jpg", dataset.dataset_hash, "oslo"),
        ("b.jpg", dataset.dataset_hash, "oslo"),
    ]


def test_an_item_that_is_linked_twice_has_two_rows(export: Any) -> None:
    from encord.orm.dataset import DataLinkDuplicatesBehavior

    items = register(new_folder("lake"), images("a.jpg"))
    dataset = new_dataset(items["a.jpg"])
    dataset.link_items([UUID(items["a.jpg"])], DataLinkDuplicatesBehavior.DUPLICATE)
    rows = lines(export(dataset=dataset.dataset_hash))
    assert len({row["encord_data_row"] for row in rows}) == len(rows) == 2
    assert {row["encord_uuid"] for row in rows} == {items["a.jpg"]}


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_the_table_goes_back_as_metadata_of_the_items(export: Any, tmp_path: Path, file_format: str) -> None:
    folder = new_folder("lake")
    metadata = {"site": "oslo", "n": 1.5, "encord_stage": "a key of the user's"}
    items = register(folder, images("a.jpg", **metadata))
    new_project(new_dataset(*items.values()))
    before = metadata_in(folder)
    table = export(project="labels", file_format=file_format)["uri"]
    patched = run(
        EncordPatchMetadataOperator(
            task_id="patch",
            metadata=table,
            folder="lake",
            key="uuid",
            key_column="encord_uuid",
            validate=False,
            workspace=f"file://{tmp_path}/workspace",
        )
    )
    assert patched["unchanged"] == 1
    assert metadata_in(folder) == before


def test_csv_has_all_columns_where_there_is_no_row(export: Any) -> None:
    new_dataset()
    result = export(dataset="trucks", file_format="csv")
    with Path(result["uri"].removeprefix("file://")).open(newline="") as file:
        (head,) = csv.reader(file)
    assert {"encord_data_row", "encord_label_row", "encord_stage", "encord_uuid"} <= set(head)


def test_an_item_that_cannot_be_read_is_named_and_its_row_is_there(
    encord_emulator: EncordEmulator, export: Any
) -> None:
    items = register(new_folder("lake"), images("a.jpg", "b.jpg", site="oslo"))
    new_dataset(*items.values())

    def spoil(store: Any) -> None:
        from encord_provider.emulator.storage.items.models import Items

        next(item for item in store[Items] if item.name == "a.jpg").metadata = "[1]"

    encord_emulator.call(spoil)
    with pytest.raises(EncordError, match=r"1 of 2 rows[^$]*a\.jpg"):
        export(dataset="trucks")


def test_either_a_dataset_or_a_project(export: Any) -> None:
    for given in ({}, {"dataset": "a", "project": "b"}, {"dataset": " ", "project": ""}):
        with pytest.raises(EncordInputError, match="either 'dataset' or 'project'"):
            export(**given)
    with pytest.raises(EncordInputError, match="no dataset 'trucks'"):
        export(dataset="trucks")
    with pytest.raises(EncordInputError, match=r"'xlsx'.*jsonl, csv, parquet"):
        export(dataset="trucks", file_format="xlsx")
