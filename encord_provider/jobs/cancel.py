"""Cancelling upload jobs when a task ends before they do: quickly, all at once, and without raising."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

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

FAILED_TASK = RetryBudget(seconds=30.0, first_wait=0.2)
"""What a task that fails or runs out of time takes to leave nothing running."""

_AT_ONCE = 8


def cancel_jobs(
    api: EncordApi, folder: str, job_ids: Sequence[str], *, budget: RetryBudget
) -> dict[str, UploadJob]:
    """Cancel upload jobs, and look what they have come to.

    The calls are made in threads and over connections of their own, so that this can be done in a signal handler,
    whatever the interrupted code was doing with ``api``.

    :param api: the data plane, of which the credentials are used.
    :param folder: UUID of the folder that the jobs register into.
    :param job_ids: the jobs.
    :param budget: how long this may take altogether, which is also the patience of each call.
    :returns: job id -> the job after it was cancelled. A job that could not be cancelled, or not be looked at
        afterwards, is logged and left out.
    """
    deadline = time.monotonic() + budget.seconds
    todo = list(dict.fromkeys(job_ids))
    seen: dict[str, UploadJob] = {}

    def work() -> None:
        with api.with_budget(budget) as own:
            while True:
                try:
                    job_id = todo.pop()
                except IndexError:
                    return
                try:
                    units = own.perform(cancel_upload_job(folder, job_id))
                    log.info("Cancelled upload job %s: %d data units were pending.", job_id, units)
                except EncordError as error:
                    log.error("Upload job %s could not be cancelled and may go on: %s", job_id, error)
                    continue
                try:
                    seen[job_id] = own.perform(get_upload_job(folder, job_id))
                except EncordError as error:
                    log.warning("What the cancelled upload job %s has done is not known: %s", job_id, error)

    threads = [
        threading.Thread(target=work, name=f"cancel-{number}", daemon=True)
        for number in range(min(_AT_ONCE, len(todo)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        late = sorted(set(job_ids) - set(seen))
        log.error(
            "There was no time to see that upload jobs %s are cancelled; they may go on.", ", ".join(late)
        )
    return dict(seen)
