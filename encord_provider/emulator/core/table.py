"""The parts of the store that hold entries of one kind, and what a snapshot keeps of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, TypeVar

from encord_provider.emulator.core.errors import ApiError, bad_request, forbidden
from encord_provider.emulator.core.store import Store

T = TypeVar("T")


class Kept(ABC, Generic[T]):
    """A part of the store that a snapshot keeps.

    :cvar entry: the dataclass of what it holds; a snapshot keeps the fields that its constructor takes.
    """

    entry: ClassVar[type]

    @abstractmethod
    def kept(self) -> Iterable[T]:
        """What a snapshot holds, in an order in which each refers only to what came before."""

    @abstractmethod
    def restore(self, entry: T) -> object:
        """Take in what a snapshot held."""


class Table(Kept[T]):
    """All entries of one kind, the oldest first.

    :cvar key: name of the field that identifies an entry.
    :cvar referred: whether other entries in a snapshot name an entry by its key; else they hold a copy of it.
    """

    key: ClassVar[str] = "uuid"
    referred: ClassVar[bool] = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self._clock = store.clock
        self._chance = store.chance
        self._entries: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries.values())

    def all(self) -> list[T]:
        """Every entry, the oldest first."""
        return list(self._entries.values())

    def get(self, key: str) -> T | None:
        """The entry of that key, or ``None``."""
        return self._entries.get(key)

    def add(self, entry: T) -> T:
        """Take in an entry, in the place of the one of the same key."""
        self._entries[getattr(entry, self.key)] = entry
        return entry

    def remove(self, entry: T) -> None:
        """Remove an entry."""
        del self._entries[getattr(entry, self.key)]

    def touch(self, entry: Any) -> None:
        """Note that an entry was edited now."""
        entry.edited_at = self._clock.now()

    def update(self, entry: Any, **changes: Any) -> None:
        """Set the fields that are given (``None`` leaves one as it is), and note the time.

        :raises ApiError: 400 if the name would be empty; then nothing is changed.
        """
        if changes.get("name") is not None:
            checked_name(changes["name"], self.called)
        for name, value in changes.items():
            if value is not None:
                setattr(entry, name, value)
        if hasattr(entry, "edited_at"):
            self.touch(entry)

    called: ClassVar[str] = "an entry"
    """What an entry is called in messages, with its article."""

    def kept(self) -> Iterable[T]:
        """What a snapshot holds: everything."""
        return self.all()

    def restore(self, entry: T) -> object:
        """Take in what a snapshot held."""
        return self.add(entry)


class SharedTable(Table[T]):
    """Entries in which users and groups have roles, in fields ``user_roles`` and ``group_roles``."""

    def forget_user(self, email: str) -> None:
        """Take a user out of all entries."""
        for entry in self._entries.values():
            entry.user_roles.pop(email, None)  # type: ignore[attr-defined]

    def forget_group(self, uuid: str) -> None:
        """Take a group out of all entries."""
        for entry in self._entries.values():
            entry.group_roles.pop(uuid, None)  # type: ignore[attr-defined]


def checked_name(name: str, of: str, noun: str = "name") -> str:
    """A name that is not empty.

    :param of: what it is the name of, with its article, for the message.
    :param noun: what the name is called.
    :raises ApiError: 400 if it is empty.
    """
    if not name.strip():
        raise bad_request(f"{of} needs a {noun}")
    return name


def no_access(what: str, uuid: str) -> ApiError:
    """403 for something that does not exist or may not be seen, between which Encord makes no difference."""
    return forbidden(f"{what} {uuid} does not exist or you do not have access to it")
