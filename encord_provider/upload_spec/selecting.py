"""Which listed objects are taken, and as what."""

from __future__ import annotations

from collections.abc import Iterable

from encord_provider.exceptions import UploadSpecError
from encord_provider.listing.filters import ObjectFilter
from encord_provider.listing.objects import ListedObject
from encord_provider.upload_spec.data_units import Skipped
from encord_provider.upload_spec.media_types import MEDIA_TYPES, SIDECAR_SUFFIX, MediaType

AUTO = "auto"


class Selection:
    """Tells of each object what it is to become.

    :param media: ``auto`` or the name of a media type.
    :param filters: what the user leaves out.
    :param tables: the names of the tables that are read; where one lies among the objects, it is none of them.
    :raises UploadSpecError: for an unknown media type.
    """

    def __init__(self, *, media: str, filters: ObjectFilter, tables: Iterable[str]) -> None:
        self._wanted = None if media == AUTO else _wanted(media)
        self._filters = filters
        self._tables = tuple(f"/{table}" for table in tables)

    def media_type(self, one: ListedObject) -> MediaType | Skipped:
        """Find the media type of an object.

        :param one: the object.
        :returns: the type of the data unit that it belongs to, or why it is left out.
        """
        reason = self._no_medium(one) or self._filters.reason(one)
        if reason:
            return Skipped(one.key, reason)
        found = MEDIA_TYPES.of_key(one.key)
        if self._wanted is None:
            return found or _unsupported(one.key)
        if found is not None and found.name == (self._wanted.files_type or self._wanted.name):
            return self._wanted
        if found is not None:
            return Skipped(one.key, f"of type {found}, but media is {self._wanted}")
        return self._wanted if _also_taken(one.key, self._wanted) else _unsupported(one.key)

    def _no_medium(self, one: ListedObject) -> str | None:
        """What an object is that cannot be part of a data unit."""
        key = one.key
        if key.endswith(("/", "_$folder$")):
            return "folder marker"
        if self._tables and any(table.endswith(f"/{key}") for table in self._tables):
            return "metadata table"
        if key.lower().endswith(SIDECAR_SUFFIX):
            return "metadata sidecar"
        return "empty object" if one.size == 0 else None


def _also_taken(key: str, wanted: MediaType) -> bool:
    """Whether an object of no type of its own is taken for the type that the user named."""
    extension = MEDIA_TYPES.extension_of(key)
    if not extension:
        return True
    return wanted.also_taken is not None and wanted.also_taken.fullmatch(extension) is not None


def _unsupported(key: str) -> Skipped:
    extension = MEDIA_TYPES.extension_of(key) or "no extension"
    return Skipped(key, f"not a media type that Encord supports: {extension}")


def _wanted(media: str) -> MediaType:
    known = {name: one for name, one in MEDIA_TYPES.items() if one.from_objects}
    if media not in known:
        raise UploadSpecError(f"unknown media {media!r}; use {AUTO} or {', '.join(known)}")
    return known[media]
