"""Media metadata from a table: what Encord needs to know of a file that it is not to read itself.

One row per object, by object key or URL. The columns are the fields of the media types
(:attr:`~encord_provider.upload_spec.media_types.MediaType.metadata_fields`), for example ``fps``, ``duration``,
``width``, ``height``, ``file_size`` and ``mime_type``; for a file of a DICOM series the column ``tags`` with an object
of DICOM tags. A row is read for the fields of its object's media type only, so that one table may serve objects of
all types.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from encord_provider.exceptions import MetadataTableError
from encord_provider.tables.reader import TableRow
from encord_provider.text.shown import shown
from encord_provider.upload_spec.data_units import DataUnit
from encord_provider.upload_spec.media_types import DicomTags, MediaType
from encord_provider.upload_spec.object_rows import ObjectRows


def with_media_metadata(unit: DataUnit, keys: Sequence[str], table: ObjectRows[TableRow]) -> DataUnit:
    """Add what the table says about the files of a data unit.

    :param unit: the data unit.
    :param keys: the object keys of its files, in the order of its URLs.
    :param table: the rows by object; an object without a row stays without media metadata.
    :returns: the data unit.
    :raises MetadataTableError: for a row that has some fields of the media type and lacks others, and for a value
        that is not a number where one is needed. The message names source, line and field.
    """
    files = tuple(_media_metadata(table.get(key), unit.media_type) for key in keys)
    if not any(files):
        return unit
    if unit.media_type.is_grouped:
        return dataclasses.replace(unit, file_metadata=files)
    return dataclasses.replace(unit, media_metadata=files[0])


def _media_metadata(row: TableRow | None, media_type: MediaType) -> Mapping[str, Any] | None:
    if row is None:
        return None
    fields = media_type.metadata_fields
    found = {name: row.metadata[name] for name in fields if row.metadata.get(name) is not None}
    if not found:
        return None
    if missing := [name for name in fields if name not in found]:
        raise MetadataTableError(
            f"{row.where}: the media metadata of an object of type {media_type} needs "
            f"{', '.join(fields)}; the row lacks {', '.join(missing)}"
        )
    return {name: _value(row, name, found[name], kind) for name, kind in fields.items()}


def _value(row: TableRow, name: str, value: Any, kind: type) -> Any:
    """The value of a field; CSV gives texts."""
    if kind is DicomTags:
        if not isinstance(value, Mapping):
            raise MetadataTableError(f"{row.where}: {name!r} must be an object of DICOM tags")
        return value
    if kind is str or not isinstance(value, str):
        return value
    try:
        number = kind(value)
        if math.isfinite(number):
            return number
    except (ValueError, OverflowError):
        pass
    wanted = "a whole number" if kind is int else "a number"
    raise MetadataTableError(f"{row.where}: {name!r} must be {wanted}, got {shown(value)}")
