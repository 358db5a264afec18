"""Which listed objects are taken, and as what."""

from __future__ import annotations

from collections.abc import Iterable

from encord_provider.exceptions import UploadSpecError
from encord_provider.listing.filters import NOT_INCLUDED, ObjectFilter
from encord_provider.listing.objects import ListedObject
from encord_provider.upload_spec.build_options import AUTO
from encord_provider.upload_spec.data_units import SkipKind, Skipped
from encord_provider.upload_spec.matches import Matches
from encord_provider.upload_spec.media_types import MEDIA_TYPES, SIDECAR_SUFFIX, MediaType

_JUNK = frozenset({".ds_store", "_success", "dicomdir", "thumbs.db", "desktop.ini"})
"""What operating systems, jobs and disks leave beside media; none has an extension that tells its type."""


class Selection:
    """Tells of each object what it is to become.

    :param media: ``auto`` or the name of a media type.
    :param filters: what the user leaves out.
    :param tables: the keys of the tables that are read; where one lies among the objects, it is none of them.
    :param matches: notes which objects the include patterns match.
    :raises UploadSpecError: for an unknown media type.
    """

    def __init__(self, *, media: str, filters: ObjectFilter, tables: Iterable[str], matches: Matches) -> None:
        self._wanted = None if media == AUTO else _wanted(media)
        self._filters = filters
        self._filtered = filters != ObjectFilter()
        self._tables = frozenset(tables)
        self._matches = matches

    def media_type(self, one: ListedObject) -> MediaType | Skipped:
        """Find the media type of an object.

        :param one: the object.
        :returns: the type of the data unit that it belongs to, or why it is left out.
        """
        key = one.key
        self._matches.saw(key)
        name = key[key.rfind("/") + 1 :].lower()
        if reason := self._no_medium(key, name):
            return Skipped(key, reason)
        if self._filtered:
            reason = self._filters.reason(one)
            if self._filters.include:
                self._matches.filtered(key, included=reason != NOT_INCLUDED)
            if reason:
                return Skipped(key, reason)
        if one.size == 0:
            return Skipped(key, "empty object", SkipKind.UNSUPPORTED)
        found = MEDIA_TYPES.of_name(name)
        if self._wanted is None:
            return found or _unsupported(one.key)
        if found is not None and found.name == (self._wanted.files_type or self._wanted.name):
            return self._wanted
        if found is not None:
            reason = f"of type {found}, but media is {self._wanted}"
            return Skipped(one.key, reason, SkipKind.UNSUPPORTED)
        return self._wanted if _also_taken(one.key, self._wanted) else _unsupported(one.key)

    def _no_medium(self, key: str, name: str) -> str | None:
        """What an object is that cannot be part of a data unit; the name is the last segment in lower case."""
        if key.endswith(("/", "_$folder$")):
            return "folder marker"
        if key in self._tables:
            return "metadata table"
        if name.endswith(SIDECAR_SUFFIX):
            return "metadata sidecar"
        return "a file of the system, no medium" if name.startswith("._") or name in _JUNK else None


def _also_taken(key: str, wanted: MediaType) -> bool:
    """Whether an object of no type of its own is taken for the type that the user named."""
    extension = MEDIA_TYPES.extension_of(key)
    if not extension:
        return True
    return wanted.also_taken is not None and wanted.also_taken.fullmatch(extension) is not None


def _unsupported(key: str) -> Skipped:
    extension = MEDIA_TYPES.extension_of(key) or "no extension"
    return Skipped(key, f"not a media type that Encord supports: {extension}", SkipKind.UNSUPPORTED)


def _wanted(media: str) -> MediaType:
    known = {name: one for name, one in MEDIA_TYPES.items() if one.from_objects}
    if media not in known:
        raise UploadSpecError(f"unknown media {media!r}; use {AUTO} or {', '.join(known)}")
    return known[media]
