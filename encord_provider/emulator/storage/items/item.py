"""One storage item: a file, a group of files, and its custom metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from encord_provider.emulator.storage.folders.models import Folder
from encord_provider.emulator.storage.media_types import MediaType
from encord_provider.emulator.storage.objects.urls import StorageLocation

EMPTY_METADATA = "{}"


@dataclass(eq=False, slots=True, kw_only=True)
class Item:
    """One storage item.

    :param seq: number in the order of creation; breaks ties between equal names and times.
    :param created_at: seconds since the epoch, as are the other times.
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

    uuid: str
    seq: int
    type: MediaType
    name: str
    folder: Folder
    owner: str
    created_at: float
    edited_at: float = 0.0
    visible_at: float = 0.0
    description: str = ""
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

    def __post_init__(self) -> None:
        self.edited_at = self.edited_at or self.created_at

    @property
    def is_listed(self) -> bool:
        """Whether listings show it."""
        return not self.hidden and not self.visible_at


def metadata_text(metadata: Any) -> str:
    """Custom metadata as it is kept: JSON with sorted keys, because Encord keeps no order (PostgreSQL ``jsonb``)."""
    if not metadata:
        return EMPTY_METADATA
    return orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS).decode()
