"""Metadata tables: one row of client metadata per object."""

from __future__ import annotations

from collections.abc import Iterator

from encord_provider.exceptions import MetadataTableError
from encord_provider.tables.reader import ReadablePath, TableFormat, TableReader, TableRow


class MetadataTable:
    """The rows of a table by object key or URL, held in memory.

    :param reader: the rows, one for each object.
    :raises MetadataTableError: for a row that cannot be read, and for two rows with one key.
    """

    def __init__(self, reader: TableReader) -> None:
        self._rows: dict[str, TableRow] = {}
        for row in reader:
            if (earlier := self._rows.setdefault(row.key, row)) is not row:
                raise MetadataTableError(
                    f"{row.place}, column {reader.key_column!r}: {row.key!r} already has a row on "
                    f"{row.counted} {earlier.line}"
                )
        self.source = reader.source
        self.key_column = reader.key_column
        self.columns = reader.columns
        """The other columns, in the order in which they appear."""

    def get(self, key: str) -> TableRow | None:
        """Find the row of an object by the spelling that the table has.

        :param key: the key or URL as it stands in the key column.
        :returns: the row, None when the table has none.
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
        :data:`~encord_provider.tables.reader.KEY_COLUMNS` that the table has.
    :param format: ``csv``, ``jsonl`` or ``parquet``; by default told from the name of the source.
    :returns: the table.
    :raises MetadataTableError: for bytes that are not UTF-8, a row with too few or too many fields, a key that is
        missing or given twice, a column that is not a metadata key, or broken JSON. The message names source, line
        and column.
    :raises EncordConfigError: for a Parquet table without pyarrow.
    """
    return MetadataTable(TableReader.open(content, source=source, key_column=key_column, format=format))
