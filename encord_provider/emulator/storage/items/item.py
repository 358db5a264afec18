"""One storage item: a file, a group of files, and its custom metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from encord_provider.emulator.core.calls import Call
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.table import Entry
from encord_provider.emulator.storage.folders.models import Folder
from encord_provider.emulator.storage.media_types import MEDIA_TYPES, MediaType
from encord_provider.emulator.storage.objects.urls import StorageLocation

EMPTY_METADATA = "{}"
MAX_TITLE = 300
"""Longest name of an item, in characters."""
MAX_METADATA_BYTES = 10 * 1024 * 1024
"""Largest custom metadata of an item."""


@dataclass(eq=False, slots=True, kw_only=True)
class Item(Entry):
    """One storage item.

    :param seq: number in the order of creation; breaks ties between equal names and times.
    :param visible_at: when listings begin to show it, 0 if they do already.
    :param url_key: under which text the folder finds it again when duplicates are skipped, or ``None``.
    :param integration: UUID of the integration with which it was registered, or ``None``.
    :param metadata: custom metadata as JSON text, the form in which it is read.
    :param media: what is known of the file under the names of the wire (``width``, ``fps`` ...), or ``None``.
    :param file_size: bytes, or ``None`` if not known.
    :param children: frames of a group or files of a series, in order; hidden from listings.
    :param extra: what only some types have (a scene's description, a time series' channels).
    :ivar data_units: how many dataset rows the item backs.
    """

    seq: int
    type: MediaType
    name: str
    folder: Folder
    owner: str
    visible_at: float = 0.0
    url: str | None = None
    url_key: str | None = None
    integration: str | None = None
    location: StorageLocation = StorageLocation.ENCORD
    metadata: str = EMPTY_METADATA
    media: dict[str, Any] | None = None
    mime_type: str | None = None
    file_size: int | None = None
    children: list[Item] | None = None
    extra: dict[str, Any] | None = None
    hidden: bool = False
    tombstone: bool = False
    data_units: int = field(init=False, default=0)

    @property
    def is_listed(self) -> bool:
        """Whether listings show it."""
        return not self.hidden and not self.visible_at

    def as_json(self, *, sign: UrlSigner | None = None, with_metadata: bool = True) -> dict[str, Any]:
        """The item on the wire; every field that the SDK insists on is present.

        :param sign: makes the signed URL, or ``None`` to leave it out.
        :param with_metadata: put the custom metadata in; else it is empty.
        """
        created = iso(self.created_at)
        document = {
            **MEDIA_TYPES.item_fields,
            "uuid": self.uuid,
            "parent": self.folder.uuid,
            "itemType": self.type.name,
            "name": self.name,
            # "This is always an empty string": the SDK's StorageItem.description.
            "description": "",
            "clientMetadata": self.metadata if with_metadata else "{}",
            "owner": self.owner,
            "createdAt": created,
            "lastEditedAt": created if self.edited_at == self.created_at else iso(self.edited_at),
            "isTombstone": self.tombstone,
            "isPlaceholder": False,
            "backedDataUnitsCount": self.data_units,
            "storageLocation": self.location,
            "integrationHash": self.integration,
            "url": self.url,
            "signedUrl": sign(self) if sign is not None and self.type.has_file else None,
            "fileSize": self.file_size,
            "mimeType": self.mime_type,
        }
        if self.media:
            document.update(self.media)
        if self.extra:
            document.update(
                (name, self.extra[name]) for name in MEDIA_TYPES.shown_settings if name in self.extra
            )
        return document


UrlSigner = Callable[[Item], str | None]


def metadata_text(metadata: Any) -> str:
    """Custom metadata as it is kept: JSON with sorted keys, because Encord keeps no order (PostgreSQL ``jsonb``)."""
    if not metadata:
        return EMPTY_METADATA
    return orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS).decode()


def signer(call: Call) -> UrlSigner:
    """Makes signed URLs for reading items' files, for the client of a call."""
    return lambda item: call.link(f"items/{item.uuid}") if item.url else None
