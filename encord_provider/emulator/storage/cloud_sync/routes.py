"""Cloud-synced folders: their configuration and synchronisation."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.storage.cloud_sync.models import CloudSync
from encord_provider.emulator.storage.folders.models import Folders, Role, folder_of
from encord_provider.emulator.storage.integrations.models import Integrations


async def start_cloud_sync(call: Call) -> Any:
    """Begin to synchronise; answers the sync's UUID."""
    folder = folder_of(call, Role.ADMIN)
    if folder.remote_url is None or folder.integration is None:
        raise bad_request(f"folder {folder.name!r} is not a cloud-synced folder")
    integration = call.store[Integrations].require_admin(folder.integration, call.user)
    return call.store[CloudSync].start(folder, integration).uuid


async def poll_cloud_sync(call: Call) -> Any:
    """A sync's state; held until it ends or the time is up."""
    sync = call.store[CloudSync].get(call.path["sync"])
    if sync is None or sync.folder is not folder_of(call):
        raise bad_request(f"this folder has no sync {call.path['sync']}")
    await call.poll(sync.finished)
    return sync.as_json()


async def get_folder_config(call: Call) -> Any:
    """Settings of a folder."""
    return {"metadataIngestion": None, **folder_of(call).config}


async def set_folder_config(call: Call) -> Any:
    """Replace the settings of a folder."""
    folder = folder_of(call, Role.ADMIN)
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
    call.store[Folders].touch(folder)


ENTITY = Entity(
    name="cloud_sync",
    part=CloudSync,
    routes=[
        ApiRoute("POST", "storage/folders/{folder:uuid}/cloud-synced-folder-syncs", start_cloud_sync),
        ApiRoute(
            "GET",
            "storage/folders/{folder:uuid}/cloud-linked-folder-syncs/{sync:uuid}/long-polling",
            poll_cloud_sync,
        ),
        ApiRoute("GET", "storage/folders/{folder:uuid}/folder-config", get_folder_config),
        ApiRoute("POST", "storage/folders/{folder:uuid}/folder-config", set_folder_config),
    ],
)
