"""Storage items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import MalformedRequestError, bad_request, forbidden
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.core.table import no_access
from encord_provider.emulator.datasets.models import Datasets
from encord_provider.emulator.datasets.wire import dataset_uses_json
from encord_provider.emulator.storage.folders.models import Folder, Folders, Role, folder_of
from encord_provider.emulator.storage.integrations.models import Integrations
from encord_provider.emulator.storage.items.contents import Order, page_of
from encord_provider.emulator.storage.items.item import Item, metadata_text, signer
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.media_types import MEDIA_TYPES, MediaType

MAX_PAGE = 1000


async def list_folder_items(call: Call) -> Any:
    """Items of a folder, or of all folders below it as well."""
    folder = folder_of(call)
    folders = list(folder.tree()) if call.query.flag("isRecursive") else [folder]
    return _listing(call, folders)


async def search_items(call: Call) -> Any:
    """Items anywhere."""
    everything = call.sees_organisation("items")
    folders = call.store[Folders]
    return _listing(
        call, [folder for folder in folders.all() if everything or folders.role(folder, call.user)]
    )


async def get_item(call: Call) -> Any:
    """One item."""
    item = call.store[Items].require(call.path["item"], call.user)
    return item.as_json(sign=signer(call) if call.query.flag("signUrl") else None)


async def get_items(call: Call) -> Any:
    """Many items, in the order of the request.

    Source: the SDK's ``EncordUserClient.get_storage_items``, which raises ``AuthorisationError`` if some of them do not
    exist or may not be seen.
    """
    sign = signer(call) if call.body.flag("signUrls") else None
    uuids = call.body.uuids("itemUuids")
    _check_bulk(call, len(uuids))
    items = [call.store[Items].require(uuid, call.user) for uuid in uuids]
    return {"results": [item.as_json(sign=sign) for item in items]}


async def patch_item(call: Call) -> Any:
    """Change an item; metadata is replaced as a whole."""
    item = _require_in_folder(call, Role.USER)
    _patch(call, item, _changes(call, call.body))
    return item.as_json()


async def patch_items(call: Call) -> Any:
    """Change many items in one call."""
    patches = call.body.required_mapping("itemPatches")
    _check_bulk(call, len(patches))
    targets = []
    for uuid, patch in patches.items():
        item = call.store[Items].visible_to(uuid, call.user)
        if item is not None:
            targets.append((item, _changes(call, Body(patch))))
        elif call.store.settings.bulk_patch_missing == "refuse":
            raise no_access("storage item", uuid)
    for item, changes in targets:
        _patch(call, item, changes)
    return {"results": [item.as_json() for item, _ in targets]}


async def list_child_items(call: Call) -> Any:
    """Frames of a group or sequence, files of a series."""
    item = _require_in_folder(call, Role.USER)
    sign = signer(call) if call.query.flag("signUrls") else None
    return {"results": [child.as_json(sign=sign) for child in item.children or ()], "nextPageToken": None}


async def get_item_summary(call: Call) -> Any:
    """Where an item is used."""
    item = _require_in_folder(call, Role.USER)
    groups = call.store[Items].groups_of(item)
    rows = call.store[Datasets].rows_of(item)
    return {
        "frameInGroups": len(groups),
        "accessibleGroupItems": [
            {
                "uuid": group.uuid,
                "name": group.name,
                "parentUuid": group.folder.uuid,
                "parentName": group.folder.name,
                "itemType": group.type.name,
            }
            for group in groups
            if call.store[Folders].role(group.folder, call.user)
        ],
        "usedInDatasets": len({row.dataset.uuid for row in rows}),
        "accessibleDatasets": dataset_uses_json(
            [row for row in rows if call.store[Datasets].role(row.dataset, call.user) is not None]
        ),
        "groupLayout": (item.extra or {}).get("groupLayout")
        if call.query.flag("includeGroupLayout")
        else None,
    }


async def delete_items(call: Call) -> Any:
    """Remove items of a folder."""
    folder = folder_of(call, Role.ADMIN)
    items = [
        _in_folder(call.store[Items].require(uuid, call.user), folder)
        for uuid in call.body.uuids("childUuids")
    ]
    remove_unused_frames = call.body.flag("removeUnusedFrames", True)
    removed = sum(call.store[Items].delete(item, remove_unused_frames=remove_unused_frames) for item in items)
    return {"removedItemsCount": removed, "removedFoldersCount": 0}


async def move_items(call: Call) -> Any:
    """Put items of a folder into another."""
    folder = folder_of(call, Role.ADMIN)
    target = call.store[Folders].require(call.body.uuid("newParentUuid") or "", call.user, Role.ADMIN)
    items = [
        _in_folder(call.store[Items].require(uuid, call.user), folder)
        for uuid in call.body.uuids("itemUuids")
    ]
    mirrored = folder.synced_dataset is not None or target.synced_dataset is not None
    if mirrored and not call.body.flag("allowSyncedDatasetMove"):
        raise bad_request(
            "the items belong to a mirrored dataset; allow the change of the dataset explicitly"
        )
    for item in items:
        call.store[Items].move(item, target)


async def create_group_items(call: Call) -> Any:
    """Make data groups of items; answers their UUIDs."""
    folder = folder_of(call, Role.ADMIN)
    if not isinstance(call.json, list):
        raise MalformedRequestError(("body",), "expected a list of data groups")
    groups = [_group(call, folder, Body(document)) for document in call.json]
    for group in groups:
        call.store[Items].register(group)
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


def _check_bulk(call: Call, count: int) -> None:
    most = call.store.settings.max_bulk_items
    if most and count > most:
        raise bad_request(f"one call takes {most:,} items at most, not {count:,}")


def _changes(call: Call, patch: Body) -> dict[str, Any]:
    """What a patch sets, checked before anything of a bulk call is changed; metadata is replaced as a whole."""
    metadata = patch.mapping("clientMetadata")
    return call.store[Items].checked(
        {
            "name": patch.text("name"),
            "metadata": None if metadata is None else metadata_text(metadata),
            "extra": {key: patch.document[key] for key in MEDIA_TYPES.settings if key in patch.document},
        }
    )


def _patch(call: Call, item: Item, changes: dict[str, Any]) -> None:
    call.store[Items].update(item, **{**changes, "extra": {**(item.extra or {}), **changes["extra"]} or None})


def _listing(call: Call, folders: list[Folder]) -> dict[str, Any]:
    query = call.query
    call.store[Items].settle_listings()
    page, token = page_of(
        [call.store[Items].contents(folder) for folder in folders],
        order=query.choice("order", Order, Order.NAME),
        desc=query.flag("desc") or False,
        token=query.text("pageToken"),
        size=query.number("pageSize", 100, minimum=1, maximum=MAX_PAGE),
        wanted=_filter(
            search=query.text("search"),
            types={MEDIA_TYPES.parse(name, ("query", "itemTypes")) for name in query.texts("itemTypes")},
            in_dataset=query.flag("isInDataset"),
        ),
    )
    sign = signer(call) if query.flag("signUrls") else None
    with_metadata = query.flag("includeClientMetadata") is not False
    by_url = with_metadata and query.flag("clientMetadataAsSignedUrl") is True
    results = [item.as_json(sign=sign, with_metadata=with_metadata and not by_url) for item in page]
    if by_url:
        for document in results:
            document["clientMetadataSignedUrl"] = call.link(f"metadata/{document['uuid']}")
    return {"results": results, "nextPageToken": token}


def _filter(
    *, search: str | None, types: set[MediaType], in_dataset: bool | None
) -> Callable[[Item], bool] | None:
    if search is None and not types and in_dataset is None:
        return None
    needle = search.casefold() if search else ""

    def wanted(item: Item) -> bool:
        return (
            (not types or item.type in types)
            and (in_dataset is None or in_dataset == (item.data_units > 0))
            and needle in item.name.casefold()
        )

    return wanted


def _require_in_folder(call: Call, role: Role) -> Item:
    return _in_folder(call.store[Items].require(call.path["item"], call.user), folder_of(call, role))


def _in_folder(item: Item, folder: Folder) -> Item:
    if item.folder is not folder:
        raise forbidden(f"storage item {item.uuid} is not in storage folder {folder.name!r} ({folder.uuid})")
    return item


def _group(call: Call, folder: Folder, body: Body) -> Item:
    contents = body.document.get("layoutContents")
    if isinstance(contents, list):
        named = {str(position): uuid for position, uuid in enumerate(contents)}
    elif isinstance(contents, dict):
        named = dict(contents)
    else:
        raise MalformedRequestError(("body", "layoutContents"), "expected a list or mapping of item UUIDs")
    children = [call.store[Items].require(str(uuid), call.user) for uuid in named.values()]
    return call.store[Items].make(
        type=MEDIA_TYPES["group"],
        name=body.text("name") or "Data group",
        folder=folder,
        owner=call.user.email,
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


ENTITY = Entity(
    name="items",
    part=Items,
    routes=[
        ApiRoute("GET", "storage/search/items", search_items),
        ApiRoute("POST", "storage/items/get-bulk", get_items),
        ApiRoute("PATCH", "storage/items/patch-bulk", patch_items),
        ApiRoute("GET", "storage/items/{item:uuid}", get_item),
        ApiRoute("GET", "storage/folders/{folder:uuid}/items", list_folder_items),
        ApiRoute("POST", "storage/folders/{folder:uuid}/items/delete", delete_items),
        ApiRoute("POST", "storage/folders/{folder:uuid}/items/move", move_items),
        ApiRoute("PATCH", "storage/folders/{folder:uuid}/items/{item:uuid}", patch_item),
        ApiRoute("GET", "storage/folders/{folder:uuid}/items/{item:uuid}/child-items", list_child_items),
        ApiRoute("GET", "storage/folders/{folder:uuid}/items/{item:uuid}/summary", get_item_summary),
        ApiRoute("POST", "storage/folders/{folder:uuid}/create-group-items", create_group_items),
        ApiRoute("POST", "storage/items/migrate-storage", migrate_storage),
    ],
    counts=lambda items: {"items": len(items)},
)
