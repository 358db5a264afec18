"""What a listing says about an object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object of a bucket.

    :param key: its key, decoded.
    :param size: its size in bytes, None when the source does not tell.
    :param last_modified: when it was written, None when the source does not tell.
    :param storage_class: for example ``STANDARD`` or ``GLACIER``, None when the source does not tell.
    :param etag: its entity tag without quotes, None when the source does not tell.
    """

    key: str
    size: int | None = None
    last_modified: datetime | None = None
    storage_class: str | None = None
    etag: str | None = None
