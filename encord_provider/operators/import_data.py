"""EncordImportDataOperator: register the objects of an upload spec, and wait until that is done."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.providers.common.compat.sdk import conf

from encord_provider.api.upload_job import UnitCounts
from encord_provider.asset_events import refuse_outlets_too_early, tells_assets
from encord_provider.exceptions import (
    EncordError,
    EncordInputError,
    EncordPermanentError,
    EncordUnavailableError,
    UploadJobTimeoutError,
    UploadSpecError,
)
from encord_provider.jobs.cancel import FAILED_TASK, Cause, cancel_jobs
from encord_provider.jobs.journal import FileJournal, Finished, Journal, JournalStore, TaskStateJournal
from encord_provider.jobs.kill import KillSwitch
from encord_provider.jobs.memory import Memory
from encord_provider.jobs.next_step import Finish, TimeOut, Wait
from encord_provider.jobs.parts import ImportPart, parts_of, places_of
from encord_provider.jobs.run import Import, Target
from encord_provider.lineage import Lineage, Place
from encord_provider.links import EncordFolderLink, EncordReportLink, EncordUploadJobsLink, show_link
from encord_provider.metadata.presence import presence_of
from encord_provider.operators.base import EncordWorkspaceOperator
from encord_provider.report.reporting import reported, show_progress
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import import_report
from encord_provider.triggers.upload_job import EncordUploadJobTrigger, UploadJobEvent
from encord_provider.workspace.files import child
from encord_provider.workspace.templates import limit_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


_LAST_LOOK_SECONDS = 2.0


class EncordImportDataOperator(EncordWorkspaceOperator):
    """Register an upload spec with Encord.

    The parts of the spec go out as upload jobs, at most ``max_active_jobs`` at a time. A retry goes on where the
    last attempt stopped; parts that are registered are not sent again. Clearing a successful task imports
    everything again, and Encord skips what it has.

    :param spec: the index URI or the list of part URIs that
        :class:`~encord_provider.operators.build_upload_spec.EncordBuildUploadSpecOperator` returned, the whole
        mapping that it returned, the URI of any upload spec in Encord's JSON or CSV form, or such a JSON spec
        itself as a mapping. (templated)
    :param folder: the storage folder: UUID, or name path from the top such as ``lake/site-a``. (templated)
    :param untouched: whether a JSON spec of your own is sent exactly as it is, instead of in Encord's structured form
        in which every default is explicit. It is checked first all the same, but may hold unknown fields.
    :param create_folder: whether to create what is missing of a name path.
    :param integration: the cloud integration: UUID or exact title; None for the connection's default. (templated)
    :param ignore_errors: whether a job goes on when a data unit fails. Without it, Encord ends the whole job.
    :param max_failed_units: how many failed data units still count as success. (templated)
    :param wait_for_completion: whether to wait for the jobs; if not, all are started at once.
    :param deferrable: whether to wait in the triggerer, for jobs that take longer than a few seconds; by default what
        ``[operators] default_deferrable`` says.
    :param durable: whether to remember across attempts what was sent and what has ended; specs that do not set
        ``skip_duplicate_urls`` are remembered always.
    :param cancel_on_kill: whether to cancel the jobs when the task is killed, runs out of time or fails for good.
    :param max_active_jobs: how many jobs may be under way at once.
    :param timeout: how long an attempt may take, as a timedelta or in seconds; None for ``execution_timeout``.
        After it, a few seconds go into a last look at the jobs and their cancelling.

    :returns: ``{"status", "folder", "job_ids", "units", "items_added", "receipts", "failures"}``; when not
        waiting, ``{"folder", "job_ids"}``.
    :raises EncordInputError: if spec, folder or integration are wrong; nothing has been sent.
    :raises EncordPermanentError: if it is not known whether a part is registered that skips no duplicates.
    :raises UploadJobFailedError: if more data units failed than allowed.
    :raises UploadJobCancelledError: if a job was cancelled.
    :raises UploadJobTimeoutError: if the jobs did not end in time.
    :raises EncordUnavailableError: if Encord could not be reached.
    """

    template_fields: tuple[str, ...] = (
        *EncordWorkspaceOperator.template_fields,
        "spec",
        "folder",
        "integration",
        "max_failed_units",
    )
    template_fields_renderers = {"spec": "json"}

    operator_extra_links = (EncordFolderLink(), EncordUploadJobsLink(), EncordReportLink())

    patience: ClassVar[float] = 3.0
    """Seconds for which jobs are awaited here before the task is deferred. Short jobs need no deferral, and Airflow may
    fail one that comes back at once."""

    def __init__(
        self,
        *,
        spec: Mapping[str, Any] | Sequence[str] | str | XComArg,
        folder: str,
        untouched: bool = False,
        create_folder: bool = False,
        integration: str | None = None,
        ignore_errors: bool = True,
        max_failed_units: int | str | XComArg = 0,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        durable: bool = True,
        cancel_on_kill: bool = True,
        max_active_jobs: int = 4,
        timeout: timedelta | float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_active_jobs < 1:
            raise EncordInputError(f"max_active_jobs must be at least 1, not {max_active_jobs}.")
        self.spec = spec
        self.folder = folder
        self.untouched = untouched
        self.create_folder = create_folder
        self.integration = integration
        self.ignore_errors = ignore_errors
        self.max_failed_units = max_failed_units
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.durable = durable
        self.cancel_on_kill = cancel_on_kill
        self.max_active_jobs = max_active_jobs
        self.timeout = timeout
        if not wait_for_completion:
            refuse_outlets_too_early(self.outlets, task_id=self.task_id)
        self._kill_switch: KillSwitch | None = None
        self._killed = False
        self._running: Import | None = None
        self._shown: UnitCounts | None = None

    @reported
    @tells_assets
    def execute(self, context: Context) -> dict[str, Any]:
        """Send the parts, wait for them, and judge."""
        deadline = self._deadline()
        self._limit(deadline)
        self._allowed()
        store = self._store(context)
        journal = store.load()
        finished = journal.finished if journal is not None else None
        if finished is not None and finished.is_retried_by(**_try_of(context)):
            self.log.info("The import had already succeeded when the last attempt ended.")
            return dict(finished.value)
        with self._ending(context, journal, store) as kill_switch:
            memory = kill_switch.memory
            parts = self._parts()
            if memory.journal.finished is not None:
                # A user has cleared the task: what it had sent may be there.
                memory.begin_anew(in_doubt=True)
            elif not self._remembers(parts):
                self._give_up_jobs(memory)
                memory.begin_anew(in_doubt=False)
            elif not memory.journal.version:
                # The first attempt has sent nothing yet; of a later one, it is not known what those before it sent.
                memory.journal.in_doubt |= context["ti"].try_number > 1
                memory.save()
            # First, so that one that is wrong leaves no folder behind.
            integration = self.hook.find_integration(self.integration)
            folder = self.hook.find_folder(self.folder, create=self.create_folder)
            if memory.journal.folder not in ("", folder):
                self.log.warning("The folder has changed since the last attempt; everything is sent anew.")
                self._give_up_jobs(memory)
                memory.begin_anew(in_doubt=False)
            memory.journal.folder = folder
            memory.journal.integration = integration
            return self._drive(self._import(context, kill_switch, parts), deadline, context)

    @reported
    @tells_assets
    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on when the triggerer has seen a job end."""
        store = self._store(context)
        journal = store.load()
        if journal is None or not journal.version:
            self._cancel_orphans(event)
            raise EncordError("What this import had under way was lost while it was deferred.")
        with self._ending(context, journal, store) as kill_switch:
            seen = UploadJobEvent.from_payload(event)
            deadline = self._deadline() if seen.deadline is None else seen.deadline
            self._limit(deadline)
            running = self._import(context, kill_switch, self._parts(), resumed=True)
            if not seen.is_gone:
                seen.raise_for_status()
            running.look_again(out_of_time=seen.is_out_of_time)
            return self._drive(running, deadline, context, in_process=seen.is_early)

    def report(self, result: Any) -> TaskReport | None:
        """Say what was registered, what failed, and by which jobs."""
        if self._running is None:
            return None
        summary, failed = self._running.reported
        return import_report(summary, failed, self._running.ended_receipts)

    def lineage(self) -> Lineage:
        """Say from where data was registered, and into which folder."""
        inputs = [Place.of_uri(uri) for uri in places_of(self.spec)]
        if self._running is None:
            return Lineage(inputs=inputs)
        folder = Place.in_encord(self.hook, "folder", self._running.target.folder, named=self.folder)
        return Lineage(inputs=inputs, outputs=[folder], rows=self._running.units.done)

    def on_kill(self) -> None:
        """Cancel the jobs that this task has under way, if ``cancel_on_kill``."""
        self._killed = True
        if self._kill_switch is not None:
            self._kill_switch.pull(cancel=self.cancel_on_kill)

    def _drive(
        self, running: Import, deadline: float | None, context: Context, *, in_process: bool = False
    ) -> dict[str, Any]:
        """Let the import advance and wait for it in turn, until every part has ended.

        :param in_process: whether to wait here, because the triggerer cannot.
        """
        deferrable = self.deferrable and not in_process
        patient_until = time.time() + self.patience
        while True:
            step = running.advance()
            self._show_progress(running, context)
            match step:
                case Wait() as step if deferrable and time.time() < patient_until:
                    running.wait(step, self.hook.async_api, deadline=deadline, no_longer_than=patient_until)
                case Wait() as step if deferrable:
                    running.memory.note_known()
                    self._defer(running, step, deadline)
                case Wait() as step:
                    running.wait(step, self.hook.async_api, deadline=deadline)
                case TimeOut():
                    running.time_out(cancel=self.cancel_on_kill)
                case Finish():
                    return self._finished(running, context)

    def _show_progress(self, running: Import, context: Context) -> None:
        jobs = running.job_ids
        app = self.hook.web_app
        if app and jobs:
            address = app.upload_jobs(running.target.folder, jobs)
            show_link(self, context, EncordUploadJobsLink(), address)
        units = running.units
        if units != self._shown:
            self._shown = units
            counts = {"data units": units.total, "registered": units.done, "failed": units.failed}
            show_progress(context, "Import", counts)

    def _finished(self, running: Import, context: Context) -> dict[str, Any]:
        """Judge, and note that the import has succeeded, before Airflow can hear of it."""
        self._check_same_spec(running)
        if self.wait_for_completion:
            value = running.judge(max_failed_units=self._allowed())
        else:
            summary = running.summary()
            value = {name: summary[name] for name in ("folder", "job_ids")}
        keeps = self._remembers(running.parts)
        running.finish(Finished(value=value, **_try_of(context)) if keeps else None)
        return value

    def _check_same_spec(self, running: Import) -> None:
        """Look whether the spec is still the one that was imported.

        :raises EncordError: if it was replaced; a retry imports the new one.
        """
        try:
            now = {part.name: part.sha256 for part in self._parts()}
        except UploadSpecError as error:
            self.log.warning("The upload spec cannot be read any more; what it held is imported. %s", error)
            return
        if now != {part.name: part.sha256 for part in running.parts}:
            raise EncordError(
                "The upload spec was replaced while it was imported: what it held before is registered, what it holds "
                "now is not. A retry imports that."
            )

    def _allowed(self) -> int:
        """Read how many data units may fail; asked before anything is sent, so that it cannot be wrong afterwards."""
        return limit_of(self.max_failed_units, parameter="max_failed_units") or 0

    def _defer(self, running: Import, step: Wait, deadline: float | None) -> None:
        jobs = running.active_jobs
        self.defer(
            trigger=EncordUploadJobTrigger(
                encord_conn_id=self.encord_conn_id,
                folder=running.target.folder,
                job_ids=list(step.job_ids),
                until=step.until.value,
                deadline=deadline,
                seconds=None if deadline is None else max(0.0, deadline - time.time()),
                total_units=running.active_units,
                cancel_on_kill=self.cancel_on_kill,
                receipts=running.memory.receipts.uri,
                parts={job_id: {"part": part.name, "sha256": part.sha256} for job_id, part in jobs.items()},
            ),
            method_name="execute_complete",
        )

    @contextmanager
    def _ending(self, context: Context, journal: Journal | None, store: JournalStore) -> Iterator[KillSwitch]:
        """Leave no job running behind a task that is killed or has failed for good, if ``cancel_on_kill``."""
        receipts = child(self.task_folder(context), "receipts")
        memory = Memory(journal=journal or Journal(), store=store, receipts_uri=receipts)
        kill_switch = self._kill_switch = KillSwitch(api=self.hook.api, memory=memory)
        try:
            if self._killed:
                # It was told to end before there was anything to end.
                kill_switch.pull(cancel=self.cancel_on_kill)
            kill_switch.stop_if_pulled()
            yield kill_switch
        except Exception as error:
            instance = context["ti"]
            for_good = isinstance(error, EncordPermanentError) or instance.try_number > instance.max_tries
            too_late = isinstance(error, EncordUnavailableError) and error.out_of_time
            left = ""
            if (for_good or too_late) and self.cancel_on_kill and memory.journal.active:
                cause = Cause.OUT_OF_TIME if too_late else Cause.FAILED
                left = f" Now {kill_switch.end(budget=FAILED_TASK, cause=cause)}. Receipts: {receipts}"
                self.log.warning("The attempt has failed.%s", left)
                self._report_quietly()
            if too_late:
                raise UploadJobTimeoutError(f"The import did not end in time. {error}{left}") from None
            raise

    def _limit(self, deadline: float | None) -> None:
        """Let no call go on after the deadline but for a last look at what has ended."""
        self.hook.limit(None if deadline is None else max(deadline, time.time()) + _LAST_LOOK_SECONDS)

    def _give_up_jobs(self, memory: Memory) -> None:
        """Cancel what earlier attempts have under way and this one does not rejoin, if ``cancel_on_kill``."""
        if self.cancel_on_kill and memory.active_jobs:
            cancelled = memory.cancel(self.hook.api, budget=FAILED_TASK, cause=Cause.NOT_REJOINED)
            self.log.warning("What the last attempt had under way is not rejoined: %s.", cancelled)

    def _remembers(self, parts: Sequence[ImportPart]) -> bool:
        """Whether attempts know of each other; they must where Encord does not skip what is there."""
        return self.durable or not all(part.skips_duplicates for part in parts)

    def _report_quietly(self) -> None:
        """Report what is known; the error with which the task fails must not be replaced by another."""
        if self._running is None:
            return
        try:
            self._running.summary()
        except Exception as error:
            self.log.error("What is known of the import could not be written: %s", error)

    def _cancel_orphans(self, event: Any) -> None:
        """Cancel the jobs that only the triggerer knows, if ``cancel_on_kill``: no attempt can rejoin them."""
        seen = UploadJobEvent.from_payload(event)
        if self.cancel_on_kill and seen.folder and seen.pending:
            cancelled = cancel_jobs(
                self.hook.api, seen.folder, seen.pending, budget=FAILED_TASK, cause=Cause.LOST
            )
            self.log.warning("What the import had under way is not known any more: %s.", cancelled)

    def _deadline(self) -> float | None:
        """Give the moment at which this attempt is out of time; Airflow forgets its own when deferring."""
        limits = [
            limit.total_seconds() if isinstance(limit, timedelta) else float(limit)
            for limit in (self.timeout, self.execution_timeout)
            if limit is not None
        ]
        return time.time() + min(limits) if limits else None

    def _parts(self) -> list[ImportPart]:
        # Once rendered, an XComArg is its value.
        return parts_of(cast("Mapping[str, Any] | Sequence[str] | str", self.spec), untouched=self.untouched)

    def _import(
        self, context: Context, kill_switch: KillSwitch, parts: Sequence[ImportPart], *, resumed: bool = False
    ) -> Import:
        instance = context["ti"]
        journal = kill_switch.memory.journal
        if app := self.hook.web_app:
            show_link(self, context, EncordFolderLink(), app.folder(journal.folder))
        kill_switch.stop_if_pulled()
        self._running = Import(
            api=self.hook.api,
            target=Target(
                folder=journal.folder, integration=journal.integration, ignore_errors=self.ignore_errors
            ),
            parts=parts,
            memory=kill_switch.memory,
            kill_switch=kill_switch,
            look_for=lambda parts: presence_of(self.hook, journal.folder, parts),
            label=f"{instance.dag_id}/{instance.run_id}/{instance.task_id}"[:200],
            max_active_jobs=self.max_active_jobs,
            # Clearing a task sets max_tries so that it has all its retries again (Airflow, clear_task_instances).
            ordered=instance.try_number == instance.max_tries - (self.retries or 0) + 1,
            waits=self.wait_for_completion,
            resumed=resumed,
        )
        return self._running

    def _store(self, context: Context) -> JournalStore:
        store = context.get("task_state_store")
        if store is not None:
            return TaskStateJournal(store)
        return FileJournal(child(self.task_folder(context), "journal.json"))


def _try_of(context: Context) -> dict[str, Any]:
    instance, run = context["ti"], context.get("dag_run")
    started = getattr(run, "start_date", None)
    return {
        "try_number": instance.try_number,
        "max_tries": instance.max_tries,
        "run_started": started.isoformat() if started else "",
    }
