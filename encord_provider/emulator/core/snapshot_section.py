"""What every part of a snapshot has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from encord_provider.emulator.core.store import Store
from encord_provider.emulator.storage.items.models import Item

Row = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """How one kind of thing is written and read.

    :param kind: marks its lines.
    :param dump: gives a row for each.
    :param load: puts what a row describes into an empty store.
    """

    kind: str
    dump: Callable[[Store], Iterable[Row]]
    load: Callable[[Store, Row], None]


def find_item(store: Store, uuid: str) -> Item:
    """The item that a row names.

    :raises ValueError: there is none, so that the snapshot is damaged.
    """
    item = store.items.get(uuid)
    if item is None:
        raise ValueError(f"there is no item {uuid}")
    return item
