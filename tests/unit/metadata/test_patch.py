"""Patching client metadata: which item a row means, also inside groups, and what is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.hooks.encord import EncordHook
from encord_provider.metadata.patch import ItemKey, MetadataRow, Outcome, PatchMode, Tagger
from encord_provider.operators.import_data import EncordImportDataOperator
from tests.helpers.operators import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

HOST = "https://lake.s3.eu-west-1.amazonaws.com/"


@pytest.fixture
def register(encord_emulator: EncordEmulator, tmp_path: Any) -> Callable[..., str]:
    """Register data into the folder ``lake``, and give its UUID. Every object exists."""

    def registered(**spec: Any) -> str:
        operator = EncordImportDataOperator(
            task_id="before",
            spec={**spec, "skip_duplicate_urls": True},
            folder="lake",
            create_folder=True,
            integration="AWS S3",
            workspace=tmp_path.as_uri(),
        )
        return str(run(operator)["folder"])

    return registered


def images(count: int) -> list[dict[str, str]]:
    return [{"objectUrl": f"{HOST}dt%3D1/{number}.jpg", "title": f"{number}.jpg"} for number in range(count)]


def row(key: str, **metadata: Any) -> MetadataRow:
    return MetadataRow(key=key, metadata=metadata, where="the test")


def patch(folder: str, rows: list[MetadataRow], **arguments: Any) -> list[Any]:
    api = EncordHook().api
    return Tagger(api=api, **arguments).patch(rows, api.folder_items(folder))


@pytest.mark.parametrize("spelling", ["dt=1/0.jpg", "dt%3D1/0.jpg", "dt%3d1/0.jpg"])
def test_one_url_may_be_spelled_in_several_ways(spelling: str, register: Any) -> None:
    folder = register(images=images(2))
    (result,) = patch(folder, [row(f"{HOST}{spelling}", score=1)])
    assert result.outcome is Outcome.PATCHED


def test_a_key_with_a_percent_sign_is_not_taken_for_another(register: Any) -> None:
    folder = register(images=[{"objectUrl": f"{HOST}100%2525.jpg", "title": "100%25.jpg"}])
    outcomes = [
        one.outcome
        for one in patch(folder, [row("100%.jpg", n=1), row("100%25.jpg", n=1)], key=ItemKey.OBJECT_KEY)
    ]
    assert outcomes == [Outcome.UNMATCHED, Outcome.PATCHED]


def test_a_bundle_holds_a_thousand_items(register: Any, encord_emulator: EncordEmulator) -> None:
    folder = register(images=images(1001))
    rows = [row(f"{HOST}dt=1/{number}.jpg", score=number) for number in range(1001)]
    assert {one.outcome for one in patch(folder, rows)} == {Outcome.PATCHED}
    assert len(encord_emulator.requests("patch_items")) == 2
    assert {one.outcome for one in patch(folder, rows)} == {Outcome.UNCHANGED}
    assert len(encord_emulator.requests("patch_items")) == 2


def test_a_file_of_a_group_names_the_group(register: Any) -> None:
    group = {"title": "crane"} | {f"objectUrl_{number}": f"{HOST}crane/{number}.jpg" for number in range(3)}
    folder = register(image_groups=[group], images=images(1))
    (result,) = patch(folder, [row(f"{HOST}crane/1.jpg", score=1)])
    assert result.outcome is Outcome.PATCHED
    found = {item.name: item.client_metadata for item in EncordHook().api.folder_items(folder)}
    assert found["crane"] == {"score": 1}


def test_two_files_of_one_group_are_two_rows_for_one_item(register: Any) -> None:
    group = {"title": "crane"} | {f"objectUrl_{number}": f"{HOST}crane/{number}.jpg" for number in range(2)}
    folder = register(image_groups=[group])
    results = patch(folder, [row(f"{HOST}crane/{number}.jpg", score=number) for number in range(2)])
    assert [one.reason for one in results] == ["another row names the same item"] * 2


def test_the_results_come_in_the_order_of_the_rows(register: Any) -> None:
    folder = register(images=images(2))
    rows = [row("nowhere", n=1), row(f"{HOST}dt=1/1.jpg", n=1), row(f"{HOST}dt=1/0.jpg", n=1)]
    results = patch(folder, rows, mode=PatchMode.REPLACE)
    assert [one.row.key for one in results] == [one.key for one in rows]
    assert [one.outcome for one in results] == [Outcome.UNMATCHED, Outcome.PATCHED, Outcome.PATCHED]


def test_a_line_of_the_report_holds_no_value(register: Any) -> None:
    folder = register(images=images(1))
    (result,) = patch(folder, [row("nowhere", patient="Jane Doe")])
    assert "Jane Doe" not in str(result.as_json())
