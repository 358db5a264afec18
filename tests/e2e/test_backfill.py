"""A backfill of the bundled DAG over three days, two runs at a time, through the real scheduler and triggerer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from demo.bucket import DAYS, PlannedFile, expected_items
from demo.readback import changes, differences
from demo.services import DAG_ID
from tests.e2e.conftest import FIVE_DAYS, Backfill, Stack


def _logical_day(run: dict[str, Any]) -> date:
    return datetime.fromisoformat(run["logical_date"]).date()


def _most_at_once(runs: Sequence[dict[str, Any]]) -> int:
    spans = [
        (datetime.fromisoformat(run["start_date"]), datetime.fromisoformat(run["end_date"])) for run in runs
    ]
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def _returned(stack: Stack, run: dict[str, Any], task: str) -> Any:
    path = f"dags/{DAG_ID}/dagRuns/{run['dag_run_id']}/taskInstances/{task}/xcomEntries/return_value"
    return stack.airflow.call("GET", path, params={"deserialize": "true"})["value"]


def _task_id(stack: Stack, name: str) -> str:
    tasks = stack.airflow.call("GET", f"dags/{DAG_ID}/tasks")["tasks"]
    (task_id,) = [task["task_id"] for task in tasks if task["task_id"].rpartition(".")[2] == name]
    return str(task_id)


def test_every_day_of_the_backfill_succeeds_two_at_a_time(first_backfill: Backfill) -> None:
    assert [(_logical_day(run), run["state"]) for run in first_backfill.runs] == [
        (day, "success") for day in DAYS
    ]
    assert _most_at_once(first_backfill.runs) == 2


def test_the_folder_holds_every_object_once_with_its_metadata(
    first_backfill: Backfill, files: list[PlannedFile]
) -> None:
    assert list(differences(expected_items(files), first_backfill.items)) == []


def test_each_run_imports_its_own_day_only(
    stack: Stack, first_backfill: Backfill, files: list[PlannedFile]
) -> None:
    expected = Counter(item.day for item in expected_items(files))
    skipped = Counter(file.day for file in files if file.kind is None)
    build_spec = _task_id(stack, "build_spec")
    for run in first_backfill.runs:
        spec = _returned(stack, run, build_spec)
        day = _logical_day(run)
        assert (sum(spec["counts"].values()), spec["skipped"]) == (expected[day], skipped[day])


def test_the_import_waits_in_the_triggerer(stack: Stack, first_backfill: Backfill) -> None:
    import_data = _task_id(stack, "import_data")
    for run in first_backfill.runs:
        path = f"dags/{DAG_ID}/dagRuns/{run['dag_run_id']}/taskInstances/{import_data}/logs/1"
        log = str(stack.airflow.call("GET", path, headers={"Accept": "application/json"})["content"])
        assert "DEFERRED" in log


def test_a_second_backfill_runs_every_day_again_and_changes_nothing(
    first_backfill: Backfill, second_backfill: Backfill
) -> None:
    assert [(_logical_day(run), run["state"]) for run in second_backfill.runs] == [
        (day, "success") for day in FIVE_DAYS
    ]
    for before, after in zip(first_backfill.runs, second_backfill.runs, strict=False):
        assert after["start_date"] > before["end_date"], "the run was not repeated"
    assert list(changes(first_backfill.items, second_backfill.items)) == []


@pytest.mark.usefixtures("first_backfill")  # which lets the DAG run, and so its schedule
def test_the_scheduled_run_of_a_day_without_objects_is_skipped_and_says_so(stack: Stack) -> None:
    def finished() -> Any:
        listed = stack.airflow.call("GET", f"dags/{DAG_ID}/dagRuns", params={"run_type": "scheduled"})[
            "dag_runs"
        ]
        return [run for run in listed if run["state"] in ("success", "failed")]

    (run,) = stack.airflow.wait_for(finished, "the scheduled run of yesterday", seconds=60)
    path = f"dags/{DAG_ID}/dagRuns/{run['dag_run_id']}/taskInstances"
    states = {
        ti["task_id"].rpartition(".")[2]: ti["state"]
        for ti in stack.airflow.call("GET", path)["task_instances"]
    }
    assert run["state"] == "success"
    assert states == {
        "set_schema": "success",
        "build_spec": "skipped",
        "import_data": "skipped",
        "patch_metadata": "skipped",
    }
    log = stack.airflow.call(
        "GET", f"{path}/{_task_id(stack, 'build_spec')}/logs/1", headers={"Accept": "application/json"}
    )
    assert "There are no objects in bucket" in str(log["content"])
