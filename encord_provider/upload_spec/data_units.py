"""What an upload spec is made of: data units, and the limits that Encord sets on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from encord_provider.listing.identity import object_problem
from encord_provider.listing.object_urls import url_problem
from encord_provider.schema.values import metadata_problems
from encord_provider.text.shown import shown
from encord_provider.upload_spec.media_metadata import file_metadata_problems, media_metadata_problems
from encord_provider.upload_spec.media_types import MEDIA_TYPES, MediaType
from encord_provider.upload_spec.problems import Problem

MAX_TITLE_CHARACTERS = 300
"""Source: Encord's page on registering cloud data."""

MAX_URLS_PER_FILE = 1_000_000
"""Source: Encord's page on registering cloud data; the limit holds for one JSON file, hence for one part."""

MAX_UNITS_PER_FILE = 500_000
"""Source: Encord's page on registering cloud data; the limit holds for one JSON file, hence for one part."""

_FIRST = 5
_LISTED = 1000


@dataclass(frozen=True, kw_only=True)
class DataUnit:
    """One thing to register: a video, an image, an image group or sequence, a DICOM series and so on.

    :param media_type: what it is.
    :param urls: the object URLs: one, or for groups, sequences and series one per file, in order. A scene
        names its files inside ``scene``; there ``urls`` lists them in the order in which they appear.
    :param title: the name shown in Encord; at most 300 characters. Groups, sequences and series need one.
    :param client_metadata: custom metadata of the whole unit.
    :param media_metadata: what Encord would otherwise find out by reading the file (``videoMetadata``,
        ``imageMetadata``, ``audioMetadata``, ``textMetadata``, ``pdfMetadata``), with snake_case fields.
        Encord trusts it without checking.
    :param file_metadata: the same for each file of a group, sequence or series: image metadata, or
        ``{"tags": {...}}`` for a DICOM file; None for a file without. Empty when no file has any.
    :param fields: the objects that only units of this type have, passed through: the ``scene`` of a scene, the view
        ``settings`` of a time series.
    :param extra: fields that this package does not know and that the user allowed, passed through.
    """

    media_type: MediaType
    urls: tuple[str, ...]
    title: str | None = None
    client_metadata: Mapping[str, Any] = field(default_factory=dict)
    media_metadata: Mapping[str, Any] | None = None
    file_metadata: tuple[Mapping[str, Any] | None, ...] = ()
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    checked: ClassVar[bool] = False
    """Whether it is known that :func:`unit_problems` finds nothing."""

    @classmethod
    def of_object(
        cls, *, media_type: MediaType, url: str, title: str, client_metadata: Mapping[str, Any]
    ) -> DataUnit:
        """Make the unit of one object whose URL, title and client metadata have been checked.

        :param media_type: what it is, by the extension of the object or because the user said so.
        :param url: its URL, as :class:`~encord_provider.listing.object_urls.ObjectUrls` gives it.
        :param title: a title without a problem.
        :param client_metadata: client metadata without a problem.
        """
        # The constructor of a frozen class takes as long as all else that is done for an object.
        unit = object.__new__(cls)
        unit.__dict__.update(
            media_type=media_type,
            urls=(url,),
            title=title,
            client_metadata=client_metadata,
            media_metadata=None,
            file_metadata=(),
            fields={},
            extra={},
            checked=True,
        )
        return unit


@dataclass(frozen=True, kw_only=True)
class UploadSpec:
    """What one upload job registers.

    :param units: the data units.
    :param skip_duplicate_urls: whether Encord leaves out what the folder already holds: it compares the
        object URLs literally, for groups the whole list of them.
    :param extra: top-level fields that this package does not know and that the user allowed.
    """

    units: tuple[DataUnit, ...]
    skip_duplicate_urls: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


class SkipKind(Enum):
    """Why an object is left out, as far as it matters whether that is meant."""

    MEANT = "meant"
    """It is no medium (a folder marker, a sidecar, a table), or a filter of the user's leaves it out."""
    UNSUPPORTED = "unsupported"
    """It is nothing that can be registered: of another type than wanted, empty, or in no group."""
    UNUSABLE = "unusable"
    """It would be registered, if its key could be written as a URL or a title."""


@dataclass(frozen=True)
class Skipped:
    """An object that does not become part of a data unit.

    :param key: its key.
    :param reason: why, in plain words.
    :param kind: whether that is meant.
    """

    key: str
    reason: str
    kind: SkipKind = field(default=SkipKind.MEANT, compare=False)


class SkippedObjects:
    """The objects left out so far. Iterating takes them out, so that the list stays short.

    :param items: what is in it at the start.
    """

    def __init__(self, items: Iterable[Skipped] = ()) -> None:
        self._items: list[Skipped] = []
        self._counts: Counter[SkipKind] = Counter()
        self._first: dict[SkipKind, list[Skipped]] = {}
        self.listed: list[Skipped] = []
        """The first thousand of them, those taken out by iterating too, for the report of the run."""
        for one in items:
            self.append(one)

    def append(self, skipped: Skipped) -> None:
        """Note one more object.

        :param skipped: the object and the reason.
        """
        self._items.append(skipped)
        if len(self.listed) < _LISTED:
            self.listed.append(skipped)
        self._counts[skipped.kind] += 1
        first = self._first.setdefault(skipped.kind, [])
        if len(first) < _FIRST:
            first.append(skipped)

    def count(self, *kinds: SkipKind) -> int:
        """Count the objects left out so far, those taken out by iterating too.

        :param kinds: the kinds that count.
        :returns: how many there are.
        """
        return sum(self._counts[kind] for kind in kinds)

    def first(self, *kinds: SkipKind) -> str:
        """Name the first few objects left out, for messages.

        :param kinds: the kinds that count.
        :returns: their keys and reasons.
        """
        found = [one for kind in kinds for one in self._first.get(kind, ())]
        return "; ".join(f"{shown(one.key)}: {one.reason}" for one in found[:_FIRST])

    def __iter__(self) -> Iterator[Skipped]:
        items, self._items = self._items, []
        return iter(items)


def title_problem(title: str | None, *, required: bool) -> str | None:
    """Say what is wrong with a title.

    :param title: the title, or None when there is none.
    :param required: whether this kind of data unit needs one.
    :returns: a sentence, or None.
    """
    if not title:
        return "the title is missing" if required else None
    if len(title) > MAX_TITLE_CHARACTERS:
        return f"a title of {len(title)} characters, the limit is {MAX_TITLE_CHARACTERS}: {shown(title)}"
    return None


def unit_problems(unit: DataUnit) -> Iterator[Problem]:
    """Find everything that Encord's published rules do not allow in a data unit.

    :param unit: the data unit.
    :returns: the findings; their paths begin with the field of the unit's item.
    """
    media_type = unit.media_type
    if problem := title_problem(unit.title, required=media_type.title_required):
        yield Problem(("title",), problem)
    if media_type.urls_in is None:
        if not unit.urls:
            yield Problem((), "there is no object URL")
        if len(unit.urls) > 1 and not media_type.is_grouped:
            yield Problem((), f"{len(unit.urls)} object URLs, but a unit of type {media_type} is one file")
    elif media_type.urls_in not in unit.fields:
        yield Problem((), f"the {media_type.urls_in} object is missing")
    elif not unit.urls:
        yield Problem(
            (media_type.urls_in,), f"the {media_type.urls_in} names no file: there is no 'uri' in it"
        )
    if len(unit.urls) > MAX_URLS_PER_FILE:
        message = f"{len(unit.urls):,} object URLs in one unit, the limit is {MAX_URLS_PER_FILE:,}"
        yield Problem((), message)
    for position, url in enumerate(unit.urls):
        if problem := url_problem(url) or object_problem(url) or _type_problem(media_type, url):
            yield Problem((url_field(media_type, position),), problem)
    for key, problem in metadata_problems(unit.client_metadata):
        yield Problem(("clientMetadata", key) if key else ("clientMetadata",), f"client metadata: {problem}")
    if unit.media_metadata is not None:
        yield from media_metadata_problems(media_type, unit.media_metadata)
    if unit.file_metadata:
        yield from file_metadata_problems(media_type, unit.file_metadata, files=len(unit.urls))


def _type_problem(media_type: MediaType, url: str) -> str | None:
    """Say that the extension of a URL names another media type. One that names none contradicts none."""
    if media_type.urls_in is not None:
        return None
    found = MEDIA_TYPES.of_key(url.partition("?")[0])
    if found is None or found.name == (media_type.files_type or media_type.name):
        return None
    return (
        f"{shown(url)} is of type {found} by its extension, but stands among {media_type.array!r} as {media_type}; put "
        f"it under {found.array!r} (in CSV: into a section of its own, or let by_extension decide)"
    )


def url_field(media_type: MediaType, position: int) -> str:
    """Name the field of an item that holds an object URL.

    :param media_type: the type of the item.
    :param position: which of its URLs.
    :returns: the field; for a type that has its URLs inside an object, that object's.
    """
    if media_type.urls_in is not None:
        return media_type.urls_in
    return f"objectUrl_{position}" if media_type.is_grouped else "objectUrl"
