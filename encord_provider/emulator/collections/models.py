"""Collections: named selections of the items below one folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from encord_provider.emulator.collections.presets import FilterPreset
from encord_provider.emulator.core.calls import Caller
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Entry, Table, no_access, take_out
from encord_provider.emulator.storage.folders.models import Folder, Folders
from encord_provider.emulator.storage.items.item import Item
from encord_provider.emulator.storage.items.models import Items


@dataclass(frozen=True)
class PresetWork:
    """Items of a filter preset that are to be added or removed.

    :param due_at: when that happens, seconds since the epoch.
    """

    preset: FilterPreset
    adding: bool
    due_at: float


@dataclass(eq=False, slots=True, kw_only=True)
class Collection(Entry):
    """One collection.

    :param folder: the folder in and below which its items were when they were added.
    :param items: UUIDs of its items, in the order in which they were added.
    :param work: what presets are still to add and remove, in that order.
    """

    folder: Folder
    name: str
    description: str
    owner: str
    items: dict[str, None] = field(default_factory=dict)
    work: list[PresetWork] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The collection on the wire."""
        return {
            "uuid": self.uuid,
            "topLevelFolderUuid": self.folder.uuid,
            "name": self.name,
            "description": self.description,
            "createdAt": iso(self.created_at),
            "lastEditedAt": iso(self.edited_at),
        }

    def covers(self, item: Item) -> bool:
        """Whether an item is in or below the collection's folder."""
        return self.folder is item.folder or self.folder in item.folder.ancestors()


class Collections(Table[Collection]):
    """All collections."""

    entry = Collection
    called = "a collection"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._folders = store[Folders]
        self._items = store[Items]

    def all(self) -> list[Collection]:
        """Every collection of a folder that still exists, the oldest first."""
        return [collection for collection in self if not collection.folder.deleted]

    def visible(self, user: Caller) -> list[Collection]:
        """The collections whose folder a user sees."""
        return [entry for entry in self.all() if self._folders.role(entry.folder, user) is not None]

    def require(self, uuid: str, user: Caller) -> Collection:
        """The collection of that UUID, with all finished work of presets done.

        :raises ApiError: 403 if there is none or ``user`` does not see its folder, as the SDK documents.
        """
        collection = self._entries.get(uuid)
        if collection is None or collection not in self.visible(user):
            raise no_access("collection", uuid)
        self._settle(collection)
        return collection

    def items(self, collection: Collection) -> list[Item]:
        """The items of a collection that still exist, in the order in which they were added."""
        return [item for uuid in collection.items if (item := self._items.get(uuid)) is not None]

    def add_items(self, collection: Collection, uuids: Iterable[str], user: Caller) -> list[str]:
        """Add items.

        :returns: UUIDs of those that do not exist, are not below the collection's folder or may not be seen.
        """
        failed = []
        for uuid in uuids:
            item = self._items.get(uuid)
            if item is None or not collection.covers(item) or self._folders.role(item.folder, user) is None:
                failed.append(uuid)
            else:
                collection.items[uuid] = None
        self.touch(collection)
        return failed

    def remove_items(self, collection: Collection, uuids: Iterable[str]) -> list[str]:
        """Take items out.

        :returns: UUIDs of those that were not in the collection.
        """
        failed = take_out(collection.items, uuids)
        self.touch(collection)
        return failed

    def add_by_title(self, collection: Collection, titles: Iterable[str]) -> dict[str, Any]:
        """Add the items whose title is exactly one of ``titles``, unless several items have it.

        :returns: what became of the titles, as the wire tells it: how many there were, how many stand for exactly
            one item, how many items were not in the collection yet, and which titles stand for several or none.
        """
        self._items.settle_listings()
        folders = [self._items.contents(folder) for folder in collection.folder.tree()]
        found = {
            title: [item for folder in folders for item in folder.named(title)]
            for title in dict.fromkeys(titles)
        }
        matched = [items[0].uuid for items in found.values() if len(items) == 1]
        before = len(collection.items)
        collection.items.update(dict.fromkeys(matched))
        self.touch(collection)
        return {
            "requested": len(found),
            "matchedTitles": len(matched),
            "itemsAdded": len(collection.items) - before,
            "ambiguousTitles": [title for title, items in found.items() if len(items) > 1],
            "unmatchedTitles": [title for title, items in found.items() if not items],
            "failedItems": [],
        }

    def apply_preset(
        self, collection: Collection, preset: FilterPreset, *, adding: bool, seconds: float
    ) -> None:
        """Add or remove the items that fulfil a preset, some time from now.

        :raises ApiError: 400 if the preset has conditions that cannot be applied.
        """
        preset.check_usable()
        collection.work.append(PresetWork(preset, adding, self._clock.now() + seconds))

    def _settle(self, collection: Collection) -> None:
        while collection.work and collection.work[0].due_at <= self._clock.now():
            work = collection.work.pop(0)
            if work.adding:
                self._items.settle_listings()
                below = (item for folder in collection.folder.tree() for item in self._items.contents(folder))
                collection.items.update((item.uuid, None) for item in below if work.preset.matches(item))
            else:
                for item in self.items(collection):
                    if work.preset.matches(item):
                        del collection.items[item.uuid]
            self.touch(collection)
