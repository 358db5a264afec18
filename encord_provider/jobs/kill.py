"""Ending an import from a signal handler, wherever the interrupted code is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait

from encord_provider.api.calls import UploadRequest, start_upload_job
from encord_provider.api.client import EncordApi
from encord_provider.api.retry import RetryBudget
from encord_provider.api.upload_job import UploadJob
from encord_provider.exceptions import EncordError, EncordUnavailableError
from encord_provider.jobs.cancel import KILLED_TASK, Cancelled, Cause, cancel_jobs
from encord_provider.jobs.memory import Memory

log = logging.getLogger(__name__)

_LAST_ANSWER_SECONDS = 2.0


class KillSwitch:
    """Cancels the jobs of an import that is killed, the one that is just being started among them.

    A signal handler pulls it, so that it must not touch the journal, whose store the interrupted code may be using. It
    need not: the next attempt asks Encord what has become of the jobs.

    :param api: the data plane.
    :param memory: what is known of the import.
    """

    def __init__(self, *, api: EncordApi, memory: Memory) -> None:
        self.memory = memory
        self._api = api
        self._starting: tuple[str, Future[str]] | None = None
        self._ended: dict[str, UploadJob] = {}
        self._pulled = False
        self._cancels = False
        self.report: Callable[[], object] = lambda: None
        """Reports what is known once the jobs are cancelled; set where there is a spec to report on."""

    def start(self, part: str, request: UploadRequest) -> str:
        """Start a job in a thread, so that its id is not lost where a timeout interrupts this one.

        Call :meth:`noted` once the job's id is known elsewhere.

        :param part: the part that it registers.
        :returns: the job's id.
        :raises EncordUnavailableError: if there is no answer until the time of the task is over.
        """
        answer: Future[str] = Future()

        def work() -> None:
            try:
                job_id = self._api.perform(start_upload_job(request))
            except BaseException as error:
                answer.set_exception(error)
            else:
                answer.set_result(job_id)

        self._starting = part, answer
        threading.Thread(target=work, name="start-upload-job", daemon=True).start()
        deadline = self._api.deadline
        seconds = None if deadline is None else max(0.0, deadline - time.time())
        if not wait([answer], timeout=seconds).done:
            raise EncordUnavailableError(
                f"Could not start the upload job of part {part} in time.", out_of_time=True
            )
        return answer.result()

    def noted(self) -> None:
        """Say that the job that was started last is among those known to be under way."""
        self._starting = None

    def pull(self, *, cancel: bool) -> None:
        """End the import at once.

        :param cancel: whether to cancel its jobs.
        """
        self._pulled, self._cancels = True, cancel
        if not cancel:
            return
        done = threading.Event()

        def work() -> None:
            try:
                self._cancel()
            except Exception:
                log.exception("What the upload jobs had done could not be kept.")
            finally:
                done.set()

        # A thread, because the interrupted code may hold locks that opening the workspace needs.
        threading.Thread(target=work, name="kill-import", daemon=True).start()
        done.wait(KILLED_TASK.seconds)

    def stop_if_pulled(self) -> None:
        """End a killed import where it goes on, with the job that was being started meanwhile.

        :raises EncordError: if it was killed.
        """
        if not self._pulled:
            return
        if self._cancels:
            self.end(budget=KILLED_TASK, cause=Cause.KILLED)
        raise EncordError("The task was killed; no more upload jobs are started.")

    def end(self, *, budget: RetryBudget, cause: Cause) -> Cancelled:
        """Cancel the jobs under way, the one that is being started among them, and keep what they had done.

        This is not for signal handlers. Errors are logged, not raised.

        :param budget: how long this may take.
        :param cause: why.
        """
        if (started := self._started()) is not None:
            part, job_id = started
            if part in self.memory.journal.active:
                self.memory.note_started(part, job_id)
        return self.memory.cancel(self._api, budget=budget, cause=cause, ended=dict(self._ended))

    def _started(self) -> tuple[str, str] | None:
        """Give the part that was sent last and its job, once the answer is there; None if it is lost."""
        if self._starting is None:
            return None
        part, answer = self._starting
        try:
            return part, answer.result(_LAST_ANSWER_SECONDS)
        except Exception:
            log.info("No upload job was started last, or its answer is lost.")
            return None

    def _cancel(self) -> None:
        parts = self.memory.active_jobs
        job_ids = list(parts)
        if (started := self._started()) is not None and started[1] not in job_ids:
            job_ids.append(started[1])
        cancelled = cancel_jobs(
            self._api, self.memory.journal.folder, job_ids, budget=KILLED_TASK, cause=Cause.KILLED
        )
        self._ended |= cancelled.ended
        for job_id, job in cancelled.ended.items():
            if job_id in parts:
                self.memory.write_receipt(parts[job_id], job)
        self.report()
        log.info("What they had registered and what not: %s", self.memory.receipts.uri)
