"""One import: the parts of an upload spec, driven through upload jobs with a bounded number in flight."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from encord_provider.api.calls import UploadRequest, get_upload_job, start_upload_job
from encord_provider.api.client import EncordApi
from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob, judge
from encord_provider.exceptions import (
    EncordError,
    EncordNotFoundError,
    EncordPermanentError,
    EncordUnavailableError,
)
from encord_provider.jobs.cancel import KILL_SECONDS, cancel_jobs
from encord_provider.jobs.journal import (
    ActiveJob,
    Journal,
    JournalStore,
    Receipt,
    Receipts,
    write_failures,
    write_summary,
)

log = logging.getLogger(__name__)

_GONE_MAX = 5
_LAST_ANSWER_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a spec that is to be sent.

    :param name: its name, unique in the spec.
    :param sha256: the hash of its bytes.
    :param units: how many data units it has.
    :param skips_duplicates: whether it asks Encord to skip URLs that the folder already has.
    :param data_items: reads the part and gives Encord's structured ``dataItems``.
    :param untouched: whether ``data_items`` gives a JSON upload spec instead, which is sent as its author wrote it.
    """

    name: str
    sha256: str
    units: int
    skips_duplicates: bool
    data_items: Callable[[], Mapping[str, Any]]
    untouched: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where an import goes.

    :param folder: UUID of the storage folder.
    :param integration: UUID of the cloud integration, or None.
    :param ignore_errors: whether a job goes on when a data unit fails.
    """

    folder: str
    integration: str | None
    ignore_errors: bool


@dataclass(kw_only=True)
class Import:
    """Send the parts that are not registered yet, and keep account of each.

    Before a part is sent, the journal holds the intent; before anything else can fail, it holds the job's id. A
    worker that is killed at any moment leaves enough behind for the next attempt: it reconnects to jobs that it
    knows, sends a part again whose answer was lost (Encord skips what the first job registered), and leaves
    out parts that have a complete receipt. A part that does not ask Encord to skip duplicates is never sent
    again unless it is certain that nothing of it was registered.

    :param api: the data plane.
    :param target: where the import goes.
    :param parts: the parts, in order.
    :param journal: what is remembered of this import.
    :param store: where the journal is kept.
    :param receipts_uri: the folder of the receipts; the import's own lie in a folder named by its token.
    :param label: names the run in Encord: DAG, run and task.
    :param max_active_jobs: how many jobs may be under way at once.
    """

    api: EncordApi
    target: Target
    parts: Sequence[Part]
    journal: Journal
    store: JournalStore
    receipts_uri: str
    label: str
    max_active_jobs: int
    receipts: Receipts = field(init=False)
    ended: dict[str, Receipt] = field(init=False, default_factory=dict)
    killed: bool = field(init=False, default=False)
    _cancels: bool = field(init=False, default=False)
    _starting: Future[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.receipts = Receipts(f"{self.receipts_uri.rstrip('/')}/{self.journal.token}")
        for part in self.parts:
            receipt = self.receipts.read(part.name, part.sha256)
            if receipt is None or part.name in self.journal.active:
                continue
            # What failed in an earlier attempt is sent again in this one, where that can double nothing.
            may_double = receipt.units.done and not part.skips_duplicates
            if receipt.is_complete or receipt.attempt == self.journal.attempt or may_double:
                self.ended[part.name] = receipt

    def begin_attempt(self) -> None:
        """Take up what an earlier attempt left: complete parts stay, all others are sent again or rejoined.

        :raises EncordPermanentError: if it is unknown whether a part was sent, and it does not skip duplicates.
        """
        parts = {part.name: part for part in self.parts}
        for name, active in list(self.journal.active.items()):
            if name in parts and parts[name].sha256 == active.sha256:
                self._take_up(parts[name], active)
            else:
                log.warning(
                    "The spec has changed; upload job %s of its part %s goes on.", active.job_id, name
                )
                self._forget(name)
        self.journal.attempt += 1
        for name, receipt in list(self.ended.items()):
            if receipt.is_complete:
                continue
            if parts[name].skips_duplicates or not receipt.units.done:
                del self.ended[name]
            else:
                log.warning(
                    "Part %s ended as %s and does not set skip_duplicate_urls, so it is not sent again: that would "
                    "register its %d good data units twice.",
                    name,
                    receipt.state.value,
                    receipt.units.done,
                )
        self.store.save(self.journal)
        if self.ended:
            log.info("%d of %d parts have been sent already and stay.", len(self.ended), len(self.parts))

    def fill(self, *, limit: int | None = None) -> None:
        """Start jobs until as many are under way as may be.

        :param limit: how many may be under way; None for ``max_active_jobs``.
        :raises EncordRequestError: if Encord refuses a part.
        :raises EncordUnavailableError: if Encord cannot be reached.
        """
        for part in self.waiting:
            if len(self.journal.active) >= (limit or self.max_active_jobs):
                return
            self._start(part)

    @property
    def waiting(self) -> list[Part]:
        """The parts that have not been sent yet; none once a job was cancelled or ended in ERROR."""
        if any(receipt.state in (JobState.ERROR, JobState.CANCELLED) for receipt in self.ended.values()):
            return []
        return [
            part
            for part in self.parts
            if part.name not in self.ended and part.name not in self.journal.active
        ]

    @property
    def active_jobs(self) -> dict[str, Part]:
        """The jobs that are under way, each with its part."""
        active = ((self.journal.active.get(part.name), part) for part in self.parts)
        return {job.job_id: part for job, part in active if job is not None and job.job_id}

    @property
    def active_units(self) -> int:
        """How many data units the jobs under way have."""
        return sum(part.units for part in self.active_jobs.values())

    def take_ended(self) -> int:
        """Ask for every job under way once, and write the receipts of those that have ended.

        A job that Encord does not know any more is forgotten, so that its part is sent again.

        :return: how many are not under way any more.
        """
        before = len(self.journal.active)
        for job_id, part in self.active_jobs.items():
            job = self._look(job_id)
            if job is None:
                self._lose(part, job_id)
            elif job.state.is_terminal:
                self._end(part, job)
        return before - len(self.journal.active)

    def cancel(self, *, seconds: float) -> None:
        """Cancel the jobs under way, and keep what they had done by then; errors are logged, not raised.

        :param seconds: how long this may take.
        """
        parts = self.active_jobs
        for job_id, job in cancel_jobs(self.api, self.target.folder, list(parts), seconds=seconds).items():
            self._end(parts[job_id], job)

    def kill(self, *, cancel: bool) -> None:
        """End at once, wherever the import is: start no more jobs, and cancel those under way.

        This is called in a signal handler, so that it must not touch the journal, whose store the interrupted code
        may be using. It need not: the next attempt asks Encord what has become of the jobs.

        :param cancel: whether to cancel the jobs.
        """
        self.killed, self._cancels = True, cancel
        if not cancel:
            return
        done = threading.Event()

        def work() -> None:
            try:
                self._cancel_killed()
            except Exception:
                log.exception("What the upload jobs had done could not be kept.")
            finally:
                done.set()

        # A thread, because the interrupted code may hold locks that opening the workspace needs.
        threading.Thread(target=work, name="kill-import", daemon=True).start()
        done.wait(KILL_SECONDS)

    def stop_if_killed(self) -> None:
        """End a killed import where it goes on, with the job that was being started meanwhile.

        :raises EncordError: if it was killed.
        """
        if not self.killed:
            return
        if self._cancels:
            self.cancel(seconds=KILL_SECONDS)
        raise EncordError("The task was killed; no more upload jobs are started.")

    def summary(self) -> dict[str, Any]:
        """Sum up what is known now, and write it and the failures beside the receipts.

        :return: ``{"status", "folder", "job_ids", "units", "items_added", "receipts", "failures"}``.
        """
        receipts = [self.ended[part.name] for part in self.parts if part.name in self.ended]
        units = sum((receipt.units for receipt in receipts), UnitCounts())
        unsent = sum(part.units for part in self.parts if part.name not in self.ended)
        units = replace(units, pending=units.pending + unsent)
        active = [job_id for job_id, part in self.active_jobs.items() if part.name not in self.ended]
        summary = {
            "status": _overall(receipts, complete=len(receipts) == len(self.parts)).value,
            "folder": self.target.folder,
            "job_ids": [receipt.job_id for receipt in receipts] + active,
            "units": units.as_dict(),
            "items_added": sum(receipt.items_added for receipt in receipts),
            "receipts": self.receipts.uri,
            "failures": write_failures(f"{self.receipts.uri}/failures.csv", receipts),
        }
        write_summary(f"{self.receipts.uri}/summary.json", summary)
        return summary

    def judge(self, *, max_failed_units: int) -> dict[str, Any]:
        """Judge the whole import.

        :param max_failed_units: how many failed data units still count as success.
        :return: the summary.
        :raises UploadJobError: if it is no success; the journal is kept, so that a retry sends what is missing.
        """
        summary = self.summary()
        units = {name: count for name, count in summary["units"].items() if name != "total"}
        first: list[UnitError] = []
        for receipt in self.ended.values():
            first.extend(receipt.unit_errors[:5])
        judge(
            (receipt.state for receipt in self.ended.values()),
            UnitCounts(**units),
            max_failed_units=max_failed_units,
            first_errors=first,
            failures=summary["failures"],
        )
        return summary

    def _take_up(self, part: Part, active: ActiveJob) -> None:
        """Decide about a part that an earlier attempt has left under way."""
        if active.job_id is None:
            # Forgotten first: where this raises, a user who looked into the folder can run the task again.
            self._forget(part.name)
            self._require_repeatable(part)
            log.info("Part %s may have been sent before; it is sent again, skipping duplicates.", part.name)
            return
        job = self._look(active.job_id)
        if job is None:
            self._lose(part, active.job_id)
        elif job.state in (JobState.ERROR, JobState.CANCELLED):
            self._end(part, job)
        else:
            log.info("Rejoined upload job %s of part %s.", active.job_id, part.name)

    def _start(self, part: Part) -> None:
        file_name = f"{self.label}/{self.journal.token[:8]}/{part.name}"
        content = part.data_items()
        request = UploadRequest(
            folder=self.target.folder,
            data_items=None if part.untouched else content,
            external_files=content if part.untouched else None,
            integration=self.target.integration,
            ignore_errors=self.target.ignore_errors,
            file_name=file_name,
            skips_duplicates=part.skips_duplicates,
        )
        intent = ActiveJob(file_name=file_name, sha256=part.sha256)
        self.journal.active[part.name] = intent
        self.store.save(self.journal)
        self.stop_if_killed()
        self._starting = self._send(request)
        try:
            job_id = self._starting.result()
        except (EncordPermanentError, EncordUnavailableError) as error:
            if isinstance(error, EncordPermanentError) or not error.carried_out:
                # Encord refused it, or was never reached, so that nothing is under way.
                self._forget(part.name)
            raise
        self.journal.active[part.name] = replace(intent, job_id=job_id)
        self._starting = None
        self.store.save(self.journal)
        log.info("Part %s with %d data units is upload job %s.", part.name, part.units, job_id)
        self.stop_if_killed()

    def _send(self, request: UploadRequest) -> Future[str]:
        """Start a job in a thread, so that its id is not lost where a timeout interrupts this one."""
        answer: Future[str] = Future()

        def work() -> None:
            try:
                job_id = self.api.perform(start_upload_job(request))
            except BaseException as error:
                answer.set_exception(error)
            else:
                answer.set_result(job_id)

        threading.Thread(target=work, name="start-upload-job", daemon=True).start()
        return answer

    def _cancel_killed(self) -> None:
        parts = self.active_jobs
        unknown: str | None = None
        if self._starting is not None:
            try:
                unknown = self._starting.result(_LAST_ANSWER_SECONDS)
            except Exception:
                log.info("No upload job was started last, or its answer is lost.")
        job_ids = [*parts, unknown] if unknown and unknown not in parts else list(parts)
        for job_id, job in cancel_jobs(self.api, self.target.folder, job_ids, seconds=KILL_SECONDS).items():
            if job_id in parts:
                self._write_receipt(parts[job_id], job)
        self.summary()

    def _look(self, job_id: str) -> UploadJob | None:
        try:
            return self.api.perform(get_upload_job(self.target.folder, job_id))
        except EncordNotFoundError:
            return None

    def _lose(self, part: Part, job_id: str) -> None:
        """Forget a job that Encord does not know any more."""
        self.journal.gone += 1
        self._forget(part.name)
        self._require_repeatable(part)
        if self.journal.gone > _GONE_MAX:
            raise EncordError(
                f"Encord has forgotten {self.journal.gone} upload jobs of this import, at last {job_id}. Look into "
                f"the folder {self.target.folder} before running it again."
            )
        log.warning("Encord does not know upload job %s any more; part %s is sent again.", job_id, part.name)

    def _end(self, part: Part, job: UploadJob) -> None:
        self._write_receipt(part, job)
        self._forget(part.name)
        log.info(
            "Upload job %s of part %s ended: %s, %d data units done, %d failed.",
            job.job_id,
            part.name,
            job.state.value,
            job.units.done,
            job.units.failed,
        )

    def _write_receipt(self, part: Part, job: UploadJob) -> None:
        sha256 = self.journal.active[part.name].sha256
        receipt = Receipt.of_job(part.name, sha256, job, attempt=self.journal.attempt)
        self.receipts.write(receipt)
        self.ended[part.name] = receipt

    def _forget(self, name: str) -> None:
        del self.journal.active[name]
        self.store.save(self.journal)

    def _require_repeatable(self, part: Part) -> None:
        if not part.skips_duplicates:
            raise EncordPermanentError(
                f"It is unknown whether part {part.name} was registered, and sending it again could register "
                "its data twice because it does not set skip_duplicate_urls. Look into the folder "
                f"{self.target.folder}; then set skip_duplicate_urls, or clear the task to send the part again."
            )


def _overall(receipts: Sequence[Receipt], *, complete: bool) -> JobState:
    states = {receipt.state for receipt in receipts}
    for state in (JobState.CANCELLED, JobState.ERROR):
        if state in states:
            return state
    if not complete or JobState.PENDING in states:
        return JobState.PENDING
    return JobState.DONE_WITH_ERRORS if JobState.DONE_WITH_ERRORS in states else JobState.DONE
