"""The trigger: what Airflow stores of it, what it reports, and what a user's kill does."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.module_loading import import_string

from encord_provider.exceptions import (
    EncordError,
    EncordPermanentError,
    EncordRequestError,
    EncordUnavailableError,
)
from encord_provider.triggers.upload_job import EncordUploadJobTrigger, UploadJobEvent
from tests.helpers.airflow_task import deserialize, serialize
from tests.helpers.imports import ImportTask

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


@pytest.fixture
def task(encord_emulator: EncordEmulator, tmp_path: Path) -> ImportTask:
    """An import of three parts that has deferred, with its jobs stuck."""
    encord_emulator.inject_fault("job_stuck")
    task = ImportTask(encord_emulator, tmp_path, deferrable=True)
    task.run()
    assert task.record.state == "deferred"
    return task


def _trigger(task: ImportTask, **changes: Any) -> EncordUploadJobTrigger:
    _, arguments = task.record.make_trigger().serialize()
    return EncordUploadJobTrigger(**{**arguments, **changes})


async def _event(trigger: EncordUploadJobTrigger) -> UploadJobEvent:
    event = await asyncio.wait_for(anext(trigger.run()), 20)
    json.dumps(event.payload)
    return UploadJobEvent.from_payload(event.payload)


def test_it_is_stored_as_json_without_secrets_and_comes_back_the_same(
    task: ImportTask, encord_emulator: EncordEmulator
) -> None:
    trigger = _trigger(task, deadline=12.5)
    path, arguments = trigger.serialize()
    stored = json.dumps(serialize(arguments))
    assert encord_emulator.private_key.splitlines()[2] not in stored
    again = import_string(path)(**deserialize(json.loads(stored)))
    assert again.serialize() == (path, arguments)
    assert arguments["deadline"] == 12.5


async def test_it_reports_the_first_job_that_ends_or_all(
    task: ImportTask, encord_emulator: EncordEmulator
) -> None:
    jobs = [job.uuid for job in task.jobs]
    encord_emulator.call(lambda store: store.jobs.get(jobs[1]).cancel(store.clock.now()))
    seen = await _event(_trigger(task, until="any"))
    assert (seen.status, seen.jobs) == ("finished", {jobs[1]: "cancelled"})
    encord_emulator.clear_faults()
    seen = await _event(_trigger(task, until="all"))
    assert seen.jobs == {jobs[0]: "done", jobs[1]: "cancelled", jobs[2]: "done"}


async def test_it_may_be_started_anew_and_twice(task: ImportTask, encord_emulator: EncordEmulator) -> None:
    first = asyncio.create_task(_event(_trigger(task)))
    await asyncio.sleep(0.2)
    first.cancel()
    both = [asyncio.create_task(_event(_trigger(task))) for _ in range(2)]
    await asyncio.sleep(0.2)
    encord_emulator.clear_faults()
    one, two = await asyncio.gather(*both)
    assert one == two
    assert task.statuses == ["DONE"] * 3


async def test_the_deadline_is_the_same_after_a_restart(task: ImportTask) -> None:
    deadline = time.time() + 0.5
    seen = await _event(_trigger(task, deadline=deadline))
    assert (seen.status, seen.deadline) == ("timeout", deadline)
    assert (await _event(_trigger(task, deadline=deadline))).status == "timeout"


async def test_a_clock_that_is_behind_does_not_make_the_wait_longer(task: ImportTask) -> None:
    ahead = time.time() + 600
    seen = await _event(_trigger(task, deadline=ahead, seconds=0.5))
    assert (seen.status, seen.deadline) == ("timeout", ahead)


@pytest.mark.parametrize(
    ("status", "raised", "gone"),
    [(401, EncordRequestError, False), (403, EncordRequestError, False), (404, EncordRequestError, True)],
)
async def test_a_refused_poll_is_reported_with_its_status(
    status: int, raised: type[EncordError], gone: bool, task: ImportTask, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("status", route="poll_upload_job", status=status)
    seen = await _event(_trigger(task))
    assert (seen.status, seen.http_status, seen.is_gone) == ("refused", status, gone)
    with pytest.raises(raised):
        seen.raise_for_status()


async def test_an_encord_out_of_reach_is_reported_as_such(
    task: ImportTask, encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = encord_emulator.connection_json()
    connection["extra"]["retry_seconds"] = 0.3
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(connection))
    encord_emulator.inject_fault("status", route="poll_upload_job", status=503)
    seen = await _event(_trigger(task))
    assert seen.status == "unreachable"
    with pytest.raises(EncordUnavailableError, match="503"):
        seen.raise_for_status()


async def test_a_connection_that_cannot_be_used_is_an_error_for_good(
    task: ImportTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", '{"conn_type": "encord"}')
    seen = await _event(_trigger(task))
    assert (seen.status, seen.permanent) == ("refused", True)
    with pytest.raises(EncordPermanentError, match="exactly one of"):
        seen.raise_for_status()


@pytest.mark.parametrize(
    "payload", [None, "finished", {}, {"status": "all good"}, {"status": "finished", "x": 1}]
)
def test_an_event_of_somebody_else_is_not_believed(payload: Any) -> None:
    with pytest.raises(EncordError, match="no usable event"):
        UploadJobEvent.from_payload(payload)


async def test_a_users_kill_cancels_every_job_and_keeps_what_they_had_done(
    task: ImportTask, encord_emulator: EncordEmulator
) -> None:
    # One that cannot be cancelled does not keep the others from it.
    first = task.jobs[0].uuid
    encord_emulator.inject_fault("status", route="cancel_upload_job", path=f"*{first}*", status=403)
    await asyncio.wait_for(_trigger(task).on_kill(), 25)
    assert task.statuses == ["PENDING", "CANCELLED", "CANCELLED"]
    assert [receipt["state"] for receipt in task.receipts()] == ["cancelled", "cancelled"]


async def test_a_users_kill_is_over_before_airflow_loses_patience(
    task: ImportTask, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("status", route="cancel_upload_job", status=503)
    began = time.monotonic()
    await _trigger(task).on_kill()
    assert time.monotonic() - began < 25


async def test_a_users_kill_leaves_the_jobs_alone_where_that_is_wanted(task: ImportTask) -> None:
    await _trigger(task, cancel_on_kill=False).on_kill()
    assert task.statuses == ["PENDING"] * 3
