"""Collections and filter presets."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.collections.models import Collection, Collections
from encord_provider.emulator.collections.presets import EVERY_FOLDER, FilterPreset, FilterPresets
from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.core.pages import page_json
from encord_provider.emulator.storage.folders.models import Folders
from encord_provider.emulator.storage.items.item import Item

MAX_TITLES = 1000
MAX_TITLE_BYTES = 200_000


async def create_collection(call: Call) -> Any:
    """Make a collection on a folder; answers its UUID."""
    folder = call.store[Folders].require(call.query.text("topLevelFolderUuid") or "", call.user)
    return call.store[Collections].new(folder=folder, owner=call.user.email, **call.body.named()).uuid


async def list_collections(call: Call) -> Any:
    """Collections of the folders that the caller sees."""
    uuids = set(call.query.texts("uuids"))
    folder = call.query.text("topLevelFolderUuid")
    found = [
        collection
        for collection in call.store[Collections].visible(call.user)
        if (not uuids or collection.uuid in uuids) and (folder is None or collection.folder.uuid == folder)
    ]
    return page_json(call.query, found, Collection.as_json)


async def update_collection(call: Call) -> Any:
    """Change a collection's name or description."""
    call.store[Collections].update(_collection(call), **call.body.renamed())


async def delete_collection(call: Call) -> Any:
    """Remove a collection, if it exists; its items stay."""
    if call.store[Collections].get(call.path["collection"]) is not None:
        call.store[Collections].remove(_collection(call))


async def list_accessible_items(call: Call) -> Any:
    """Items of a collection, without those that the caller may not see."""
    collections = call.store[Collections]
    visible = [item for item in collections.items(_collection(call)) if _sees(call, item)]
    with_metadata = call.query.flag("includeClientMetadata") is not False
    return page_json(call.query, visible, lambda item: item.as_json(with_metadata=with_metadata))


async def list_all_items(call: Call) -> Any:
    """Items of a collection; of those that the caller may not see, only the UUID."""
    with_metadata = call.query.flag("includeClientMetadata") is not False
    return page_json(
        call.query,
        call.store[Collections].items(_collection(call)),
        lambda item: item.as_json(with_metadata=with_metadata) if _sees(call, item) else {"uuid": item.uuid},
    )


async def add_collection_items(call: Call) -> Any:
    """Add items by UUID."""
    collection = _collection(call)
    failed = call.store[Collections].add_items(collection, call.body.uuids("itemUuids"), call.user)
    return {"failedItems": failed}


async def remove_collection_items(call: Call) -> Any:
    """Remove items by UUID."""
    return {
        "failedItems": call.store[Collections].remove_items(_collection(call), call.body.uuids("itemUuids"))
    }


async def add_items_by_title(call: Call) -> Any:
    """Add items by title."""
    collection = _collection(call)
    titles = call.body.texts("dataTitles")
    size = sum(len(title.encode()) for title in titles)
    if len(titles) > MAX_TITLES or size > MAX_TITLE_BYTES:
        raise bad_request(
            f"{len(titles)} titles of {size} bytes are too many: a call takes {MAX_TITLES} titles "
            f"of {MAX_TITLE_BYTES} bytes together"
        )
    return call.store[Collections].add_by_title(collection, titles)


async def add_preset_items(call: Call) -> Any:
    """Add the items that fulfil a filter preset, in a while."""
    return _apply_preset(call, adding=True)


async def remove_preset_items(call: Call) -> Any:
    """Remove the items that fulfil a filter preset, in a while."""
    return _apply_preset(call, adding=False)


async def create_preset(call: Call) -> Any:
    """Make a filter preset; answers its UUID."""
    folder = call.query.text("topLevelFolderUuid") or EVERY_FOLDER
    if folder != EVERY_FOLDER:
        call.store[Folders].require(folder, call.user)
    definition = call.body.required_mapping("filterPresetJson")
    preset = call.store[FilterPresets].new(
        owner=call.user.email, folder=folder, definition=definition, **call.body.named()
    )
    return preset.uuid


async def list_presets(call: Call) -> Any:
    """The organisation's filter presets."""
    uuids = set(call.query.texts("uuids"))
    folder = call.query.text("topLevelFolderUuid")
    found = [
        preset
        for preset in call.store[FilterPresets].all()
        if (not uuids or preset.uuid in uuids) and (folder is None or preset.folder in (folder, EVERY_FOLDER))
    ]
    return page_json(call.query, found, FilterPreset.as_json)


async def get_preset_filters(call: Call) -> Any:
    """The conditions of a filter preset."""
    return call.store[FilterPresets].require(call.path["preset"]).definition


async def update_preset(call: Call) -> Any:
    """Change a filter preset."""
    preset = call.store[FilterPresets].require(call.path["preset"])
    definition = call.body.mapping("filterPreset")
    call.store[FilterPresets].update(preset, definition=definition, **call.body.renamed())


async def delete_preset(call: Call) -> Any:
    """Remove a filter preset, if it exists."""
    preset = call.store[FilterPresets].get(call.path["preset"])
    if preset is not None:
        call.store[FilterPresets].remove(preset)


def _collection(call: Call) -> Collection:
    return call.store[Collections].require(call.path["collection"], call.user)


def _sees(call: Call, item: Item) -> bool:
    return call.store[Folders].role(item.folder, call.user) is not None


def _apply_preset(call: Call, *, adding: bool) -> None:
    call.store[Collections].apply_preset(
        _collection(call),
        call.store[FilterPresets].require(call.body.uuid("presetUuid") or ""),
        adding=adding,
        seconds=call.store.settings.preset_items_seconds,
    )


ENTITY = Entity(
    name="collections",
    part=Collections,
    routes=[
        ApiRoute("POST", "index/collections", create_collection),
        ApiRoute("GET", "index/collections", list_collections),
        ApiRoute("PATCH", "index/collections/{collection:uuid}", update_collection),
        ApiRoute("DELETE", "index/collections/{collection:uuid}", delete_collection),
        ApiRoute("GET", "index/collections/{collection:uuid}/accessible-items", list_accessible_items),
        ApiRoute("GET", "index/collections/{collection:uuid}/all-items", list_all_items),
        ApiRoute("POST", "index/collections/{collection:uuid}/add-items", add_collection_items),
        ApiRoute("POST", "index/collections/{collection:uuid}/remove-items", remove_collection_items),
        ApiRoute("POST", "index/collections/{collection:uuid}/add-data-title-items", add_items_by_title),
        ApiRoute("POST", "index/collections/{collection:uuid}/add-preset-items", add_preset_items),
        ApiRoute("POST", "index/collections/{collection:uuid}/remove-preset-items", remove_preset_items),
    ],
    counts=lambda collections: {"collections": len(collections.all())},
)
PRESETS = Entity(
    name="presets",
    part=FilterPresets,
    routes=[
        ApiRoute("POST", "index/presets", create_preset),
        ApiRoute("GET", "index/presets", list_presets),
        ApiRoute("GET", "index/presets/{preset:uuid}", get_preset_filters),
        ApiRoute("PATCH", "index/presets/{preset:uuid}", update_preset),
        ApiRoute("DELETE", "index/presets/{preset:uuid}", delete_preset),
    ],
)
