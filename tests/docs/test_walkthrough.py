"""The walkthrough: from an empty organisation to a project with data, read back with the SDK; then nothing changes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.hooks.encord import EncordHook
from tests.helpers.dags import run
from tests.helpers.operators import writes
from tests.helpers.pages import blocks
from tests.helpers.recordings import short

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FOUR = ["crane.mp4", "gate.png", "quay-1.jpg", "quay-2.jpg"]


def curated() -> dict[str, Any]:
    """All that a person sees: folders with items, datasets with rows, projects with label rows and metadata."""
    client = EncordHook().client
    (top,) = client.list_storage_folders()
    (folder,) = top.list_subfolders()
    (dataset,) = [one["dataset"] for one in client.get_datasets()]
    (project,) = client.list_projects()
    opened = client.get_project(project.project_hash)
    return {
        "folder": (top.name, folder.name, sorted(str(item.uuid) for item in folder.list_items())),
        "dataset": (dataset.title, dataset.dataset_hash),
        "rows": sorted(row.uid for row in client.get_dataset(dataset.dataset_hash).list_data_rows()),
        "project": (project.title, [str(one.dataset_hash) for one in opened.list_datasets()]),
        "label rows": {
            row.data_title: row.client_metadata
            for row in opened.list_label_rows_v2(include_client_metadata=True)
        },
    }


def test_the_walkthrough(encord: EncordEmulator, lake: Any, serve: Callable[[str, str], Any]) -> None:
    (block,) = blocks("python", page="walkthrough.md")
    dag = serve(block.dag_id, block.text)
    client = EncordHook().client
    assert [list(client.list_storage_folders()), client.get_datasets(), list(client.list_projects())] == [
        [],
        [],
        [],
    ]

    day = datetime(2026, 5, 2, tzinfo=UTC)
    state, states, returned = run(dag, logical_date=day)
    assert (state, set(states.values())) == ("success", {"success"}), states
    before = curated()
    assert before["folder"][:2] == ("lake", "daily")
    assert before["project"] == ("Ships at the quay", [before["dataset"][1]])
    assert before["dataset"][0] == "Quays"
    assert len(before["rows"]) == 4
    assert short(before["label rows"]) == FOUR
    assert {title.split("/")[0]: metadata for title, metadata in before["label rows"].items()} == {
        "site=oslo": {"site": "oslo"},
        "site=bergen": {"site": "bergen"},
    }
    with Path(returned["label_rows"]["uri"].removeprefix("file://")).open(newline="") as file:
        assert short(row["encord_name"] for row in csv.DictReader(file)) == FOUR

    encord.call(lambda store: store.requests.clear())
    state, states, returned = run(dag, logical_date=day)
    assert (state, set(states.values())) == ("success", {"success"}), states
    assert curated() == before
    # The one job skips all that it is sent.
    assert set(writes(encord)) == {"start_upload_job"}
    assert returned["to_dataset.link_items"]["already_there"] == 4


@pytest.mark.parametrize(
    ("fault", "failed"),
    [("twins", "check_to_dataset"), ("integration", "import_from_s3.import_data")],
)
def test_what_is_wrong_is_found_before_anything_is_changed(
    encord: EncordEmulator, lake: Any, serve: Callable[[str, str], Any], fault: str, failed: str
) -> None:
    from encord.orm.dataset import StorageLocation

    (block,) = blocks("python", page="walkthrough.md")
    text = block.text
    client = EncordHook().client
    if fault == "twins":
        for _ in range(2):
            client.create_dataset("Quays", StorageLocation.AWS, create_backing_folder=False)
    else:
        text = text.replace('integration="AWS S3"', 'integration="Aws S3"')
    state, states, _ = run(serve(block.dag_id, text), logical_date=datetime(2026, 5, 2, tzinfo=UTC))
    assert (state, [name for name, one in states.items() if one == "failed"]) == ("failed", [failed])
    assert list(client.list_storage_folders()) == []
