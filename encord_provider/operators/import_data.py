"""EncordImportDataOperator: register the objects of an upload spec, and wait until that is done."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.providers.common.compat.sdk import conf

from encord_provider.exceptions import (
    EncordError,
    EncordInputError,
    EncordPermanentError,
)
from encord_provider.jobs.journal import FileJournal, Finished, Journal, JournalStore, TaskStateJournal
from encord_provider.jobs.next_step import Finish, TimeOut, Wait
from encord_provider.jobs.parts import parts_of
from encord_provider.jobs.run import Import, Target
from encord_provider.operators.base import EncordWorkspaceOperator
from encord_provider.triggers.upload_job import EncordUploadJobTrigger, EventStatus, UploadJobEvent
from encord_provider.workspace.files import child
from encord_provider.workspace.templates import value_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


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
    :param durable: whether to remember across attempts what was sent and what has ended.
    :param cancel_on_kill: whether to cancel the jobs when the task is killed, runs out of time or fails for good.
    :param max_active_jobs: how many jobs may be under way at once.
    :param timeout: how long an attempt may take, as a timedelta or in seconds; None for ``execution_timeout``.

    :returns: ``{"status", "folder", "job_ids", "units", "items_added", "receipts", "failures"}``; when not
        waiting, ``{"folder", "job_ids"}``.
    :raises EncordInputError: if spec, folder or integration are wrong; nothing has been sent.
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
        self._running: Import | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Send the parts, wait for them, and judge."""
        self._allowed()
        store = self._store(context)
        if not self.durable:
            store.delete()
        journal = store.load() or Journal()
        if journal.finished is not None:
            if journal.finished.is_retried_by(**_try_of(context)):
                self.log.info("The import had already succeeded when the last attempt ended.")
                return dict(journal.finished.value)
            journal = Journal()
        folder = self.hook.find_folder(self.folder, create=self.create_folder)
        if journal.folder not in ("", folder):
            self.log.warning("The folder has changed since the last attempt; everything is sent anew.")
            journal = Journal()
        journal.folder = folder
        journal.integration = self.hook.find_integration(self.integration)
        running = self._import(context, journal, store)
        with self._cancelling(context, running):
            return self._drive(running, self._deadline(), context)

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on when the triggerer has seen a job end."""
        seen = UploadJobEvent.from_payload(event)
        store = self._store(context)
        journal = store.load()
        if journal is None:
            raise EncordError("What this import had under way was lost while it was deferred.")
        running = self._import(context, journal, store, resumed=True)
        with self._cancelling(context, running):
            if not seen.is_gone:
                seen.raise_for_status()
            running.look_again(out_of_time=seen.status is EventStatus.TIMEOUT)
            return self._drive(running, seen.deadline, context)

    def on_kill(self) -> None:
        """Cancel the jobs that this attempt has under way, if ``cancel_on_kill``."""
        if self._running is not None:
            self._running.kill(cancel=self.cancel_on_kill)

    def _drive(self, running: Import, deadline: float | None, context: Context) -> dict[str, Any]:
        """Let the import advance and wait for it in turn, until every part has ended."""
        patient_until = time.time() + self.patience
        while True:
            match running.advance():
                case Wait() as step if self.deferrable and time.time() < patient_until:
                    running.wait(step, self.hook.async_api, deadline=deadline, no_longer_than=patient_until)
                case Wait() as step if self.deferrable:
                    running.note_known()
                    self._defer(running, step, deadline)
                case Wait() as step:
                    running.wait(step, self.hook.async_api, deadline=deadline)
                case TimeOut():
                    running.time_out(cancel=self.cancel_on_kill)
                case Finish():
                    return self._finished(running, context)

    def _finished(self, running: Import, context: Context) -> dict[str, Any]:
        """Judge, and note that the import has succeeded, before Airflow can hear of it."""
        if self.wait_for_completion:
            value = running.judge(max_failed_units=self._allowed())
        else:
            summary = running.summary()
            value = {name: summary[name] for name in ("folder", "job_ids")}
        running.finish(Finished(value=value, **_try_of(context)) if self.durable else None)
        return value

    def _allowed(self) -> int:
        """Read how many data units may fail; asked before anything is sent, so that it cannot be wrong afterwards."""
        allowed: int = value_of(self.max_failed_units, int, parameter="max_failed_units") or 0
        if allowed < 0:
            raise EncordInputError(f"The parameter max_failed_units is {allowed}; it must be 0 or more.")
        return allowed

    def _defer(self, running: Import, step: Wait, deadline: float | None) -> None:
        jobs = running.active_jobs
        self.defer(
            trigger=EncordUploadJobTrigger(
                encord_conn_id=self.encord_conn_id,
                folder=running.target.folder,
                job_ids=list(step.job_ids),
                until=step.until.value,
                deadline=deadline,
                total_units=running.active_units,
                cancel_on_kill=self.cancel_on_kill,
                receipts=running.receipts.uri,
                parts={job_id: {"part": part.name, "sha256": part.sha256} for job_id, part in jobs.items()},
            ),
            method_name="execute_complete",
        )

    @contextmanager
    def _cancelling(self, context: Context, running: Import) -> Iterator[None]:
        """Leave no job running behind a task that has failed for good, if ``cancel_on_kill``."""
        try:
            yield
        except Exception as error:
            instance = context["ti"]
            for_good = isinstance(error, EncordPermanentError) or instance.try_number > instance.max_tries
            if for_good and self.cancel_on_kill and running.active_jobs:
                self.log.warning("The task has failed and is not retried; its upload jobs are cancelled.")
                running.cancel()
                running.summary()
            raise

    def _deadline(self) -> float | None:
        """Give the moment at which this attempt is out of time; Airflow forgets its own when deferring."""
        limits = [
            limit.total_seconds() if isinstance(limit, timedelta) else float(limit)
            for limit in (self.timeout, self.execution_timeout)
            if limit is not None
        ]
        return time.time() + min(limits) if limits else None

    def _import(
        self, context: Context, journal: Journal, store: JournalStore, *, resumed: bool = False
    ) -> Import:
        instance = context["ti"]
        self._running = Import(
            api=self.hook.api,
            target=Target(
                folder=journal.folder, integration=journal.integration, ignore_errors=self.ignore_errors
            ),
            # Once rendered, an XComArg is its value.
            parts=parts_of(
                cast("Mapping[str, Any] | Sequence[str] | str", self.spec), untouched=self.untouched
            ),
            journal=journal,
            store=store,
            receipts_uri=child(self.task_folder(context), "receipts"),
            label=f"{instance.dag_id}/{instance.run_id}/{instance.task_id}"[:200],
            max_active_jobs=self.max_active_jobs,
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
