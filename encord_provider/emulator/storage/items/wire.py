"""Storage items on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from encord_provider.emulator.core.calls import Call
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.storage.items.item import Item
from encord_provider.emulator.storage.media_types import MEDIA_TYPES

UrlSigner = Callable[[Item], str | None]


def item_json(item: Item, *, sign: UrlSigner | None = None, with_metadata: bool = True) -> dict[str, Any]:
    """One item; every field that the SDK insists on is present.

    :param sign: makes the signed URL, or ``None`` to leave it out.
    :param with_metadata: put the custom metadata in; else it is empty.
    """
    created = iso(item.created_at)
    document = {
        **MEDIA_TYPES.item_fields,
        "uuid": item.uuid,
        "parent": item.folder.uuid,
        "itemType": item.type.name,
        "name": item.name,
        "description": item.description,
        "clientMetadata": item.metadata if with_metadata else "{}",
        "owner": item.owner,
        "createdAt": created,
        "lastEditedAt": created if item.edited_at == item.created_at else iso(item.edited_at),
        "isTombstone": item.tombstone,
        "isPlaceholder": False,
        "backedDataUnitsCount": item.data_units,
        "storageLocation": item.location,
        "integrationHash": item.integration,
        "url": item.url,
        "signedUrl": sign(item) if sign is not None and item.type.has_file else None,
        "fileSize": item.file_size,
        "mimeType": item.mime_type,
    }
    if item.media:
        document.update(item.media)
    if item.extra:
        document.update((name, item.extra[name]) for name in MEDIA_TYPES.shown_settings if name in item.extra)
    return document


def signer(call: Call) -> UrlSigner:
    """Makes signed URLs for reading items' files, for the client of a call."""
    return lambda item: call.link(f"items/{item.uuid}") if item.url else None
