"""EncordCloudSyncTrigger: watch the synchronisation of a folder in the triggerer."""

from __future__ import annotations

from typing import Any, ClassVar

from encord_provider.api.calls import get_cloud_sync
from encord_provider.jobs.wait import Poll
from encord_provider.triggers.upload_job import EncordUploadJobTrigger


class EncordCloudSyncTrigger(EncordUploadJobTrigger):
    """Wait for the synchronisation of a cloud-synced folder without holding a worker slot.

    It sends one event, as that for upload jobs does. Encord has no call that ends a synchronisation, so that one whose
    task is ended goes on.

    :param encord_conn_id: the Airflow connection of type ``encord``.
    :param folder: UUID of the folder.
    :param sync: UUID of the synchronisation.
    :param deadline: seconds since the epoch after which the wait is over, or None.
    :param seconds: how long the wait may take at most whenever it is started, should this machine's clock be behind
        the one by which the deadline was set; None for the deadline only.
    """

    poll: ClassVar[Poll] = staticmethod(get_cloud_sync)
    what: ClassVar[str] = "Synchronisation"

    def __init__(
        self,
        *,
        encord_conn_id: str,
        folder: str,
        sync: str,
        deadline: float | None = None,
        seconds: float | None = None,
    ) -> None:
        super().__init__(
            encord_conn_id=encord_conn_id,
            folder=folder,
            job_ids=[sync],
            deadline=deadline,
            seconds=seconds,
            cancel_on_kill=False,
        )
        self.sync = sync

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what Airflow needs to make this trigger again; it holds no secret."""
        return (
            "encord_provider.triggers.cloud_sync.EncordCloudSyncTrigger",
            {
                "encord_conn_id": self.encord_conn_id,
                "folder": self.folder,
                "sync": self.sync,
                "deadline": self.deadline,
                "seconds": self.seconds,
            },
        )
