"""What a listing says about an object."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class _Listed(NamedTuple):
    key: str
    size: int | None = None
    last_modified: datetime | str | None = None
    storage_class: str | None = None
    etag: str | None = None


class ListedObject(_Listed):
    """One object of a bucket.

    :param key: its key, decoded.
    :param size: its size in bytes, None when the source does not tell.
    :param last_modified: when it was written, None when the source does not tell. A text in the form of ISO 8601 is
        read when somebody asks for the time: of a million objects hardly anybody does.
    :param storage_class: for example ``STANDARD`` or ``GLACIER``, None when the source does not tell.
    :param etag: its entity tag without quotes, None when the source does not tell.
    """

    __slots__ = ()

    @property
    def last_modified(self) -> datetime | None:
        """When it was written, None when the source does not tell."""
        time = self[2]
        return datetime.fromisoformat(time) if isinstance(time, str) else time
