"""One import: the parts of an upload spec, driven through upload jobs with a bounded number in flight.

:mod:`encord_provider.jobs.next_step` decides what to do; here it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

from encord_provider.api.calls import UploadRequest, get_upload_job
from encord_provider.api.client import EncordApi
from encord_provider.api.upload_job import UploadJob
from encord_provider.exceptions import (
    EncordError,
    EncordNotFoundError,
    EncordPermanentError,
    EncordUnavailableError,
    UploadJobTimeoutError,
)
from encord_provider.jobs.cancel import FAILED_TASK, KILLED_TASK, cancel_jobs
from encord_provider.jobs.journal import ActiveJob, Finished, Journal, JournalStore
from encord_provider.jobs.kill import KillSwitch
from encord_provider.jobs.next_step import (
    Ask,
    Begin,
    Finish,
    Forget,
    GiveUp,
    ImportState,
    Record,
    Refuse,
    Start,
    TimeOut,
    Wait,
    Why,
    ended_parts,
    next_step,
)
from encord_provider.jobs.parts import ImportPart
from encord_provider.jobs.receipts import Receipt, Receipts
from encord_provider.jobs.report import Outcome, write_report
from encord_provider.jobs.wait import Progress, WaitEnd, wait_in_process

if TYPE_CHECKING:
    from encord_provider.api.async_client import AsyncEncordApi
    from encord_provider.api.retry import RetryBudget

log = logging.getLogger(__name__)


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
    :param waits: whether to wait for the jobs; if not, all are started at once.
    :param resumed: whether this attempt has begun before, and comes back from a deferral.
    """

    api: EncordApi
    target: Target
    parts: Sequence[ImportPart]
    journal: Journal
    store: JournalStore
    receipts_uri: str
    label: str
    max_active_jobs: int
    waits: bool = True
    resumed: bool = False
    receipts: Receipts = field(init=False)
    _by_name: dict[str, ImportPart] = field(init=False)
    _state: ImportState = field(init=False)
    _known: dict[str, Receipt] = field(init=False, default_factory=dict)
    _answers: dict[str, UploadJob | None] = field(init=False, default_factory=dict)
    _kill_switch: KillSwitch = field(init=False)

    def __post_init__(self) -> None:
        self.receipts = Receipts(f"{self.receipts_uri.rstrip('/')}/{self.journal.token}")
        self._by_name = {part.name: part for part in self.parts}
        # Where no journal was ever stored, nothing was ever sent.
        if self.journal.version:
            hashes = {part.name: part.sha256 for part in self.parts}
            self._known = self.receipts.read_all(hashes, version=self.journal.version)
        # It shares the journal, the receipts and the answers, and so sees what becomes of them.
        self._state = ImportState(
            parts=self._by_name,
            journal=self.journal,
            receipts=self._known,
            answers=self._answers,
            begun=self.resumed,
            waits=self.waits,
            max_active_jobs=self.max_active_jobs if self.waits else len(self.parts),
        )
        self._kill_switch = KillSwitch(
            api=self.api,
            folder=self.target.folder,
            active=lambda: self.active_jobs,
            keep=self._keep_killed,
        )

    def advance(self) -> Wait | TimeOut | Finish:
        """Do one step after the other, until there is nothing to do but to wait or to end.

        :returns: what to wait for, that the time is over, or that every part has ended.
        :raises EncordPermanentError: if it is unknown whether a part was sent, and it does not skip duplicates.
        :raises EncordRequestError: if Encord refuses a part.
        :raises EncordUnavailableError: if Encord cannot be reached.
        """
        while True:
            match next_step(self._state):
                case (Wait() | TimeOut() | Finish()) as step:
                    return step
                case Begin():
                    self._begin()
                case Ask(job_ids=job_ids):
                    self._ask(job_ids)
                case Record(part=name, job=job):
                    self._record(name, job)
                case Start(part=name):
                    self._start(self._by_name[name])
                case Forget(part=name, why=why):
                    self._forget_with_warning(name, why)
                case Refuse(part=name, why=why):
                    self._refuse(name, why)
                case GiveUp(part=name):
                    self._give_up(name)

    def look_again(self, *, out_of_time: bool = False) -> None:
        """Ask for every job under way, because a wait is over.

        :param out_of_time: whether it is over because the deadline has passed: no more parts are sent then.
        """
        self._state = replace(self._state, out_of_time=out_of_time)
        self._answers.clear()
        self._ask(tuple(self.active_jobs))

    def wait(
        self,
        step: Wait,
        connect: Callable[[], AsyncEncordApi],
        *,
        deadline: float | None,
        no_longer_than: float | None = None,
    ) -> None:
        """Wait for jobs in this process.

        :param step: for which jobs, and how many of them.
        :param connect: makes the client that asks for them.
        :param deadline: seconds since the epoch after which the import is out of time, or None.
        :param no_longer_than: seconds since the epoch after which only this wait is over; None to wait to the end.
        :raises EncordUnavailableError: if Encord could not be reached; the jobs go on.
        """

        ends = [moment for moment in (deadline, no_longer_than) if moment is not None]
        end = wait_in_process(
            connect,
            folder=self.target.folder,
            job_ids=step.job_ids,
            until=step.until,
            deadline=min(ends) if ends else None,
            progress=Progress(total=self.active_units),
        )
        self._stop_if_killed()
        if end is WaitEnd.UNREACHABLE:
            raise EncordUnavailableError(
                "Encord could not be reached; the upload jobs go on, and a retry rejoins them."
            )
        out_of_time = end is WaitEnd.TIMEOUT and deadline is not None and min(ends) == deadline
        self.look_again(out_of_time=out_of_time)

    @property
    def active_jobs(self) -> dict[str, ImportPart]:
        """The jobs that are under way, each with its part."""
        active = ((self.journal.active.get(part.name), part) for part in self.parts)
        return {job.job_id: part for job, part in active if job is not None and job.job_id}

    @property
    def active_units(self) -> int:
        """How many data units the jobs under way have."""
        return sum(part.units for part in self.active_jobs.values())

    def cancel(self, *, budget: RetryBudget = FAILED_TASK) -> None:
        """Cancel the jobs under way, and keep what they had done by then; errors are logged, not raised.

        :param budget: how long this may take.
        """
        parts = self.active_jobs
        for job_id, job in cancel_jobs(self.api, self.target.folder, list(parts), budget=budget).items():
            self._record(parts[job_id].name, job)

    def time_out(self, *, cancel: bool) -> NoReturn:
        """Fail because the time is over.

        :param cancel: whether to cancel the jobs under way.
        :raises UploadJobTimeoutError: always.
        """
        if cancel:
            self.cancel()
        summary = self.summary()
        units = summary["units"]
        left = "were cancelled" if cancel else "go on"
        raise UploadJobTimeoutError(
            f"The import did not end in time: {units['done']} of {units['total']} data units are registered, "
            f"{units['failed']} failed; the jobs under way {left}. Receipts: {summary['receipts']}"
        )

    def kill(self, *, cancel: bool) -> None:
        """End at once, wherever the import is: start no more jobs. This may be called in a signal handler.

        :param cancel: whether to cancel the jobs under way.
        """
        self._kill_switch.pull(cancel=cancel)

    def finish(self, finished: Finished | None) -> None:
        """Note that the import has succeeded.

        :param finished: what a retry is to return; None to forget everything.
        """
        if finished is None:
            self.store.delete()
            return
        self.journal.finished = finished
        self._save()

    def note_known(self) -> None:
        """Note which parts have ended, so that a process that resumes this attempt need not read every receipt."""
        self.receipts.note_known(self._known, version=self.journal.version)

    def judge(self, *, max_failed_units: int) -> dict[str, Any]:
        """Judge the whole import.

        :param max_failed_units: how many failed data units still count as success.
        :returns: the summary.
        :raises UploadJobError: if it is no success; the journal is kept, so that a retry sends what is missing.
        """
        summary = self.summary()
        self._outcome(self._ended).judge(max_failed_units=max_failed_units, failures=summary["failures"])
        return summary

    def summary(self) -> dict[str, Any]:
        """Sum up what is known now, and write it and the failures beside the receipts.

        :returns: ``{"status", "folder", "job_ids", "units", "items_added", "receipts", "failures"}``.
        """
        return self._report(self._ended)

    @property
    def _ended(self) -> dict[str, Receipt]:
        return ended_parts(self._state)

    def _outcome(self, ended: Mapping[str, Receipt]) -> Outcome:
        left = [part.units for part in self.parts if part.name not in ended]
        return Outcome.of((receipt.job for receipt in ended.values()), left=left)

    def _report(self, ended: Mapping[str, Receipt]) -> dict[str, Any]:
        receipts = [ended[part.name] for part in self.parts if part.name in ended]
        active = [job_id for job_id, part in self.active_jobs.items() if part.name not in ended]
        summary = self._outcome(ended).summary(
            folder=self.target.folder, job_ids=[receipt.job.job_id for receipt in receipts] + active
        )
        return write_report(self.receipts.uri, summary, receipts)

    def _begin(self) -> None:
        self.journal.attempt += 1
        self._state = replace(self._state, begun=True)
        self._save()
        for name, receipt in self._ended.items():
            if not receipt.is_complete:
                log.warning(
                    "Part %s ended as %s and does not set skip_duplicate_urls, so it is not sent again: that would "
                    "register its %d good data units twice.",
                    name,
                    receipt.job.state.value,
                    receipt.job.units.done,
                )
        for job_id, part in self.active_jobs.items():
            log.info("Rejoined upload job %s of part %s.", job_id, part.name)
        if self._ended:
            log.info("%d of %d parts have been sent already and stay.", len(self._ended), len(self.parts))

    def _ask(self, job_ids: Sequence[str]) -> None:
        for job_id in job_ids:
            try:
                self._answers[job_id] = self.api.perform(get_upload_job(self.target.folder, job_id))
            except EncordNotFoundError:
                self._answers[job_id] = None

    def _record(self, name: str, job: UploadJob) -> None:
        self._write_receipt(name, job)
        self._forget(name)
        log.info(
            "Upload job %s of part %s ended: %s, %d data units done, %d failed.",
            job.job_id,
            name,
            job.state.value,
            job.units.done,
            job.units.failed,
        )

    def _write_receipt(self, name: str, job: UploadJob) -> Receipt:
        sha256 = self.journal.active[name].sha256
        receipt = Receipt(part=name, sha256=sha256, job=job, attempt=self.journal.attempt)
        self.receipts.write(receipt)
        self._known[name] = receipt
        return receipt

    def _start(self, part: ImportPart) -> None:
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
        self._save()
        self._stop_if_killed()
        try:
            job_id = self._kill_switch.start(request)
        except (EncordPermanentError, EncordUnavailableError) as error:
            if isinstance(error, EncordPermanentError) or not error.carried_out:
                # Encord refused it, or was never reached, so that nothing is under way.
                self._forget(part.name)
            raise
        self.journal.active[part.name] = replace(intent, job_id=job_id)
        self._kill_switch.noted()
        self._save()
        log.info("Part %s with %d data units is upload job %s.", part.name, part.units, job_id)
        self._stop_if_killed()

    def _stop_if_killed(self) -> None:
        """End a killed import where it goes on, with the job that was being started meanwhile."""
        if not self._kill_switch.pulled:
            return
        if self._kill_switch.cancels:
            self.cancel(budget=KILLED_TASK)
        raise EncordError("The task was killed; no more upload jobs are started.")

    def _keep_killed(self, jobs: Mapping[str, UploadJob]) -> None:
        """Keep what cancelled jobs had done, without touching the journal."""
        ended = self._ended
        parts = self.active_jobs
        for job_id, job in jobs.items():
            if job_id in parts:
                name = parts[job_id].name
                ended[name] = self._write_receipt(name, job)
        self._report(ended)

    def _forget_with_warning(self, name: str, why: Why) -> None:
        job_id = self.journal.active[name].job_id
        self._forget(name, gone=why is Why.JOB_GONE)
        if why is Why.SPEC_CHANGED:
            log.warning("The spec has changed; upload job %s of its part %s goes on.", job_id, name)
        elif why is Why.JOB_GONE:
            log.warning("Encord does not know upload job %s any more; part %s is sent again.", job_id, name)
        else:
            log.info("Part %s may have been sent before; it is sent again, skipping duplicates.", name)

    def _refuse(self, name: str, why: Why) -> None:
        # Forgotten first: a user who has looked into the folder can run the task again.
        self._forget(name, gone=why is Why.JOB_GONE)
        raise EncordPermanentError(
            f"It is unknown whether part {name} was registered, and sending it again could register "
            "its data twice because it does not set skip_duplicate_urls. Look into the folder "
            f"{self.target.folder}; then set skip_duplicate_urls, or clear the task to send the part again."
        )

    def _give_up(self, name: str) -> None:
        job_id = self.journal.active[name].job_id
        self._forget(name, gone=True)
        raise EncordError(
            f"Encord has forgotten {self.journal.gone} upload jobs of this import, at last {job_id}. Look into "
            f"the folder {self.target.folder} before running it again."
        )

    def _forget(self, name: str, *, gone: bool = False) -> None:
        self.journal.gone += gone
        del self.journal.active[name]
        self._save()

    def _save(self) -> None:
        self.journal.version += 1
        self.store.save(self.journal)
