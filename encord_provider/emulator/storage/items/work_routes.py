"""What is made of items: data groups, re-encoded videos, other places of storage."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.errors import MalformedRequestError, bad_request, forbidden, not_found
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.storage.folders.models import Folder, Role
from encord_provider.emulator.storage.items.models import Item, metadata_text
from encord_provider.emulator.storage.media_types import ItemType


async def create_group_items(call: Call) -> Any:
    """Make data groups of items; answers their UUIDs."""
    folder = call.folder(Role.ADMIN)
    if not isinstance(call.json, list):
        raise MalformedRequestError(("body",), "expected a list of data groups")
    groups = [_group(call, folder, Body(document)) for document in call.json]
    for group in groups:
        call.store.items.add(group, listing_lag=call.store.settings.listing_lag_seconds)
    return [group.uuid for group in groups]


async def reencode_videos(call: Call) -> Any:
    """Begin to re-encode videos; answers the UUID of the work."""
    uuids = call.body.uuids("storageItems")
    for uuid in uuids:
        item = call.store.items.get(uuid)
        if item is None or call.store.folders.role(item.folder, call.user) is None:
            raise forbidden(f"storage item {uuid} does not exist or you do not have access to it")
        if item.type is not ItemType.VIDEO:
            raise bad_request(f"item {item.name!r} is not a video")
    return call.store.reencodings.start(uuids, units_per_second=call.store.settings.units_per_second).uuid


async def get_reencoding(call: Call) -> Any:
    """How far re-encoding has come."""
    process = call.store.reencodings.get(call.path["process"])
    if process is None:
        raise not_found(f"there is no re-encoding {call.path['process']}")
    done = call.store.reencodings.is_done(process)
    return {"status": "done" if done else "submitted", "result": list(process.items) if done else None}


async def migrate_storage(call: Call) -> Any:
    """Point items at other URLs or another integration."""
    target_uuid = call.body.uuid("toIntegrationHash")
    target = call.store.integrations.require_admin(target_uuid, call.user) if target_uuid else None
    skip_missing = call.body.flag("skipMissing")
    moves: list[tuple[Item, str | None]] = []
    for uuid, url in (call.body.mapping("itemsMap") or {}).items():
        item = call.store.items.get(uuid)
        if item is not None and call.store.folders.role(item.folder, call.user) is Role.ADMIN:
            moves.append((item, url))
        elif not skip_missing:
            raise forbidden(f"storage item {uuid} does not exist or you are not an admin of its folder")
    by_url = call.body.mapping("urlsMap") or {}
    source = call.body.uuid("fromIntegrationHash")
    if by_url:
        found = [
            item
            for item in call.store.items
            if item.url in by_url
            and (source is None or item.integration == source)
            and call.store.folders.role(item.folder, call.user) is Role.ADMIN
        ]
        missing = by_url.keys() - {item.url for item in found}
        if missing and not skip_missing:
            raise bad_request(f"no item has the URL {min(missing)}")
        moves += [(item, by_url[item.url or ""]) for item in found]
    for item, url in moves:
        call.store.items.relocate(item, url=url, integration=target)
    return None


def _group(call: Call, folder: Folder, body: Body) -> Item:
    contents = body.document.get("layoutContents")
    if isinstance(contents, list):
        named = {str(position): uuid for position, uuid in enumerate(contents)}
    elif isinstance(contents, dict):
        named = dict(contents)
    else:
        raise MalformedRequestError(("body", "layoutContents"), "expected a list or mapping of item UUIDs")
    children = []
    for uuid in named.values():
        item = call.store.items.get(str(uuid))
        if item is None or call.store.folders.role(item.folder, call.user) is None:
            raise forbidden(f"storage item {uuid} does not exist or you do not have access to it")
        children.append(item)
    return Item(
        uuid=call.store.chance.uuid(),
        seq=call.store.items.next_seq(),
        type=ItemType.GROUP,
        name=body.text("name") or "Data group",
        folder=folder,
        owner=call.user.email,
        created_at=call.store.clock.now(),
        metadata=metadata_text(body.mapping("clientMetadata")),
        children=children,
        extra={
            "groupLayout": {
                "layoutContents": {name: {"uuid": uuid} for name, uuid in named.items()},
                "layout": body.document.get("layout"),
                "layoutSettings": body.document.get("settings") or {},
                "timeline": body.document.get("timeline") or [],
            }
        },
    )


ROUTES = [
    ApiRoute("POST", "storage/folders/{folder:uuid}/create-group-items", create_group_items),
    ApiRoute("POST", "storage/items/reencode", reencode_videos),
    ApiRoute("GET", "storage/items/reencode/{process:uuid}", get_reencoding),
    ApiRoute("POST", "storage/items/migrate-storage", migrate_storage),
]
