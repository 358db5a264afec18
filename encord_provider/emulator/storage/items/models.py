"""Storage items: files, groups of files, and their custom metadata."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.storage.media_types import ItemType
from encord_provider.emulator.storage.objects.urls import StorageLocation

if TYPE_CHECKING:
    from encord_provider.emulator.storage.folders.models import Folder
    from encord_provider.emulator.storage.integrations.models import Integration

EMPTY_METADATA = "{}"


class Item:
    """One storage item.

    :ivar seq: number in the order of creation; breaks ties between equal names and times.
    :ivar metadata: custom metadata as JSON text, the form in which it is read.
    :ivar media: what is known of the file under the names of the wire (``width``, ``fps`` ...), or ``None``.
    :ivar children: frames of a group or files of a series, in order; hidden from listings.
    :ivar url_key: under which text the folder finds it again when duplicates are skipped, or ``None``.
    :ivar data_units: how many dataset rows the item backs.
    """

    __slots__ = (
        "children",
        "created_at",
        "data_units",
        "description",
        "edited_at",
        "extra",
        "file_size",
        "folder",
        "hidden",
        "integration",
        "location",
        "media",
        "metadata",
        "mime_type",
        "name",
        "owner",
        "seq",
        "tombstone",
        "type",
        "url",
        "url_key",
        "uuid",
        "visible_at",
    )

    def __init__(
        self,
        *,
        uuid: str,
        seq: int,
        type: ItemType,
        name: str,
        folder: Folder,
        owner: str,
        created_at: float,
        url: str | None = None,
        url_key: str | None = None,
        integration: str | None = None,
        location: StorageLocation = StorageLocation.ENCORD,
        metadata: str = EMPTY_METADATA,
        media: dict[str, Any] | None = None,
        mime_type: str | None = None,
        file_size: int | None = None,
        children: list[Item] | None = None,
        extra: dict[str, Any] | None = None,
        hidden: bool = False,
    ) -> None:
        self.uuid = uuid
        self.seq = seq
        self.type = type
        self.name = name
        self.description = ""
        self.folder = folder
        self.owner = owner
        self.created_at = created_at
        self.edited_at = created_at
        self.visible_at = created_at
        self.url = url
        self.url_key = url_key
        self.integration = integration
        self.location = location
        self.metadata = metadata
        self.media = media
        self.mime_type = mime_type
        self.file_size = file_size
        self.children = children
        self.extra = extra
        self.hidden = hidden
        self.tombstone = False
        self.data_units = 0


def metadata_text(metadata: Any) -> str:
    """Custom metadata as it is kept: JSON with sorted keys, because Encord keeps no order (PostgreSQL ``jsonb``)."""
    if not metadata:
        return EMPTY_METADATA
    return orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS).decode()


class ItemListener(Protocol):
    """Somebody who keeps in step with the items."""

    def item_added(self, item: Item) -> None:
        """An item was registered."""

    def item_deleted(self, item: Item) -> None:
        """An item was removed."""

    def item_moved(self, item: Item, source: Folder) -> None:
        """An item was moved from the folder ``source`` to the one that it now has."""


class Items:
    """All items of the service, hidden ones included.

    :param clock: the emulator's clock.
    :ivar listeners: those who are told of every change of which items there are and where.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.listeners: list[ItemListener] = []
        self._by_uuid: dict[str, Item] = {}
        self._groups_of: dict[str, list[Item]] = {}
        self._unlisted: deque[Item] = deque()
        self._last_seq = 0

    def __len__(self) -> int:
        return len(self._by_uuid)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._by_uuid.values())

    def get(self, uuid: str) -> Item | None:
        """The item of that UUID, or ``None``."""
        return self._by_uuid.get(uuid)

    def next_seq(self) -> int:
        """The number of the next item."""
        self._last_seq += 1
        return self._last_seq

    def groups_of(self, item: Item) -> list[Item]:
        """The groups, sequences and series that hold ``item``."""
        return self._groups_of.get(item.uuid, [])

    def add(self, item: Item, *, listing_lag: float = 0.0) -> None:
        """Take in an item and its children.

        :param listing_lag: seconds until listings show it.
        """
        self._last_seq = max(self._last_seq, item.seq)
        self._by_uuid[item.uuid] = item
        for child in item.children or ():
            self._by_uuid.setdefault(child.uuid, child)
            self._groups_of.setdefault(child.uuid, []).append(item)
        if item.url_key is not None:
            item.folder.remember_url(item)
        for listener in self.listeners:
            listener.item_added(item)
        if item.hidden:
            return
        if listing_lag > 0:
            item.visible_at = self._clock.now() + listing_lag
            self._unlisted.append(item)
        else:
            item.folder.index.add(item)
            item.visible_at = 0.0

    def settle_listings(self, *, everything: bool = False) -> None:
        """List what has waited long enough (or ``everything``); called before every listing."""
        while self._unlisted and (everything or self._unlisted[0].visible_at <= self._clock.now()):
            item = self._unlisted.popleft()
            if self._by_uuid.get(item.uuid) is item and item.visible_at:
                item.visible_at = 0.0
                item.folder.index.add(item)

    def rename(self, item: Item, name: str) -> None:
        """Give an item another name."""
        listed = _is_listed(item)
        if listed:
            item.folder.index.remove(item)
        item.name = name
        if listed:
            item.folder.index.add(item)

    def touch(self, item: Item) -> None:
        """Note that an item was edited now."""
        item.edited_at = self._clock.now()

    def move(self, item: Item, folder: Folder) -> None:
        """Put an item, with its hidden children, into another folder."""
        if _is_listed(item):
            item.folder.index.remove(item)
            folder.index.add(item)
        item.folder.forget_url(item)
        source, item.folder = item.folder, folder
        if item.url_key is not None:
            folder.remember_url(item)
        for child in item.children or ():
            if child.hidden:
                child.folder = folder
        for listener in self.listeners:
            listener.item_moved(item, source)
        self.touch(item)

    def relocate(self, item: Item, *, url: str | None, integration: Integration | None) -> None:
        """Point an item at another URL or integration; ``None`` leaves either as it is."""
        if url is not None:
            item.folder.forget_url(item)
            item.url = url
            if item.url_key is not None:
                item.url_key = url
                item.folder.remember_url(item)
        if integration is not None:
            item.integration, item.location = integration.uuid, integration.location
        self.touch(item)

    def delete(self, item: Item, *, remove_unused_frames: bool = True) -> int:
        """Remove an item.

        :param remove_unused_frames: remove its children too, unless another group holds them or they are listed
            themselves.
        :returns: how many items were removed, children included.
        """
        if self._by_uuid.pop(item.uuid, None) is None:
            return 0
        if _is_listed(item):
            item.folder.index.remove(item)
        item.visible_at = 0.0
        item.folder.forget_url(item)
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


def _is_listed(item: Item) -> bool:
    return not item.hidden and not item.visible_at
