"""All storage items: where they are listed, moved and removed."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from encord_provider.emulator.core.calls import Caller
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Table, no_access
from encord_provider.emulator.organisation.schema.models import MetadataSchema
from encord_provider.emulator.storage.folders.models import Folder, Folders
from encord_provider.emulator.storage.integrations.models import Integration
from encord_provider.emulator.storage.items.contents import Contents
from encord_provider.emulator.storage.items.item import MAX_METADATA_BYTES, MAX_TITLE, Item


class ItemListener(Protocol):
    """Somebody who keeps in step with the items."""

    def item_added(self, item: Item) -> None:
        """An item was registered."""

    def item_deleted(self, item: Item) -> None:
        """An item was removed."""

    def item_moved(self, item: Item, source: Folder) -> None:
        """An item was moved from the folder ``source`` to the one that it now has."""


class Items(Table[Item]):
    """All items of the service, hidden ones included.

    :ivar listeners: those who are told of every change of which items there are and where.
    """

    entry = Item
    called = "an item"
    noted = True

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.listeners: list[ItemListener] = []
        self._contents: dict[Folder, Contents] = {}
        self._groups_of: dict[str, list[Item]] = {}
        self._unlisted: deque[Item] = deque()
        self._last_seq = 0

    def contents(self, folder: Folder) -> Contents:
        """What a folder holds, without what is in the folders below it."""
        found = self._contents.get(folder)
        if found is None:
            found = self._contents[folder] = Contents()
        return found

    def visible_to(self, uuid: str, user: Caller) -> Item | None:
        """The item of that UUID, or ``None`` if there is none or ``user`` has no role in its folder."""
        item = self._entries.get(uuid)
        return item if item is not None and self._store[Folders].role(item.folder, user) else None

    def require(self, uuid: str, user: Caller) -> Item:
        """The item of that UUID, for somebody who has a role in its folder.

        :raises ApiError: 403, also if there is no such item, as Encord answers.
        """
        item = self.visible_to(uuid, user)
        if item is None:
            raise no_access("storage item", uuid)
        return item

    def make(self, uuid: str | None = None, **fields: Any) -> Item:
        """A new item, which :meth:`register` takes in.

        :param uuid: its UUID, if that was given out before.
        :param fields: its other fields, by name.
        """
        self._last_seq += 1
        uuid, created_at = uuid or self._chance.uuid(), self._clock.now()
        return Item(uuid=uuid, seq=self._last_seq, created_at=created_at, **fields)

    def groups_of(self, item: Item) -> list[Item]:
        """The groups, sequences and series that hold ``item``."""
        return self._groups_of.get(item.uuid, [])

    def register(self, item: Item) -> Item:
        """Take in a new item and its children; the settings say how long it takes until listings show it."""
        lag = self._store.settings.listing_lag_seconds
        item.visible_at = self._clock.now() + lag if lag > 0 and not item.hidden else 0.0
        return self.add(item)

    def add(self, item: Item) -> Item:
        """Take in an item and its children."""
        self._last_seq = max(self._last_seq, item.seq)
        for child in item.children or ():
            if self._entries.setdefault(child.uuid, child) is child:
                self.note(child)
            self._groups_of.setdefault(child.uuid, []).append(item)
        super().add(item)
        contents = self.contents(item.folder)
        contents.remember_url(item)
        for listener in self.listeners:
            listener.item_added(item)
        if item.is_listed:
            contents.add(item)
        elif item.visible_at:
            self._unlisted.append(item)
        return item

    def kept(self) -> list[Item]:
        """What a snapshot holds: the items of folders that exist, each behind its children, which are always older."""
        return sorted((item for item in self if not item.folder.deleted), key=lambda item: item.seq)

    def holds(self, entry: Item) -> bool:
        """Whether :meth:`kept` has an item."""
        return super().holds(entry) and not entry.folder.deleted

    def forget_folder(self, folder: Folder) -> None:
        """Remove all items of a folder."""
        self.settle_listings(everything=True)
        for item in list(self.contents(folder)):
            self.delete(item)
        del self._contents[folder]
        if self.changed is not None:
            # Frames that stayed when their group went are in no listing.
            self.changed.update((item.uuid, item) for item in self if item.folder is folder)

    def settle_listings(self, *, everything: bool = False) -> None:
        """List what has waited long enough (or ``everything``); called before every listing."""
        while self._unlisted and (everything or self._unlisted[0].visible_at <= self._clock.now()):
            item = self._unlisted.popleft()
            if self._entries.get(item.uuid) is item and item.visible_at:
                item.visible_at = 0.0
                self.contents(item.folder).add(item)
                self.note(item)

    def checked(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Fields of an item as clients change them.

        :raises ApiError: 400 if the name is empty or too long, or the metadata too large or unfit for the schema.
        """
        name, metadata = fields.get("name"), fields.get("metadata")
        if name is not None and not 1 <= len(name) <= MAX_TITLE:
            raise bad_request(f"an item's title has 1 to {MAX_TITLE} characters, not {len(name)}")
        if metadata is not None and len(metadata.encode()) > MAX_METADATA_BYTES:
            raise bad_request("the client metadata are larger than 10 MB")
        if metadata is not None and (problem := self._store[MetadataSchema].problem(metadata)):
            raise bad_request(problem)
        return fields

    def update(self, entry: Item, **changes: Any) -> None:
        """Set the fields that are given (``None`` leaves one as it is), and note the time.

        :raises ApiError: 400 if one is not valid; then nothing is changed.
        """
        name = self.checked(changes).pop("name", None)
        super().update(entry, **changes)
        if name is not None:
            self.rename(entry, name)

    def rename(self, item: Item, name: str) -> None:
        """Give an item another name."""
        listed = item.is_listed
        if listed:
            self.contents(item.folder).remove(item)
        item.name = name
        self.note(item)
        if listed:
            self.contents(item.folder).add(item)

    def move(self, item: Item, folder: Folder) -> None:
        """Put an item, with its hidden children, into another folder."""
        if item.is_listed:
            self.contents(item.folder).remove(item)
            self.contents(folder).add(item)
        self.contents(item.folder).forget_url(item)
        source, item.folder = item.folder, folder
        self.contents(folder).remember_url(item)
        for child in item.children or ():
            if child.hidden:
                child.folder = folder
                self.note(child)
        for listener in self.listeners:
            listener.item_moved(item, source)
        self.touch(item)

    def relocate(self, item: Item, *, url: str | None, integration: Integration | None) -> None:
        """Point an item at another URL or integration; ``None`` leaves either as it is."""
        if url is not None:
            self.contents(item.folder).forget_url(item)
            item.url = url
            if item.url_key is not None:
                item.url_key = url
                self.contents(item.folder).remember_url(item)
        if integration is not None:
            item.integration, item.location = integration.uuid, integration.location
        self.touch(item)

    def delete(self, item: Item, *, remove_unused_frames: bool = True) -> int:
        """Remove an item.

        :param remove_unused_frames: remove its children too, unless another group holds them or they are listed
            themselves.
        :returns: how many items were removed, children included.
        """
        if self._entries.pop(item.uuid, None) is None:
            return 0
        self.note(item)
        if item.is_listed:
            self.contents(item.folder).remove(item)
        item.visible_at = 0.0
        self.contents(item.folder).forget_url(item)
        for listener in self.listeners:
            listener.item_deleted(item)
        removed = 1
        for child in item.children or ():
            groups = self._groups_of.get(child.uuid, [])
            if item in groups:
                groups.remove(item)
            if not groups:
                self._groups_of.pop(child.uuid, None)
                if child.hidden and remove_unused_frames:
                    removed += self.delete(child)
        return removed
