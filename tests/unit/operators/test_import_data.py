"""What an import promises, seen from outside: Airflow's side and Encord's side of the same task."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import (
    EncordInputError,
    EncordPermanentError,
    EncordUnavailableError,
    UploadJobCancelledError,
    UploadJobFailedError,
    UploadJobTimeoutError,
)
from encord_provider.jobs import wait
from encord_provider.jobs.receipts import Receipt, Receipts
from tests.helpers.imports import ImportTask, read_failures, url, write_spec
from tests.helpers.kills import arm, die_before_reporting, step_named
from tests.helpers.versions import requires_airflow

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

Make = Callable[..., ImportTask]


def _comparable(value: dict[str, Any]) -> dict[str, Any]:
    """A returned value without what is new in every import: job ids and the folder of its receipts."""
    assert set(value) == {"status", "folder", "job_ids", "units", "items_added", "receipts", "failures"}
    return {**value, "job_ids": len(value["job_ids"]), "receipts": value["receipts"].rpartition("/")[0]}


ALL_SIX = dict.fromkeys(map(url, range(6)), 1)


def test_every_object_is_registered_once_and_the_summary_says_so(
    make: Make, deferrable: bool, memory: str
) -> None:
    task = make(deferrable=deferrable)
    assert task.finish() == "success"
    assert task.urls == ALL_SIX
    value = task.record.returned
    assert value["status"] == "done"
    assert value["units"] == {"total": 6, "done": 6, "failed": 0, "cancelled": 0, "pending": 0}
    assert value["items_added"] == 6
    assert value["failures"] is None
    assert sorted(value["job_ids"]) == sorted(job.uuid for job in task.jobs)
    assert [receipt["state"] for receipt in task.receipts()] == ["done"] * 3
    assert (memory == "task state store") == bool(task.record.store)


def test_the_value_is_the_same_fresh_deferred_rejoined_and_already_finished(
    make: Make, memory: str, encord_emulator: EncordEmulator
) -> None:
    def end(name: str, deferrable: bool, prepare: Callable[[ImportTask], None] | None) -> dict[str, Any]:
        encord_emulator.reset()
        task = make(name=name, deferrable=deferrable, retries=1)
        if prepare is not None:
            if name.startswith("rejoined"):
                # So that there is something to wait for.
                encord_emulator.inject_fault("job_stuck")
            task.kill(lambda: prepare(task))
            encord_emulator.clear_faults()
        assert task.finish() == "success"
        return {**_comparable(task.record.returned), "receipts": None, "folder": None}

    fresh = end("fresh", False, None)
    assert end("deferred", True, None) == fresh
    assert end("rejoined", False, lambda task: arm(step_named("before a wait"))) == fresh
    assert end("rejoined-deferred", True, lambda task: arm(step_named("before a deferral"))) == fresh
    assert end("finished", False, lambda task: die_before_reporting(task.record)) == fresh


def test_a_retry_of_a_worker_that_died_after_its_success_sends_nothing(make: Make, memory: str) -> None:
    task = make(retries=1, skips=False)
    task.kill(lambda: die_before_reporting(task.record))
    assert task.record.state == "up_for_retry"
    assert task.finish() == "success"
    assert len(task.sent) == 3
    assert task.urls == ALL_SIX


def test_clearing_a_successful_task_imports_again_and_finds_everything_there(
    make: Make, deferrable: bool, memory: str
) -> None:
    task = make(deferrable=deferrable, retries=1)
    assert task.finish() == "success"
    first = task.record.returned
    task.record.clear()
    assert task.finish() == "success"
    assert len(task.sent) == 6
    assert task.urls == ALL_SIX
    second = task.record.returned
    assert second["units"] == first["units"]
    assert second["items_added"] == 0
    assert not set(second["job_ids"]) & set(first["job_ids"])


def test_two_runs_of_the_same_day_at_once_register_every_object_once(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.change_settings(units_per_second=20)
    one, two = make(name="one", deferrable=True), make(name="two", deferrable=True)
    one.run()
    two.run()
    assert one.finish() == two.finish() == "success"
    assert one.urls == ALL_SIX
    assert one.record.returned["units"]["done"] == two.record.returned["units"]["done"] == 6


@pytest.mark.parametrize("fault", ["reset_after", "truncated_body"])
def test_a_lost_answer_to_the_start_call_doubles_nothing(
    fault: str, make: Make, deferrable: bool, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault(fault, route="start_upload_job", count=1)
    task = make(deferrable=deferrable)
    assert task.finish() == "success"
    assert len(task.jobs) == 4
    assert task.urls == ALL_SIX
    assert task.record.returned["units"]["done"] == 6


@pytest.mark.parametrize(
    "step", ["before a part is sent", "between the answer and storing the id", "before a receipt is written"]
)
def test_a_killed_worker_is_followed_by_one_that_goes_on(
    step: str, make: Make, encord_emulator: EncordEmulator, deferrable: bool, memory: str
) -> None:
    task = make(deferrable=deferrable, retries=1)
    if step == "before a receipt is written" and deferrable:
        encord_emulator.inject_fault("job_stuck")
        task.run()
        encord_emulator.clear_faults()

        asyncio.run(task.record.trigger())
    task.kill(lambda: arm(step_named(step), nth=2 if not deferrable else 1))
    assert task.finish() == "success"
    assert task.urls == ALL_SIX
    assert task.record.returned["units"]["done"] == 6


def test_an_import_that_died_half_way_goes_on_with_the_parts_that_are_not_done(
    make: Make, memory: str
) -> None:
    task = make(units=40, per_part=2, retries=1, max_active_jobs=1)
    task.kill(lambda: arm(step_named("before a receipt is written"), nth=11))
    sent_before = len(task.sent)
    assert sent_before == 11
    assert task.finish() == "success"
    # The eleventh job is rejoined, the ten before have receipts.
    assert task.sent[sent_before:] == [f"part-{number:05d}" for number in range(11, 20)]
    assert task.urls == dict.fromkeys(map(url, range(40)), 1)


def test_a_receipt_is_read_at_most_once_in_an_attempt(
    make: Make,
    deferrable: bool,
    memory: str,
    monkeypatch: pytest.MonkeyPatch,
    encord_emulator: EncordEmulator,
) -> None:
    reads: list[str] = []
    read = Receipts.read

    def counted(receipts: Receipts, part: str, sha256: str) -> Receipt | None:
        reads.append(part)
        return read(receipts, part, sha256)

    monkeypatch.setattr(Receipts, "read", counted)
    # So that every job is waited for.
    encord_emulator.change_settings(units_per_second=40)
    task = make(units=12, retries=1, deferrable=deferrable, max_active_jobs=1)
    task.run()
    while task.record.state == "deferred":
        asyncio.run(task.record.trigger())
        if len(task.receipts()) == 3:
            # The worker of this attempt dies, and what it had noted for the next one is lost.
            task.record.update(state="up_for_retry", next_method=None, next_kwargs=None)
            for note in (task.home / "workspace").rglob("known.json"):
                note.unlink()
            break
        task.run()
    assert reads == []
    assert task.finish() == "success"
    assert task.record.returned["units"]["done"] == 12
    assert len(reads) == len(set(reads)) == (6 if deferrable else 0)
    assert task.urls == dict.fromkeys(map(url, range(12)), 1)


def test_of_many_parts_with_failed_units_no_receipt_is_read_before_the_verdict(
    make: Make, monkeypatch: pytest.MonkeyPatch, encord_emulator: EncordEmulator
) -> None:
    reads: list[str] = []
    read = Receipts.read

    def counted(receipts: Receipts, part: str, sha256: str) -> Receipt | None:
        reads.append(part)
        return read(receipts, part, sha256)

    monkeypatch.setattr(Receipts, "read", counted)
    encord_emulator.inject_fault("unit_error", message="no such object")
    # So that every job is waited for.
    encord_emulator.change_settings(units_per_second=40)
    task = make(units=12, per_part=1, deferrable=True, max_active_jobs=1, max_failed_units=12)
    resumes = 0
    while task.record.state != "success":
        task.run()
        if task.record.state == "deferred":
            resumes += 1
            assert reads == []
            asyncio.run(task.record.trigger())
    assert resumes >= 4
    assert len(reads) <= 12
    assert len(read_failures(task.record.returned["failures"])) == 12


def test_without_durable_every_attempt_sends_everything(make: Make, deferrable: bool, memory: str) -> None:
    task = make(durable=False, deferrable=deferrable, retries=1)
    task.kill(lambda: arm(step_named("before a part is sent"), nth=3))
    assert len(task.sent) == 2
    assert task.finish() == "success"
    assert len(task.sent) == 5
    assert task.urls == ALL_SIX
    assert task.record.store == {}


def test_parts_that_failed_are_sent_again_by_a_retry_and_others_are_not(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool, memory: str
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(0), count=1)
    encord_emulator.inject_fault("unit_error", url=url(5), count=1)
    # One job at a time, so that a deferred retry comes back while a part that failed before still waits.
    task = make(retries=1, deferrable=deferrable, max_active_jobs=1)
    assert task.finish() == "success"
    assert task.sent == ["part-00000", "part-00001", "part-00002", "part-00000", "part-00002"]
    assert task.urls == ALL_SIX
    assert task.record.returned["failures"] is None
    assert task.record.returned["units"]["failed"] == 0


def test_failed_units_within_what_is_allowed_are_a_success_that_lists_them(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(1), message="no such object")
    encord_emulator.inject_fault("unit_error", url=url(4), message="403, really")
    task = make(max_failed_units=2, deferrable=deferrable)
    assert task.finish() == "success"
    value = task.record.returned
    assert value["status"] == "done_with_errors"
    assert value["units"] == {"total": 6, "done": 4, "failed": 2, "cancelled": 0, "pending": 0}
    rows = read_failures(value["failures"])
    assert [(row["part"], row["object_url"], row["reason"]) for row in rows] == [
        ("part-00000", url(1), "no such object"),
        ("part-00002", url(4), "403, really"),
    ]


def test_more_failed_units_than_allowed_fail_the_task_after_everything_else_was_registered(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    for number in (0, 1, 2):
        encord_emulator.inject_fault("unit_error", url=url(number), message="no such object")
    task = make(max_failed_units=2, deferrable=deferrable, max_active_jobs=1)
    result = task.run()
    while task.record.state == "deferred":
        asyncio.run(task.record.trigger())
        result = task.run()
    assert isinstance(result.error, UploadJobFailedError)
    assert task.urls == dict.fromkeys(map(url, (3, 4, 5)), 1)
    text = str(result.error)
    assert "3 of 6 data units failed (2 allowed); 3 are registered" in text
    assert f"{url(0)}: no such object" in text
    assert len(read_failures(text.rpartition("All of them: ")[2])) == 3


def test_without_ignoring_errors_a_failed_unit_ends_its_job_and_the_task(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(0), message="no such object")
    task = make(ignore_errors=False, max_failed_units=100, deferrable=deferrable, max_active_jobs=1)
    assert task.finish() == "failed"
    assert task.statuses == ["ERROR"]
    assert task.sent == ["part-00000"]


def test_a_job_that_is_gone_is_sent_again(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool, memory: str
) -> None:
    encord_emulator.inject_fault("status", route="poll_upload_job", status=404, count=1)
    task = make(deferrable=deferrable)
    assert task.finish() == "success"
    assert len(task.sent) == 4
    assert task.urls == ALL_SIX


def test_jobs_that_are_gone_again_and_again_are_given_up(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("status", route="poll_upload_job", status=404)
    task = make(deferrable=deferrable)
    assert task.finish() == "failed"
    assert len(task.sent) < 12


@pytest.mark.parametrize("cancel", [True, False])
def test_a_stuck_job_runs_out_of_time(
    cancel: bool, make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("job_stuck", skip=1, count=1)
    task = make(timeout=1.0, deferrable=deferrable, cancel_on_kill=cancel)
    began = time.monotonic()
    assert task.finish() == "failed"
    assert time.monotonic() - began < 15
    assert sorted(task.statuses) == sorted(["DONE", "CANCELLED" if cancel else "PENDING", "DONE"])
    assert len(task.receipts()) == (3 if cancel else 2)


def test_a_timeout_says_what_has_been_done_by_then(make: Make, encord_emulator: EncordEmulator) -> None:
    encord_emulator.inject_fault("job_stuck", skip=1, count=1)
    task = make(timeout=timedelta(seconds=1))
    result = task.run()
    assert isinstance(result.error, UploadJobTimeoutError)
    assert "4 of 6 data units are registered" in str(result.error)
    assert "were cancelled" in str(result.error)


def test_a_retry_after_a_timeout_sends_what_was_cancelled(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool, memory: str
) -> None:
    encord_emulator.inject_fault("job_stuck", skip=1, count=1)
    task = make(timeout=1.0, deferrable=deferrable, retries=1)
    assert task.finish() == "success"
    assert task.sent == ["part-00000", "part-00001", "part-00002", "part-00001"]
    assert task.urls == ALL_SIX


def test_execution_timeout_cancels_the_jobs_when_waiting_and_when_deferred(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(execution_timeout=timedelta(seconds=1.5), deferrable=deferrable)
    assert task.finish() == "failed"
    assert set(task.statuses) == {"CANCELLED"}
    assert [receipt["state"] for receipt in task.receipts()] == ["cancelled"] * 3


def test_a_job_cancelled_by_somebody_else_is_no_success_and_a_retry_imports_the_rest(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool, memory: str
) -> None:
    encord_emulator.inject_fault("job_cancelled", after_units=1, skip=1, count=1)
    task = make(deferrable=deferrable, retries=1)
    while task.record.state in ("scheduled", "deferred"):
        if task.record.state == "deferred":
            asyncio.run(task.record.trigger())
        else:
            result = task.record.run(task.operator())
    assert task.record.state == "up_for_retry"
    assert isinstance(result.error, UploadJobCancelledError)
    assert task.finish() == "success"
    assert task.urls == ALL_SIX


def test_transport_errors_are_ridden_out_on_the_whole_way(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    encord_emulator.inject_fault("status", status=503, probability=0.15)
    task = make(deferrable=deferrable)
    assert task.finish() == "success"
    assert task.urls == ALL_SIX


def test_the_retry_budget_is_set_in_the_connection(
    make: Make, encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = encord_emulator.connection_json()
    connection["extra"]["retry_seconds"] = 1
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(connection))
    task = make(retries=1)
    encord_emulator.inject_fault("status", route="poll_upload_job", status=502)
    began = time.monotonic()
    result = task.run()
    assert time.monotonic() - began < 15
    assert isinstance(result.error, EncordUnavailableError)
    assert "of 1 s. The connection's retry_seconds says how long to go on." in str(result.error)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refused_spec_fails_at_once_and_leaves_nothing_running(
    status: int, make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    task = make(retries=5, deferrable=deferrable, max_active_jobs=2)
    encord_emulator.inject_fault("job_stuck")
    encord_emulator.inject_fault("status", route="start_upload_job", skip=1, status=status)
    result = task.run()
    assert isinstance(result.error, EncordPermanentError)
    assert task.record.state == "failed"
    assert task.statuses == ["CANCELLED"]


@requires_airflow("3.3", "a store for the state of tasks")
def test_a_task_that_fails_in_its_last_try_leaves_nothing_running(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    task = make(retries=1)
    encord_emulator.inject_fault("job_stuck")
    # The journal cannot be kept any more.
    calls = 0

    def on_call(method: str, path: str) -> None:
        nonlocal calls
        if path.startswith("store/") and method == "PUT":
            calls += 1
            if calls > 4:
                raise OSError("the database is gone")

    task.record.on_call = on_call
    task.run()
    assert task.record.state == "up_for_retry"
    assert "PENDING" in task.statuses, "the retry rejoins it"
    calls = 0
    task.run()
    assert task.record.state == "failed"
    assert "PENDING" not in task.statuses


def test_not_waiting_starts_all_parts_and_returns_their_jobs(
    make: Make, encord_emulator: EncordEmulator, memory: str
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(wait_for_completion=False, max_active_jobs=1)
    assert task.finish() == "success"
    assert len(task.sent) == 3
    value = task.record.returned
    assert set(value) == {"folder", "job_ids"}
    assert value["job_ids"] == [job.uuid for job in task.jobs]


def test_no_more_jobs_than_allowed_are_under_way(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.change_settings(units_per_second=50)
    task = make(units=16, deferrable=deferrable, max_active_jobs=2)
    assert task.finish() == "success"
    spans = [(job.created_at, job.finished_at) for job in task.jobs]
    most = max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)
    assert most == 2
    assert len(spans) == 8


@pytest.mark.parametrize("cancel", [True, False])
def test_a_worker_that_is_told_to_end_cancels_its_jobs_and_keeps_what_they_had_done(
    cancel: bool, make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck", skip=1)
    task = make(cancel_on_kill=cancel, max_active_jobs=2)

    def end_while_waiting() -> None:
        wait_for_jobs = wait.wait_for_jobs

        async def wait_and_be_killed(*args: Any, **kwargs: Any) -> Any:
            threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
            if not cancel:
                threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
            return await wait_for_jobs(*args, **kwargs)

        wait.wait_for_jobs = wait_and_be_killed

    ended_by = task.record.run_in_worker(task.operator, prepare=end_while_waiting)
    assert task.record.state == "failed"
    if cancel:
        assert ended_by == 0, "Airflow hears of it"
        assert sorted(set(task.statuses)) == ["CANCELLED", "DONE"]
        assert sorted({receipt["state"] for receipt in task.receipts()}) == ["cancelled", "done"]
        assert list((task.home / "workspace").rglob("summary.json"))
    else:
        assert "CANCELLED" not in task.statuses
    assert len(task.sent) <= 3


def test_a_job_that_is_being_started_when_the_time_is_over_is_cancelled(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    encord_emulator.inject_fault("delay", route="start_upload_job", skip=1, seconds=1.5)
    task = make(execution_timeout=timedelta(seconds=1), max_active_jobs=2)
    task.run()
    assert task.record.state == "failed"
    assert task.statuses == ["CANCELLED", "CANCELLED"]


def test_a_changed_folder_starts_anew(make: Make, encord_emulator: EncordEmulator, memory: str) -> None:
    encord_emulator.inject_fault("unit_error", url=url(5), count=1)
    task = make(retries=1)
    task.run()
    assert task.record.state == "up_for_retry"
    assert task.finish(folder="lake/other") == "success"
    assert len(task.sent) == 6
    assert task.urls == {url(number): 2 if number < 5 else 1 for number in range(6)}


def test_a_folder_that_was_renamed_while_deferred_is_the_same_folder(
    make: Make, encord_emulator: EncordEmulator
) -> None:

    encord_emulator.inject_fault("job_stuck")
    task = make(deferrable=True)
    task.run()
    encord_emulator.clear_faults()
    folder = encord_emulator.call(lambda store: next(iter(store.jobs.all())).folder)
    encord_emulator.call(lambda store: setattr(folder, "name", "renamed"))
    asyncio.run(task.record.trigger())
    assert task.finish() == "success"
    assert task.record.returned["folder"] == folder.uuid


def test_a_spec_that_changed_between_attempts_does_not_wait_for_parts_that_are_gone(
    make: Make, encord_emulator: EncordEmulator, tmp_path: Path, memory: str
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(retries=1)
    task.kill(lambda: arm(step_named("before a wait")))
    encord_emulator.clear_faults()
    other = write_spec(tmp_path / "other", 3, per_part=3)
    assert task.finish(spec=other) == "success"
    assert task.record.returned["units"]["total"] == 3
    assert task.urls == ALL_SIX


@pytest.mark.parametrize("number", [0, -1])
def test_a_number_of_jobs_that_makes_no_sense_is_refused_when_the_dag_is_read(
    number: int, make: Make
) -> None:
    with pytest.raises(EncordInputError, match="max_active_jobs must be at least 1"):
        make().operator(max_active_jobs=number)


def test_an_event_that_is_none_of_ours_fails_and_keeps_the_jobs(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(deferrable=True, retries=1)
    task.run()
    task.record.resume({"status": "all good"})
    task.record.run(task.operator())
    assert task.record.state == "up_for_retry"
    encord_emulator.clear_faults()
    assert task.finish() == "success"
    assert len(task.sent) == 3, "the retry rejoined them"


def test_short_jobs_are_awaited_without_a_deferral(make: Make, memory: str) -> None:
    task = make(deferrable=True, patience=10.0)
    task.run()
    assert task.record.state == "success"
    assert task.urls == ALL_SIX


def test_a_job_that_takes_longer_is_awaited_in_the_triggerer(
    make: Make, encord_emulator: EncordEmulator, memory: str
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(deferrable=True, patience=0.5)
    began = time.monotonic()
    task.run()
    assert task.record.state == "deferred"
    assert time.monotonic() - began >= 0.5
    encord_emulator.clear_faults()
    assert task.finish() == "success"
    assert task.urls == ALL_SIX


@pytest.mark.parametrize("allowed", ["many", "-1", -1, 1.5, True, ["1"]])
def test_a_number_of_failed_units_that_is_none_is_refused_before_anything_is_sent(
    make: Make, allowed: Any
) -> None:
    task = make(max_failed_units=allowed)
    assert task.finish() == "failed"
    assert task.sent == []


@pytest.mark.parametrize("allowed", ["1", 1, "", None, "None"])
def test_a_number_of_failed_units_may_be_the_text_of_a_template(make: Make, allowed: Any) -> None:
    assert make(max_failed_units=allowed).finish() == "success"
