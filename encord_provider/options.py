"""Options of operators, in groups.

Each group is a small frozen dataclass whose fields may be templates. An operator takes a group as such, as a mapping
with the same names, or as a text that a template rendered to such a mapping::

    filters=Filters(include=["*.mp4"], min_size=1)
    filters={"include": ["*.mp4"], "min_size": 1}
    filters="{{ params.filters | tojson }}"
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from encord_provider.exceptions import EncordInputError
from encord_provider.listing import ObjectFilter
from encord_provider.tables import Sampling
from encord_provider.upload_spec import MEDIA_TYPES, KeyPattern
from encord_provider.workspace.option_groups import (
    FLAG,
    NUMBER,
    TEXT,
    TEXT_OR_TEXTS,
    TEXTS,
    TIME,
    WHOLE,
    Options,
)
from encord_provider.workspace.templates import value_of

if TYPE_CHECKING:
    from airflow.sdk import XComArg


def _units_per_part(value: Any, parameter: str) -> int | dict[str, int] | None:
    value = value_of(value, int, dict, parameter=parameter)
    if not isinstance(value, Mapping):
        return None if value is None else int(value)
    if unknown := [str(name) for name in value if name not in MEDIA_TYPES]:
        raise EncordInputError(
            f"The parameter {parameter} has no media type {', '.join(map(repr, unknown))}; the types are "
            f"{', '.join(MEDIA_TYPES)}."
        )
    return {str(name): value_of(count, int, parameter=parameter) for name, count in value.items()}


def _embeddings(value: Any, parameter: str) -> Embeddings | None:
    if isinstance(value, Embeddings):
        return value
    value = value_of(value, dict, parameter=parameter)
    return Embeddings.from_mapping(value, rendered=True) if value else None


def _limits(value: Any, parameter: str) -> Limits | None:
    if isinstance(value, Limits):
        return value
    value = value_of(value, dict, parameter=parameter)
    return Limits.from_mapping(value, rendered=True) if value else None


def _uuids(value: Any, parameter: str) -> tuple[str, ...] | None:
    value = value_of(value, list, str, parameter=parameter)
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else None
    return None if value is None else tuple(map(str, value))


def _upload_spec(value: Any, parameter: str) -> Mapping[str, Any] | str | None:
    given: Mapping[str, Any] | str | None = value_of(value, dict, str, parameter=parameter)
    return given or None


_UNITS = {"kind": _units_per_part}
_EMBEDDINGS = {"kind": _embeddings}
_LIMITS = {"kind": _limits}
_UUIDS = {"kind": _uuids}
_UPLOAD_SPEC = {"kind": _upload_spec}


@dataclass(frozen=True, kw_only=True)
class Filters(Options):
    """Which objects are taken. What is not given, is not asked. All fields may be templates.

    :param include: glob patterns on the whole key, where ``*`` also matches ``/``; without any, everything is taken.
    :param exclude: glob patterns on the whole key of what is left out.
    :param min_size: the least size in bytes.
    :param max_size: the greatest size in bytes.
    :param modified_from: only what was written at this time or later: a time with a time zone, or its ISO 8601 text.
    :param modified_before: only what was written before this time.
    :param storage_classes: the storage classes that are wanted, for example ``STANDARD``.
    """

    parameter: ClassVar[str] = "filters"
    template_fields: ClassVar[tuple[str, ...]] = (
        "include",
        "exclude",
        "min_size",
        "max_size",
        "modified_from",
        "modified_before",
        "storage_classes",
    )

    include: Sequence[str] | str = field(default=(), metadata=TEXTS)
    exclude: Sequence[str] | str = field(default=(), metadata=TEXTS)
    min_size: int | str | None = field(default=None, metadata=WHOLE)
    max_size: int | str | None = field(default=None, metadata=WHOLE)
    modified_from: datetime | str | None = field(default=None, metadata=TIME)
    modified_before: datetime | str | None = field(default=None, metadata=TIME)
    storage_classes: Sequence[str] | str = field(default=(), metadata=TEXTS)

    def object_filter(self) -> ObjectFilter:
        """Give the filter on what a listing says of objects, once the fields are rendered."""
        asked: Any = {
            one.name: getattr(self, one.name)
            for one in dataclasses.fields(ObjectFilter)
            if hasattr(self, one.name)
        }
        return ObjectFilter(**asked)

    def _verify(self) -> None:
        self.object_filter()


@dataclass(frozen=True, kw_only=True)
class Grouping(Options):
    """What becomes one data unit, and how it is called. All fields may be templates.

    :param group_by: which files make one image group, image sequence or DICOM series: ``folder`` (the default),
        ``column:<name>`` for a column of the metadata table, or a regular expression with named groups.
    :param title: the template of the titles, at most 300 characters when filled in: ``{key}`` (the default),
        ``{name}``, ``{stem}``, ``{folder}`` and the named groups of the key pattern.
    """

    parameter: ClassVar[str] = "grouping"
    template_fields: ClassVar[tuple[str, ...]] = ("group_by", "title")

    group_by: str | None = field(default=None, metadata=TEXT)
    title: str = field(default="{key}", metadata=TEXT)


@dataclass(frozen=True, kw_only=True)
class Embeddings(Options):
    """Custom embeddings in a NumPy file, one row for each object. All fields may be templates.

    Embeddings in a Parquet table need no more than the ``table`` of :class:`ClientMetadata`.

    :param uri: the URI of a ``.npy`` file with a two-dimensional array of numbers.
    :param keys: the object keys or URLs of the rows, in order; or the URI of a UTF-8 text file with one on each
        line.
    :param name: the metadata key, which the metadata schema declares as an embedding of that size.
    """

    parameter: ClassVar[str] = "metadata.embeddings"
    template_fields: ClassVar[tuple[str, ...]] = ("uri", "keys", "name")

    uri: str = field(metadata=TEXT)
    keys: Sequence[str] | str = field(metadata=TEXT_OR_TEXTS)
    name: str = field(metadata=TEXT)


@dataclass(frozen=True, kw_only=True)
class ClientMetadata(Options):
    """Where the client metadata of objects comes from. All fields may be templates.

    :param table: the URI of a CSV, JSONL or Parquet table, joined by object key or URL. Its values come before those
        of sidecars, and those before the key pattern's.
    :param key_column: the column of that table that names the object; None for the first usual one.
    :param key_pattern: a regular expression whose named groups turn parts of the key into client metadata.
    :param sidecars: whether ``<key>.metadata.json`` beside an object holds its client metadata.
    :param embeddings: custom embeddings in a ``.npy`` file: :class:`Embeddings`, or a mapping with its fields.
    :param validate: whether to check the values against the organisation's metadata schema, those of frames too.
    :raises KeyPatternError: if the key pattern is not a regular expression with named groups.
    """

    parameter: ClassVar[str] = "metadata"
    template_fields: ClassVar[tuple[str, ...]] = (
        "table",
        "key_column",
        "key_pattern",
        "sidecars",
        "embeddings",
        "validate",
    )

    table: str | None = field(default=None, metadata=TEXT)
    key_column: str | None = field(default=None, metadata=TEXT)
    key_pattern: str | None = field(default=None, metadata=TEXT)
    sidecars: bool | str = field(default=False, metadata=FLAG)
    embeddings: Embeddings | Mapping[str, Any] | None = field(default=None, metadata=_EMBEDDINGS)
    validate: bool | str = field(default=True, metadata=FLAG)

    def compiled_pattern(self) -> KeyPattern | None:
        """Give the key pattern, once the fields are rendered."""
        return KeyPattern.compile(self.key_pattern) if self.key_pattern else None

    def _verify(self) -> None:
        self.compiled_pattern()


@dataclass(frozen=True, kw_only=True)
class Frames(Options):
    """What concerns single frames of videos. All fields may be templates.

    :param table: the URI of a table with metadata or embeddings of single frames, which has the column ``frame``
        beside the key.
    :param sampling_rate: how many frames per second of video Encord takes; 0 takes the first frame and the key
        frames only. Encord's default is 1.
    :param keyframe_mode: whether frames are named by their number (``frame``, Encord's default) or by their second
        (``seconds``).
    :raises MetadataValueError: for a negative rate or another mode.
    """

    parameter: ClassVar[str] = "frames"
    template_fields: ClassVar[tuple[str, ...]] = ("table", "sampling_rate", "keyframe_mode")

    table: str | None = field(default=None, metadata=TEXT)
    sampling_rate: float | str | None = field(default=None, metadata=NUMBER)
    keyframe_mode: Literal["frame", "seconds"] | str | None = field(default=None, metadata=TEXT)

    def sampling(self) -> Sampling | None:
        """Give how Encord takes frames, once the fields are rendered; None where nothing is said."""
        asked: Any = {"sampling_rate": self.sampling_rate, "keyframe_mode": self.keyframe_mode}
        return None if set(asked.values()) == {None} else Sampling(**asked)

    def _verify(self) -> None:
        self.sampling()


@dataclass(frozen=True, kw_only=True)
class Media(Options):
    """Of which type the objects are, and what is known of the files. All fields may be templates.

    A text alone, such as ``media="video"``, is the type.

    :param type: ``auto`` (the default) tells the type of an object by its extension; or one media type for all.
    :param metadata: the URI of a table with what Encord needs to know of files that it is not to read, see
        :mod:`encord_provider.upload_spec.media_table`.
    """

    parameter: ClassVar[str] = "media"
    bare_field: ClassVar[str] = "type"
    template_fields: ClassVar[tuple[str, ...]] = ("type", "metadata")

    type: str = field(default="auto", metadata=TEXT)
    metadata: str | None = field(default=None, metadata=TEXT)


@dataclass(frozen=True, kw_only=True)
class ObjectUrls(Options):
    """How objects are named. All fields may be templates.

    :param style: the form of the object URLs, see :class:`~encord_provider.listing.ObjectUrlStyle`; None for the
        usual one of the source, for S3 ``virtual-hosted``, or ``endpoint`` where the AWS connection leads elsewhere.
    :param endpoint: the root URL of an S3-compatible store (by default that of the AWS connection), the Azure
        storage account, or the URL under which a local folder is served.
    """

    parameter: ClassVar[str] = "object_urls"
    template_fields: ClassVar[tuple[str, ...]] = ("style", "endpoint")

    style: str | None = field(default=None, metadata=TEXT)
    endpoint: str | None = field(default=None, metadata=TEXT)


@dataclass(frozen=True, kw_only=True)
class Limits(Options):
    """How much may be left over before building fails. All fields may be templates.

    Without limits anything may, as long as it is not all: a table of which no row names an object is an error.

    :param max_unmatched: how many rows of each table may name no object that was listed; None for any number, since a
        table may cover more days than one run.
    :param max_skipped: how many objects may be left out that no filter leaves out: those of a type that is not
        supported or not the one that ``media`` names, empty ones, those that get no group, and those whose key gives no
        object URL or title. Folder markers, sidecars, tables, files of the system and what ``filters`` leave out never
        count. None for any number.
    """

    parameter: ClassVar[str] = "parts.limits"
    template_fields: ClassVar[tuple[str, ...]] = ("max_unmatched", "max_skipped")

    max_unmatched: int | str | None = field(default=None, metadata=WHOLE)
    max_skipped: int | str | None = field(default=None, metadata=WHOLE)

    def _verify(self) -> None:
        for name in self.template_fields:
            value = getattr(self, name)
            if value is not None and value < 0:
                raise EncordInputError(f"{self.parameter}.{name} must be at least 0, got {value}.")


@dataclass(frozen=True, kw_only=True)
class Parts(Options):
    """How the upload spec is divided, what is sent once, and what may be missing. All fields may be templates.

    :param max_units_per_part: data units in one part, and so in one upload job: a number, or a number for each media
        type; by default 1,000, and 100 videos.
    :param skip_duplicate_urls: whether Encord is to skip URLs that the folder already has.
    :param limits: how much may be left over: :class:`Limits`, or a mapping with its fields.
    """

    parameter: ClassVar[str] = "parts"
    template_fields: ClassVar[tuple[str, ...]] = ("max_units_per_part", "skip_duplicate_urls", "limits")

    max_units_per_part: int | Mapping[str, int] | str | None = field(default=None, metadata=_UNITS)
    skip_duplicate_urls: bool | str = field(default=True, metadata=FLAG)
    limits: Limits | Mapping[str, Any] | None = field(default=None, metadata=_LIMITS)


@dataclass(frozen=True, kw_only=True)
class ItemSelection(Options):
    """Which storage items are meant, beside or instead of those of a folder.

    Give one of ``folder`` (the operator's own parameter), ``dataset``, ``project``, ``collection`` and ``uuids``; the
    others narrow or widen that choice. All fields may be templates.

    :param recursive: whether the folders below ``folder`` count too.
    :param dataset: the UUID of the dataset whose data rows are meant, by the items behind them.
    :param project: the UUID of the project whose label rows are meant, by the items behind them.
    :param collection: the UUID of the collection whose items are meant.
    :param uuids: the UUIDs of the items that are meant.
    :param upload_spec: the index URI, or the output, of
        :class:`~encord_provider.operators.build_upload_spec.EncordBuildUploadSpecOperator`, for the objects of that
        upload spec only.
    :param frames: whether the files of image groups, image sequences and series are meant instead of these
        themselves. A group as a whole has client metadata of its own.
    """

    parameter: ClassVar[str] = "items"
    template_fields: ClassVar[tuple[str, ...]] = (
        "recursive",
        "dataset",
        "project",
        "collection",
        "uuids",
        "upload_spec",
        "frames",
    )

    recursive: bool | str = field(default=False, metadata=FLAG)
    dataset: str | XComArg | None = field(default=None, metadata=TEXT)
    project: str | XComArg | None = field(default=None, metadata=TEXT)
    collection: str | XComArg | None = field(default=None, metadata=TEXT)
    uuids: Sequence[str] | str | XComArg | None = field(default=None, metadata=_UUIDS)
    upload_spec: Mapping[str, Any] | str | XComArg | None = field(default=None, metadata=_UPLOAD_SPEC)
    frames: bool | str = field(default=False, metadata=FLAG)
