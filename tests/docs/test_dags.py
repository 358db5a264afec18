"""Every DAG on the pages runs through Airflow, against the emulator and moto's S3, and does what its page says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.attach_dataset import EncordAttachDatasetOperator
from encord_provider.operators.create_dataset import EncordCreateDatasetOperator
from encord_provider.operators.link_items import EncordLinkItemsOperator
from encord_provider.upload_spec import read_part
from encord_provider.workspace.files import path_of
from tests.helpers.dags import run
from tests.helpers.operators import run as run_operator
from tests.helpers.pages import Block, blocks
from tests.helpers.recordings import (
    QUAY,
    given_a_dropped_spec,
    given_a_running_job,
    given_a_schema,
    given_imported_recordings,
    imported,
    items,
    schema,
    short,
)

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

DAY_AFTER = datetime(2026, 5, 2, tzinfo=UTC)
"""A manual run with this logical date owns the day before under CronDataIntervalTimetable."""


def given_nothing() -> Any:
    return {}


FOUR = ["crane.mp4", "gate.png", "quay-1.jpg", "quay-2.jpg"]


def check_daily_import(returned: Any) -> None:
    found = items("lake/daily")
    assert short(found) == FOUR
    assert found[QUAY] == {"site": "oslo"}


def check_list_folders(returned: Any) -> None:
    assert returned["folder_names"] == ["lake"]


def check_name_the_folders(returned: Any) -> None:
    assert returned["folder_names"] == ["lake"]


def check_declare_schema(returned: Any) -> None:
    assert sorted(schema()) == ["clip", "recorded_at", "score", "site", "weather"]
    assert returned["set_schema"]["added"] == sorted(schema())


def check_schema_from_file(returned: Any) -> None:
    assert sorted(schema()) == ["score", "site", "weather", "where"]


def check_build_spec_by_day(returned: Any) -> None:
    assert returned["build_spec"]["counts"] == {"image": 3, "video": 1}
    assert returned["build_spec"]["skipped"] == 1


def check_build_spec_with_metadata(returned: Any) -> None:
    units = [unit for uri in returned["build_spec"]["parts"] for unit in read_part(path_of(uri)).units]
    assert {unit.title: dict(unit.client_metadata) for unit in units} == {
        "bergen: gate.png": {"site": "bergen", "weather": "sun"},
        "oslo: quay-1.jpg": {"site": "oslo", "weather": "rain", "score": 0.5},
        "oslo: quay-2.jpg": {"site": "oslo", "weather": "sun", "score": 0.9},
    }


def check_build_spec_with_limits(returned: Any) -> None:
    assert (returned["build_spec"]["unmatched"], returned["build_spec"]["skipped"]) == (1, 1)


def check_import_by_day(returned: Any) -> None:
    assert short(items("lake/daily")) == FOUR
    assert returned["import_data"]["status"] == "done"
    assert set(returned["import_data"]) == {
        "status",
        "folder",
        "job_ids",
        "units",
        "items_added",
        "receipts",
        "failures",
    }
    assert set(returned["import_data"]["units"]) == {"done", "failed", "cancelled", "pending", "total"}


def check_import_handmade_spec(returned: Any) -> None:
    assert list(items("lake/handmade")) == ["quay-1.jpg"]


def check_patch_scores(returned: Any) -> None:
    assert returned["patch_metadata"]["patched"] == 2
    assert items("lake/daily")[QUAY] == {"score": 0.7, "weather": "rain"}


def check_patch_batch(returned: Any) -> None:
    assert returned["patch_metadata"]["patched"] == 4
    assert all(metadata["batch"] == "may" for metadata in items("lake/daily").values())


def check_patch_values(returned: Any) -> None:
    assert items("lake/daily")[QUAY] == {"score": 0.9}


def check_start_now_wait_later(returned: Any) -> None:
    assert set(returned["start_import"]) == {"folder", "job_ids"}
    assert returned["wait_for_import"]["status"] == "done"
    assert short(items("lake/later")) == FOUR


def check_wait_for_a_job(returned: Any) -> None:
    assert returned["wait_for_job"]["units"]["done"] == 1
    assert set(returned["wait_for_job"]) == {"status", "folder", "job_ids", "units", "items_added"}


def check_company_import(returned: Any) -> None:
    assert returned["tell"] == "4 of 4 data units are registered"
    assert items("lake/daily")[QUAY] == {"site": "oslo", "weather": "rain", "score": 0.5}


def check_sampled_videos(returned: Any) -> None:
    block = {"config": {"sampling_rate": 0.5}, "frames": {"10": {"cars": 3}}}
    assert items("lake/videos") == {"oslo: crane.mp4": {"site": "oslo", "$encord": block}}


def check_two_sites(returned: Any) -> None:
    assert short(items("lake/oslo")) == ["crane.mp4", "quay-1.jpg", "quay-2.jpg"]
    assert short(items("lake/bergen")) == ["gate.png"]


def check_import_on_arrival(returned: Any) -> None:
    assert short(items("lake/daily")) == ["crane.mp4", "quay-1.jpg", "quay-2.jpg"]


def check_import_a_csv(returned: Any) -> None:
    assert sorted(items("lake/handmade")) == ["Quay 1", "quay-2.jpg"]


def check_check_reviews(returned: Any) -> None:
    assert returned["check_table"] == {"rows": 2, "keys": ["reviewer", "score"], "undeclared": ["reviewer"]}


def check_export_and_back(returned: Any) -> None:
    assert (returned["export"]["items"], returned["export"]["format"]) == (4, "csv")
    assert returned["bring_back"]["unchanged"] == 4


def check_read_schema(returned: Any) -> None:
    assert returned["get_schema"] == {
        "score": "number",
        "weather": {"type": "enum", "options": ["rain", "sun"]},
    }
    assert returned["keys"] == ["score", "weather"]


def check_build_spec_from_a_table(returned: Any) -> None:
    units = [unit for uri in returned["build_spec"]["parts"] for unit in read_part(path_of(uri)).units]
    assert {unit.title: dict(unit.client_metadata) for unit in units} == {
        "gate.png": {"site": "bergen"},
        "quay-1.jpg": {"site": "oslo"},
    }


def check_company_sync(returned: Any) -> None:
    report = returned["sync_metadata.report"]
    assert (report["rows"], report["patched"]) == (3, 3)
    assert items("lake/daily")[QUAY] == {"weather": "rain", "score": 0.5}


def check_company_inbox(returned: Any) -> None:
    (found,) = returned["import_dropped_specs.find_specs"]
    assert found["spec"] == "s3://lake/encord/inbox/one.json"
    assert short(items("lake/handmade")) == ["quay-1.jpg"]


def rows_in(dataset: str) -> list[str]:
    """The names of the data rows of a dataset, as the official SDK reads them."""
    hook = EncordHook()
    return short(row.title for row in hook.client.get_dataset(hook.find_dataset(dataset)).list_data_rows())


def check_whole_folder(returned: Any) -> None:
    assert returned["dataset"]["created"] is True
    assert rows_in("Quays") == FOUR


def check_link_what_was_imported(returned: Any) -> None:
    assert (returned["link"]["linked"], returned["link"]["unmatched"]) == (4, 0)
    assert rows_in("Quays") == FOUR


def check_import_to_dataset(returned: Any) -> None:
    assert returned["to_dataset.link_items"]["linked"] == 4
    assert rows_in("Quays") == FOUR


def check_take_out(returned: Any) -> None:
    assert returned["take_out"]["unlinked"] == 1
    assert rows_in("Quays") == FOUR
    assert len(items("lake/rejected")) == 1


def check_attach_quays(returned: Any) -> None:
    assert returned["attach"]["attached"] is True
    project = EncordHook().client.get_project(returned["attach"]["project"])
    assert short(row.data_title for row in project.list_label_rows_v2()) == FOUR


def check_rows_as_tables(returned: Any) -> None:
    assert [returned[one]["rows"] for one in ("data_rows", "label_rows")] == [4, 4]
    lines = path_of(returned["label_rows"]["uri"]).read_text().splitlines()
    assert short(json.loads(line)["encord_name"] for line in lines) == FOUR


def check_mirror_a_bucket(returned: Any) -> None:
    assert (returned["sync"]["status"], returned["sync"]["tombstones"]) == ("done", 0)
    assert set(short(items("Oslo"))) == {"crane.mp4", "quay-1.jpg", "quay-2.jpg"}


def check_mirror_now_wait_later(returned: Any) -> None:
    assert returned["wait"]["sync"] == returned["start"]["sync"]
    assert set(short(items("Bergen"))) == {"gate.png"}


def given_a_dataset_of_recordings() -> Any:
    given_imported_recordings()
    run_operator(EncordCreateDatasetOperator(task_id="before", dataset="Quays"))
    run_operator(EncordLinkItemsOperator(task_id="before", dataset="Quays", folder="lake/daily"))
    return {}


def given_a_dataset_with_what_is_rejected() -> Any:
    given_a_dataset_of_recordings()
    imported({"images": [{"objectUrl": f"https://lake.s3.eu-west-1.amazonaws.com/{QUAY}"}]}, "lake/rejected")
    run_operator(EncordLinkItemsOperator(task_id="before", dataset="Quays", folder="lake/rejected"))
    return {}


def given_a_dataset_and_a_project() -> Any:
    given_a_dataset_of_recordings()
    EncordHook().client.create_project("Ships at the quay", [])
    return {}


def given_a_project_of_recordings() -> Any:
    given_a_dataset_and_a_project()
    run_operator(EncordAttachDatasetOperator(task_id="before", dataset="Quays", project="Ships at the quay"))
    return {}


def given_a_schema_alone() -> Any:
    given_a_schema()
    return {}


def given_a_folder() -> Any:
    EncordHook().client.create_storage_folder("lake")
    return {}


NO_DATE: dict[str, Any] = {"logical_date": None}
OSLO = {"logical_date": datetime(2026, 5, 1, 22, tzinfo=UTC)}

GIVEN: dict[str, Callable[[], Any]] = {
    "list_folders": given_a_folder,
    "name_the_folders": given_a_folder,
    "build_spec_with_metadata": given_nothing,
    "check_reviews": given_a_schema_alone,
    "read_schema": given_a_schema_alone,
    "export_and_back": given_imported_recordings,
    "company_sync": given_imported_recordings,
    "company_inbox": given_a_dropped_spec,
    "patch_batch": given_imported_recordings,
    "patch_scores": given_imported_recordings,
    "patch_values": given_imported_recordings,
    "wait_for_a_job": given_a_running_job,
    "import_on_arrival": lambda: NO_DATE,
    "company_import": lambda: OSLO,
    "whole_folder": given_imported_recordings,
    "take_out": given_a_dataset_with_what_is_rejected,
    "attach_quays": given_a_dataset_and_a_project,
    "rows_as_tables": given_a_project_of_recordings,
}
"""What a page takes for granted, and how its run is started."""


RUN_ELSEWHERE = ("scheduling.md", "after_the_run.md", "walkthrough.md")
"""Pages whose DAGs start one another, tell somebody else, or run twice."""


@pytest.mark.parametrize(
    "block",
    [block for block in blocks("python") if block.page not in RUN_ELSEWHERE],
    ids=lambda block: block.name,
)
def test_the_dag_on_the_page(
    block: Block, encord: EncordEmulator, lake: Any, serve: Callable[[str, str], Any]
) -> None:
    started = {"logical_date": DAY_AFTER, **GIVEN.get(block.dag_id, given_nothing)()}
    state, states, returned = run(serve(block.dag_id, block.text), **started)
    assert set(states.values()) == {"success"}, states
    assert state == "success"
    globals()[f"check_{block.dag_id}"](returned)


def test_every_dag_has_a_name_of_its_own() -> None:
    names = [block.dag_id for block in blocks("python")]
    assert len(names) == len(set(names))
