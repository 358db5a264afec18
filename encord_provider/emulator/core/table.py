"""The parts of the store that hold entries of one kind, and what a snapshot keeps of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from encord_provider.emulator.core.calls import Caller
from encord_provider.emulator.core.errors import ApiError, bad_request, forbidden, not_found
from encord_provider.emulator.core.store import Store

T = TypeVar("T")
K = TypeVar("K")


@dataclass(eq=False, slots=True, kw_only=True)
class Entry:
    """What most entries have in common.

    :param created_at: seconds since the epoch, as are all times.
    :param edited_at: when it was last changed; at first when it was created.
    """

    uuid: str
    created_at: float
    edited_at: float = 0.0

    def __post_init__(self) -> None:
        self.edited_at = self.edited_at or self.created_at


class Kept(ABC, Generic[T]):
    """A part of the store that a snapshot keeps.

    :cvar entry: the dataclass of what it holds; a snapshot keeps the fields that its constructor takes.
    :cvar key: name of the field that identifies an entry.
    :cvar noted: whether every change of an entry is told to :meth:`note`. A state file writes those entries only;
        it compares all the others of a part that is not noted, which is for parts that have few.
    :cvar grown: lists of an entry that only grow or only shrink, at their end, or are replaced by others.
    :ivar changed: what was noted since it was last written, by key; ``None`` if nobody writes.
    """

    entry: ClassVar[type]
    key: ClassVar[str] = "uuid"
    noted: ClassVar[bool] = False
    grown: ClassVar[frozenset[str]] = frozenset()
    changed: dict[str, T] | None = None

    @abstractmethod
    def kept(self) -> Iterable[T]:
        """What a snapshot holds, in an order in which each refers only to what came before."""

    @abstractmethod
    def restore(self, entry: T) -> object:
        """Take in what a snapshot held."""

    def note(self, entry: T) -> None:
        """Note that an entry was added, changed or removed."""
        if self.changed is not None:
            self.changed[getattr(entry, self.key)] = entry

    def holds(self, entry: T) -> bool:
        """Whether :meth:`kept` has an entry; asked where changes are noted."""
        raise NotImplementedError

    def unfinished(self, entry: T) -> bool:
        """Whether an entry may change without a note."""
        del entry
        return False


class Table(Kept[T]):
    """All entries of one kind, the oldest first.

    :cvar referred: whether other entries in a snapshot name an entry by its key; else they hold a copy of it.
    :cvar called: what an entry is called in messages, with its article.
    """

    referred: ClassVar[bool] = True
    called: ClassVar[str] = "an entry"

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

    def known(self, key: str) -> T:
        """The entry of that key.

        :raises ApiError: 404 if there is none.
        """
        entry = self._entries.get(key)
        if entry is None:
            raise not_found(f"there is no {self.called.partition(' ')[2]} {key}")
        return entry

    def add(self, entry: T) -> T:
        """Take in an entry, in the place of the one of the same key."""
        self._entries[getattr(entry, self.key)] = entry
        self.note(entry)
        return entry

    def new(self, **fields: Any) -> T:
        """Make an entry now, with a UUID of its own, and take it in.

        :param fields: its other fields, by name.
        :raises ApiError: 400 if one is not valid.
        """
        made = self.entry(uuid=self._chance.uuid(), created_at=self._clock.now(), **self.checked(fields))
        return self.add(made)

    def remove(self, entry: T) -> None:
        """Remove an entry."""
        del self._entries[getattr(entry, self.key)]
        self.note(entry)

    def touch(self, entry: Any) -> None:
        """Note that an entry was edited now."""
        entry.edited_at = self._clock.now()
        self.note(entry)

    def update(self, entry: Any, **changes: Any) -> None:
        """Set the fields that are given (``None`` leaves one as it is), and note the time.

        :raises ApiError: 400 if one is not valid; then nothing is changed.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        for name, value in self.checked(given).items():
            setattr(entry, name, value)
        if hasattr(entry, "edited_at"):
            self.touch(entry)
        else:
            self.note(entry)

    def checked(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Fields of an entry as clients give them, in the form in which they are kept.

        :raises ApiError: 400 if one is not valid, as an empty name or title.
        """
        for noun in ("name", "title"):
            if noun in fields and not fields[noun].strip():
                raise bad_request(f"{self.called} needs a {noun}")
        return fields

    def kept(self) -> Iterable[T]:
        """What a snapshot holds: everything."""
        return self.all()

    def restore(self, entry: T) -> object:
        """Take in what a snapshot held."""
        return self.add(entry)

    def holds(self, entry: T) -> bool:
        """Whether :meth:`kept` has an entry."""
        return self._entries.get(getattr(entry, self.key)) is entry


class SharedTable(Table[T]):
    """Entries in which users and groups have roles, in fields ``user_roles`` and ``group_roles``."""

    @abstractmethod
    def role(self, entry: T, user: Caller) -> Any:
        """The role that a user has in an entry, or ``None``."""

    def visible(self, user: Caller, *, any_role: bool = False) -> list[T]:
        """The entries in which a user has a role.

        :param any_role: see also the entries of the organisation in which the user has none.
        """
        return [entry for entry in self if any_role or self.role(entry, user) is not None]

    def forget_user(self, email: str) -> None:
        """Take a user out of all entries."""
        for entry in self._entries.values():
            entry.user_roles.pop(email, None)  # type: ignore[attr-defined]

    def forget_group(self, uuid: str) -> None:
        """Take a group out of all entries."""
        for entry in self._entries.values():
            entry.group_roles.pop(uuid, None)  # type: ignore[attr-defined]


def no_access(what: str, uuid: str) -> ApiError:
    """403 for something that does not exist or may not be seen, between which Encord makes no difference."""
    return forbidden(f"{what} {uuid} does not exist or you do not have access to it")


def take_out(held: dict[K, None], keys: Iterable[K]) -> list[K]:
    """Take some things out of what is held.

    :returns: those that were not there.
    """
    failed = []
    for key in keys:
        if key in held:
            del held[key]
        else:
            failed.append(key)
    return failed
