"""EncordImportDataOperator: register the objects of an upload spec, and wait until that is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import conf

from encord_provider.api.waiting import Progress, WaitEnd, WaitUntil, wait_for_jobs
from encord_provider.exceptions import (
    EncordError,
    EncordInputError,
    EncordNotFoundError,
    EncordRequestError,
    EncordUnavailableError,
    UploadJobTimeoutError,
)
from encord_provider.importing import Import, Target
from encord_provider.operators.base import EncordOperator
from encord_provider.operators.parts import parts_of
from encord_provider.receipts import FileJournal, JournalStore, TaskStateJournal
from encord_provider.triggers.upload_job import EncordUploadJobTrigger, EventStatus, UploadJobEvent
from encord_provider.workspace import child, task_folder

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class EncordImportDataOperator(EncordOperator):
    """Register an upload spec with Encord.

    The parts of the spec go out as upload jobs, at most ``max_active_jobs`` at a time. A retry goes on where the
    last attempt stopped; parts that are registered are not sent again. Clearing a successful task imports
    everything again, and Encord skips what it has.

    :param spec: the index URI or the list of part URIs that
        :class:`~encord_provider.operators.spec.EncordBuildUploadSpecOperator` returned, the whole mapping that it
        returned, the URI of any upload spec in Encord's JSON form, or such a spec itself as a mapping. (templated)
    :param folder: the storage folder: UUID, or name path from the top such as ``lake/site-a``. (templated)
    :param create_folder: whether to create what is missing of a name path.
    :param integration: the cloud integration: UUID or exact title; None for the connection's default. (templated)
    :param ignore_errors: whether a job goes on when a data unit fails. Without it, Encord ends the whole job.
    :param max_failed_units: how many failed data units still count as success.
    :param wait_for_completion: whether to wait for the jobs; if not, all are started at once.
    :param deferrable: whether to wait in the triggerer; by default what ``[operators] default_deferrable`` says.
    :param durable: whether to remember jobs across attempts.
    :param cancel_on_kill: whether to cancel the jobs when the task is killed or runs out of time.
    :param max_active_jobs: how many jobs may be under way at once.
    :param timeout: how long an attempt may take, as a timedelta or in seconds; None for ``execution_timeout``.
    :param workspace: the URI of the workspace; each task of each run has its own folder for receipts in it.
        None or empty for the option ``[encord] workspace``. (templated)

    :return: ``{"status", "folder", "job_ids", "units", "items_added", "receipts", "failures"}``; when not
        waiting, ``{"folder", "job_ids"}``.
    :raises EncordInputError: if spec, folder or integration are wrong; nothing has been sent.
    :raises UploadJobFailedError: if more data units failed than allowed.
    :raises UploadJobCancelledError: if a job was cancelled.
    :raises UploadJobTimeoutError: if the jobs did not end in time.
    :raises EncordUnavailableError: if Encord could not be reached.
    """

    template_fields: tuple[str, ...] = (
        *EncordOperator.template_fields,
        "spec",
        "folder",
        "integration",
        "workspace",
    )
    template_fields_renderers = {"spec": "json"}

    def __init__(
        self,
        *,
        spec: Mapping[str, Any] | Sequence[str] | str | XComArg,
        folder: str,
        create_folder: bool = False,
        integration: str | None = None,
        ignore_errors: bool = True,
        max_failed_units: int = 0,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        durable: bool = True,
        cancel_on_kill: bool = True,
        max_active_jobs: int = 4,
        timeout: timedelta | float | None = None,
        workspace: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_active_jobs < 1:
            raise EncordInputError(f"max_active_jobs must be at least 1, not {max_active_jobs}.")
        self.spec = spec
        self.folder = folder
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
        self.workspace = workspace
        self._running: Import | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Send the parts, wait for them, and judge."""
        running = self._import(context, forget=not self.durable)
        running.begin_attempt()
        if not self.wait_for_completion:
            running.fill(limit=len(running.parts))
            running.store.delete()
            return {"folder": running.target.folder, "job_ids": running.summary()["job_ids"]}
        return self._drive(running, self._deadline())

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on when the triggerer has seen a job end."""
        seen = UploadJobEvent.from_payload(event)
        running = self._import(context)
        if seen.status is EventStatus.REFUSED and seen.http_status != 404:
            if seen.http_status is not None:
                raise EncordRequestError(seen.message, status=seen.http_status)
            raise EncordError(seen.message)
        if seen.status is EventStatus.UNREACHABLE:
            raise EncordUnavailableError(seen.message)
        if seen.status is EventStatus.TIMEOUT:
            self._time_out(running)
        running.take_ended()
        return self._drive(running, seen.deadline)

    def on_kill(self) -> None:
        """Cancel the jobs that this attempt has under way, if ``cancel_on_kill``."""
        if self.cancel_on_kill and self._running is not None:
            self._running.cancel()

    def _drive(self, running: Import, deadline: float | None) -> dict[str, Any]:
        """Start jobs and wait for them in turn until every part has ended."""
        while True:
            running.fill()
            if not running.journal.active:
                return running.finish(max_failed_units=self.max_failed_units)
            if running.take_ended():
                continue
            until = WaitUntil.ANY if running.waiting else WaitUntil.ALL
            if self.deferrable:
                self._defer(running, until, deadline)
            end = asyncio.run(self._wait(running, until, deadline))
            if end is WaitEnd.TIMEOUT:
                running.take_ended()
                self._time_out(running)
            if end is WaitEnd.UNREACHABLE:
                raise EncordUnavailableError(
                    "Encord could not be reached; the upload jobs go on, and a retry rejoins them."
                )
            running.take_ended()

    async def _wait(self, running: Import, until: WaitUntil, deadline: float | None) -> WaitEnd:
        async with self.hook.async_api() as api:
            try:
                result = await wait_for_jobs(
                    api,
                    folder=running.target.folder,
                    job_ids=running.active_job_ids,
                    until=until,
                    deadline=deadline,
                    progress=Progress(total=running.active_units),
                )
            except EncordNotFoundError:
                # A job is gone; take_ended finds out which.
                return WaitEnd.FINISHED
        return result.end

    def _defer(self, running: Import, until: WaitUntil, deadline: float | None) -> None:
        self.defer(
            trigger=EncordUploadJobTrigger(
                encord_conn_id=self.encord_conn_id,
                folder=running.target.folder,
                job_ids=running.active_job_ids,
                until=until.value,
                deadline=deadline,
                total_units=running.active_units,
                cancel_on_kill=self.cancel_on_kill,
            ),
            method_name="execute_complete",
        )

    def _time_out(self, running: Import) -> None:
        if self.cancel_on_kill:
            running.cancel()
        summary = running.summary()
        units = summary["units"]
        gone = "cancelled" if self.cancel_on_kill else "left running"
        raise UploadJobTimeoutError(
            f"The import did not end in time: {units['done']} of {units['total']} data units are registered, "
            f"{units['failed']} failed; the jobs under way were {gone}. Receipts: {summary['receipts']}"
        )

    def _deadline(self) -> float | None:
        """Give the moment at which this attempt is out of time; Airflow forgets its own when deferring."""
        limits = [
            limit.total_seconds() if isinstance(limit, timedelta) else float(limit)
            for limit in (self.timeout, self.execution_timeout)
            if limit is not None
        ]
        return time.time() + min(limits) if limits else None

    def _import(self, context: Context, *, forget: bool = False) -> Import:
        instance = context["ti"]
        workspace = task_folder(self.workspace, context)
        # Once rendered, an XComArg is its value.
        parts = parts_of(cast("Mapping[str, Any] | Sequence[str] | str", self.spec))
        store = self._journal(context, workspace)
        if forget:
            store.delete()
        target = Target(
            folder=self.hook.find_folder(self.folder, create=self.create_folder),
            integration=self.hook.find_integration(self.integration),
            ignore_errors=self.ignore_errors,
        )
        self._running = Import(
            api=self.hook.api,
            target=target,
            parts=parts,
            store=store,
            receipts_uri=child(workspace, "receipts"),
            label=f"{instance.dag_id}/{instance.run_id}/{instance.task_id}"[:200],
            max_active_jobs=self.max_active_jobs,
        )
        return self._running

    def _journal(self, context: Context, workspace: str) -> JournalStore:
        store = context.get("task_state_store")
        return TaskStateJournal(store) if store is not None else FileJournal(child(workspace, "journal.json"))
