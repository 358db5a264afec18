"""The one wait for upload jobs, used by operator, sensor and trigger alike."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from encord_provider.api.async_client import AsyncEncordApi
from encord_provider.api.calls import get_upload_job
from encord_provider.api.upload_job import JobState, UnitCounts, UploadJob
from encord_provider.exceptions import EncordUnavailableError

log = logging.getLogger(__name__)

PROGRESS_EVERY = 10.0
"""Seconds between two progress lines in the log."""

MAX_UNREACHABLE = 1800.0
"""Seconds without any answer from Encord after which waiting is given up; a poll error is no job error."""


class WaitUntil(StrEnum):
    """When a wait is over."""

    ANY = "any"
    ALL = "all"


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
    jobs: Mapping[str, UploadJob]
    message: str = ""


@dataclass
class Progress:
    """Say how far the jobs are, in the log, at most every ``PROGRESS_EVERY`` seconds.

    :param total: data units that the jobs have between them, where known; otherwise what the jobs report.
    :param clock: a monotonic clock, in seconds.
    """

    total: int | None = None
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
            "Upload: %d of %d data units done, %d failed, %d pending, %.1f per second, %s.",
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
    max_unreachable: float = MAX_UNREACHABLE,
) -> WaitResult:
    """Wait until upload jobs have ended, without judging them.

    One job at a time is asked with a long poll that Encord holds; the others are asked without holding. The
    pause between rounds grows from 1 to 15 s with jitter, and starts anew whenever a job moves.

    :param folder: UUID of the folder that the jobs register into.
    :param job_ids: the jobs.
    :param until: whether one finished job ends the wait, or only all of them.
    :param deadline: seconds since the epoch after which the wait is over; None to wait without end.
    :param progress: where to say how far the jobs are.
    :param max_unreachable: seconds without an answer after which the wait is over.
    :return: how it ended. Jobs are still running on ``TIMEOUT`` and ``UNREACHABLE``.
    :raises EncordRequestError: if Encord refuses the poll, as for a job that it does not know.
    """
    progress = progress or Progress()
    jobs: dict[str, UploadJob] = {}
    reached = time.monotonic()
    pause = 1.0
    while True:
        before = _counts(jobs)
        pending = [job_id for job_id in job_ids if job_id not in jobs or not jobs[job_id].state.is_terminal]
        message = ""
        for number, job_id in enumerate(pending):
            hold = _hold(deadline) if number == len(pending) - 1 and len(jobs) == len(job_ids) else 0.0
            try:
                jobs[job_id] = await api.perform(get_upload_job(folder, job_id, hold=hold))
            except EncordUnavailableError as error:
                message = str(error)
            else:
                reached = time.monotonic()
        ended = [job for job in jobs.values() if job.state.is_terminal]
        over = len(ended) == len(job_ids) or (until is WaitUntil.ANY and ended)
        progress.say(_counts(jobs), last=bool(over))
        if over:
            return WaitResult(end=WaitEnd.FINISHED, jobs=jobs)
        if deadline is not None and time.time() >= deadline:
            return WaitResult(end=WaitEnd.TIMEOUT, jobs=jobs)
        if time.monotonic() - reached >= max_unreachable:
            return WaitResult(end=WaitEnd.UNREACHABLE, jobs=jobs, message=message)
        pause = 1.0 if _counts(jobs) != before else min(pause * 1.5, 15.0)
        wanted = pause * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        await asyncio.sleep(max(0.0, min(wanted, _seconds_to(deadline))))


def finished_states(jobs: Mapping[str, UploadJob]) -> dict[str, JobState]:
    """Give the jobs that have ended with their states."""
    return {job_id: job.state for job_id, job in jobs.items() if job.state.is_terminal}


def _counts(jobs: Mapping[str, UploadJob]) -> UnitCounts:
    return sum((job.units for job in jobs.values()), UnitCounts())


def _seconds_to(deadline: float | None) -> float:
    return float("inf") if deadline is None else deadline - time.time()


def _hold(deadline: float | None) -> float:
    return max(0.0, min(20.0, _seconds_to(deadline)))
