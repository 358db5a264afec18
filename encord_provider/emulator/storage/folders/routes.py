"""Storage folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.errors import MalformedRequestError, bad_request, forbidden
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.storage.cloud_sync.models import sync_target
from encord_provider.emulator.storage.folders.models import Folder, Role
from encord_provider.emulator.storage.folders.wire import folder_json, summary_json
from encord_provider.emulator.storage.items.index import Order
from encord_provider.emulator.storage.items.models import metadata_text

MAX_PAGE = 1000


async def create_folder(call: Call) -> Any:
    """Make a folder, at the root or in another one."""
    parent_uuid = call.body.uuid("parent")
    parent = None
    if parent_uuid is not None:
        parent = call.store.folders.require(parent_uuid, call.user, Role.ADMIN)
    integration = remote_url = None
    params = call.body.mapping("cloudSyncedFolderParams")
    if params is not None:
        integration, remote_url = _cloud_sync_target(call, Body(params))
    folder = call.store.folders.create(
        name=call.body.required_text("name"),
        user=call.user,
        parent=parent,
        description=call.body.text("description") or "",
        metadata=_metadata_string(call.body.text("clientMetadata")),
        integration=integration,
        remote_url=remote_url,
        unique_name=call.store.settings.unique_folder_names,
    )
    return _folder(call, folder)


async def get_folder(call: Call) -> Any:
    """One folder."""
    return _folder(call, call.folder())


async def list_root_folders(call: Call) -> Any:
    """Folders at the root."""
    return _listing(call, iter(call.store.folders.roots.values()))


async def search_folders(call: Call) -> Any:
    """Folders anywhere."""
    return _listing(call, iter(call.store.folders.all()))


async def list_subfolders(call: Call) -> Any:
    """Folders in a folder, or anywhere below it."""
    folder = call.folder()
    if call.query.flag("isRecursive"):
        return _listing(call, (found for found in folder.tree() if found is not folder))
    return _listing(call, iter(folder.children.values()))


async def patch_folder(call: Call) -> Any:
    """Change a folder's name, description or metadata; what is not named stays."""
    folder = call.folder(Role.ADMIN)
    _patch(call, folder, call.body)
    return _folder(call, folder)


async def patch_folders(call: Call) -> Any:
    """Change many folders in one call."""
    patches = call.body.mapping("folderPatches")
    if patches is None:
        raise MalformedRequestError(("body", "folderPatches"), "field required")
    targets = [
        (call.store.folders.require(uuid, call.user, Role.ADMIN), Body(patch))
        for uuid, patch in patches.items()
    ]
    for folder, patch in targets:
        _patch(call, folder, patch)
    return {"results": [_folder(call, folder) for folder, _ in targets]}


async def delete_folder(call: Call) -> Any:
    """Remove a folder with all that is in it."""
    items, folders = call.store.folders.delete(call.folder(Role.ADMIN))
    call.store.datasets.forget_deleted_folders()
    return {"removedItemsCount": items, "removedFoldersCount": folders}


async def move_folders(call: Call) -> Any:
    """Hang folders elsewhere; a null target is the root."""
    target_uuid = call.body.uuid("newParentUuid")
    target = None
    if target_uuid is not None:
        target = call.store.folders.require(target_uuid, call.user, Role.ADMIN)
    folders = [
        call.store.folders.require(uuid, call.user, Role.ADMIN) for uuid in call.body.uuids("folderUuids")
    ]
    for folder in folders:
        call.store.folders.move(folder, target)
    return None


async def get_folder_summary(call: Call) -> Any:
    """What a folder holds, by type."""
    folder = call.folder()
    call.store.items.settle_listings()
    return summary_json(folder, upload_jobs=call.store.jobs.of_folder(folder))


def _folder(call: Call, folder: Folder) -> dict[str, Any]:
    return folder_json(folder, call.store.folders.role(folder, call.user))


def _listing(call: Call, candidates: Iterator[Folder]) -> dict[str, Any]:
    query = call.query
    everything = query.flag("includeOrgAccess") or False
    if everything and not call.user.is_organisation_admin:
        raise forbidden("only an admin of the organisation can see all its folders")
    found = call.store.folders.list(
        candidates,
        call.user,
        search=query.text("search"),
        dataset_synced=query.flag("datasetSynced"),
        tags=query.texts("organisationTagNamesAllof"),
        order=query.choice("order", Order, Order.NAME),
        desc=query.flag("desc") or False,
        any_role=everything,
    )
    size = query.number("pageSize", 100, minimum=1, maximum=MAX_PAGE)
    start = query.number("pageToken", 0, minimum=0, maximum=2**53)
    page = found[start : start + size]
    following = start + size if start + size < len(found) else None
    return {
        "results": [_folder(call, folder) for folder in page],
        "nextPageToken": str(following) if following is not None else None,
    }


def _patch(call: Call, folder: Folder, patch: Body) -> None:
    name = patch.text("name")
    if name is not None:
        if not name.strip():
            raise bad_request("a folder needs a name")
        folder.name = name
    description = patch.text("description")
    if description is not None:
        folder.description = description
    metadata = patch.mapping("clientMetadata")
    if metadata is not None:
        folder.metadata = metadata_text(metadata)
    call.store.folders.touch(folder)


def _metadata_string(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        metadata = orjson.loads(text)
    except orjson.JSONDecodeError:
        metadata = None
    if not isinstance(metadata, dict):
        raise MalformedRequestError(("body", "clientMetadata"), "expected a JSON object as a string")
    return metadata_text(metadata)


def _cloud_sync_target(call: Call, params: Body) -> tuple[str, str]:
    integration = call.store.integrations.require_admin(params.uuid("integrationUuid") or "", call.user)
    remote_url = params.required_text("remoteUrl")
    sync_target(remote_url, integration.location)
    return integration.uuid, remote_url


ROUTES = [
    ApiRoute("POST", "storage/folders", create_folder),
    ApiRoute("GET", "storage/folders", list_root_folders),
    ApiRoute("GET", "storage/search/folders", search_folders),
    ApiRoute("PATCH", "storage/folders/patch-bulk", patch_folders),
    ApiRoute("POST", "storage/folders/move", move_folders),
    ApiRoute("GET", "storage/folders/{folder:uuid}", get_folder),
    ApiRoute("PATCH", "storage/folders/{folder:uuid}", patch_folder),
    ApiRoute("DELETE", "storage/folders/{folder:uuid}", delete_folder),
    ApiRoute("GET", "storage/folders/{folder:uuid}/folders", list_subfolders),
    ApiRoute("GET", "storage/folders/{folder:uuid}/summary", get_folder_summary),
]
