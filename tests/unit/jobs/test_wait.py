"""The one wait for upload jobs."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import pytest

from encord_provider.api.async_client import AsyncEncordApi
from encord_provider.api.calls import cancel_upload_job, start_upload_job
from encord_provider.api.retry import RetryBudget
from encord_provider.api.upload_job import JobState, UnitCounts, UploadJob
from encord_provider.exceptions import EncordNotFoundError, EncordPermissionError
from encord_provider.jobs import wait as wait_module
from encord_provider.jobs.next_step import WaitUntil
from encord_provider.jobs.wait import Pace, Progress, WaitEnd, finished_states, wait_for_jobs
from tests.helpers.api import BUDGET, upload_request, user_config

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


@pytest.fixture
async def on_loop(encord_emulator: EncordEmulator) -> AsyncIterator[AsyncEncordApi]:
    async with AsyncEncordApi(user_config=user_config(encord_emulator), budget=BUDGET) as api:
        yield api


async def _start(api: AsyncEncordApi, folder: str, *names: str) -> str:
    return await api.perform(start_upload_job(upload_request(folder, list(names))))


async def test_all_jobs_are_waited_for(
    on_loop: AsyncEncordApi, folder: str, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.change_settings(units_per_second=20)
    jobs = [await _start(on_loop, folder, "a"), await _start(on_loop, folder, *"bcdefgh")]
    result = await wait_for_jobs(on_loop, folder=folder, job_ids=jobs)
    assert result.end is WaitEnd.FINISHED
    assert finished_states(result.jobs) == dict.fromkeys(jobs, JobState.DONE)


async def test_a_job_that_ends_is_seen_while_others_are_held(
    on_loop: AsyncEncordApi, folder: str, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck", count=1)
    stuck = await _start(on_loop, folder, "a")
    quick = await _start(on_loop, folder, "b")
    began = time.monotonic()
    result = await wait_for_jobs(on_loop, folder=folder, job_ids=[quick, stuck], until=WaitUntil.ANY)
    assert time.monotonic() - began < 5
    assert finished_states(result.jobs) == {quick: JobState.DONE}


async def test_many_jobs_are_not_all_held(
    on_loop: AsyncEncordApi, folder: str, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck", count=9)
    jobs = [await _start(on_loop, folder, str(number)) for number in range(9)]
    result = await wait_for_jobs(on_loop, folder=folder, job_ids=jobs, deadline=time.time() + 2.5)
    assert result.end is WaitEnd.TIMEOUT
    held = [
        entry
        for entry in encord_emulator.requests("poll_upload_job")
        if "timeoutSeconds=0" not in entry["target"]
    ]
    assert held == []
    assert len(encord_emulator.requests("poll_upload_job")) >= 18


async def test_the_deadline_ends_a_wait_in_the_middle_of_a_held_poll(
    on_loop: AsyncEncordApi, folder: str, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    job = await _start(on_loop, folder, "a")
    began = time.monotonic()
    result = await wait_for_jobs(on_loop, folder=folder, job_ids=[job], deadline=time.time() + 0.5)
    assert 0.4 < time.monotonic() - began < 3
    assert result.end is WaitEnd.TIMEOUT
    assert result.jobs[job].state is JobState.PENDING


async def test_a_poll_that_fails_is_no_job_that_fails(
    on_loop: AsyncEncordApi, folder: str, encord_emulator: EncordEmulator
) -> None:
    job = await _start(on_loop, folder, "a")
    encord_emulator.inject_fault("status", route="poll_upload_job", status=502, count=12)
    result = await wait_for_jobs(on_loop, folder=folder, job_ids=[job])
    assert finished_states(result.jobs) == {job: JobState.DONE}
    assert len(encord_emulator.requests("poll_upload_job")) >= 13


async def test_an_encord_that_stays_out_of_reach_ends_the_wait_without_a_verdict(
    folder: str, encord_emulator: EncordEmulator, on_loop: AsyncEncordApi
) -> None:
    job = await _start(on_loop, folder, "a")
    encord_emulator.inject_fault("status", route="poll_upload_job", status=503)
    budget = RetryBudget(seconds=0.1, first_wait=0.02)
    async with AsyncEncordApi(user_config=user_config(encord_emulator), budget=budget) as impatient:
        result = await wait_for_jobs(impatient, folder=folder, job_ids=[job])
    assert result.end is WaitEnd.UNREACHABLE
    assert "503" in result.message
    assert result.jobs == {}


async def test_a_job_that_encord_does_not_know_is_an_error(on_loop: AsyncEncordApi, folder: str) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(EncordNotFoundError, match=unknown):
        await wait_for_jobs(on_loop, folder=folder, job_ids=[unknown])


async def test_a_refused_poll_is_an_error_even_while_other_polls_are_held(
    on_loop: AsyncEncordApi, folder: str, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    jobs = [await _start(on_loop, folder, "a"), await _start(on_loop, folder, "b")]
    encord_emulator.inject_fault("status", route="poll_upload_job", path=f"*{jobs[1]}", status=403)
    with pytest.raises(EncordPermissionError):
        await wait_for_jobs(on_loop, folder=folder, job_ids=jobs)


async def test_a_cancelled_job_has_ended(
    on_loop: AsyncEncordApi, folder: str, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    job = await _start(on_loop, folder, "a")
    wait = asyncio.create_task(wait_for_jobs(on_loop, folder=folder, job_ids=[job]))
    async with AsyncEncordApi(user_config=user_config(encord_emulator)) as somebody_else:
        await somebody_else.perform(cancel_upload_job(folder, job))
    result = await asyncio.wait_for(wait, 10)
    assert finished_states(result.jobs) == {job: JobState.CANCELLED}


async def test_a_wait_that_is_cancelled_leaves_no_poll_behind(
    on_loop: AsyncEncordApi, folder: str, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    job = await _start(on_loop, folder, "a")
    before = asyncio.all_tasks()
    wait = asyncio.create_task(wait_for_jobs(on_loop, folder=folder, job_ids=[job]))
    await asyncio.sleep(0.2)
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    assert asyncio.all_tasks() == before


def test_progress_says_counts_rate_and_time_left_but_not_too_often(caplog: pytest.LogCaptureFixture) -> None:
    clock = iter([0.0, 1.0, 4.0, 10.0, 20.0, 20.0])
    progress = Progress(total=100, clock=lambda: next(clock))
    with caplog.at_level(logging.INFO):
        for done in (5, 20, 50, 97):
            progress.say(UnitCounts(done=done, failed=1, pending=99 - done))
        progress.say(UnitCounts(done=99, failed=1), last=True)
    assert [record.getMessage() for record in caplog.records] == [
        "Upload: 5 of 100 data units done, 1 failed, 94 pending, 6.0 per second, 16 s left.",
        "Upload: 97 of 100 data units done, 1 failed, 2 pending, 4.9 per second, 0 s left.",
        "Upload: 99 of 100 data units done, 1 failed, 0 pending, 5.0 per second, 0 s left.",
    ]


class _Busy(BaseHTTPRequestHandler):
    """An Encord whose good answers ask to be left alone for a while."""

    polls: list[float]

    def do_GET(self) -> None:
        type(self).polls.append(time.monotonic())
        counts = {f"units{name}Count": 0 for name in ("Done", "Error", "Cancelled", "Pending")}
        status = "PENDING" if len(self.polls) < 3 else "DONE"
        body = json.dumps({"status": status, "errors": [], "unitErrors": [], "itemsWithNames": [], **counts})
        self.send_response(200)
        self.send_header("Retry-After", "2")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


async def test_a_poll_that_asks_for_a_pause_gets_it(encord_emulator: EncordEmulator) -> None:
    class Busy(_Busy):
        polls: list[float] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = user_config(encord_emulator, domain=f"http://127.0.0.1:{server.server_port}")
    async with AsyncEncordApi(user_config=config, budget=BUDGET) as api:
        result = await wait_for_jobs(api, folder="f", job_ids=["j"])
    server.shutdown()
    server.server_close()
    assert result.end is WaitEnd.FINISHED
    first, second, third = Busy.polls
    assert second - first >= 2
    assert third - second >= 2


def test_thousands_of_jobs_are_asked_for_no_more_often_together_than_a_hundred() -> None:
    assert Pace(waiting=1).between < 0.01
    assert Pace(waiting=10_000).between == pytest.approx(10_000 / 400)


async def test_the_first_questions_are_spread_and_the_pauses_grow_with_the_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    asked = 0

    class Api:
        async def perform(self, call: Any) -> UploadJob:
            nonlocal asked
            asked += 1
            counts = UnitCounts(pending=1) if asked < 3 else UnitCounts(done=1)
            state = JobState.PENDING if asked < 3 else JobState.DONE
            return UploadJob(job_id="j", state=state, units=counts)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(wait_module.asyncio, "sleep", sleep)
    pace = Pace(waiting=9_999)
    done = await wait_for_jobs(cast("Any", Api()), folder="f", job_ids=["j"], pace=pace)
    assert done.end is WaitEnd.FINISHED
    first, *pauses = slept
    assert 0 <= first <= 25
    assert len(pauses) == 2
    assert all(25 * 0.75 <= pause <= 25 * 1.5 * 1.25 for pause in pauses)
    assert pace.waiting == 9_999
