"""Pages of listings that fit in memory; their token is the position to go on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from encord_provider.emulator.core.params import Query

T = TypeVar("T")
MAX_PAGE = 1000


def page_json(query: Query, entries: Sequence[T], as_json: Callable[[T], Any]) -> dict[str, Any]:
    """The page of a listing that a query asks for (``pageToken``, ``pageSize``).

    :param entries: the whole listing.
    :param as_json: how one entry looks on the wire.
    """
    size = query.number("pageSize", 100, minimum=1, maximum=MAX_PAGE)
    start = query.number("pageToken", 0, minimum=0, maximum=2**53)
    following = start + size
    return {
        "results": [as_json(entry) for entry in entries[start:following]],
        "nextPageToken": str(following) if following < len(entries) else None,
    }


def all_json(entries: Sequence[T], as_json: Callable[[T], Any]) -> dict[str, Any]:
    """A listing that the SDK reads as one page, because it asks for no other."""
    return {"results": [as_json(entry) for entry in entries], "nextPageToken": None}
