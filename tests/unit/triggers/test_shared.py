"""What the triggers of one connection share: who has which session, when it is open, and when it is closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.hooks.encord import EncordHook
from encord_provider.triggers import shared as sharing
from encord_provider.triggers.shared import Shared, shared_api
from encord_provider.triggers.upload_job import EncordUploadJobTrigger, UploadJobEvent
from tests.helpers.imports import ImportTask

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


@pytest.fixture
def task(encord_emulator: EncordEmulator, tmp_path: Path) -> ImportTask:
    """An import of twelve parts that has deferred, with its jobs stuck."""
    encord_emulator.inject_fault("job_stuck")
    task = ImportTask(encord_emulator, tmp_path, units=12, per_part=1, deferrable=True, max_active_jobs=12)
    task.run()
    assert len(task.jobs) == 12
    return task


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The clients that were made."""
    made: list[Any] = []
    make = EncordHook.async_api

    def noted(hook: EncordHook) -> Any:
        made.append(make(hook))
        return made[-1]

    monkeypatch.setattr(EncordHook, "async_api", noted)
    return made


def trigger_of(task: ImportTask, job: str, **changes: Any) -> EncordUploadJobTrigger:
    _, arguments = task.record.make_trigger().serialize()
    return EncordUploadJobTrigger(**{**arguments, "job_ids": [job], **changes})


async def event_of(trigger: EncordUploadJobTrigger) -> UploadJobEvent:
    event = await asyncio.wait_for(anext(trigger.run()), 60)
    return UploadJobEvent.from_payload(event.payload)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def open_now() -> list[Shared]:
    there = sharing._LOOPS.get(asyncio.get_running_loop())
    return list(there.open.values()) if there else []


async def test_triggers_of_one_connection_share_a_session_which_the_last_one_closes(
    task: ImportTask, encord_emulator: EncordEmulator, opened: list[Any]
) -> None:
    waits = [asyncio.create_task(event_of(trigger_of(task, job.uuid))) for job in task.jobs]
    await until(lambda: bool(open_now()) and open_now()[0].users == 12)
    assert len(opened) == 1
    session = opened[0]._session
    # A trigger that is cancelled leaves the others what they share.
    waits[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits[0]
    assert open_now()[0].users == 11
    assert not session.closed
    encord_emulator.clear_faults()
    assert {event.status for event in await asyncio.gather(*waits[1:])} == {"finished"}
    assert open_now() == []
    assert session.closed


async def test_a_trigger_that_starts_when_the_last_one_has_ended_opens_another(
    task: ImportTask, encord_emulator: EncordEmulator, opened: list[Any]
) -> None:
    encord_emulator.clear_faults()
    for job in task.jobs[:2]:
        assert (await event_of(trigger_of(task, job.uuid))).status == "finished"
    assert len(opened) == 2
    assert all(api._session is None for api in opened)


async def test_other_credentials_have_a_session_of_their_own(
    task: ImportTask, encord_emulator: EncordEmulator, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = encord_emulator.connection_json()
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_SAME", json.dumps(connection))
    token = {"domain": connection["extra"]["domain"], "bearer_token": "somebody-elses-token"}
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_OTHER", json.dumps({"conn_type": "encord", "extra": token}))
    job = task.jobs[0].uuid
    async with shared_api(EncordHook()) as one, shared_api(EncordHook(encord_conn_id="encord_same")) as same:
        assert one is same
        # Nothing of it is signed by the key of the other.
        event = await event_of(trigger_of(task, job, encord_conn_id="encord_other"))
        assert (event.status, event.http_status) == ("refused", 401)
        assert one.users == 2
    assert len(opened) == 2
    assert open_now() == []


async def test_triggers_that_start_together_read_the_connection_once(
    task: ImportTask, encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    get = EncordHook.get_connection

    def noted(conn_id: str) -> Any:
        read.append(conn_id)
        return get(conn_id)

    monkeypatch.setattr(EncordHook, "get_connection", staticmethod(noted))
    waits = [asyncio.create_task(event_of(trigger_of(task, job.uuid))) for job in task.jobs]
    await asyncio.sleep(0)
    waits[0].cancel()
    encord_emulator.clear_faults()
    assert {event.status for event in await asyncio.gather(*waits[1:])} == {"finished"}
    assert read == ["encord_default"]
    assert (await event_of(trigger_of(task, task.jobs[0].uuid))).status == "finished"
    assert len(read) == 2


async def test_a_connection_that_cannot_be_used_is_said_to_every_trigger(
    task: ImportTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", '{"conn_type": "encord"}')
    events = await asyncio.gather(*(event_of(trigger_of(task, job.uuid)) for job in task.jobs[:3]))
    assert {(event.status, event.permanent) for event in events} == {("refused", True)}
    assert open_now() == []


async def test_a_connection_that_was_changed_is_another_one(
    task: ImportTask, encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shared_api(EncordHook()) as before:
        connection = encord_emulator.connection_json()
        connection["extra"]["retry_seconds"] = 5
        monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(connection))
        async with shared_api(EncordHook()) as after:
            assert after is not before


def test_each_event_loop_has_its_own_and_one_that_ends_leaves_nothing_open(
    encord_emulator: EncordEmulator, opened: list[Any]
) -> None:
    async def use(seconds: float) -> None:
        async with shared_api(EncordHook()):
            await asyncio.sleep(seconds)

    async def begin_and_end() -> None:
        left = asyncio.create_task(use(3600))
        await until(lambda: bool(open_now()))
        assert not left.done()

    before = len(sharing._LOOPS)
    # What is still at work when a loop ends is cancelled by it.
    asyncio.run(begin_and_end())
    asyncio.run(use(0))
    assert len(opened) == 2
    assert all(api._session is None for api in opened)
    assert len(sharing._LOOPS) == before


async def test_no_answer_is_held_while_many_jobs_are_waited_for(
    task: ImportTask, encord_emulator: EncordEmulator
) -> None:
    def held() -> list[bool]:
        polls = encord_emulator.requests("poll_upload_job")
        return [not str(one["target"]).endswith("timeoutSeconds=0") for one in polls]

    jobs = [job.uuid for job in task.jobs]
    waits = [asyncio.create_task(event_of(trigger_of(task, job))) for job in jobs]
    await until(lambda: len(set(held())) == 1 and len(held()) > 30)
    assert not any(held())
    for one in waits[2:]:
        one.cancel()
    await until(lambda: any(held()))
    for one in waits[:2]:
        one.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
