"""From the files of a data unit to the data unit: its URLs, its title, and what is known of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encord_provider.exceptions import (
    MetadataTableError,
    MetadataValueError,
    ObjectUrlError,
    UploadSpecError,
)
from encord_provider.listing.object_urls import ObjectUrls
from encord_provider.schema.types import MetadataSchema
from encord_provider.schema.values import ValueCheck, check_metadata
from encord_provider.tables.frames import with_frames
from encord_provider.tables.reader import TableRow
from encord_provider.text.json_values import nearest_numbers, size_problem
from encord_provider.upload_spec.build_options import BuildOptions
from encord_provider.upload_spec.data_units import DataUnit, title_problem
from encord_provider.upload_spec.grouping import UnitFile, folder_of
from encord_provider.upload_spec.matches import Matches
from encord_provider.upload_spec.media_table import with_media_metadata
from encord_provider.upload_spec.media_types import MediaType
from encord_provider.upload_spec.object_rows import ObjectRows
from encord_provider.upload_spec.sidecars import Sidecars
from encord_provider.upload_spec.titles import title_of


class UnusableObjectError(Exception):
    """An object that cannot be registered because of its key; the others can."""


@dataclass(frozen=True, kw_only=True)
class Joining:
    """Makes data units.

    :param options: the options of the build.
    :param matches: the tables of the options by object; notes what of them is used.
    :param url_for: gives the object URL of a key.
    :param sidecars: reads the sidecars; None to leave them alone.
    :param schema: the metadata schema that client metadata must fit.
    """

    options: BuildOptions
    matches: Matches
    url_for: Callable[[str], str]
    sidecars: Sidecars | None
    schema: MetadataSchema | None

    @functools.cached_property
    def _checks_here(self) -> bool:
        """Whether what a unit of one object is made of has been checked when it is made."""
        options = self.options
        others = (self.sidecars, options.embeddings, options.frames, options.sampling, options.media_metadata)
        return isinstance(self.url_for, ObjectUrls) and not any(one is not None for one in others)

    @functools.cached_property
    def _checked_path(self) -> Callable[[tuple[tuple[str, str], ...]], Mapping[str, Any]]:
        """Check what the key pattern found; neighbours in a listing mostly have the same."""
        return functools.lru_cache(maxsize=256)(lambda found: check_metadata(dict(found), self.schema))

    def unit_of(self, media_type: MediaType, key: str) -> DataUnit:
        """Make the data unit of one object that needs no other.

        :param media_type: what it is; no group.
        :param key: the key of the object.
        :returns: what :meth:`unit` makes of it, and checked where it can be.
        :raises UnusableObjectError: as :meth:`unit` does.
        :raises MetadataValueError: as :meth:`unit` does.
        """
        if not self._checks_here:
            return self.unit(media_type, key, [UnitFile(key)])
        from_path = self._path_metadata((key,)) if self.options.key_pattern is not None else {}
        (url,), title = self._named((key,), key, from_path)
        metadata: Mapping[str, Any] = {}
        if from_path:
            try:
                metadata = self._checked_path(tuple(from_path.items()))
            except MetadataValueError:
                metadata = check_metadata(from_path, self.schema, where=f"key {key!r}, key pattern")
        table = self.matches.metadata
        if table is not None and (row := table.get(key)) is not None:
            of_row = self._checked_row(table, row)
            metadata = {**metadata, **of_row} if metadata else of_row
            if from_path and of_row and size_problem(metadata):
                # Each fits for itself: what is wrong with the whole is said when it is written.
                self.matches.built(media_type)
                return DataUnit(media_type=media_type, urls=(url,), title=title, client_metadata=metadata)
        self.matches.built(media_type)
        return DataUnit.of_object(media_type=media_type, url=url, title=title, client_metadata=metadata)

    def _named(
        self, keys: Sequence[str], name: str, from_path: Mapping[str, str]
    ) -> tuple[tuple[str, ...], str]:
        """The object URLs of the files of a unit of this name, and its title."""
        try:
            urls = tuple([self.url_for(key) for key in keys])
            title = title_of(self.options.title, name, from_path)
        except (ObjectUrlError, UploadSpecError) as error:
            raise UnusableObjectError(str(error)) from None
        if problem := title_problem(title, required=True):
            raise UnusableObjectError(f"{problem}; give a shorter title template")
        return urls, title

    def unit(self, media_type: MediaType, name: str, files: Sequence[UnitFile]) -> DataUnit:
        """Make a data unit of its files.

        :param media_type: what they make.
        :param name: the key of the object, or the name of the group.
        :param files: the files in order.
        :returns: the data unit.
        :raises UnusableObjectError: for a title over 300 characters or one that the key does not give, and for a key
            that cannot be written as an object URL.
        :raises MetadataValueError: for client metadata that the schema does not accept.
        :raises MetadataTableError: for files whose rows or sidecars disagree.
        """
        options = self.options
        keys = [file.key for file in files]
        from_path = self._path_metadata(keys)
        urls, title = self._named(keys, name, from_path)
        client_metadata = check_metadata(from_path, self.schema, where=f"key {keys[0]!r}, key pattern")
        if self.sidecars is not None:
            client_metadata.update(self._sidecar_metadata(files, self.sidecars))
        for table in (self.matches.metadata, self.matches.embeddings):
            if table is not None:
                client_metadata.update(self._table_metadata(table, keys))
        frames = self.matches.frames
        if media_type.has_frames and (frames is not None or options.sampling is not None):
            rows = None if frames is None else frames.get(keys[0])
            client_metadata = with_frames(
                client_metadata, sampling=options.sampling, frames=rows, schema=self.schema
            )
        self.matches.built(media_type)
        unit = DataUnit(media_type=media_type, urls=urls, title=title, client_metadata=client_metadata)
        media_metadata = self.matches.media_metadata
        return unit if media_metadata is None else with_media_metadata(unit, keys, media_metadata)

    def row_for(self, key: str) -> TableRow | None:
        """Find the row of the metadata table for an object.

        :param key: the key of the object.
        :returns: the row; None when the table has none.
        """
        table = self.matches.metadata
        return None if table is None else table.get(key)

    def _path_metadata(self, keys: Sequence[str]) -> dict[str, str]:
        """What the key pattern finds in all keys alike."""
        pattern = self.options.key_pattern
        if pattern is None:
            return {}
        shared = pattern.metadata(keys[0])
        self.matches.tried_pattern(keys[0], matched=bool(shared))
        for key in keys[1:]:
            other = pattern.metadata(key)
            shared = {name: value for name, value in shared.items() if other.get(name) == value}
        return shared

    def _sidecar_metadata(self, files: Sequence[UnitFile], sidecars: Sidecars) -> dict[str, Any]:
        """What the sidecars of the unit's files hold; those of several files must agree."""
        first: tuple[str, dict[str, Any]] | None = None
        for file in files:
            if file.sidecar is None:
                continue
            metadata = sidecars.metadata(file.sidecar)
            if first is None:
                first = file.sidecar, metadata
            elif metadata != first[1]:
                raise MetadataTableError(
                    f"the sidecars {first[0]!r} and {file.sidecar!r} belong to one data unit and hold different values"
                )
        return {} if first is None else sidecars.checked(_said(first[1]), key=first[0])

    def _table_metadata(self, table: ObjectRows[TableRow], keys: Sequence[str]) -> Mapping[str, Any]:
        """The row of a table for the unit's files; rows of several files must agree."""
        first: TableRow | None = None
        for key in keys:
            if (row := table.get(key)) is None:
                continue
            if first is None:
                first = row
            elif row.metadata != first.metadata:
                raise MetadataTableError(
                    f"{row.where} and line {first.line}, row {first.key!r} belong to one data unit "
                    f"({folder_of(keys[0]) or keys[0]!r}) and hold different values"
                )
        return {} if first is None else self._checked_row(table, first)

    def _checked_row(self, table: ObjectRows[TableRow], row: TableRow) -> dict[str, Any]:
        """The values of a row; where they do not fit, every other row of the table that does not fit is named too."""
        try:
            return check_metadata(_read(row.metadata), self.schema, where=row.where)
        except MetadataValueError:
            check = ValueCheck(self.schema)
            for one in table:
                check.check(_read(one.metadata), where=one.where)
            check.finish()
            raise


_SINGLE = frozenset({str, float, int, bool})


def _read(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a row says, with the nearest number in place of one that was kept as it was written."""
    said = _said(metadata)
    if all(type(value) in _SINGLE for value in said.values()):
        return said
    read: Mapping[str, Any] = nearest_numbers(said)
    return read


def _said(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out nulls: as an empty cell of CSV, they say nothing, and do not hide what the key says."""
    return {name: value for name, value in metadata.items() if value is not None}
