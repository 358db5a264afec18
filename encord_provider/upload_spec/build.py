"""From listed objects to data units."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from encord_provider.exceptions import MetadataTableError, UploadSpecError
from encord_provider.listing.filters import ObjectFilter
from encord_provider.listing.objects import ListedObject
from encord_provider.schema.types import MetadataSchema
from encord_provider.schema.values import check_metadata
from encord_provider.tables.frames import FrameTable, Sampling, with_frames
from encord_provider.tables.metadata_table import MetadataTable
from encord_provider.tables.rows import TableRow
from encord_provider.upload_spec.data_units import DataUnit, Skipped, SkippedObjects, title_problem
from encord_provider.upload_spec.grouping import (
    ByFolder,
    GroupBy,
    folder_of,
    group_by_of,
    group_name,
    natural_order,
)
from encord_provider.upload_spec.key_pattern import KeyPattern
from encord_provider.upload_spec.media_table import with_media_metadata
from encord_provider.upload_spec.media_types import SIDECAR_SUFFIX, MediaType, extension_of, media_type_of
from encord_provider.upload_spec.sidecars import parse_sidecar, with_sidecars
from encord_provider.upload_spec.titles import DEFAULT_TITLE, check_template, title_of

AUTO = "auto"


def build_units(
    objects: Iterable[ListedObject],
    *,
    url_for: Callable[[str], str],
    media: MediaType | str = AUTO,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    only: ObjectFilter | None = None,
    group_by: str | GroupBy | None = None,
    key_pattern: KeyPattern | None = None,
    metadata: MetadataTable | None = None,
    title: str = DEFAULT_TITLE,
    schema: MetadataSchema | None = None,
    read_sidecar: Callable[[str], bytes] | None = None,
    frames: FrameTable | None = None,
    sampling: Sampling | None = None,
    embeddings: MetadataTable | None = None,
    media_metadata: MetadataTable | None = None,
) -> tuple[Iterator[DataUnit], SkippedObjects]:
    """Make data units of listed objects, one at a time.

    Only what belongs to groups that are still open is held in memory: with ``group_by="folder"`` the folders
    above the current key, otherwise all grouped keys.

    :param objects: the objects in the order of their keys, as S3 lists them.
    :param url_for: gives the object URL of a key, see :func:`~encord_provider.upload_spec.object_urls`.
    :param media: ``auto`` tells each object's type from its extension, makes one series of each folder of DICOM
        files and leaves out the rest. A media type takes the objects of that type (``image_group`` and
        ``image_sequence`` take images) and those without an extension; ``text`` also every extension that is
        no other type's, ``dicom_series`` also names that end in a UID, ``time_series`` CSV files.
    :param include: glob patterns on the whole key, where ``*`` also matches ``/``; only objects that match one
        of them are taken. Nothing includes everything.
    :param exclude: glob patterns; objects that match one of them are left out.
    :param only: leaves objects out by size, modification time or storage class.
    :param group_by: which files make one group, sequence or series, see
        :func:`~encord_provider.upload_spec.grouping.group_by_of`; by default those of one folder.
    :param key_pattern: turns parts of the key into client metadata. A group, sequence or series gets the values
        that all its files share.
    :param metadata: a table with client metadata; its rows name objects by key or by object URL. Its values come
        before those of sidecars, and those before the key pattern's.
    :param title: the template of the titles, see :func:`~encord_provider.upload_spec.titles.check_template`; by default
        the whole key, for groups, sequences and series the name of the group.
    :param schema: the metadata schema that client metadata must fit.
    :param read_sidecar: reads the object at a key. With it, the client metadata of an object is also taken from
        the sidecar that the listing shows beside it, see :mod:`encord_provider.upload_spec.sidecars`.
    :param frames: a table with metadata or embeddings of single frames of videos.
    :param sampling: which frames of videos Encord takes.
    :param embeddings: a table with custom embeddings of whole objects, for example from
        :func:`~encord_provider.schema.read_embeddings`; its columns join those of ``metadata``.
    :param media_metadata: a table with media metadata, see :mod:`encord_provider.upload_spec.media_table`.
    :returns: the data units, and the objects that were left out so far, each with the reason.
    :raises UploadSpecError: for an unknown media type or title field at once; while iterating, for a title over
        300 characters or objects that do not come in the order of their keys.
    :raises ObjectUrlError: while iterating, for a key that cannot be written as an object URL.
    :raises MetadataValueError: while iterating, for client metadata that the schema does not accept.
    :raises MetadataTableError: while iterating, for a broken sidecar, and for files of one group whose rows or
        sidecars disagree.
    """
    check_template(title, names=() if key_pattern is None else key_pattern.names)
    builder = _Builder(
        url_for=url_for,
        wanted=_wanted(media),
        include=_globs(include),
        exclude=[(one, _globs([one])) for one in exclude],
        only=only,
        group_by=group_by_of(group_by, metadata=metadata),
        key_pattern=key_pattern,
        metadata=metadata,
        title=title,
        schema=schema,
        read_sidecar=read_sidecar,
        frames=frames,
        sampling=sampling,
        embeddings=embeddings,
        media_metadata=media_metadata,
    )
    return builder.units(objects), builder.skipped


@dataclass(frozen=True, slots=True)
class _File:
    """An object that becomes part of a data unit, and the key of its sidecar."""

    key: str
    sidecar: str | None


@dataclass
class _Builder:
    url_for: Callable[[str], str]
    wanted: MediaType | None
    include: re.Pattern[str] | None
    exclude: list[tuple[str, re.Pattern[str] | None]]
    only: ObjectFilter | None
    group_by: GroupBy
    key_pattern: KeyPattern | None
    metadata: MetadataTable | None
    title: str
    schema: MetadataSchema | None
    read_sidecar: Callable[[str], bytes] | None
    frames: FrameTable | None
    sampling: Sampling | None
    embeddings: MetadataTable | None
    media_metadata: MetadataTable | None
    skipped: SkippedObjects = field(default_factory=SkippedObjects)
    open_groups: dict[str, list[_File]] = field(default_factory=dict)

    def units(self, objects: Iterable[ListedObject]) -> Iterator[DataUnit]:
        previous = None
        for one, sidecar in self._with_sidecars(objects):
            if previous is not None and one.key <= previous:
                if one.key == previous:
                    self.skipped.append(Skipped(one.key, "listed twice"))
                    continue
                raise UploadSpecError(
                    f"objects must come in the order of their keys, but {one.key!r} came after {previous!r}; "
                    "a source that does not sort (a directory bucket, an inventory) must be sorted first"
                )
            previous = one.key
            yield from self._left_behind(one.key)
            media_type, reason = self._media_type(one)
            if media_type is None:
                self.skipped.append(Skipped(one.key, reason))
            elif media_type.is_grouped:
                name = group_name(self.group_by, one.key, self._row_for)
                if name is None:
                    self.skipped.append(
                        Skipped(one.key, f"belongs to no {media_type}: group_by gives it no name")
                    )
                else:
                    self.open_groups.setdefault(name, []).append(_File(one.key, sidecar))
            else:
                yield self._unit(media_type, one.key, [_File(one.key, sidecar)])
        for name in sorted(self.open_groups):
            yield self._group(name)

    def _with_sidecars(self, objects: Iterable[ListedObject]) -> Iterable[tuple[ListedObject, str | None]]:
        return ((one, None) for one in objects) if self.read_sidecar is None else with_sidecars(objects)

    def _left_behind(self, key: str) -> Iterator[DataUnit]:
        """The groups that no later key can belong to: keys come in order, so folders are left for good."""
        if not isinstance(self.group_by, ByFolder):
            return
        done = [name for name in self.open_groups if name and not key.startswith(f"{name}/")]
        for name in sorted(done):
            yield self._group(name)
            del self.open_groups[name]

    def _group(self, name: str) -> DataUnit:
        files = sorted(self.open_groups[name], key=lambda file: natural_order(file.key))
        return self._unit(self.wanted or MediaType.DICOM_SERIES, name or files[0].key, files)

    def _media_type(self, one: ListedObject) -> tuple[MediaType | None, str]:
        """The media type of an object, or why it is left out."""
        key = one.key
        if key.endswith(("/", "_$folder$")):
            return None, "folder marker"
        if self.include is not None and not self.include.match(key):
            return None, "matches no include pattern"
        for text, pattern in self.exclude:
            if pattern is not None and pattern.match(key):
                return None, f"excluded by pattern {text!r}"
        for table in (self.metadata, self.embeddings, self.media_metadata, self.frames):
            if table is not None and f"/{table.source}".endswith(f"/{key}"):
                return None, "metadata table"
        if key.lower().endswith(SIDECAR_SUFFIX):
            return None, "metadata sidecar"
        if one.size == 0:
            return None, "empty object"
        if self.only is not None and (reason := self.only.reason(one)):
            return None, reason
        found = media_type_of(key)
        if self.wanted is None:
            return found, f"not a media type that Encord supports: {extension_of(key) or 'no extension'}"
        if _is_of_type(key, found, self.wanted):
            return self.wanted, ""
        if found is not None:
            return None, f"of type {found}, but media is {self.wanted}"
        return None, f"not a media type that Encord supports: {extension_of(key)}"

    def _unit(self, media_type: MediaType, name: str, files: list[_File]) -> DataUnit:
        keys = [file.key for file in files]
        urls = tuple(self.url_for(key) for key in keys)
        from_path = self._path_metadata(keys)
        title = title_of(self.title, name, from_path)
        if problem := title_problem(title, required=True):
            raise UploadSpecError(f"{keys[0]!r}: {problem}; give a shorter title template")
        client_metadata = check_metadata(from_path, self.schema, where=f"key {keys[0]!r}, key pattern")
        client_metadata.update(self._sidecar_metadata(files))
        client_metadata.update(self._table_metadata(self.metadata, keys, urls))
        client_metadata.update(self._table_metadata(self.embeddings, keys, urls))
        if media_type is MediaType.VIDEO and (self.frames is not None or self.sampling is not None):
            rows = {} if self.frames is None else self.frames.get(keys[0]) or self.frames.get(urls[0])
            client_metadata = with_frames(
                client_metadata, sampling=self.sampling, frames=rows, schema=self.schema
            )
        unit = DataUnit(media_type=media_type, urls=urls, title=title, client_metadata=client_metadata)
        return unit if self.media_metadata is None else with_media_metadata(unit, keys, self.media_metadata)

    def _path_metadata(self, keys: list[str]) -> dict[str, str]:
        """What the key pattern finds in all keys alike."""
        if self.key_pattern is None:
            return {}
        shared = self.key_pattern.metadata(keys[0])
        for key in keys[1:]:
            other = self.key_pattern.metadata(key)
            shared = {name: value for name, value in shared.items() if other.get(name) == value}
        return shared

    def _sidecar_metadata(self, files: list[_File]) -> dict[str, Any]:
        """What the sidecars of the unit's files hold; those of several files must agree."""
        first: tuple[str, dict[str, Any]] | None = None
        for file in files:
            if file.sidecar is None or self.read_sidecar is None:
                continue
            metadata = parse_sidecar(self.read_sidecar(file.sidecar), source=file.sidecar)
            if first is None:
                first = file.sidecar, metadata
            elif metadata != first[1]:
                raise MetadataTableError(
                    f"the sidecars {first[0]!r} and {file.sidecar!r} belong to one data unit and hold different values"
                )
        return {} if first is None else check_metadata(first[1], self.schema, where=f"sidecar {first[0]}")

    def _table_metadata(
        self, table: MetadataTable | None, keys: list[str], urls: Sequence[str]
    ) -> Mapping[str, Any]:
        """The row of a table for the unit's files; rows of several files must agree."""
        first: TableRow | None = None
        for key, url in zip(keys, urls, strict=True):
            row = None if table is None else table.get(key) or table.get(url)
            if row is None:
                continue
            if first is None:
                first = row
            elif row.metadata != first.metadata:
                raise MetadataTableError(
                    f"{row.where} and line {first.line}, row {first.key!r} belong to one data unit "
                    f"({folder_of(keys[0]) or keys[0]!r}) and hold different values"
                )
        return {} if first is None else check_metadata(first.metadata, self.schema, where=first.where)

    def _row_for(self, key: str) -> TableRow | None:
        """The row of the metadata table by which a file is grouped."""
        if self.metadata is None:
            return None
        return self.metadata.get(key) or self.metadata.get(self.url_for(key))


_GROUPS_OF_IMAGES = frozenset({MediaType.IMAGE_GROUP, MediaType.IMAGE_SEQUENCE})
_DICOM_EXTENSIONS = frozenset({".dicom", ".dic", ".ima"})
_NOT_FROM_OBJECTS = frozenset({MediaType.SCENE})


def _is_of_type(key: str, found: MediaType | None, wanted: MediaType) -> bool:
    """Whether an object is taken for the media type that the user named."""
    if found is not None:
        return found is (MediaType.IMAGE if wanted in _GROUPS_OF_IMAGES else wanted)
    extension = extension_of(key)
    if not extension or wanted is MediaType.TEXT:
        return True
    if wanted is MediaType.DICOM_SERIES:
        return extension in _DICOM_EXTENSIONS or extension[1:].isdigit()
    return wanted is MediaType.TIME_SERIES and extension == ".csv"


def _wanted(media: MediaType | str) -> MediaType | None:
    if media == AUTO:
        return None
    known = [one for one in MediaType if one not in _NOT_FROM_OBJECTS]
    if media not in known:
        raise UploadSpecError(
            f"unknown media {str(media)!r}; use {AUTO} or {', '.join(one.value for one in known)}"
        )
    return MediaType(media)


def _globs(patterns: Sequence[str]) -> re.Pattern[str] | None:
    if isinstance(patterns, str):
        raise UploadSpecError(f"include and exclude take a list of patterns, got {patterns!r}")
    return re.compile("|".join(fnmatch.translate(one) for one in patterns)) if patterns else None
