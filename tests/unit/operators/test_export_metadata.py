"""EncordExportMetadataOperator and EncordGetSchemaOperator."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import EncordInputError
from encord_provider.operators.export_metadata import EncordExportMetadataOperator
from encord_provider.operators.get_schema import EncordGetSchemaOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.options import ItemSelection
from tests.helpers.folders import (
    images,
    metadata_in,
    new_dataset,
    new_folder,
    new_project,
    register,
    url,
)
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

pytestmark = [
    pytest.mark.usefixtures("encord_emulator"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
FORMATS = ("jsonl", "csv", "parquet")


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Any]:
    def exported(**arguments: Any) -> Any:
        operator = EncordExportMetadataOperator(
            task_id="export", workspace=f"file://{tmp_path}/workspace", **arguments
        )
        return run(operator)

    return exported


def lines(result: Any) -> list[Any]:
    return [json.loads(line) for line in Path(result["uri"].removeprefix("file://")).read_text().splitlines()]


class TestExport:
    def test_a_row_for_each_item(self, export: Any) -> None:
        folder = new_folder("lake")
        items = register(folder, images("a.jpg", site="oslo", tags=["x", 1]))
        result = export(folder="lake")
        assert (result["items"], result["format"]) == (1, "jsonl")
        assert lines(result) == [
            {
                "encord_uuid": items["a.jpg"],
                "encord_object_url": url("a.jpg"),
                "encord_name": "a.jpg",
                "encord_type": "image",
                "encord_folder": str(folder.uuid),
                "encord_values": "json",
                "site": "oslo",
                "tags": ["x", 1],
            }
        ]

    def test_sub_folders_datasets_projects_and_frames(self, export: Any) -> None:
        top = new_folder("lake")
        first = register(top, images("a.jpg"))
        group = {
            "title": "g",
            "createVideo": False,
            "objectUrl_0": url("g/0.jpg"),
            "objectUrl_1": url("g/1.jpg"),
        }
        register(new_folder("site", top), {**images("b.jpg"), "image_groups": [group]})
        dataset = new_dataset(first["a.jpg"])
        project = new_project(dataset)

        assert [row["encord_name"] for row in lines(export(folder="lake"))] == ["a.jpg"]
        names = {
            row["encord_name"] for row in lines(export(folder="lake", items=ItemSelection(recursive=True)))
        }
        assert names == {"a.jpg", "b.jpg", "g"}
        for place in (
            ItemSelection(dataset=dataset.dataset_hash),
            ItemSelection(project=project.project_hash),
            ItemSelection(uuids=[first["a.jpg"]]),
        ):
            assert [row["encord_uuid"] for row in lines(export(items=place))] == [first["a.jpg"]]
        frames = lines(export(folder="lake", items=ItemSelection(recursive=True, frames=True)))
        assert [row["encord_object_url"] for row in frames] == [url("g/0.jpg"), url("g/1.jpg")]

    @pytest.mark.parametrize("file_format", FORMATS)
    def test_an_exported_table_goes_back_unchanged_and_can_be_edited(
        self, export: Any, tmp_path: Path, file_format: str
    ) -> None:
        run(
            EncordSetSchemaOperator(
                task_id="s", schema={"n": "number", "ok": "boolean", "clip": {"type": "embedding", "size": 2}}
            )
        )
        folder = new_folder("lake")
        register(folder, images("a.jpg", n=1.5, ok=True, site="oslo", clip=[0.5, 1.0]))
        register(folder, images("b.jpg"))
        before = metadata_in(folder)
        table = export(folder="lake", file_format=file_format)["uri"]

        def patch() -> Any:
            return run(
                EncordPatchMetadataOperator(
                    task_id="patch",
                    metadata=table,
                    folder="lake",
                    key="uuid",
                    key_column="encord_uuid",
                    workspace=f"file://{tmp_path}/workspace",
                )
            )

        assert patch()["unchanged"] == 2
        assert metadata_in(folder) == before
        if file_format != "parquet":
            path = Path(table.removeprefix("file://"))
            path.write_text(path.read_text().replace("oslo", "rome"))
            assert (patch()["patched"], metadata_in(folder)["a.jpg"]["site"]) == (1, "rome")

    @pytest.mark.parametrize("file_format", FORMATS)
    def test_a_folder_without_items(self, export: Any, file_format: str) -> None:
        new_folder("lake")
        result = export(folder="lake", file_format=file_format)
        assert result["items"] == 0
        assert Path(result["uri"].removeprefix("file://")).exists()

    def test_nothing_is_changed(self, encord_emulator: EncordEmulator, export: Any) -> None:
        register(new_folder("lake"), images("a.jpg"))
        encord_emulator.call(lambda store: store.requests.clear())
        export(folder="lake")
        assert writes(encord_emulator) == []

    def test_unknown_formats_and_missing_folders(self, export: Any) -> None:
        with pytest.raises(EncordInputError, match=r"file_format is 'xlsx'.*jsonl, csv, parquet"):
            export(folder="lake", file_format="xlsx")
        with pytest.raises(EncordInputError, match="There is no folder 'lake'"):
            export(folder="lake")
        with pytest.raises(
            EncordInputError, match="'folder', 'dataset', 'project', 'collection' and 'uuids'"
        ):
            export()


class TestGetSchema:
    DECLARED = {
        "site": "varchar",
        "score": "number",
        "weather": {"type": "enum", "options": ["rain", "sun"]},
        "clip": {"type": "embedding", "size": 4},
        "where": "geospatial",
    }

    def get(self, **arguments: Any) -> Any:
        return run(EncordGetSchemaOperator(task_id="get_schema", **arguments))

    def test_an_organisation_without_a_schema(self) -> None:
        assert self.get() == {}

    def test_it_reads_as_it_was_declared_and_can_be_set_again(self) -> None:
        run(EncordSetSchemaOperator(task_id="set_schema", schema=self.DECLARED))
        assert self.get() == self.DECLARED
        again = run(EncordSetSchemaOperator(task_id="set_schema", schema=self.get()))
        assert (again["unchanged"], again["added"]) == (sorted(self.DECLARED), [])

    def test_deleted_keys_only_when_asked_for(self) -> None:
        run(EncordSetSchemaOperator(task_id="s", schema={"a": "text", "b": "text", "c": "text"}))
        deleted = {"a": {"type": "deleted"}, "b": {"type": "deleted", "hard": True}}
        run(EncordSetSchemaOperator(task_id="s", schema=deleted, allow_delete=True))
        assert self.get() == {"c": "text"}
        assert self.get(include_deleted=True) == {**deleted, "c": "text"}
