"""Leaving objects out by their keys and by what a listing says about them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from encord_provider.exceptions import EncordInputError
from encord_provider.listing.objects import ListedObject

NOT_INCLUDED = "matches no include pattern"


@dataclass(frozen=True, kw_only=True)
class ObjectFilter:
    """Which objects are wanted. What is not given is not asked.

    :param include: glob patterns on the whole key, where ``*`` also matches ``/`` and capitals count; only objects
        that match one of them are wanted. Without any, every key is.
    :param exclude: glob patterns on the whole key of objects that are not wanted.
    :param min_size: the least size in bytes.
    :param max_size: the greatest size in bytes.
    :param modified_from: only what was written at this time or later.
    :param modified_before: only what was written before this time.
    :param storage_classes: the storage classes that are wanted, for example ``STANDARD``. Archived objects
        (``GLACIER``, ``DEEP_ARCHIVE``) cannot be read until they are restored.
    :raises EncordInputError: for one text in place of a list, for a time without a time zone, and for bounds that
        nothing lies between.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    min_size: int | None = None
    max_size: int | None = None
    modified_from: datetime | None = None
    modified_before: datetime | None = None
    storage_classes: Collection[str] = ()
    _included: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _excluded: tuple[tuple[str, re.Pattern[str]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("modified_from", "modified_before"):
            time = getattr(self, name)
            if time is not None and time.tzinfo is None:
                raise EncordInputError(
                    f"{name} {time.isoformat()} has no time zone; write for example +00:00 behind it"
                )
        if self.min_size is not None and self.max_size is not None and self.min_size > self.max_size:
            raise EncordInputError(f"min_size {self.min_size} is greater than max_size {self.max_size}")
        if self.modified_from and self.modified_before and self.modified_from >= self.modified_before:
            raise EncordInputError("modified_from must be before modified_before")
        for name in ("include", "exclude", "storage_classes"):
            if isinstance(value := getattr(self, name), str):
                raise EncordInputError(f"{name} takes a list, got {value!r}")
        object.__setattr__(self, "_included", _globs(self.include) if self.include else None)
        object.__setattr__(self, "_excluded", tuple((one, _globs([one])) for one in self.exclude))

    def reason(self, one: ListedObject) -> str | None:
        """Say why an object is not wanted.

        :param one: the object.
        :returns: the reason in plain words, None when it is wanted. An object whose size or time the listing
            does not tell is not wanted when one is asked for.
        """
        return (
            self._key_reason(one.key)
            or self._size_reason(one.size)
            or self._time_reason(one.last_modified)
            or self._class_reason(one)
        )

    def include_patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        """Give the include patterns one by one, each as it was written and compiled."""
        return [(one, _globs([one])) for one in self.include]

    def _key_reason(self, key: str) -> str | None:
        if self._included is not None and not self._included.match(key):
            return NOT_INCLUDED
        for text, pattern in self._excluded:
            if pattern.match(key):
                return f"excluded by pattern {text!r}"
        return None

    def _size_reason(self, size: int | None) -> str | None:
        if self.min_size is None and self.max_size is None:
            return None
        if size is None:
            return "size unknown"
        if self.min_size is not None and size < self.min_size:
            return f"smaller than {self.min_size} bytes"
        if self.max_size is not None and size > self.max_size:
            return f"larger than {self.max_size} bytes"
        return None

    def _time_reason(self, time: datetime | None) -> str | None:
        if self.modified_from is None and self.modified_before is None:
            return None
        if time is None:
            return "modification time unknown"
        if self.modified_from is not None and time < self.modified_from:
            return f"written before {self.modified_from.isoformat()}"
        if self.modified_before is not None and time >= self.modified_before:
            return f"written at or after {self.modified_before.isoformat()}"
        return None

    def _class_reason(self, one: ListedObject) -> str | None:
        if not self.storage_classes or one.storage_class in self.storage_classes:
            return None
        return f"storage class {one.storage_class or 'unknown'}"


def _globs(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(one) for one in patterns))
