"""EncordUploadJobSensor: wait for upload jobs that something else started."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from encord_provider.api.calls import get_upload_job
from encord_provider.api.upload_job import UploadJob
from encord_provider.asset_events import tells_assets
from encord_provider.exceptions import EncordInputError
from encord_provider.hooks.encord import EncordHook
from encord_provider.jobs.report import Outcome
from encord_provider.links import EncordFolderLink, EncordUploadJobsLink, show_link
from encord_provider.triggers.upload_job import EncordUploadJobTrigger, EventStatus, UploadJobEvent

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class EncordUploadJobSensor(BaseSensorOperator):  # type: ignore[misc, unused-ignore]
    """Wait until upload jobs have ended, and fail unless they are a success.

    :param job_ids: the jobs, or one job, or what
        :class:`~encord_provider.operators.import_data.EncordImportDataOperator` returned. (templated)
    :param folder: the storage folder that the jobs register into: UUID or name path; not needed with what the
        import returned, which names it. (templated)
    :param max_failed_units: how many failed data units still count as success.
    :param deferrable: whether to wait in the triggerer; by default what ``[operators] default_deferrable`` says.
    :param encord_conn_id: the Airflow connection of type ``encord``. (templated)
    :param kwargs: the usual sensor arguments, such as ``poke_interval`` and ``timeout`` in seconds.

    :returns: ``{"status", "folder", "job_ids", "units", "items_added"}``.
    :raises UploadJobFailedError: if a job ended in ERROR, or more data units failed than allowed.
    :raises UploadJobCancelledError: if a job was cancelled.
    :raises AirflowSensorTimeout: if the jobs have not ended in time; they go on.
    :raises EncordNotFoundError: if Encord does not know a job.
    """

    template_fields: tuple[str, ...] = ("encord_conn_id", "folder", "job_ids")
    operator_extra_links = (EncordFolderLink(), EncordUploadJobsLink())
    ui_color = "#efe7fb"

    def __init__(
        self,
        *,
        job_ids: Mapping[str, Any] | Sequence[str] | str | XComArg,
        folder: str | XComArg | None = None,
        max_failed_units: int = 0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        encord_conn_id: str = EncordHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.job_ids = job_ids
        self.max_failed_units = max_failed_units
        self.deferrable = deferrable
        self.encord_conn_id = encord_conn_id
        self.shown_links: dict[str, str] = {}

    @cached_property
    def hook(self) -> EncordHook:
        """The hook on the sensor's connection."""
        return EncordHook(encord_conn_id=self.encord_conn_id)

    @cached_property
    def _folder_uuid(self) -> str:
        folder = self.folder or (self._import or {}).get("folder")
        if not folder:
            raise EncordInputError("No folder was given: set the parameter 'folder'.")
        return self.hook.find_folder(str(folder))

    @property
    def _import(self) -> Mapping[str, Any] | None:
        """What the import operator returned, if that was given."""
        return self.job_ids if isinstance(self.job_ids, Mapping) else None

    @tells_assets
    def execute(self, context: Context) -> Any:
        """Poke, or defer unless every job has already ended."""
        self._show_links(context)
        if not self.deferrable:
            return super().execute(context)
        jobs = self._look()
        return self._judged_or_deferred(jobs)

    def poke(self, context: Context) -> PokeReturnValue:
        """Ask for every job once."""
        jobs = self._look()
        done = all(job.state.is_terminal for job in jobs)
        units = Outcome.of(jobs).units
        self.log.info("%d of %d data units done, %d failed.", units.done, units.total, units.failed)
        return PokeReturnValue(is_done=done, xcom_value=self._judged(jobs) if done else None)

    @tells_assets
    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Judge when the triggerer has seen the jobs end."""
        self._show_links(context)
        seen = UploadJobEvent.from_payload(event).settled(
            self.hook.async_api, folder=self._folder_uuid, job_ids=self._jobs
        )
        if seen.status is EventStatus.TIMEOUT:
            raise AirflowSensorTimeout(
                f"The upload jobs {', '.join(self._jobs)} had not ended after {self.timeout} seconds; they go on."
            )
        seen.raise_for_status()
        # What the event says may be old: only what Encord says counts.
        result: dict[str, Any] = self._judged_or_deferred(self._look(), deadline=seen.deadline)
        return result

    def _judged_or_deferred(self, jobs: Sequence[UploadJob], *, deadline: float | None = None) -> Any:
        if all(job.state.is_terminal for job in jobs):
            return self._judged(jobs)
        if deadline is None and self.timeout:
            deadline = time.time() + self.timeout
        self.defer(
            trigger=EncordUploadJobTrigger(
                encord_conn_id=self.encord_conn_id,
                folder=self._folder_uuid,
                job_ids=self._jobs,
                deadline=deadline,
                seconds=None if deadline is None else max(0.0, deadline - time.time()),
                # A sensor only looks; it does not own the jobs.
                cancel_on_kill=False,
            ),
            method_name="execute_complete",
        )

    def _show_links(self, context: Context) -> None:
        if app := self.hook.web_app:
            show_link(self, context, EncordFolderLink(), app.folder(self._folder_uuid))
            show_link(self, context, EncordUploadJobsLink(), app.upload_jobs(self._folder_uuid, self._jobs))

    @property
    def _jobs(self) -> list[str]:
        # Once rendered, an XComArg is its value.
        given = cast("Sequence[str] | str", self.job_ids if self._import is None else self._import["job_ids"])
        jobs = [given] if isinstance(given, str) else list(given)
        if not jobs:
            raise EncordInputError("job_ids is empty: give the upload jobs to wait for.")
        return jobs

    def _look(self) -> list[UploadJob]:
        return [self.hook.api.perform(get_upload_job(self._folder_uuid, job_id)) for job_id in self._jobs]

    def _judged(self, jobs: Sequence[UploadJob]) -> dict[str, Any]:
        outcome = Outcome.of(jobs)
        outcome.judge(max_failed_units=self.max_failed_units)
        return outcome.summary(folder=self._folder_uuid, job_ids=self._jobs)
