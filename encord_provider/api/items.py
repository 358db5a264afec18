"""Storage items as the data plane reads them: only the fields that this provider needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

GROUP_TYPES = frozenset({"imageGroup", "imageSequence", "dicomSeries", "group"})
"""Item types that stand for several files; their URLs are those of their child items."""


@dataclass(frozen=True, kw_only=True)
class StorageItem:
    """One storage item.

    :param uuid: the item's UUID.
    :param folder: UUID of the folder that holds it.
    :param item_type: Encord's item type in camelCase, such as ``image`` or ``dicomSeries``.
    :param name: the item's name; names need not be unique.
    :param url: the object URL it was registered with, or None for an item without one of its own.
    :param client_metadata: its custom metadata.
    """

    uuid: str
    folder: str
    item_type: str
    name: str
    url: str | None
    client_metadata: Mapping[str, Any]

    @classmethod
    def from_wire(cls, row: Mapping[str, Any]) -> StorageItem:
        """Read one item of an answer; Encord sends ``clientMetadata`` as JSON text."""
        metadata = row.get("clientMetadata") or {}
        return cls(
            uuid=str(row["uuid"]),
            folder=str(row["parent"]),
            item_type=str(row["itemType"]),
            name=str(row["name"]),
            url=row.get("url"),
            client_metadata=orjson.loads(metadata) if isinstance(metadata, str) else metadata,
        )


@dataclass(frozen=True, kw_only=True)
class ItemPage:
    """One page of a listing.

    :param items: the items of the page.
    :param next_page_token: what to send for the next page, or None on the last one.
    """

    items: tuple[StorageItem, ...]
    next_page_token: str | None

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any]) -> ItemPage:
        """Read a page."""
        return cls(
            items=tuple(StorageItem.from_wire(row) for row in answer["results"]),
            next_page_token=answer.get("nextPageToken") or None,
        )
