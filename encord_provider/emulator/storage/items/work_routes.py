"""What is made of items: data groups, and other places of storage."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.errors import MalformedRequestError, bad_request, forbidden
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.storage.folders.models import Folder, Folders, Role, folder_of
from encord_provider.emulator.storage.integrations.models import Integrations
from encord_provider.emulator.storage.items.item import Item, metadata_text
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.media_types import MEDIA_TYPES


async def create_group_items(call: Call) -> Any:
    """Make data groups of items; answers their UUIDs."""
    folder = folder_of(call, Role.ADMIN)
    if not isinstance(call.json, list):
        raise MalformedRequestError(("body",), "expected a list of data groups")
    groups = [_group(call, folder, Body(document)) for document in call.json]
    for group in groups:
        call.store[Items].register(group, listing_lag=call.store.settings.listing_lag_seconds)
    return [group.uuid for group in groups]


async def migrate_storage(call: Call) -> Any:
    """Point items at other URLs or another integration."""
    target_uuid = call.body.uuid("toIntegrationHash")
    target = call.store[Integrations].require_admin(target_uuid, call.user) if target_uuid else None
    skip_missing = call.body.flag("skipMissing")
    moves: list[tuple[Item, str | None]] = []
    for uuid, url in (call.body.mapping("itemsMap") or {}).items():
        item = call.store[Items].get(uuid)
        if item is not None and call.store[Folders].role(item.folder, call.user) is Role.ADMIN:
            moves.append((item, url))
        elif not skip_missing:
            raise forbidden(f"storage item {uuid} does not exist or you are not an admin of its folder")
    by_url = call.body.mapping("urlsMap") or {}
    source = call.body.uuid("fromIntegrationHash")
    if by_url:
        found = [
            item
            for item in call.store[Items]
            if item.url in by_url
            and (source is None or item.integration == source)
            and call.store[Folders].role(item.folder, call.user) is Role.ADMIN
        ]
        missing = by_url.keys() - {item.url for item in found}
        if missing and not skip_missing:
            raise bad_request(f"no item has the URL {min(missing)}")
        moves += [(item, by_url[item.url or ""]) for item in found]
    for item, url in moves:
        call.store[Items].relocate(item, url=url, integration=target)


def _group(call: Call, folder: Folder, body: Body) -> Item:
    contents = body.document.get("layoutContents")
    if isinstance(contents, list):
        named = {str(position): uuid for position, uuid in enumerate(contents)}
    elif isinstance(contents, dict):
        named = dict(contents)
    else:
        raise MalformedRequestError(("body", "layoutContents"), "expected a list or mapping of item UUIDs")
    children = [call.store[Items].require(str(uuid), call.user) for uuid in named.values()]
    return Item(
        uuid=call.store.chance.uuid(),
        seq=call.store[Items].next_seq(),
        type=MEDIA_TYPES["group"],
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
    ApiRoute("POST", "storage/items/migrate-storage", migrate_storage),
]
