"""What an import knows of itself: its journal, and the receipts of the parts whose jobs have ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from encord_provider.api.client import EncordApi
from encord_provider.api.retry import RetryBudget
from encord_provider.api.upload_job import UploadJob
from encord_provider.jobs.cancel import Cancelled, Cause, cancel_jobs
from encord_provider.jobs.journal import ActiveJob, Journal, JournalStore
from encord_provider.jobs.receipts import Receipt, Receipts
from encord_provider.workspace.files import child

log = logging.getLogger(__name__)


class Memory:
    """What is known of an import, before its spec is even read: enough to cancel what it has under way.

    :param journal: which parts are under way.
    :param store: where the journal is kept.
    :param receipts_uri: the folder of the receipts; the import's own lie in a folder named by its token.
    """

    def __init__(self, *, journal: Journal, store: JournalStore, receipts_uri: str) -> None:
        self.journal = journal
        self.known: dict[str, Receipt] = {}
        self._store = store
        self._receipts_uri = receipts_uri

    @property
    def receipts(self) -> Receipts:
        """The receipts of this import."""
        return Receipts(child(self._receipts_uri, self.journal.token))

    def begin_anew(self, *, in_doubt: bool) -> None:
        """Begin another import, which knows nothing of the one before.

        :param in_doubt: whether that may have registered what this one sends.
        """
        self.journal = Journal(in_doubt=in_doubt)
        self.known.clear()
        self.save()

    def recall(self, hashes: Mapping[str, str]) -> None:
        """Read the receipts; where fewer are there than parts were sent, the import is in doubt.

        :param hashes: part name -> hash, for the parts of the spec.
        """
        if self.journal.sent:
            self.known.update(self.receipts.read_all(hashes, version=self.journal.version))
        if self.journal.sent > self._accounted:
            self.journal.in_doubt = True

    @property
    def active_jobs(self) -> dict[str, str]:
        """The jobs that are under way: job id -> part name."""
        return {active.job_id: name for name, active in self.journal.active.items() if active.job_id}

    def begin(self) -> None:
        """Count a new attempt: whatever was in doubt has been settled."""
        self.journal.attempt += 1
        self.journal.in_doubt = False
        self.journal.sent = self._accounted
        self.save()

    def intend(self, name: str, *, sha256: str, file_name: str) -> None:
        """Store that a part is about to be sent."""
        self.journal.sent += name not in self.journal.active and name not in self.known
        self.journal.active[name] = ActiveJob(file_name=file_name, sha256=sha256)
        self.save()

    def note_started(self, name: str, job_id: str) -> None:
        """Note the job of a part that was sent, without storing it yet."""
        self.journal.active[name] = replace(self.journal.active[name], job_id=job_id)

    def record(self, name: str, job: UploadJob, *, sha256: str | None = None) -> None:
        """Write the receipt of a part that has ended, and strike it out of the journal.

        :param name: the part.
        :param job: how its job ended.
        :param sha256: the hash of the part where it is not under way.
        """
        self.write_receipt(name, job, sha256=sha256)
        if name in self.journal.active:
            self.forget(name)

    def write_receipt(self, name: str, job: UploadJob, *, sha256: str | None = None) -> Receipt:
        """Write the receipt of a part, and leave the journal alone."""
        if sha256 is None:
            sha256 = self.journal.active[name].sha256
        receipt = Receipt(part=name, sha256=sha256, job=job, attempt=self.journal.attempt)
        self.receipts.write(receipt)
        self.known[name] = receipt
        return receipt

    def forget(self, name: str, *, gone: bool = False) -> None:
        """Strike a part out of the journal.

        :param name: the part.
        :param gone: whether that is because Encord does not know its job any more.
        """
        self.journal.gone += gone
        self.journal.sent -= name not in self.known
        del self.journal.active[name]
        self.save()

    def cancel(
        self,
        api: EncordApi,
        *,
        budget: RetryBudget,
        cause: Cause,
        ended: Mapping[str, UploadJob] | None = None,
    ) -> Cancelled:
        """Cancel the jobs under way, and keep what they had done by then; errors are logged, not raised.

        A job of which it is not known that it has ended stays in the journal.

        :param api: the data plane.
        :param budget: how long this may take.
        :param cause: why.
        :param ended: job id -> the job, for jobs that were seen to have ended.
        """
        parts = self.active_jobs
        ended = {job_id: job for job_id, job in (ended or {}).items() if job_id in parts}
        left = [job_id for job_id in parts if job_id not in ended]
        cancelled = cancel_jobs(api, self.journal.folder, left, budget=budget, cause=cause)
        for job_id, job in {**ended, **cancelled.ended}.items():
            try:
                self.record(parts[job_id], job)
            except Exception as error:
                # The error for which the jobs are cancelled must not be replaced by this one.
                log.error("What upload job %s had done could not be kept: %s", job_id, error)
        return cancelled

    def save(self) -> None:
        """Store the journal."""
        self.journal.version += 1
        self._store.save(self.journal)

    def delete(self) -> None:
        """Forget the journal."""
        self._store.delete()

    def note_known(self) -> None:
        """Note which parts have ended, so that a process that resumes this attempt need not read every receipt."""
        self.receipts.note_known(self.known, version=self.journal.version)

    @property
    def _accounted(self) -> int:
        return len(self.journal.active.keys() | self.known.keys())
