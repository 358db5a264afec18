"""One import: the parts of an upload spec, driven through upload jobs with a bounded number in flight."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from encord_provider.api.calls import UploadRequest, cancel_upload_job, get_upload_job, start_upload_job
from encord_provider.api.client import EncordApi
from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob, judge
from encord_provider.exceptions import EncordError, EncordNotFoundError, EncordPermanentError
from encord_provider.receipts import ActiveJob, Journal, JournalStore, Receipt, Receipts, write_failures

log = logging.getLogger(__name__)

_GONE_MAX = 5


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a spec that is to be sent.

    :param name: its name, unique in the spec.
    :param sha256: the hash of its bytes.
    :param units: how many data units it has.
    :param skips_duplicates: whether it asks Encord to skip URLs that the folder already has.
    :param data_items: reads the part and gives Encord's structured ``dataItems``.
    """

    name: str
    sha256: str
    units: int
    skips_duplicates: bool
    data_items: Callable[[], Mapping[str, Any]]


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
    out parts that have a complete receipt.

    :param api: the data plane.
    :param target: where the import goes.
    :param parts: the parts, in order.
    :param store: where the journal is kept.
    :param receipts_uri: the folder of the receipts; the import's own lie in a folder named by its token.
    :param label: names the run in Encord: DAG, run and task.
    :param max_active_jobs: how many jobs may be under way at once.
    """

    api: EncordApi
    target: Target
    parts: Sequence[Part]
    store: JournalStore
    receipts_uri: str
    label: str
    max_active_jobs: int
    journal: Journal = field(init=False)
    receipts: Receipts = field(init=False)
    ended: dict[str, Receipt] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.journal = self.store.load() or Journal()
        self.receipts = Receipts(f"{self.receipts_uri.rstrip('/')}/{self.journal.token}")
        for part in self.parts:
            receipt = self.receipts.read(part.name, part.sha256)
            if receipt is not None and part.name not in self.journal.active:
                self.ended[part.name] = receipt

    def begin_attempt(self) -> None:
        """Take up what an earlier attempt left: complete parts stay, all others are sent again or rejoined.

        :raises EncordPermanentError: if it is unknown whether a part was sent, and it does not skip duplicates.
        """
        self.store.save(self.journal)
        incomplete = [name for name, receipt in self.ended.items() if not receipt.is_complete]
        for name in incomplete:
            del self.ended[name]
        if self.ended:
            log.info(
                "%d of %d parts are already registered; they are not sent again.",
                len(self.ended),
                len(self.parts),
            )
        for part in self.parts:
            active = self.journal.active.get(part.name)
            if active is None:
                continue
            if active.job_id is None:
                self._require_repeatable(part)
                log.info(
                    "Part %s may have been sent before; it is sent again, skipping duplicates.", part.name
                )
                self._forget(part.name)
                continue
            job = self._look(active.job_id)
            if job is None or job.state in (JobState.ERROR, JobState.CANCELLED):
                log.info(
                    "The upload job %s of part %s is gone or ended; the part is sent again.",
                    active.job_id,
                    part.name,
                )
                self._forget(part.name)
            else:
                log.info("Rejoined upload job %s of part %s.", active.job_id, part.name)

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
    def active_job_ids(self) -> list[str]:
        """The jobs that are under way."""
        return [job.job_id for job in self.journal.active.values() if job.job_id]

    @property
    def active_units(self) -> int:
        """How many data units the jobs under way have."""
        return sum(part.units for part in self.parts if part.name in self.journal.active)

    def take_ended(self) -> int:
        """Ask for every job under way once, and write the receipts of those that have ended.

        A job that Encord does not know any more is forgotten, so that its part is sent again.

        :return: how many are not under way any more.
        """
        before = len(self.journal.active)
        for part in self.parts:
            active = self.journal.active.get(part.name)
            if active is None or active.job_id is None:
                continue
            job = self._look(active.job_id)
            if job is None:
                self._require_repeatable(part)
                self.journal.gone += 1
                if self.journal.gone > _GONE_MAX:
                    raise EncordError(
                        f"Encord has forgotten {self.journal.gone} upload jobs of this import, at last "
                        f"{active.job_id}. Look into the folder {self.target.folder} before running it again."
                    )
                log.warning(
                    "Encord does not know upload job %s any more; part %s is sent again.",
                    active.job_id,
                    part.name,
                )
                self._forget(part.name)
            elif job.state.is_terminal:
                self._end(part, job)
        return before - len(self.journal.active)

    def cancel(self) -> None:
        """Cancel the jobs under way, and write what they had done by then; errors are logged, not raised."""
        for part in self.parts:
            active = self.journal.active.get(part.name)
            if active is None or active.job_id is None:
                continue
            try:
                units = self.api.perform(cancel_upload_job(self.target.folder, active.job_id))
                log.info("Cancelled upload job %s: %d data units were pending.", active.job_id, units)
                job = self._look(active.job_id)
            except EncordError as error:
                log.error("Upload job %s could not be cancelled and may go on: %s", active.job_id, error)
                continue
            if job is not None:
                self._end(part, job)

    def summary(self) -> dict[str, Any]:
        """Sum up what is known now, and write the failures file.

        :return: ``{"status", "folder", "job_ids", "units", "items_added", "receipts", "failures"}``.
        """
        receipts = [self.ended[part.name] for part in self.parts if part.name in self.ended]
        units = sum((receipt.units for receipt in receipts), UnitCounts())
        unsent = sum(part.units for part in self.parts if part.name not in self.ended)
        units = replace(units, pending=units.pending + unsent)
        return {
            "status": _overall(receipts, complete=len(receipts) == len(self.parts)).value,
            "folder": self.target.folder,
            "job_ids": [receipt.job_id for receipt in receipts] + self.active_job_ids,
            "units": units.as_dict(),
            "items_added": sum(receipt.items_added for receipt in receipts),
            "receipts": self.receipts.uri,
            "failures": write_failures(f"{self.receipts.uri}/failures.csv", receipts),
        }

    def finish(self, *, max_failed_units: int) -> dict[str, Any]:
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
        self.store.delete()
        return summary

    def _start(self, part: Part) -> None:
        file_name = f"{self.label}/{self.journal.token[:8]}/{part.name}"
        data_items = part.data_items()
        self.journal.active[part.name] = ActiveJob(file_name=file_name)
        self.store.save(self.journal)
        try:
            job_id = self.api.perform(
                start_upload_job(
                    UploadRequest(
                        folder=self.target.folder,
                        data_items=data_items,
                        integration=self.target.integration,
                        ignore_errors=self.target.ignore_errors,
                        file_name=file_name,
                        skips_duplicates=part.skips_duplicates,
                    )
                )
            )
        except EncordPermanentError:
            # Encord refused it, so that nothing is under way.
            self._forget(part.name)
            raise
        self.journal.active[part.name] = ActiveJob(file_name=file_name, job_id=job_id)
        self.store.save(self.journal)
        log.info("Part %s with %d data units is upload job %s.", part.name, part.units, job_id)

    def _look(self, job_id: str) -> UploadJob | None:
        try:
            return self.api.perform(get_upload_job(self.target.folder, job_id))
        except EncordNotFoundError:
            return None

    def _end(self, part: Part, job: UploadJob) -> None:
        receipt = Receipt.of_job(part.name, part.sha256, job)
        self.receipts.write(receipt)
        self.ended[part.name] = receipt
        self._forget(part.name)
        log.info(
            "Upload job %s of part %s ended: %s, %d data units done, %d failed.",
            job.job_id,
            part.name,
            job.state.value,
            job.units.done,
            job.units.failed,
        )

    def _forget(self, name: str) -> None:
        del self.journal.active[name]
        self.store.save(self.journal)

    def _require_repeatable(self, part: Part) -> None:
        if not part.skips_duplicates:
            raise EncordPermanentError(
                f"It is unknown whether part {part.name} was sent to Encord, and sending it again could register "
                "its data twice because it does not set skip_duplicate_urls. Look into the folder "
                f"{self.target.folder}, then run the task with skip_duplicate_urls, or clear it."
            )


def _overall(receipts: Sequence[Receipt], *, complete: bool) -> JobState:
    states = {receipt.state for receipt in receipts}
    for state in (JobState.CANCELLED, JobState.ERROR):
        if state in states:
            return state
    if not complete or JobState.PENDING in states:
        return JobState.PENDING
    return JobState.DONE_WITH_ERRORS if JobState.DONE_WITH_ERRORS in states else JobState.DONE
