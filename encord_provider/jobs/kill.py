"""Ending an import from a signal handler, wherever the interrupted code is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

from encord_provider.api.calls import UploadRequest, start_upload_job
from encord_provider.api.client import EncordApi
from encord_provider.api.upload_job import UploadJob
from encord_provider.exceptions import EncordError
from encord_provider.jobs.cancel import KILLED_TASK, cancel_jobs
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
        self._starting: Future[str] | None = None
        self._ended: dict[str, UploadJob] = {}
        self._pulled = False
        self._cancels = False
        self.report: Callable[[], object] = lambda: None
        """Reports what is known once the jobs are cancelled; set where there is a spec to report on."""

    def start(self, request: UploadRequest) -> str:
        """Start a job in a thread, so that its id is not lost where a timeout interrupts this one.

        Call :meth:`noted` once the job's id is known elsewhere.

        :returns: the job's id.
        """
        answer: Future[str] = Future()

        def work() -> None:
            try:
                job_id = self._api.perform(start_upload_job(request))
            except BaseException as error:
                answer.set_exception(error)
            else:
                answer.set_result(job_id)

        self._starting = answer
        threading.Thread(target=work, name="start-upload-job", daemon=True).start()
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
            self.memory.cancel(self._api, budget=KILLED_TASK, ended=dict(self._ended))
        raise EncordError("The task was killed; no more upload jobs are started.")

    def _cancel(self) -> None:
        parts = self.memory.active_jobs
        job_ids = list(parts)
        if self._starting is not None:
            try:
                started = self._starting.result(_LAST_ANSWER_SECONDS)
                job_ids += [] if started in job_ids else [started]
            except Exception:
                log.info("No upload job was started last, or its answer is lost.")
        cancelled = cancel_jobs(self._api, self.memory.journal.folder, job_ids, budget=KILLED_TASK)
        self._ended |= cancelled.ended
        for job_id, job in cancelled.ended.items():
            if job_id in parts:
                self.memory.write_receipt(parts[job_id], job)
        self.report()
