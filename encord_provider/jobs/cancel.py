"""Cancelling upload jobs when a task ends before they do: quickly, all at once, and without raising."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from encord_provider.api.calls import cancel_upload_job, get_upload_job
from encord_provider.api.client import EncordApi
from encord_provider.api.retry import RetryBudget
from encord_provider.api.upload_job import UploadJob
from encord_provider.exceptions import EncordError

log = logging.getLogger(__name__)

KILLED_TASK = RetryBudget(seconds=4.0, first_wait=0.2)
"""What a killed task has time for: Airflow's supervisor sends SIGKILL 5 s after SIGTERM."""

KILLED_TRIGGER = RetryBudget(seconds=20.0, first_wait=0.2)
"""What ``on_kill`` of a trigger has time for: ``[triggerer] on_kill_timeout`` is 30 s."""

FAILED_TASK = RetryBudget(seconds=6.0, first_wait=0.2)
"""What a task that fails or runs out of time takes to leave nothing running."""


class Cause(StrEnum):
    """Why jobs are cancelled, in the words of the log."""

    KILLED = "the task was killed on its worker: its state was changed, or the worker is ending"
    ENDED_BY_USER = "a user has ended the waiting task, by marking or clearing it"
    OUT_OF_TIME = "the time of the task is over"
    FAILED = "the task has failed for good"
    NOT_REJOINED = "this attempt does not rejoin what the last one had under way"
    LOST = "it is not known any more what they belong to"


_AT_ONCE = 16
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What is known of jobs that were to be cancelled.

    :param ended: job id -> the job, where it was seen to have ended.
    :param left: the jobs that could not be cancelled, so that they may go on.
    """

    ended: Mapping[str, UploadJob]
    left: Sequence[str]

    def __str__(self) -> str:
        if not self.left:
            return "the jobs under way were cancelled"
        shown = ", ".join(self.left[:_SHOWN]) + (", ..." if len(self.left) > _SHOWN else "")
        return f"{len(self.left)} of the jobs under way could not be cancelled and may go on: {shown}"


def cancel_jobs(
    api: EncordApi, folder: str, job_ids: Sequence[str], *, budget: RetryBudget, cause: Cause
) -> Cancelled:
    """Cancel upload jobs, and look what they have come to.

    The calls are made in threads and over connections of their own, so that this can be done in a signal handler,
    whatever the interrupted code was doing with ``api``. All jobs are cancelled before any is looked at.

    :param api: the data plane, of which the credentials are used.
    :param folder: UUID of the folder that the jobs register into.
    :param job_ids: the jobs.
    :param budget: how long this may take altogether, which is also the patience of each call.
    :param cause: why, for the log.
    """
    deadline = time.monotonic() + budget.seconds
    job_ids = list(dict.fromkeys(job_ids))
    cancelled: set[str] = set()
    seen: dict[str, UploadJob] = {}

    def cancel(own: EncordApi, job_id: str) -> None:
        try:
            units = own.perform(cancel_upload_job(folder, job_id))
        except EncordError as error:
            log.error("Upload job %s could not be cancelled and may go on: %s", job_id, error)
            return
        cancelled.add(job_id)
        log.info("Cancelled upload job %s: %d data units were pending.", job_id, units)

    def look(own: EncordApi, job_id: str) -> None:
        try:
            seen[job_id] = own.perform(get_upload_job(folder, job_id))
        except EncordError as error:
            log.warning("What upload job %s has done is not known: %s", job_id, error)

    _for_each(job_ids, cancel, api=api, budget=budget, deadline=deadline)
    _for_each(job_ids, look, api=api, budget=budget, deadline=deadline)
    ended = {job_id: job for job_id, job in dict(seen).items() if job.state.is_terminal}
    left = [job_id for job_id in job_ids if job_id not in cancelled and job_id not in ended]
    if left:
        log.error("It is not known that upload jobs %s are cancelled; they may go on.", ", ".join(left))
    if job_ids:
        log.warning("%d of %d upload jobs were cancelled: %s.", len(cancelled), len(job_ids), cause)
    return Cancelled(ended=ended, left=left)


def _for_each(
    job_ids: Sequence[str],
    act: Callable[[EncordApi, str], None],
    *,
    api: EncordApi,
    budget: RetryBudget,
    deadline: float,
) -> None:
    """Do something for each job in threads, until the time is over."""
    todo = list(job_ids)

    def work() -> None:
        with api.with_budget(budget) as own:
            while todo and time.monotonic() < deadline:
                try:
                    job_id = todo.pop()
                except IndexError:
                    return
                act(own, job_id)

    threads = [
        threading.Thread(target=work, name=f"cancel-{number}", daemon=True)
        for number in range(min(_AT_ONCE, len(todo)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
