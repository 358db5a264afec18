"""EncordCloudSyncSensor: wait for the synchronisation of a folder that something else started."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from encord_provider.api.calls import get_cloud_sync
from encord_provider.api.cloud_sync import CloudSync
from encord_provider.exceptions import EncordInputError
from encord_provider.hooks.encord import EncordHook
from encord_provider.jobs.cloud_sync import judge, summary_of
from encord_provider.links import EncordFolderLink, show_link
from encord_provider.triggers.cloud_sync import EncordCloudSyncTrigger
from encord_provider.triggers.upload_job import EventStatus, UploadJobEvent

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class EncordCloudSyncSensor(BaseSensorOperator):  # type: ignore[misc, unused-ignore]
    """Wait until the synchronisation of a cloud-synced folder has ended, and fail unless it is a success.

    :param sync: the UUID of the synchronisation, or what
        :class:`~encord_provider.operators.sync_folder.EncordSyncFolderOperator` returned. (templated)
    :param folder: the folder: UUID or name path; not needed with what the operator returned. (templated)
    :param max_failed_units: how many failed files still count as success.
    :param deferrable: whether to wait in the triggerer; by default what ``[operators] default_deferrable`` says.
    :param encord_conn_id: the Airflow connection of type ``encord``. (templated)
    :param kwargs: the usual sensor arguments, such as ``poke_interval`` and ``timeout`` in seconds.

    :returns: ``{"status", "folder", "sync", "units", "pages", "files", "tombstones"}``.
    :raises UploadJobFailedError: if the bucket cannot be read, or more files failed than allowed.
    :raises UploadJobCancelledError: if somebody cancelled it.
    :raises AirflowSensorTimeout: if it has not ended in time; it goes on.
    """

    template_fields: tuple[str, ...] = ("encord_conn_id", "folder", "sync")
    operator_extra_links = (EncordFolderLink(),)
    ui_color = "#efe7fb"

    def __init__(
        self,
        *,
        sync: Mapping[str, Any] | str | XComArg,
        folder: str | XComArg | None = None,
        max_failed_units: int = 0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        encord_conn_id: str = EncordHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sync = sync
        self.folder = folder
        self.max_failed_units = max_failed_units
        self.deferrable = deferrable
        self.encord_conn_id = encord_conn_id
        self.shown_links: dict[str, str] = {}

    @cached_property
    def hook(self) -> EncordHook:
        """The hook on the sensor's connection."""
        return EncordHook(encord_conn_id=self.encord_conn_id)

    def execute(self, context: Context) -> Any:
        """Poke, or defer unless it has already ended."""
        if app := self.hook.web_app:
            show_link(self, context, EncordFolderLink(), app.folder(self._folder_uuid))
        return self._judged_or_deferred() if self.deferrable else super().execute(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Ask once."""
        seen = self._look()
        self.log.info("%d of %d files done, %d failed.", seen.units.done, seen.units.total, seen.units.failed)
        done = seen.state.is_terminal
        return PokeReturnValue(is_done=done, xcom_value=self._judged(seen) if done else None)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Judge when the triggerer has seen it end."""
        seen = UploadJobEvent.from_payload(event).settled(
            self.hook.async_api, folder=self._folder_uuid, job_ids=[self._sync], poll=get_cloud_sync
        )
        if seen.status is EventStatus.TIMEOUT:
            raise AirflowSensorTimeout(
                f"The synchronisation {self._sync} had not ended after {self.timeout} seconds; it goes on."
            )
        seen.raise_for_status()
        return self._judged_or_deferred(deadline=seen.deadline)

    def _judged_or_deferred(self, *, deadline: float | None = None) -> Any:
        seen = self._look()
        if seen.state.is_terminal:
            return self._judged(seen)
        if deadline is None and self.timeout:
            deadline = time.time() + self.timeout
        self.defer(
            trigger=EncordCloudSyncTrigger(
                encord_conn_id=self.encord_conn_id,
                folder=self._folder_uuid,
                sync=self._sync,
                deadline=deadline,
                seconds=None if deadline is None else max(0.0, deadline - time.time()),
            ),
            method_name="execute_complete",
        )

    @cached_property
    def _folder_uuid(self) -> str:
        folder = self.folder or (self.sync.get("folder") if isinstance(self.sync, Mapping) else None)
        if not folder:
            raise EncordInputError("No folder was given: set the parameter 'folder'.")
        return self.hook.find_folder(str(folder))

    @property
    def _sync(self) -> str:
        given = self.sync.get("sync") if isinstance(self.sync, Mapping) else self.sync
        if not given:
            raise EncordInputError("No synchronisation was given: set the parameter 'sync'.")
        return str(given)

    def _look(self) -> CloudSync:
        return self.hook.api.perform(get_cloud_sync(self._folder_uuid, self._sync))

    def _judged(self, seen: CloudSync) -> dict[str, Any]:
        judge(seen, folder=self._folder_uuid, max_failed_units=self.max_failed_units)
        return summary_of(self.hook, seen, folder=self._folder_uuid, sync_id=self._sync)
