"""The one wait for what Encord does over time, used by operators, sensors and triggers alike.

It waits for upload jobs, and for the synchronisations of cloud-synced folders.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from encord_provider.api.calls import Call, get_upload_job
from encord_provider.api.upload_job import JobState, UnitCounts
from encord_provider.exceptions import EncordNotFoundError, EncordUnavailableError
from encord_provider.jobs.next_step import WaitUntil

if TYPE_CHECKING:
    from encord_provider.api.async_client import AsyncEncordApi

log = logging.getLogger(__name__)

PROGRESS_EVERY = 10.0
"""Seconds between two progress lines in the log."""

_HOLD = 20.0
_HELD_AT_ONCE = 8
_ASKED_PER_SECOND = 400.0
_SHORTEST_PAUSE = 1.0
_LONGEST_PAUSE = 15.0


class Awaited(Protocol):
    """An answer to a poll: an upload job, or a synchronisation."""

    @property
    def state(self) -> JobState:
        """What it has come to."""

    @property
    def units(self) -> UnitCounts:
        """How far it is."""

    @property
    def poll_after(self) -> float | None:
        """Seconds for which Encord asks not to be polled again, or None."""


class Poll(Protocol):
    """Gives the call that asks for one job of a folder, which Encord may hold for some seconds."""

    def __call__(self, folder: str, job_id: str, /, *, hold: float = 0.0) -> Call[Any]:
        """Give the call, whose result is an :class:`Awaited`."""


class WaitEnd(StrEnum):
    """Why a wait was over."""

    FINISHED = "finished"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, kw_only=True)
class WaitResult:
    """How a wait ended.

    :param end: why it was over.
    :param jobs: the last answer about each job that was seen.
    :param message: for an unreachable Encord, what the last attempt said.
    """

    end: WaitEnd
    jobs: Mapping[str, Awaited]
    message: str = ""


@dataclass(eq=False)
class Pace:
    """How often Encord is asked for all jobs together whose waits have this pace.

    :ivar waiting: how many jobs are waited for.
    """

    waiting: int = 0

    @property
    def may_hold(self) -> bool:
        """Whether Encord may hold answers: each takes up a connection."""
        return self.waiting <= _HELD_AT_ONCE

    @property
    def between(self) -> float:
        """The seconds between two questions about one job at which all jobs are asked for as often as allowed."""
        return self.waiting / _ASKED_PER_SECOND


@dataclass
class Progress:
    """Say how far the jobs are, in the log, at most every ``PROGRESS_EVERY`` seconds.

    :param total: data units that the jobs have between them, where known; otherwise what the jobs report.
    :param what: what is under way.
    :param clock: a monotonic clock, in seconds.
    """

    total: int | None = None
    what: str = "Upload"
    clock: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _said: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def say(self, units: UnitCounts, *, last: bool = False) -> None:
        """Log one line unless one was logged just now.

        :param last: say it in any case.
        """
        now = self.clock()
        if not last and self._said is not None and now - self._said < PROGRESS_EVERY:
            return
        self._said = now
        finished = units.done + units.failed + units.cancelled
        total = max(self.total or 0, units.total)
        elapsed = now - self._started
        rate = finished / elapsed if elapsed > 0 else 0.0
        left = f"{(total - finished) / rate:.0f} s left" if rate > 0 else "time left unknown"
        log.info(
            "%s: %d of %d data units done, %d failed, %d pending, %.1f per second, %s.",
            self.what,
            units.done,
            total,
            units.failed,
            total - finished,
            rate,
            left,
        )


async def wait_for_jobs(
    api: AsyncEncordApi,
    *,
    folder: str,
    job_ids: Sequence[str],
    until: WaitUntil = WaitUntil.ALL,
    deadline: float | None = None,
    progress: Progress | None = None,
    poll: Poll = get_upload_job,
    pace: Pace | None = None,
) -> WaitResult:
    """Wait until upload jobs, or synchronisations, have ended, without judging them.

    Every job is asked by itself. While there are few, Encord holds the answers until a job ends (a long poll);
    otherwise the pause between two questions about a job grows from 1 to 15 s with jitter, and starts anew
    whenever it moves. Where there are thousands, the pauses are longer, and the first questions are spread: all waits
    of one pace ask no more than 400 times a second. Where an answer asks for a pause (Retry-After), that is made. A
    poll that fails is ridden out within the budget of ``api``; it is no error of the job.

    :param api: the data plane. Its budget says for how long Encord may be out of reach.
    :param folder: UUID of the folder that the jobs register into.
    :param job_ids: the jobs.
    :param until: whether one finished job ends the wait, or only all of them.
    :param deadline: seconds since the epoch after which the wait is over; None to wait without end.
    :param progress: where to say how far the jobs are.
    :param poll: asks for one of them.
    :param pace: what this wait shares with others in the same process; None if it is alone.
    :returns: how it ended. Jobs are still running on ``TIMEOUT`` and ``UNREACHABLE``.
    :raises EncordRequestError: if Encord refuses the poll, as for a job that it does not know.
    """
    watch = _Watch(
        api=api,
        folder=folder,
        progress=progress or Progress(),
        poll=poll,
        pace=pace or Pace(),
    )
    watchers = {asyncio.create_task(watch.follow(job_id)) for job_id in dict.fromkeys(job_ids)}
    try:
        running = set(watchers)
        while running:
            seconds = None if deadline is None else max(0.0, deadline - time.time())
            ended, running = await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for watcher in ended:
                watcher.result()
            if ended and (until is WaitUntil.ANY or not running):
                break
            if not ended and deadline is not None and time.time() >= deadline:
                return WaitResult(end=WaitEnd.TIMEOUT, jobs=watch.jobs)
    except EncordUnavailableError as error:
        return WaitResult(end=WaitEnd.UNREACHABLE, jobs=watch.jobs, message=str(error))
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    watch.say(last=True)
    return WaitResult(end=WaitEnd.FINISHED, jobs=watch.jobs)


def wait_in_process(connect: Callable[[], AsyncEncordApi], **how: Any) -> WaitEnd:
    """Wait for upload jobs in this process, on an event loop of its own.

    :param connect: makes the client that asks for them.
    :param how: what :func:`wait_for_jobs` takes.
    :returns: why the wait was over; also where Encord does not know a job any more, as asking for each finds out which.
    """

    async def wait() -> WaitEnd:
        async with connect() as api:
            try:
                return (await wait_for_jobs(api, **how)).end
            except EncordNotFoundError:
                return WaitEnd.FINISHED

    return asyncio.run(wait())


@dataclass
class _Watch:
    """What is known of the jobs of one wait."""

    api: AsyncEncordApi
    folder: str
    progress: Progress
    poll: Poll
    pace: Pace
    jobs: dict[str, Awaited] = field(default_factory=dict)

    async def follow(self, job_id: str) -> None:
        """Ask for a job until it has ended."""
        self.pace.waiting += 1
        try:
            await self._follow(job_id)
        finally:
            self.pace.waiting -= 1

    async def _follow(self, job_id: str) -> None:
        pause = _SHORTEST_PAUSE
        # Many triggers start together when a triggerer does.
        await asyncio.sleep(self.pace.between * random.random())  # noqa: S311 - no secret
        while True:
            before = self.jobs.get(job_id)
            few = self.pace.may_hold
            # The first answer is wanted at once, for the progress in the log.
            hold = _HOLD if before is not None and few else 0.0
            asked = time.monotonic()
            job: Awaited = await self.api.perform(self.poll(self.folder, job_id, hold=hold))
            self.jobs[job_id] = job
            self.say()
            if job.state.is_terminal:
                return
            if job.poll_after:
                await asyncio.sleep(job.poll_after)
                continue
            if before is None and few:
                continue
            if before is None or job.units != before.units:
                pause = _SHORTEST_PAUSE
            # An answer that was held has been waiting enough.
            if not hold or time.monotonic() - asked < hold / 2:
                pause = max(pause, self.pace.between)
                await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 1.5, max(_LONGEST_PAUSE, self.pace.between))

    def say(self, *, last: bool = False) -> None:
        """Log the progress."""
        self.progress.say(sum((job.units for job in self.jobs.values()), UnitCounts()), last=last)


def finished_states(jobs: Mapping[str, Awaited]) -> dict[str, JobState]:
    """Give the jobs that have ended with their states."""
    return {job_id: job.state for job_id, job in jobs.items() if job.state.is_terminal}
