"""Which files belong to one image group, image sequence or DICOM series."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from encord_provider.exceptions import UploadSpecError
from encord_provider.tables.metadata_table import MetadataTable
from encord_provider.tables.reader import TableRow
from encord_provider.upload_spec.key_pattern import KeyPattern
from encord_provider.upload_spec.media_types import MediaType

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
GroupKey: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
RowFor: TypeAlias = Callable[[str], TableRow | None]


def group_by_of(text: str | None, *, metadata: MetadataTable | None) -> GroupBy:
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


def group_of(rule: GroupBy, key: str, row_for: RowFor) -> GroupKey | None:
    """Find the group that a file belongs to.

    :param rule: how files are grouped.
    :param key: the object's key.
    :param row_for: finds the metadata row of a key.
    :returns: the name of the group, which is the folder without its last ``/``, the values of the pattern's groups
        joined by ``/``, or the value of the column; and what makes it another group than one of the same name. None
        when the file belongs to no group.
    """
    if isinstance(rule, ByFolder):
        return folder_of(key), ()
    if isinstance(rule, ByPattern):
        values = rule.pattern.metadata(key)
        return ("/".join(values.values()), tuple(values.items())) if values else None
    row = row_for(key)
    value = None if row is None else row.metadata.get(rule.column)
    return None if value is None or value == "" else (str(value), ())


def folder_of(key: str) -> str:
    """Return the folder of an object.

    :param key: its key.
    :returns: the key up to its last ``/``, without it.
    """
    return key.rpartition("/")[0]


def natural_order(key: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    """Return a sort key that puts ``2.dcm`` before ``10.dcm``.

    :param key: an object key.
    :returns: texts and numbers in turn, and the key itself to tell ``1.dcm`` from ``01.dcm``.
    """
    pieces = _DIGITS.split(key)
    return tuple(_number(piece) if position % 2 else piece for position, piece in enumerate(pieces)), key


def _number(digits: str) -> tuple[int, str]:
    """What sorts as the number does, of any length; Python reads none of thousands of digits."""
    bare = digits.lstrip("0")
    return len(bare), bare


@dataclass(frozen=True, slots=True)
class UnitFile:
    """An object that becomes a file of a data unit.

    :param key: its key.
    :param sidecar: the key of its sidecar; None without one.
    """

    key: str
    sidecar: str | None = None


@dataclass(frozen=True)
class Group:
    """The files of one data unit that is made of several.

    :param media_type: what they make.
    :param name: the name of the group; for files outside any folder the key of the first.
    :param files: the files in their natural order.
    """

    media_type: MediaType
    name: str
    files: Sequence[UnitFile]


@dataclass
class OpenGroups:
    """The groups that later keys may still belong to.

    :param rule: how files are grouped.
    :param row_for: finds the metadata row of a key.
    """

    rule: GroupBy
    row_for: RowFor
    _files: dict[tuple[GroupKey, MediaType], list[UnitFile]] = field(init=False, default_factory=dict)

    def add(self, media_type: MediaType, file: UnitFile) -> bool:
        """Put a file into its group.

        :param media_type: what the group makes.
        :param file: the file.
        :returns: whether the rule gives the file a group.
        """
        group = group_of(self.rule, file.key, self.row_for)
        if group is None:
            return False
        self._files.setdefault((group, media_type), []).append(file)
        return True

    @property
    def some_open(self) -> bool:
        """Whether there is any group to which later keys may belong."""
        return bool(self._files)

    def left_behind(self, key: str) -> list[Group]:
        """Take out the groups that no later key can belong to: keys come in order, so folders are left for good.

        :param key: the key that has come.
        :returns: the groups in the order of their names.
        """
        if not self._files or not isinstance(self.rule, ByFolder):
            return []
        return self._take([one for one in self._files if one[0][0] and not key.startswith(f"{one[0][0]}/")])

    def rest(self) -> list[Group]:
        """Take out all groups, when no key comes any more.

        :returns: the groups in the order of their names.
        """
        return self._take(list(self._files))

    def _take(self, done: list[tuple[GroupKey, MediaType]]) -> list[Group]:
        groups = []
        for group, media_type in sorted(done, key=lambda one: (one[0], one[1].name)):
            files = sorted(self._files.pop((group, media_type)), key=lambda file: natural_order(file.key))
            groups.append(Group(media_type, group[0] or files[0].key, files))
        return groups
