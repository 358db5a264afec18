"""EncordSyncFolderOperator: let Encord bring a cloud-synced folder up to date with its bucket, and wait for it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import conf

from encord_provider.api.calls import get_cloud_sync, start_cloud_sync
from encord_provider.api.upload_job import JobState
from encord_provider.jobs.cloud_sync import (
    SIDECAR_SUFFIX,
    Mirror,
    check_suffix,
    judge,
    set_sidecars,
    summary_of,
)
from encord_provider.jobs.wait import Progress, wait_in_process
from encord_provider.lineage import Lineage, Place
from encord_provider.links import EncordFolderLink, EncordReportLink, show_link
from encord_provider.operators.base import EncordWorkspaceOperator
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import sync_report
from encord_provider.triggers.cloud_sync import EncordCloudSyncTrigger
from encord_provider.triggers.upload_job import UploadJobEvent
from encord_provider.workspace.templates import limit_of, value_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

_LAST_LOOK_SECONDS = 10.0


class EncordSyncFolderOperator(EncordWorkspaceOperator):
    """Find or create a folder that mirrors a bucket, bring it up to date, and wait until that is done.

    Encord reads the bucket itself: it adds new objects, refreshes those that have changed, and marks items whose object
    is gone. Running it again changes nothing unless the bucket has changed. A retry starts a synchronisation anew.

    :param folder: the cloud-synced folder: UUID or name path. Encord creates such folders at the top only. (templated)
    :param remote_url: what the folder mirrors, with all below it, such as ``s3://lake/site-a/``; the folder is created
        where it is missing. None or empty for a folder that is there. (templated)
    :param integration: the cloud integration: UUID or exact title; None for the connection's default. (templated)
    :param sidecars: whether ``<key>.metadata.json`` beside an object becomes its client metadata; None leaves it as the
        folder has it.
    :param sidecar_suffix: what sidecar files end with. (templated)
    :param max_failed_units: how many failed files still count as success. (templated)
    :param wait_for_completion: whether to wait; if not, the synchronisation is started only.
    :param deferrable: whether to wait in the triggerer, where it takes longer than a few seconds; by default what
        ``[operators] default_deferrable`` says.
    :param timeout: how long an attempt may take, as a timedelta or in seconds; None for ``execution_timeout``.

    :returns: ``{"status", "folder", "sync", "units", "pages", "files", "tombstones"}``; when not waiting,
        ``{"folder", "sync"}``.
    :raises EncordInputError: if folder, remote URL or integration are wrong; nothing has been changed.
    :raises UploadJobFailedError: if the bucket cannot be read, or more files failed than allowed.
    :raises UploadJobCancelledError: if somebody cancelled it.
    :raises UploadJobTimeoutError: if it did not end in time; it goes on.
    :raises EncordUnavailableError: if Encord could not be reached.
    """

    template_fields: tuple[str, ...] = (
        *EncordWorkspaceOperator.template_fields,
        "folder",
        "remote_url",
        "integration",
        "sidecar_suffix",
        "max_failed_units",
    )

    operator_extra_links = (EncordFolderLink(), EncordReportLink())

    patience: ClassVar[float] = 3.0
    """Seconds for which it is awaited here before the task is deferred."""

    def __init__(
        self,
        *,
        folder: str | XComArg,
        remote_url: str | XComArg | None = None,
        integration: str | XComArg | None = None,
        sidecars: bool | None = None,
        sidecar_suffix: str = SIDECAR_SUFFIX,
        max_failed_units: int | str | XComArg = 0,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        timeout: timedelta | float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.remote_url = remote_url
        self.integration = integration
        self.sidecars = sidecars
        self.sidecar_suffix = sidecar_suffix
        self.max_failed_units = max_failed_units
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.timeout = timeout
        self._said: TaskReport | None = None
        self._synchronised: dict[str, Any] = {}

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """Prepare the folder, start, and wait."""
        deadline = self._deadline()
        self._limit(deadline)
        self._allowed()
        suffix = check_suffix(self.sidecar_suffix)
        mirror = Mirror(
            folder=str(self.folder).strip(),
            remote_url=value_of(self.remote_url, str, parameter="remote_url"),
            integration=value_of(self.integration, str, parameter="integration"),
        )
        folder = mirror.prepare(self.hook)
        self._show_link(context, folder)
        if self.sidecars is not None and set_sidecars(self.hook, folder, read=self.sidecars, suffix=suffix):
            self.log.info("Sidecar files of %s: %s", self.folder, "read" if self.sidecars else "not read")
        sync = self.hook.api.perform(start_cloud_sync(folder))
        self.log.info("The synchronisation %s of folder %s (%s) was started.", sync, self.folder, folder)
        if not self.wait_for_completion:
            return {"folder": folder, "sync": sync}
        here = time.time() + self.patience if self.deferrable else None
        self._wait_here(folder, sync, min((one for one in (here, deadline) if one is not None), default=None))
        ended = self.hook.api.perform(get_cloud_sync(folder, sync)).state.is_terminal
        if self.deferrable and not ended and (deadline is None or time.time() < deadline):
            self.defer(
                trigger=EncordCloudSyncTrigger(
                    encord_conn_id=self.encord_conn_id,
                    folder=folder,
                    sync=sync,
                    deadline=deadline,
                    seconds=None if deadline is None else max(0.0, deadline - time.time()),
                ),
                method_name="execute_complete",
            )
        return self._judged(folder, sync)

    @reported
    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Judge when the triggerer has seen it end."""
        seen = UploadJobEvent.from_payload(event)
        self._limit(seen.deadline)
        (sync,) = [*seen.jobs, *seen.pending]
        self._show_link(context, seen.folder)
        seen = seen.settled(self.hook.async_api, folder=seen.folder, job_ids=[sync], poll=get_cloud_sync)
        seen.raise_for_status()
        return self._judged(seen.folder, sync)

    def report(self, result: Any) -> TaskReport | None:
        """Say how many files were synchronised, and how many are gone."""
        return self._said

    def lineage(self) -> Lineage:
        """Say from where objects came, and into which folder."""
        if not self._synchronised:
            return Lineage()
        remote = value_of(self.remote_url, str, parameter="remote_url")
        return Lineage(
            inputs=[Place.of_uri(remote)] if remote else [],
            outputs=[Place.in_encord(self.hook, "folder", self._synchronised["folder"])],
            rows=self._synchronised["units"]["done"],
        )

    def _judged(self, folder: str, sync: str) -> dict[str, Any]:
        seen = self.hook.api.perform(get_cloud_sync(folder, sync))
        summary = self._synchronised = summary_of(self.hook, seen, folder=folder, sync_id=sync)
        self._said = sync_report(summary)
        judge(seen, folder=folder, max_failed_units=self._allowed())
        if seen.state is JobState.DONE_WITH_ERRORS:
            self.log.warning(
                "%d files failed; Encord says which in its web app only.", summary["units"]["failed"]
            )
        return summary

    def _wait_here(self, folder: str, sync: str, deadline: float | None) -> None:
        wait_in_process(
            self.hook.async_api,
            folder=folder,
            job_ids=[sync],
            deadline=deadline,
            progress=Progress(what="Synchronisation"),
            poll=get_cloud_sync,
        )

    def _show_link(self, context: Context, folder: str) -> None:
        if app := self.hook.web_app:
            show_link(self, context, EncordFolderLink(), app.folder(folder))

    def _allowed(self) -> int:
        return limit_of(self.max_failed_units, parameter="max_failed_units") or 0

    def _limit(self, deadline: float | None) -> None:
        """Let no call go on after the deadline but for a last look."""
        self.hook.limit(None if deadline is None else max(deadline, time.time()) + _LAST_LOOK_SECONDS)

    def _deadline(self) -> float | None:
        """Give the moment at which this attempt is out of time; Airflow forgets its own when deferring."""
        limits = [
            limit.total_seconds() if isinstance(limit, timedelta) else float(limit)
            for limit in (self.timeout, self.execution_timeout)
            if limit is not None
        ]
        return time.time() + min(limits) if limits else None
