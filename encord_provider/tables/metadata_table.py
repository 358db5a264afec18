"""Metadata tables: one row of client metadata per object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from encord_provider.exceptions import MetadataTableError
from encord_provider.tables.rows import ReadablePath, TableFormat, TableRow, open_rows


class MetadataTable:
    """The rows of a table by object key or URL, held in memory.

    :param rows: the rows; their keys must differ.
    :param source: the name of the table.
    :param key_column: the column that names the object.
    :param columns: the other columns, in the order in which they appear.
    """

    def __init__(
        self, rows: Iterable[TableRow], *, source: str, key_column: str, columns: Sequence[str] = ()
    ) -> None:
        self.source = source
        self.key_column = key_column
        self.columns = tuple(columns)
        self._rows = {row.key: row for row in rows}

    def get(self, key: str) -> TableRow | None:
        """Return the row of an object, None when the table has none.

        :param key: the key or URL as it stands in the key column.
        """
        return self._rows.get(key)

    def __iter__(self) -> Iterator[TableRow]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)


def read_table(
    content: ReadablePath | str | bytes,
    *,
    source: str | None = None,
    key_column: str | None = None,
    format: TableFormat | None = None,
) -> MetadataTable:
    """Read a metadata table whole.

    CSV follows RFC 4180 with a header line; an empty cell means that the object has no value for that key, as a
    null does in Parquet. JSON Lines has one object per line.

    :param content: a path to read, or the content itself.
    :param source: the name of the table for messages; by default the path.
    :param key_column: the column that holds the object's key or URL; by default the first of
        :data:`~encord_provider.tables.rows.KEY_COLUMNS` that the table has.
    :param format: ``csv``, ``jsonl`` or ``parquet``; by default told from the name of the source.
    :returns: the table.
    :raises MetadataTableError: for bytes that are no UTF-8, a row with too few or too many fields, a key that is
        missing or given twice, a column that is no metadata key, or broken JSON. The message names source, line
        and column.
    :raises EncordConfigError: for a Parquet table without pyarrow.
    """
    reader = open_rows(content, source=source, key_column=key_column, format=format)
    rows: dict[str, TableRow] = {}
    for row in reader.rows():
        if (earlier := rows.get(row.key)) is not None:
            raise MetadataTableError(
                f"{row.place}, column {reader.key_column!r}: {row.key!r} already has a row on "
                f"{row.counted} {earlier.line}"
            )
        rows[row.key] = row
    return MetadataTable(
        rows.values(), source=reader.source, key_column=reader.key_column or "", columns=tuple(reader.columns)
    )
