"""Collections: named selections of the items below one folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from encord_provider.emulator.collections.presets import FilterPreset
from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.errors import bad_request, forbidden
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.organisation.users.models import User
from encord_provider.emulator.storage.folders.models import Folder, Folders
from encord_provider.emulator.storage.items.models import Item, Items


@dataclass(frozen=True)
class PresetWork:
    """Items of a filter preset that are to be added or removed.

    :param due_at: when that happens, seconds since the epoch.
    """

    preset: FilterPreset
    adding: bool
    due_at: float


@dataclass(frozen=True)
class TitleOutcome:
    """What became of titles that were to be added.

    :param requested: how many different titles there were.
    :param matched: how many stand for exactly one item.
    :param added: how many of these items were not in the collection yet.
    """

    requested: int
    matched: int
    added: int
    ambiguous: list[str]
    unmatched: list[str]


class Collection:
    """One collection.

    :ivar folder: the folder in and below which its items were when they were added.
    :ivar items: UUIDs of its items, in the order in which they were added.
    :ivar work: what presets are still to add and remove, in that order.
    """

    __slots__ = ("created_at", "description", "edited_at", "folder", "items", "name", "owner", "uuid", "work")

    def __init__(
        self, *, uuid: str, folder: Folder, name: str, description: str, owner: str, created_at: float
    ) -> None:
        self.uuid = uuid
        self.folder = folder
        self.name = name
        self.description = description
        self.owner = owner
        self.created_at = created_at
        self.edited_at = created_at
        self.items: dict[str, None] = {}
        self.work: list[PresetWork] = []

    def covers(self, item: Item) -> bool:
        """Whether an item is in or below the collection's folder."""
        return self.folder is item.folder or self.folder in item.folder.ancestors()


class Collections:
    """All collections."""

    def __init__(self, *, clock: Clock, chance: Chance, folders: Folders, items: Items) -> None:
        self._clock = clock
        self._chance = chance
        self._folders = folders
        self._items = items
        self._by_uuid: dict[str, Collection] = {}

    def create(self, *, folder: Folder, name: str, description: str, user: User) -> Collection:
        """Make an empty collection.

        :raises ApiError: 400 if the name is empty.
        """
        return self.add(
            Collection(
                uuid=self._chance.uuid(),
                folder=folder,
                name=_checked_name(name),
                description=description,
                owner=user.email,
                created_at=self._clock.now(),
            )
        )

    def add(self, collection: Collection) -> Collection:
        """Take in a collection."""
        self._by_uuid[collection.uuid] = collection
        return collection

    def all(self) -> list[Collection]:
        """Every collection of a folder that still exists, the oldest first."""
        return [
            collection
            for collection in self._by_uuid.values()
            if self._folders.find(collection.folder.uuid) is not None
        ]

    def visible(self, user: User) -> list[Collection]:
        """The collections whose folder a user sees."""
        return [entry for entry in self.all() if self._folders.role(entry.folder, user) is not None]

    def require(self, uuid: str, user: User) -> Collection:
        """The collection of that UUID, with all finished work of presets done.

        :raises ApiError: 403 if there is none or ``user`` does not see its folder, as the SDK documents.
        """
        collection = self._by_uuid.get(uuid)
        if collection is None or collection not in self.visible(user):
            raise forbidden(f"collection {uuid} does not exist or you do not have access to it")
        self._settle(collection)
        return collection

    def delete(self, collection: Collection) -> None:
        """Remove a collection; its items stay."""
        del self._by_uuid[collection.uuid]

    def find(self, uuid: str) -> Collection | None:
        """The collection of that UUID, or ``None``."""
        return self._by_uuid.get(uuid)

    def update(self, collection: Collection, *, name: str | None, description: str | None) -> None:
        """Change what is given.

        :raises ApiError: 400 if the name is empty.
        """
        if name is not None:
            collection.name = _checked_name(name)
        if description is not None:
            collection.description = description
        self._touch(collection)

    def items(self, collection: Collection) -> list[Item]:
        """The items of a collection that still exist, in the order in which they were added."""
        return [item for uuid in collection.items if (item := self._items.get(uuid)) is not None]

    def add_items(self, collection: Collection, uuids: Iterable[str], user: User) -> list[str]:
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
        self._touch(collection)
        return failed

    def remove_items(self, collection: Collection, uuids: Iterable[str]) -> list[str]:
        """Take items out.

        :returns: UUIDs of those that were not in the collection.
        """
        failed = []
        for uuid in uuids:
            if uuid in collection.items:
                del collection.items[uuid]
            else:
                failed.append(uuid)
        self._touch(collection)
        return failed

    def add_by_title(self, collection: Collection, titles: Iterable[str]) -> TitleOutcome:
        """Add the items whose title is exactly one of ``titles``, unless several items have it."""
        self._items.settle_listings()
        indexes = [folder.index for folder in collection.folder.tree()]
        wanted = dict.fromkeys(titles)
        matched: list[Item] = []
        ambiguous: list[str] = []
        unmatched: list[str] = []
        for title in wanted:
            found = [item for index in indexes for item in index.named(title)]
            if len(found) == 1:
                matched.append(found[0])
            else:
                (ambiguous if found else unmatched).append(title)
        before = len(collection.items)
        collection.items.update((item.uuid, None) for item in matched)
        self._touch(collection)
        return TitleOutcome(
            requested=len(wanted),
            matched=len(matched),
            added=len(collection.items) - before,
            ambiguous=ambiguous,
            unmatched=unmatched,
        )

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
                below = (item for folder in collection.folder.tree() for item in folder.index)
                collection.items.update((item.uuid, None) for item in below if work.preset.matches(item))
            else:
                for item in self.items(collection):
                    if work.preset.matches(item):
                        del collection.items[item.uuid]
            self._touch(collection)

    def _touch(self, collection: Collection) -> None:
        collection.edited_at = self._clock.now()


def _checked_name(name: str) -> str:
    if not name.strip():
        raise bad_request("a collection needs a name")
    return name
