"""Storage folders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from starlette.requests import Request

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.control import Controlled, ControlRoute, body_of
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import MalformedRequestError, not_found
from encord_provider.emulator.core.pages import page_json
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.organisation.groups.access import group_routes
from encord_provider.emulator.organisation.tags.models import OrganisationTags
from encord_provider.emulator.organisation.users.models import Users
from encord_provider.emulator.storage.cloud_sync.models import sync_target
from encord_provider.emulator.storage.folders.models import Folder, Folders, Role, folder_of
from encord_provider.emulator.storage.integrations.models import Integrations
from encord_provider.emulator.storage.items.contents import Contents, Order
from encord_provider.emulator.storage.items.item import metadata_text
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.jobs.models import Jobs
from encord_provider.emulator.storage.media_types import MEDIA_TYPES


async def create_folder(call: Call) -> Any:
    """Make a folder, at the root or in another one."""
    parent = _target(call, "parent")
    integration = remote_url = None
    params = call.body.mapping("cloudSyncedFolderParams")
    if params is not None:
        integration, remote_url = _cloud_sync_target(call, Body(params))
    folder = call.store[Folders].create(
        **call.body.named(),
        user=call.user,
        parent=parent,
        metadata=_metadata_string(call.body.text("clientMetadata")),
        integration=integration,
        remote_url=remote_url,
        unique_name=call.store.settings.unique_folder_names,
    )
    return _folder(call, folder)


async def get_folder(call: Call) -> Any:
    """One folder."""
    return _folder(call, folder_of(call))


async def list_root_folders(call: Call) -> Any:
    """Folders at the root."""
    return _listing(call, call.store[Folders].roots.values())


async def search_folders(call: Call) -> Any:
    """Folders anywhere."""
    return _listing(call, call.store[Folders])


async def list_subfolders(call: Call) -> Any:
    """Folders in a folder, or anywhere below it."""
    folder = folder_of(call)
    if call.query.flag("isRecursive"):
        return _listing(call, (found for found in folder.tree() if found is not folder))
    return _listing(call, folder.children.values())


async def patch_folder(call: Call) -> Any:
    """Change a folder's name, description or metadata; what is not named stays."""
    folder = folder_of(call, Role.ADMIN)
    _patch(call, folder, call.body)
    return _folder(call, folder)


async def patch_folders(call: Call) -> Any:
    """Change many folders in one call."""
    patches = call.body.required_mapping("folderPatches")
    targets = [
        (call.store[Folders].require(uuid, call.user, Role.ADMIN), Body(patch))
        for uuid, patch in patches.items()
    ]
    for folder, patch in targets:
        _patch(call, folder, patch)
    return {"results": [_folder(call, folder) for folder, _ in targets]}


async def delete_folder(call: Call) -> Any:
    """Remove a folder with all that is in it."""
    folder = folder_of(call, Role.ADMIN)
    before = len(call.store[Items])
    folders = call.store[Folders].delete(folder)
    return {"removedItemsCount": before - len(call.store[Items]), "removedFoldersCount": folders}


async def move_folders(call: Call) -> Any:
    """Hang folders elsewhere; a null target is the root."""
    target = _target(call, "newParentUuid")
    folders = [
        call.store[Folders].require(uuid, call.user, Role.ADMIN) for uuid in call.body.uuids("folderUuids")
    ]
    for folder in folders:
        call.store[Folders].move(folder, target)


async def get_folder_summary(call: Call) -> Any:
    """What a folder holds, by type."""
    folder = folder_of(call)
    call.store[Items].settle_listings()
    return _summary_json(
        folder, call.store[Items].contents(folder), upload_jobs=call.store[Jobs].of_folder(folder)
    )


async def grant_folder_role(owner: Controlled, request: Request) -> Any:
    """Give a user a role in a folder, or take it away with a null role."""
    body = await body_of(request)
    folder = owner.store[Folders].known(str(request.path_params["folder"]))
    user = owner.store[Users].known(body.required_text("email"))
    role = body.text("role")
    if role is None:
        folder.user_roles.pop(user.email, None)
    else:
        folder.user_roles[user.email] = Role(role)
    return {"folder": folder.uuid, "userRoles": folder.user_roles}


async def set_folder_tags(owner: Controlled, request: Request) -> Any:
    """Put organisation tags on a folder, in place of those that it has; Encord's API cannot."""
    names = (await body_of(request)).texts("tags")
    folder = owner.store[Folders].known(str(request.path_params["folder"]))
    unknown = [name for name in names if owner.store[OrganisationTags].named(name) is None]
    if unknown:
        raise not_found(f"the organisation has no tag {unknown[0]!r}")
    folder.tags = list(dict.fromkeys(names))
    return {"folder": folder.uuid, "tags": folder.tags}


def _target(call: Call, name: str) -> Folder | None:
    uuid = call.body.uuid(name)
    return None if uuid is None else call.store[Folders].require(uuid, call.user, Role.ADMIN)


def _folder(call: Call, folder: Folder) -> dict[str, Any]:
    return folder.as_json(call.store[Folders].role(folder, call.user))


def _listing(call: Call, candidates: Iterable[Folder]) -> dict[str, Any]:
    query = call.query
    found = call.store[Folders].matching(
        candidates,
        call.user,
        search=query.text("search"),
        dataset_synced=query.flag("datasetSynced"),
        tags=query.texts("organisationTagNamesAllof"),
        by_time=query.choice("order", Order, Order.NAME) is Order.CREATED_AT,
        desc=query.flag("desc") or False,
        any_role=call.sees_organisation("folders"),
    )
    return page_json(query, found, lambda folder: _folder(call, folder))


def _summary_json(folder: Folder, contents: Contents, *, upload_jobs: int) -> dict[str, Any]:
    """What a folder holds, without what its subfolders hold; hidden frames and files count as well."""
    summary: dict[str, Any] = {
        "files": 0,
        "folders": len(folder.children),
        **{kind.counted_as: 0 for kind in MEDIA_TYPES if kind.counted_as},
        "tombstones": 0,
        "uploadJobs": upload_jobs,
        "totalSize": 0.0,
    }
    for listed in contents:
        frames = [child for child in listed.children or () if child.hidden]
        for item in (listed, *frames):
            if item.tombstone:
                summary["tombstones"] += 1
                continue
            if item.type.counted_as:
                summary[item.type.counted_as] += 1
            if not item.children:
                summary["files"] += 1
                summary["totalSize"] += item.file_size or 0
    return summary


def _patch(call: Call, folder: Folder, patch: Body) -> None:
    metadata = patch.mapping("clientMetadata")
    call.store[Folders].update(
        folder,
        name=patch.text("name"),
        description=patch.text("description"),
        metadata=None if metadata is None else metadata_text(metadata),
    )


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
    integration = call.store[Integrations].require_admin(params.uuid("integrationUuid") or "", call.user)
    remote_url = params.required_text("remoteUrl")
    sync_target(remote_url, integration.location)
    return integration.uuid, remote_url


ENTITY = Entity(
    name="folders",
    part=Folders,
    routes=[
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
        *group_routes(
            "folder",
            "storage/folders/{folder:uuid}",
            lambda call, admin: folder_of(call, Role.ADMIN if admin else Role.USER),
            lambda call: call.body.choice("userRole", Role),
        ),
    ],
    control_routes=[
        ControlRoute("POST", "folders/{folder:uuid}/roles", grant_folder_role),
        ControlRoute("PUT", "folders/{folder:uuid}/tags", set_folder_tags),
    ],
    counts=lambda folders: {"folders": len(folders)},
)
