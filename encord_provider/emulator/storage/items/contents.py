"""What a folder holds: its items in the order in which they are listed, and the URLs they came from."""

from __future__ import annotations

import base64
import binascii
import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any

import orjson
from sortedcontainers import SortedList  # type: ignore[import-untyped]

from encord_provider.emulator.core.errors import MalformedRequestError
from encord_provider.emulator.storage.items.item import Item

_Entry = tuple[Any, int, Item]


class Order(StrEnum):
    """What a listing is sorted by."""

    NAME = "name"
    CREATED_AT = "createdAt"


def _entry(item: Item, order: Order) -> _Entry:
    return (item.name if order is Order.NAME else item.created_at, item.seq, item)


class Contents:
    """The listed items of one folder, and under which URLs items were registered there.

    Sorted by name always, and by time of creation from the first time that somebody asks for it.
    """

    __slots__ = ("_by_url", "_orders")

    def __init__(self) -> None:
        self._orders: dict[Order, Any] = {Order.NAME: SortedList()}
        self._by_url: dict[str, Item | list[Item]] = {}

    def __len__(self) -> int:
        return len(self._orders[Order.NAME])

    def __iter__(self) -> Iterator[Item]:
        return (entry[2] for entry in self._orders[Order.NAME])

    def add(self, item: Item) -> None:
        """List an item."""
        for order, entries in self._orders.items():
            entries.add(_entry(item, order))

    def remove(self, item: Item) -> None:
        """Stop listing an item; it must still have the name under which it was added."""
        for order, entries in self._orders.items():
            entries.remove(_entry(item, order))

    def named(self, name: str) -> list[Item]:
        """The items of exactly that name."""
        entries = self._orders[Order.NAME].irange(minimum=(name,), maximum=(name, math.inf))
        return [entry[2] for entry in entries]

    def entries(self, order: Order, *, desc: bool, after: tuple[Any, int] | None) -> Iterator[_Entry]:
        """Entries in order, beginning after a place."""
        if order not in self._orders:
            self._orders[order] = SortedList(_entry(item, order) for item in self)
        entries = self._orders[order]
        if desc:
            return entries.irange(maximum=after, inclusive=(True, False), reverse=True)  # type: ignore[no-any-return]
        return entries.irange(minimum=(after[0], after[1] + 1) if after else None)  # type: ignore[no-any-return]

    def find_url(self, url_key: str) -> Item | None:
        """The item that was registered here under that URL, or ``None``."""
        found = self._by_url.get(url_key)
        return found[0] if isinstance(found, list) else found

    def remember_url(self, item: Item) -> None:
        """Note under which URL an item is registered here, if it has one to be found again by."""
        if item.url_key is None:
            return
        known = self._by_url.get(item.url_key)
        if known is None:
            self._by_url[item.url_key] = item
        elif isinstance(known, list):
            known.append(item)
        else:
            self._by_url[item.url_key] = [known, item]

    def forget_url(self, item: Item) -> None:
        """Undo :meth:`remember_url`."""
        known = self._by_url.get(item.url_key or "")
        if isinstance(known, list):
            remaining = [other for other in known if other is not item]
            self._by_url[item.url_key or ""] = remaining if len(remaining) > 1 else remaining[0]
        elif known is item:
            del self._by_url[item.url_key or ""]


def page_of(
    folders: Iterable[Contents],
    *,
    order: Order,
    desc: bool,
    token: str | None,
    size: int,
    wanted: Callable[[Item], bool] | None,
) -> tuple[list[Item], str | None]:
    """One page of the items of some folders together.

    :param token: as given with the page before, ``None`` for the first page.
    :param size: how many items a page holds at most.
    :param wanted: which items to list, ``None`` for all.
    :returns: the items, and the token of the next page or ``None`` if this is the last.
    :raises MalformedRequestError: the token was not given by :func:`page_of` for this order.
    """
    after = _read_token(token, order) if token else None
    streams = [folder.entries(order, desc=desc, after=after) for folder in folders]
    merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, reverse=desc)
    items: list[Item] = []
    for entry in merged:
        item = entry[2]
        if wanted is not None and not wanted(item):
            continue
        if len(items) == size:
            last = items[-1]
            return items, _write_token(order, last)
        items.append(item)
    return items, None


def _write_token(order: Order, item: Item) -> str:
    key = item.name if order is Order.NAME else item.created_at
    return base64.urlsafe_b64encode(orjson.dumps([order, key, item.seq])).decode()


def _read_token(token: str, order: Order) -> tuple[Any, int]:
    try:
        token_order, key, seq = orjson.loads(base64.urlsafe_b64decode(token))
        if (
            token_order == order
            and isinstance(seq, int)
            and isinstance(key, str if order is Order.NAME else float)
        ):
            return key, seq
    except (ValueError, binascii.Error):
        pass
    raise MalformedRequestError(("query", "pageToken"), "this page token was not given out for this listing")
