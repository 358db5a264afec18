"""One import: the parts of an upload spec, driven through upload jobs with a bounded number in flight.

:mod:`encord_provider.jobs.next_step` decides what to do; here it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

from encord_provider.api.calls import UploadRequest, get_upload_job
from encord_provider.api.client import EncordApi
from encord_provider.api.upload_job import JobState, UnitCounts, UploadJob
from encord_provider.exceptions import (
    EncordError,
    EncordNotFoundError,
    EncordPermanentError,
    EncordUnavailableError,
    UploadJobError,
    UploadJobNotRepeatedError,
    UploadJobTimeoutError,
)
from encord_provider.jobs.cancel import FAILED_TASK, Cause, cancel_jobs
from encord_provider.jobs.journal import Finished
from encord_provider.jobs.kill import KillSwitch
from encord_provider.jobs.memory import Memory
from encord_provider.jobs.next_step import (
    Ask,
    Begin,
    Finish,
    Forget,
    GiveUp,
    ImportState,
    Look,
    Presence,
    Record,
    RecordPresent,
    Refuse,
    Start,
    TimeOut,
    Wait,
    Why,
    ended_parts,
    next_step,
    retry_helps,
)
from encord_provider.jobs.parts import ImportPart
from encord_provider.jobs.receipts import Receipt
from encord_provider.jobs.report import (
    FailedObject,
    Outcome,
    failed_objects,
    unregistered_objects,
    write_report,
)
from encord_provider.jobs.wait import Progress, WaitEnd, wait_in_process
from encord_provider.metrics import upload_job_ended

if TYPE_CHECKING:
    from encord_provider.api.async_client import AsyncEncordApi

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
    :param memory: what is remembered of this import.
    :param kill_switch: ends it when the task is killed.
    :param look_for: looks into the folder for the data units of parts.
    :param label: names the run in Encord: DAG, run and task.
    :param max_active_jobs: how many jobs may be under way at once.
    :param ordered: whether a user has ordered this attempt, rather than Airflow retrying.
    :param waits: whether to wait for the jobs; if not, all are started at once.
    :param resumed: whether this attempt has begun before, and comes back from a deferral.
    """

    api: EncordApi
    target: Target
    parts: Sequence[ImportPart]
    memory: Memory
    kill_switch: KillSwitch
    look_for: Callable[[Sequence[ImportPart]], Mapping[str, Presence]]
    label: str
    max_active_jobs: int
    ordered: bool = False
    waits: bool = True
    resumed: bool = False
    _by_name: dict[str, ImportPart] = field(init=False)
    _state: ImportState = field(init=False)
    _answers: dict[str, UploadJob | None] = field(init=False, default_factory=dict)
    _presence: dict[str, Presence] = field(init=False, default_factory=dict)
    _reported: tuple[dict[str, Any], list[FailedObject]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._by_name = {part.name: part for part in self.parts}
        self.memory.recall({part.name: part.sha256 for part in self.parts})
        # It shares the journal, the receipts and the answers, and so sees what becomes of them.
        self._state = ImportState(
            parts=self._by_name,
            journal=self.memory.journal,
            receipts=self.memory.known,
            answers=self._answers,
            begun=self.resumed,
            ordered=self.ordered,
            presence=self._presence,
            waits=self.waits,
            max_active_jobs=self.max_active_jobs if self.waits else len(self.parts),
        )
        self.kill_switch.report = lambda: self._report(self.memory.known)

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
                case Look(parts=names):
                    self._presence.update(self.look_for([self._by_name[name] for name in names]))
                case Record(part=name, job=job):
                    self._record(name, job)
                case RecordPresent(part=name):
                    self._record_present(self._by_name[name])
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
        self.kill_switch.stop_if_pulled()
        if end is WaitEnd.UNREACHABLE:
            raise EncordUnavailableError(
                "Encord could not be reached; the upload jobs go on, and a retry rejoins them."
            )
        out_of_time = end is WaitEnd.TIMEOUT and deadline is not None and min(ends) == deadline
        self.look_again(out_of_time=out_of_time)

    @property
    def active_jobs(self) -> dict[str, ImportPart]:
        """The jobs that are under way, each with its part, in the order of the parts."""
        jobs = {name: job_id for job_id, name in self.memory.active_jobs.items()}
        return {jobs[part.name]: part for part in self.parts if part.name in jobs}

    @property
    def job_ids(self) -> list[str]:
        """The jobs that have ended, in the order of their parts, and those that are under way."""
        return self._job_ids(ended_parts(self._state))

    @property
    def active_units(self) -> int:
        """How many data units the jobs under way have."""
        return sum(part.units for part in self.active_jobs.values())

    def time_out(self, *, cancel: bool) -> NoReturn:
        """Fail because the time is over.

        :param cancel: whether to cancel the jobs under way.
        :raises UploadJobTimeoutError: always.
        """
        left = (
            str(self.kill_switch.end(budget=FAILED_TASK, cause=Cause.OUT_OF_TIME))
            if cancel
            else "the jobs under way go on"
        )
        summary = self.summary()
        units = summary["units"]
        raise UploadJobTimeoutError(
            f"The import did not end in time: {units['done']} of {units['total']} data units are registered, "
            f"{units['failed']} failed; {left}. Receipts: {summary['receipts']}"
        )

    def finish(self, finished: Finished | None) -> None:
        """Note that the import has succeeded.

        :param finished: what a retry is to return; None to forget everything.
        """
        if finished is None:
            self.memory.delete()
            return
        self.memory.journal.finished = finished
        self.memory.save()

    def judge(self, *, max_failed_units: int) -> dict[str, Any]:
        """Judge the whole import.

        :param max_failed_units: how many failed data units still count as success.
        :returns: the summary.
        :raises UploadJobError: if it is no success; the journal is kept, so that a retry sends what is missing.
        """
        ended = {name: self.memory.receipts.whole(one) for name, one in ended_parts(self._state).items()}
        outcome = self._outcome(ended)
        summary = self._report(ended, unregistered=self._unregistered(ended))
        try:
            outcome.judge(max_failed_units=max_failed_units, failures=summary["failures"])
        except UploadJobError as error:
            if retry_helps(self._state):
                raise
            raise UploadJobNotRepeatedError(
                f"{error} A retry does not send them again: the spec does not set skip_duplicate_urls, and what is "
                "registered of the same part would be registered twice. Give them in a spec of their own."
            ) from None
        return summary

    def summary(self) -> dict[str, Any]:
        """Sum up what is known now, and write it and the failures beside the receipts.

        :returns: ``{"status", "folder", "job_ids", "units", "items_added", "receipts", "failures"}``.
        """
        return self._report(ended_parts(self._state))

    @property
    def units(self) -> UnitCounts:
        """The data units of all parts, those that have not been sent too."""
        return self._outcome(ended_parts(self._state)).units

    @property
    def reported(self) -> tuple[Mapping[str, Any], Sequence[FailedObject]]:
        """The last summary and what it lists as failed; what is known now, where nothing was summed up yet."""
        if self._reported is None:
            self.summary()
        assert self._reported is not None  # noqa: S101 - the summary has set it
        return self._reported

    @property
    def ended_receipts(self) -> list[Receipt]:
        """The receipts of the parts that have ended, in the order of the spec; errors of their jobs may be left out."""
        ended = ended_parts(self._state)
        return [ended[part.name] for part in self.parts if part.name in ended]

    def _job_ids(self, ended: Mapping[str, Receipt]) -> list[str]:
        known = [ended[part.name].job.job_id for part in self.parts if part.name in ended]
        active = [job_id for job_id, part in self.active_jobs.items() if part.name not in ended]
        # A part that was found registered has no job that is known.
        return [job_id for job_id in known if job_id] + active

    def _outcome(self, ended: Mapping[str, Receipt]) -> Outcome:
        left = [part.units for part in self.parts if part.name not in ended]
        return Outcome.of((receipt.job for receipt in ended.values()), left=left)

    def _report(
        self, ended: Mapping[str, Receipt], *, unregistered: Iterable[FailedObject] = ()
    ) -> dict[str, Any]:
        receipts = [ended[part.name] for part in self.parts if part.name in ended]
        summary = self._outcome(ended).summary(folder=self.target.folder, job_ids=self._job_ids(ended))
        failed = [*failed_objects(map(self.memory.receipts.whole, receipts)), *unregistered]
        summary = write_report(self.memory.receipts.uri, summary, failed)
        self._reported = (summary, failed)
        return summary

    def _unregistered(self, ended: Mapping[str, Receipt]) -> Iterator[FailedObject]:
        """Name what no failed data unit names: the rest of jobs that were stopped, and what was not sent then."""
        for part in self.parts:
            receipt = ended.get(part.name)
            if receipt is not None and not receipt.is_stopped:
                continue
            try:
                units = part.read().units
            except EncordError as error:
                log.warning("The objects of part %s cannot be listed: %s", part.name, error)
                continue
            yield from unregistered_objects(part.name, receipt, units)

    def _begin(self) -> None:
        self.memory.begin()
        self._state = replace(self._state, begun=True)
        ended = ended_parts(self._state)
        for name, receipt in ended.items():
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
        if ended:
            log.info("%d of %d parts have been sent already and stay.", len(ended), len(self.parts))

    def _ask(self, job_ids: Sequence[str]) -> None:
        for job_id in job_ids:
            try:
                self._answers[job_id] = self.api.perform(get_upload_job(self.target.folder, job_id))
            except EncordNotFoundError:
                self._answers[job_id] = None

    def _record(self, name: str, job: UploadJob) -> None:
        self.memory.record(name, job)
        upload_job_ended(job)
        log.info(
            "Upload job %s of part %s ended: %s, %d data units done, %d failed.",
            job.job_id,
            name,
            job.state.value,
            job.units.done,
            job.units.failed,
        )

    def _record_present(self, part: ImportPart) -> None:
        log.warning(
            "All %d data units of part %s are in the folder %s already; it is not sent again.",
            part.units,
            part.name,
            self.target.folder,
        )
        job = UploadJob(job_id="", state=JobState.DONE, units=UnitCounts(done=part.units))
        self.memory.record(part.name, job, sha256=part.sha256)

    def _start(self, part: ImportPart) -> None:
        file_name = f"{self.label}/{self.memory.journal.token[:8]}/{part.name}"
        request = UploadRequest(
            folder=self.target.folder,
            integration=self.target.integration,
            ignore_errors=self.target.ignore_errors,
            file_name=file_name,
            skips_duplicates=part.skips_duplicates,
            **part.content(),
        )
        self.memory.intend(part.name, sha256=part.sha256, file_name=file_name)
        self.kill_switch.stop_if_pulled()
        try:
            job_id = self.kill_switch.start(part.name, request)
        except (EncordPermanentError, EncordUnavailableError) as error:
            if isinstance(error, EncordPermanentError) or not error.carried_out:
                # Encord refused it, or was never reached, so that nothing is under way.
                self.memory.forget(part.name)
            raise
        self.memory.note_started(part.name, job_id)
        self.kill_switch.noted()
        try:
            self.memory.save()
        except Exception:
            # No other attempt can rejoin a job whose id is not stored.
            cancel_jobs(self.api, self.target.folder, [job_id], budget=FAILED_TASK, cause=Cause.FAILED)
            raise
        log.info("Part %s with %d data units is upload job %s.", part.name, part.units, job_id)
        self.kill_switch.stop_if_pulled()

    def _forget_with_warning(self, name: str, why: Why) -> None:
        job_id = self.memory.journal.active[name].job_id
        self.memory.forget(name, gone=why is Why.JOB_GONE)
        if why is Why.SPEC_CHANGED:
            log.warning("The spec has changed; upload job %s of its part %s goes on.", job_id, name)
        elif why is Why.JOB_GONE:
            log.warning("Encord does not know upload job %s any more; part %s is sent again.", job_id, name)
        else:
            log.info("Part %s may have been sent before; it is sent again.", name)

    def _refuse(self, name: str, why: Why) -> None:
        # The intent stays: what was unknown to this attempt is unknown to the next one too.
        self.memory.save()
        found = {Presence.NONE: "none", Presence.SOME: "some, but not all,"}[self._presence[name]]
        raise EncordPermanentError(
            f"It is unknown whether part {name} was registered ({why.value}), and sending it again could register its "
            f"data twice because it does not set skip_duplicate_urls. The folder {self.target.folder} has {found} of "
            "its data units. Look whether an upload job is still at work there. Then set skip_duplicate_urls; or clear "
            "the task once the folder has all data units of the part, which then counts as registered, or none, which "
            "sends it again."
        )

    def _give_up(self, name: str) -> None:
        job_id = self.memory.journal.active[name].job_id
        self.memory.forget(name, gone=True)
        raise EncordError(
            f"Encord has forgotten {self.memory.journal.gone} upload jobs of this import, at last {job_id}. Look into "
            f"the folder {self.target.folder} before running it again."
        )
