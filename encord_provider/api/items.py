"""Storage items as the data plane reads them: only the fields that this provider needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from encord_provider.text.json_values import exact_loads
from encord_provider.text.shown import shown

GROUP_TYPES = frozenset({"imageGroup", "imageSequence", "dicomSeries", "group"})
"""Item types that stand for several files; their URLs are those of their child items."""

DATA_GROUP_TYPE = "group"
"""The item type of a data group, which is made of items that have a folder themselves."""

SCENE_TYPE = "scene"
"""The item type of a scene, whose files are named inside of its description."""


@dataclass(frozen=True, kw_only=True)
class StorageItem:
    """One storage item.

    :param uuid: the item's UUID.
    :param folder: UUID of the folder that holds it.
    :param item_type: Encord's item type in camelCase, such as ``image`` or ``dicomSeries``.
    :param name: the item's name; names need not be unique.
    :param url: the object URL it was registered with, or None for an item without one of its own.
    :param client_metadata: its custom metadata, every number of it as it was written; empty where it cannot be read.
    :param metadata_problem: why the custom metadata cannot be read, or None.
    """

    uuid: str
    folder: str
    item_type: str
    name: str
    url: str | None
    client_metadata: Mapping[str, Any]
    metadata_problem: str | None = None

    @classmethod
    def from_wire(cls, row: Mapping[str, Any]) -> StorageItem:
        """Read one item of an answer; Encord sends ``clientMetadata`` as JSON text."""
        metadata, problem = _metadata(row.get("clientMetadata"))
        return cls(
            uuid=str(row["uuid"]),
            folder=str(row["parent"]),
            item_type=str(row["itemType"]),
            name=str(row["name"]),
            url=row.get("url"),
            client_metadata=metadata,
            metadata_problem=problem,
        )


def _metadata(text: Any) -> tuple[Mapping[str, Any], str | None]:
    """Read custom metadata; what somebody wrote wrongly into one item must not hide the others of its page."""
    if text is None or text == "":
        return {}, None
    try:
        value = exact_loads(text) if isinstance(text, str) else text
    except ValueError as error:
        return {}, f"its client metadata is not valid JSON: {error}"
    if not isinstance(value, dict):
        return {}, f"its client metadata is {shown(value)} instead of an object"
    return value, None


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
