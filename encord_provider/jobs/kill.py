"""Ending an import from a signal handler, wherever the interrupted code is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future

from encord_provider.api.calls import UploadRequest, start_upload_job
from encord_provider.api.client import EncordApi
from encord_provider.api.upload_job import UploadJob
from encord_provider.jobs.cancel import KILLED_TASK, cancel_jobs

log = logging.getLogger(__name__)

_LAST_ANSWER_SECONDS = 2.0


class KillSwitch:
    """Cancels the jobs of an import that is killed, the one that is just being started among them.

    A signal handler pulls it, so that it must not touch the journal, whose store the interrupted code may be using. It
    need not: the next attempt asks Encord what has become of the jobs.

    :param api: the data plane.
    :param folder: UUID of the folder that the jobs register into.
    :param active: gives the jobs that are known to be under way.
    :param keep: keeps what cancelled jobs had done by then, given job id -> job.
    """

    def __init__(
        self,
        *,
        api: EncordApi,
        folder: str,
        active: Callable[[], Iterable[str]],
        keep: Callable[[Mapping[str, UploadJob]], None],
    ) -> None:
        self._api = api
        self._folder = folder
        self._active = active
        self._keep = keep
        self._starting: Future[str] | None = None
        self.pulled = False
        self.cancels = False

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
        self.pulled, self.cancels = True, cancel
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

    def _cancel(self) -> None:
        job_ids = list(self._active())
        if self._starting is not None:
            try:
                started = self._starting.result(_LAST_ANSWER_SECONDS)
                job_ids += [] if started in job_ids else [started]
            except Exception:
                log.info("No upload job was started last, or its answer is lost.")
        self._keep(cancel_jobs(self._api, self._folder, job_ids, budget=KILLED_TASK))
