"""However an import ends, it leaves nothing running that it knows of, and says what is true."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import EncordError, UploadJobFailedError, UploadJobTimeoutError
from encord_provider.hooks.encord import EncordHook
from encord_provider.jobs.cancel import Cause
from tests.helpers.imports import ImportTask, read_failures, url, write_spec
from tests.helpers.versions import requires_airflow

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

Make = Callable[..., ImportTask]


@pytest.fixture
def deferred(make: Make, encord_emulator: EncordEmulator) -> ImportTask:
    """An import without retries that has deferred, with its three jobs stuck."""
    encord_emulator.inject_fault("job_stuck")
    task = make(deferrable=True)
    task.run()
    assert task.record.state == "deferred"
    return task


def _event(task: ImportTask, **changes: Any) -> dict[str, Any]:
    jobs = [job.uuid for job in task.jobs]
    event = {"status": "finished", "pending": jobs, "folder": task.jobs[0].folder.uuid, "deadline": None}
    return {**event, **changes}


def _spec_is_gone(task: ImportTask) -> None:
    shutil.rmtree(task.home / "spec")


@pytest.mark.parametrize(
    "event",
    [
        {"status": "all good"},
        {"status": "finished", "deadline": "soon"},
        {"status": "finished", "jobs": 3},
        None,
    ],
)
def test_a_garbled_event_ends_a_task_without_retries_and_its_jobs(event: Any, deferred: ImportTask) -> None:
    deferred.record.resume(event)
    deferred.record.run(deferred.operator())
    assert deferred.record.state == "failed"
    assert set(deferred.statuses) == {"CANCELLED"}


def test_a_spec_that_is_gone_when_the_task_comes_back_ends_its_jobs(deferred: ImportTask) -> None:
    _spec_is_gone(deferred)
    deferred.record.resume(_event(deferred))
    deferred.record.run(deferred.operator())
    assert deferred.record.state == "failed"
    assert set(deferred.statuses) == {"CANCELLED"}


@requires_airflow("3.3", "the task state store")
def test_a_journal_that_is_gone_when_the_task_comes_back_ends_the_jobs_that_the_event_names(
    deferred: ImportTask,
) -> None:
    deferred.record.update(store={})
    deferred.record.resume(_event(deferred))
    deferred.record.run(deferred.operator())
    assert deferred.record.state == "failed"
    assert set(deferred.statuses) == {"CANCELLED"}


@pytest.mark.parametrize("why", ["the spec is gone", "the integration was renamed", "the folder is gone"])
def test_a_retry_that_cannot_go_on_ends_what_the_last_attempt_has_left(
    why: str, make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(retries=1, deferrable=True)
    task.run()
    task.record.update(state="up_for_retry", next_method=None, next_kwargs=None)
    changes: dict[str, Any] = {}
    if why == "the spec is gone":
        _spec_is_gone(task)
    elif why == "the integration was renamed":
        changes = {"integration": "AWS S4"}
    else:
        changes = {"folder": "lake/nightly", "create_folder": False}
    task.run(**changes)
    assert task.record.state == "failed"
    assert set(task.statuses) == {"CANCELLED"}


def test_a_task_that_is_told_to_end_before_it_knows_its_import_starts_nothing(
    make: Make, encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make()
    find = EncordHook.find_folder

    def killed_meanwhile(hook: EncordHook, folder: str, *, create: bool = False) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return find(hook, folder, create=create)

    monkeypatch.setattr(EncordHook, "find_folder", killed_meanwhile)
    task.record.run_in_worker(task.operator)
    assert task.record.state == "failed"
    assert task.sent == []


def test_a_retry_that_is_told_to_end_before_it_knows_its_import_ends_what_was_left(
    make: Make, encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(retries=1, deferrable=True)
    task.run()
    task.record.update(state="up_for_retry", next_method=None, next_kwargs=None)
    operator = task.operator()
    operator.on_kill()
    task.record.begin()
    task.record.run(operator)
    assert set(task.statuses) == {"CANCELLED"}
    assert len(task.sent) == 3


def test_of_two_hundred_jobs_none_is_left_running_by_a_kill(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(units=200, per_part=1, max_active_jobs=200)

    def kill() -> None:
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()

    from encord_provider.jobs import wait

    waits = wait.wait_for_jobs

    def prepare() -> None:
        async def wait_and_be_killed(*args: Any, **kwargs: Any) -> Any:
            kill()
            return await waits(*args, **kwargs)

        wait.wait_for_jobs = wait_and_be_killed

    task.record.run_in_worker(task.operator, prepare=prepare)
    assert task.statuses.count("PENDING") == 0


def test_what_could_not_be_cancelled_is_said(make: Make, encord_emulator: EncordEmulator) -> None:
    encord_emulator.inject_fault("job_stuck")
    encord_emulator.inject_fault("status", route="cancel_upload_job", status=503)
    task = make(timeout=1.0, units=2)
    result = task.run()
    assert isinstance(result.error, UploadJobTimeoutError)
    assert "were cancelled" not in str(result.error)
    assert task.jobs[0].uuid in str(result.error)


@requires_airflow("3.3", "the task state store")
def test_a_job_that_cannot_be_remembered_is_not_left_running(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(retries=1, units=2)
    stores = 0

    def on_call(method: str, path: str) -> None:
        nonlocal stores
        if path.startswith("store/") and method == "PUT":
            stores += 1
            if task.sent:
                raise OSError("the database is gone")

    task.record.on_call = on_call
    task.run()
    assert stores >= 2
    assert task.statuses == ["CANCELLED"]


def test_a_spec_that_is_replaced_during_the_last_wait_is_no_success_and_a_retry_imports_it(
    make: Make, encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    task = make(retries=1)
    encord_emulator.inject_fault("job_stuck")

    def replace() -> None:
        while len(task.sent) < 3:
            time.sleep(0.01)
        write_spec(tmp_path / "spec", 8, per_part=2)
        encord_emulator.clear_faults()

    threading.Thread(target=replace).start()
    result = task.run()
    assert isinstance(result.error, EncordError)
    assert "replaced" in str(result.error)
    assert task.finish() == "success"
    assert task.urls == dict.fromkeys(map(url, range(8)), 1)
    assert len(task.sent) == 4


def test_where_a_job_in_error_drops_everything_every_object_stands_in_the_list(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(3), message="no such object")
    task = make(ignore_errors=False, deferrable=deferrable, max_active_jobs=1, units=8, per_part=3)
    result = task.run()
    while task.record.state == "deferred":
        asyncio.run(task.record.trigger())
        result = task.run()
    assert isinstance(result.error, UploadJobFailedError)
    text = str(result.error)
    assert "3 are registered" in text
    rows = read_failures(text.rpartition("All of them: ")[2])
    assert task.urls == dict.fromkeys(map(url, range(3)), 1)
    assert sorted(row["object_url"] for row in rows) == [url(number) for number in range(3, 8)]
    reasons = {row["object_url"]: row["reason"] for row in rows}
    assert reasons[url(3)] == "no such object"
    assert "not sent" in reasons[url(6)]


def test_a_triggerer_whose_clock_is_ahead_ends_nothing(make: Make, encord_emulator: EncordEmulator) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(deferrable=True, timeout=60)
    task.run()
    task.record.resume(_event(task, status="timeout", deadline=time.time() + 50))
    threading.Timer(0.5, encord_emulator.clear_faults).start()
    task.record.run(task.operator())
    assert task.record.state == "success"
    assert set(task.statuses) == {"DONE"}


def _said(caplog: pytest.LogCaptureFixture, cause: Cause) -> str:
    """The one line that says how many jobs were cancelled and why."""
    (line,) = (one for one in caplog.messages if "upload jobs were cancelled" in one)
    assert str(cause) in line
    return line


def test_the_log_says_that_a_task_out_of_time_has_cancelled_its_jobs(
    make: Make, encord_emulator: EncordEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    encord_emulator.inject_fault("job_stuck")
    # Long enough for the import of the SDK.
    result = make(timeout=5.0).run()
    assert _said(caplog, Cause.OUT_OF_TIME).startswith("3 of 3")
    assert "/receipts" in str(result.error)


def test_the_log_says_that_a_task_that_failed_has_cancelled_its_jobs(
    make: Make, encord_emulator: EncordEmulator, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    encord_emulator.inject_fault("job_stuck")
    encord_emulator.inject_fault("status", route="start_upload_job", status=403, skip=2)
    task = make()
    task.run()
    assert task.record.state == "failed"
    assert _said(caplog, Cause.FAILED).startswith("2 of 2")
    (line,) = (one for one in capsys.readouterr().out.splitlines() if "The attempt has failed" in one)
    assert "/receipts" in line


def test_the_log_says_that_a_killed_task_has_cancelled_its_jobs_and_where_to_read_on(
    make: Make, encord_emulator: EncordEmulator, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    from encord_provider.jobs import wait

    encord_emulator.inject_fault("job_stuck")
    task = make()
    operator = task.operator()
    waits = wait.wait_for_jobs

    async def told_to_end_meanwhile(*args: Any, **kwargs: Any) -> Any:
        running[0].on_kill()
        return await waits(*args, **kwargs)

    monkeypatch.setattr(wait, "wait_for_jobs", told_to_end_meanwhile)
    running: list[Any] = []
    begin = type(operator)._import

    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        running.append(self)
        return begin(self, *args, **kwargs)

    monkeypatch.setattr(type(operator), "_import", noted)
    task.record.begin()
    task.record.run(operator)
    assert set(task.statuses) == {"CANCELLED"}
    assert _said(caplog, Cause.KILLED).startswith("3 of 3")
    (receipts,) = (one for one in caplog.messages if "what not" in one)
    folder = Path(receipts.rpartition("file://")[2])
    assert (folder / "summary.json").exists()


def test_the_log_says_that_a_user_has_cancelled_the_jobs_of_a_waiting_task(
    deferred: ImportTask, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(deferred.record.make_trigger().on_kill())
    assert _said(caplog, Cause.ENDED_BY_USER).startswith("3 of 3")
    (receipts,) = (one for one in caplog.messages if "had registered" in one)
    assert list(Path(receipts.rpartition("file://")[2]).rglob("part-*.json"))


def test_the_log_does_not_say_that_jobs_were_cancelled_that_were_not(
    deferred: ImportTask, encord_emulator: EncordEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    first = deferred.jobs[0].uuid
    encord_emulator.inject_fault("status", route="cancel_upload_job", path=f"*{first}*", status=403)
    asyncio.run(deferred.record.make_trigger().on_kill())
    assert _said(caplog, Cause.ENDED_BY_USER).startswith("2 of 3")
