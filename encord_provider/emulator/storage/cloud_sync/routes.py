"""Cloud-synced folders: their configuration and synchronisation."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.storage.cloud_sync.models import Sync
from encord_provider.emulator.storage.folders.models import Role


async def start_cloud_sync(call: Call) -> Any:
    """Begin to synchronise; answers the sync's UUID."""
    folder = call.folder(Role.ADMIN)
    if folder.remote_url is None or folder.integration is None:
        raise bad_request(f"folder {folder.name!r} is not a cloud-synced folder")
    integration = call.store.integrations.require_admin(folder.integration, call.user)
    return call.store.cloud_sync.start(folder, integration, call.store.settings).uuid


async def poll_cloud_sync(call: Call) -> Any:
    """A sync's state; held until it ends or the time is up."""
    sync = call.store.cloud_sync.get(call.path["sync"])
    if sync is None or sync.folder is not call.folder():
        raise bad_request(f"this folder has no sync {call.path['sync']}")
    cap = call.store.settings.long_poll_cap_seconds
    timeout = min(call.query.number("timeoutSeconds", 60, minimum=0, maximum=2**31), cap)
    if timeout > 0:
        await call.store.clock.wait(sync.finished, timeout, real_limit=cap)
    return _sync_json(sync)


async def get_folder_config(call: Call) -> Any:
    """Settings of a folder."""
    return {"metadataIngestion": None, **call.folder().config}


async def set_folder_config(call: Call) -> Any:
    """Replace the settings of a folder."""
    folder = call.folder(Role.ADMIN)
    ingestion = call.body.mapping("metadataIngestion")
    if ingestion is not None:
        if folder.remote_url is None:
            raise bad_request(
                f"folder {folder.name!r} is not a cloud-synced folder, so that it has no sidecar files"
            )
        suffix = (ingestion.get("matcher") or {}).get("suffix", ".metadata.json")
        if not isinstance(suffix, str) or not 1 <= len(suffix) <= 128:
            raise bad_request("the suffix of sidecar files has 1 to 128 characters")
    folder.config = dict(call.body.document)
    call.store.folders.touch(folder)
    return None


def _sync_json(sync: Sync) -> dict[str, Any]:
    return {
        "status": sync.status,
        "scanPagesProcessingPending": sync.pages_pending,
        "scanPagesProcessingDone": sync.pages_done,
        "scanPagesProcessingError": sync.pages_error,
        "scanPagesProcessingCancelled": 0,
        "uploadJobsPending": sync.uploads_pending,
        "uploadJobsDone": sync.uploads_done,
        "uploadJobsError": 0,
        "uploadJobsUnitsPending": sync.units_pending,
        "uploadJobsUnitsDone": sync.units_done,
        "uploadJobsUnitsError": sync.units_error,
        "uploadJobsUnitsCancelled": 0,
    }


ROUTES = [
    ApiRoute("POST", "storage/folders/{folder:uuid}/cloud-synced-folder-syncs", start_cloud_sync),
    ApiRoute(
        "GET",
        "storage/folders/{folder:uuid}/cloud-linked-folder-syncs/{sync:uuid}/long-polling",
        poll_cloud_sync,
    ),
    ApiRoute("GET", "storage/folders/{folder:uuid}/folder-config", get_folder_config),
    ApiRoute("POST", "storage/folders/{folder:uuid}/folder-config", set_folder_config),
]
