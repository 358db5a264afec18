"""Which files belong to one image group, image sequence or DICOM series."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from encord_provider.exceptions import UploadSpecError
from encord_provider.tables.metadata_table import MetadataTable
from encord_provider.tables.rows import TableRow
from encord_provider.upload_spec.key_pattern import KeyPattern

FOLDER = "folder"
COLUMN = "column:"

_DIGITS = re.compile(r"([0-9]+)")


@dataclass(frozen=True)
class ByFolder:
    """Files of one folder (the key up to its last ``/``) belong together."""


@dataclass(frozen=True)
class ByPattern:
    """Files whose named groups have the same values belong together.

    :param pattern: the pattern; its groups serve for grouping only.
    """

    pattern: KeyPattern


@dataclass(frozen=True)
class ByColumn:
    """Files whose rows hold the same value in a column belong together.

    :param column: the column of the metadata table; it stays part of the client metadata.
    """

    column: str


GroupBy: TypeAlias = ByFolder | ByPattern | ByColumn
RowFor: TypeAlias = Callable[[str], TableRow | None]


def group_by_of(text: str | GroupBy | None, *, metadata: MetadataTable | None) -> GroupBy:
    """Read how files are grouped.

    :param text: ``folder`` (also when None), ``column:<name>`` for a column of the metadata table, or a regular
        expression with named groups, for example ``(?P<series>.+)_[0-9]+\\.jpg$``.
    :param metadata: the metadata table of the upload spec, if there is one.
    :returns: the rule.
    :raises KeyPatternError: for an invalid expression.
    :raises UploadSpecError: for a column that the metadata table does not have.
    """
    if text is None or text == FOLDER:
        return ByFolder()
    if not isinstance(text, str):
        return text
    if not text.startswith(COLUMN):
        return ByPattern(KeyPattern.compile(text))
    column = text.removeprefix(COLUMN)
    if metadata is None:
        raise UploadSpecError(f"group_by {text!r} needs a metadata table")
    if column not in metadata.columns:
        raise UploadSpecError(
            f"group_by {text!r}: {metadata.source} has no such column; it has {', '.join(metadata.columns)}"
        )
    return ByColumn(column)


def group_name(rule: GroupBy, key: str, row_for: RowFor) -> str | None:
    """Name the group that a file belongs to.

    :param rule: how files are grouped.
    :param key: the object's key.
    :param row_for: finds the metadata row of a key.
    :returns: the folder without its last ``/``, the values of the pattern's groups joined by ``/``, or the value
        of the column; None when the file belongs to no group.
    """
    if isinstance(rule, ByFolder):
        return folder_of(key)
    if isinstance(rule, ByPattern):
        values = rule.pattern.metadata(key)
        return "/".join(values.values()) if values else None
    row = row_for(key)
    value = None if row is None else row.metadata.get(rule.column)
    return None if value is None or value == "" else str(value)


def folder_of(key: str) -> str:
    """Return the key up to its last ``/``, without it."""
    return key.rpartition("/")[0]


def natural_order(key: str) -> tuple[tuple[str | int, ...], str]:
    """Return a sort key that puts ``2.dcm`` before ``10.dcm``.

    :param key: an object key.
    :returns: texts and numbers in turn, and the key itself to tell ``1.dcm`` from ``01.dcm``.
    """
    pieces = _DIGITS.split(key)
    return tuple(int(piece) if position % 2 else piece for position, piece in enumerate(pieces)), key
