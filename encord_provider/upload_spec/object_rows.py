"""The rows of a table by the object that they name, whatever spelling of its URL they use.

A row names its object by the exact key or by any URL of it; a table may mix both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeAlias, TypeVar

from encord_provider.exceptions import MetadataTableError
from encord_provider.listing.identity import ObjectIdentity, is_url
from encord_provider.listing.names import ObjectNames
from encord_provider.tables.frames import FrameTable
from encord_provider.tables.metadata_table import MetadataTable
from encord_provider.tables.reader import TableRow

Rows = TypeVar("Rows")

FrameRows: TypeAlias = Mapping[str, TableRow]
"""The rows of one object by frame."""


class ObjectRows(Generic[Rows]):
    """What a table says of each object of a listing, and which of its rows found their object there.

    Every row is parsed once, here; to find the rows of an object takes one look into a dictionary.

    :param entries: the key or URL of each object as the table spells it, with what the table says of it.
    :param names: finds the key of an object in the listing.
    :param merge: makes one of what two spellings of one object say, or refuses.
    :param each: gives the single rows.
    :param source: the name of the table.
    :raises MetadataTableError: when rows of different spellings are of one object and ``merge`` refuses.
    """

    def __init__(
        self,
        entries: Iterable[tuple[str, Rows]],
        names: ObjectNames,
        *,
        merge: Callable[[Rows, Rows], Rows],
        each: Callable[[Rows], Iterable[TableRow]],
        source: str,
    ) -> None:
        self.source = source
        self.used = False
        """Whether any of the rows was asked for."""
        self._each = each
        self._rows: dict[str, Rows] = {}
        self._listed: set[str] = set()
        spellings: dict[ObjectIdentity | str, str] = {}
        for text, rows in entries:
            name = text
            if is_url(text.lstrip()):
                name = names.key_of(text) or spellings.setdefault(names.identity(text), text)
            earlier = self._rows.get(name)
            self._rows[name] = rows if earlier is None else merge(earlier, rows)

    def __iter__(self) -> Iterator[TableRow]:
        return (row for rows in self._rows.values() for row in self._each(rows))

    def get(self, key: str) -> Rows | None:
        """Give what the table says of an object, and count it as used.

        :param key: the key of the object in the listing.
        :returns: its rows; None when the table has none.
        """
        found = self._rows.get(key)
        if found is not None:
            self.used = True
        return found

    def saw(self, key: str) -> None:
        """Note that the listing has an object.

        :param key: its key.
        """
        if key in self._rows:
            self._listed.add(key)

    def unmatched(self) -> Iterator[TableRow]:
        """Give the rows of objects that the listing did not have, in the order of the table."""
        for name, rows in self._rows.items():
            if name not in self._listed:
                yield from self._each(rows)

    def __len__(self) -> int:
        return sum(1 for rows in self._rows.values() for _ in self._each(rows))


def rows_by_object(table: MetadataTable, names: ObjectNames) -> ObjectRows[TableRow]:
    """Join a metadata table, which has one row for each object.

    :param table: the table.
    :param names: finds the key of an object in the listing.
    :returns: the rows.
    :raises MetadataTableError: for two rows of one object; the message names both lines.
    """
    return ObjectRows(
        ((row.key, row) for row in table),
        names,
        merge=_refuse,
        each=lambda row: (row,),
        source=table.source,
    )


def frames_by_object(table: FrameTable, names: ObjectNames) -> ObjectRows[FrameRows]:
    """Join a table of frames, which has one row for each object and frame.

    :param table: the table.
    :param names: finds the key of an object in the listing.
    :returns: the rows by frame.
    :raises MetadataTableError: for two rows of one frame of one object; the message names both lines.
    """
    return ObjectRows(
        table.items(), names, merge=_all_frames, each=lambda rows: rows.values(), source=table.source
    )


def _refuse(one: TableRow, other: TableRow) -> TableRow:
    raise MetadataTableError(
        f"{other.where}: names the same object as {one.counted} {one.line}, {one.key!r}; keep one of the rows"
    )


def _all_frames(one: FrameRows, other: FrameRows) -> FrameRows:
    for frame in other:
        if frame in one:
            row, earlier = other[frame], one[frame]
            raise MetadataTableError(
                f"{row.where}: names the same object as {earlier.counted} {earlier.line}, {earlier.key!r}, and "
                f"frame {frame} again; keep one of the rows"
            )
    return {**one, **other}
