"""Reading the rows of a table, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from encord_provider.exceptions import MetadataTableError
from encord_provider.schema.keys import ENCORD_BLOCK, RESERVED_KEY, key_problem
from encord_provider.tables.exported import VALUES_COLUMN, exported_metadata
from encord_provider.tables.records import (
    Header,
    Record,
    csv_records,
    json_records,
    parquet_records,
)

TableFormat = Literal["csv", "jsonl", "parquet"]

KEY_COLUMNS = ("object_url", "objectUrl", "ObjectURL", "key", "object_key", "path")
"""The columns that name an object; the first of this list that a table has is taken unless the user names another.
What else of the list a table has is client metadata, as any other column. A file name is not among them: two objects
may share one."""

_FORMATS: Mapping[str, TableFormat] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_RECORDS: Mapping[str, Callable[[str | bytes, str], Iterator[Header | Record]]] = {
    "csv": csv_records,
    "jsonl": json_records,
    "parquet": parquet_records,
}


class ReadablePath(Protocol):
    """What is needed of a path: ``pathlib.Path`` and ``ObjectStoragePath`` have it."""

    def read_bytes(self) -> bytes:
        """Read the file.

        :returns: the whole content.
        """
        ...


@dataclass(frozen=True, slots=True)
class TableRow:
    """The metadata of one object.

    :param key: the object's key or URL, as the table gives it.
    :param metadata: the other columns that have a value: text from CSV, JSON values from JSON Lines and Parquet.
    :param line: the line on which the row starts; for Parquet and NumPy the number of the record. Both from 1.
    :param source: the name of the table.
    :param counted: what ``line`` counts, for messages.
    :param exported: whether the row is one of an exported table, whose values are exactly what an item had.
    """

    key: str
    metadata: Mapping[str, Any]
    line: int
    source: str
    counted: str = "line"
    exported: bool = False

    @property
    def place(self) -> str:
        """Where the row stands, for messages."""
        return f"{self.source}, {self.counted} {self.line}"

    @property
    def where(self) -> str:
        """Where the row stands and which object it names, for messages."""
        return f"{self.place}, row {self.key!r}"


class TableReader:
    """The rows of one table, in the order of the file. What is asked of every table is asked here.

    :param records: what the file holds.
    :param source: the name of the table, for messages.
    :param counted: what numbers the records, for messages: ``line`` or ``record``.
    :param key_column: the column that holds the object's key or URL; by default the first of
        :data:`KEY_COLUMNS` that the table has.
    """

    def __init__(
        self,
        records: Iterable[Header | Record],
        *,
        source: str,
        counted: str = "line",
        key_column: str | None = None,
    ) -> None:
        self.source = source
        self._records = records
        self._counted = counted
        self._key_column = key_column
        self._columns: dict[str, None] = {}
        self._exported = False

    @classmethod
    def open(
        cls,
        content: ReadablePath | str | bytes,
        *,
        source: str | None = None,
        key_column: str | None = None,
        format: TableFormat | None = None,
    ) -> TableReader:
        """Find the reader for a table.

        :param content: a path to read, or the content itself.
        :param source: the name of the table for messages; by default the path.
        :param key_column: the column that holds the object's key or URL, if it is none of the usual ones.
        :param format: ``csv``, ``jsonl`` or ``parquet``; by default told from the name of the source.
        :returns: the reader.
        :raises MetadataTableError: for another format.
        """
        name = source or (str(content) if not isinstance(content, str | bytes) else "metadata table")
        kind: str = format or _FORMATS.get(_suffix(name)) or ""
        if kind not in _RECORDS:
            raise MetadataTableError(
                f"{name}: a metadata table is CSV, JSON Lines or Parquet; name it .csv, .jsonl or .parquet, "
                "or give the format"
            )
        data = content if isinstance(content, str | bytes) else content.read_bytes()
        counted = "record" if kind == "parquet" else "line"
        return cls(_RECORDS[kind](data, name), source=name, counted=counted, key_column=key_column)

    @property
    def key_column(self) -> str:
        """The column that names the object; empty until the table has shown one."""
        return self._key_column or ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The other columns that the table has shown so far, in the order in which they appeared."""
        return tuple(self._columns)

    def __iter__(self) -> Iterator[TableRow]:
        """Read the rows.

        :raises MetadataTableError: for a file that is not valid, a column that is not a metadata key, and a row
            without a key. The message names source, line and column.
        """
        has_header = False
        for record in self._records:
            if isinstance(record, Header):
                self._learn(record.columns, record.place, in_header=True)
                has_header = True
                self._exported = VALUES_COLUMN in record.columns
                continue
            number, values = record
            if not has_header:
                self._learn(list(values), f"{self.source}, {self._counted} {number}")
            key = values.pop(self.key_column, None)
            if not isinstance(key, str) or not key:
                problem = "is empty" if key in (None, "") else f"must be text, got {key!r}"
                raise MetadataTableError(
                    f"{self.source}, {self._counted} {number}, column {self.key_column!r}: the key {problem}"
                )
            exported = self._exported if has_header else VALUES_COLUMN in values
            if exported:
                values = exported_metadata(values, place=f"{self.source}, {self._counted} {number}")
            yield TableRow(key, values, number, self.source, self._counted, exported)

    def _learn(self, columns: Sequence[str], place: str, *, in_header: bool = False) -> None:
        """Check columns that have not been seen, and find the one that names the object."""
        if in_header:
            # An exported table has whatever keys the items have.
            exported = VALUES_COLUMN in columns
            for position, column in enumerate(columns):
                if column != column.strip() and not exported:
                    raise MetadataTableError(
                        f"{place}: the column {column!r} has a blank at an end; rename it"
                    )
                if column in columns[:position]:
                    raise MetadataTableError(f"{place}: the column {column!r} is given twice")
        if self._key_column is None or self._key_column not in columns:
            self._key_column = _key_column(columns, self._key_column, place)
        if VALUES_COLUMN in columns:
            self._columns.update(dict.fromkeys(columns))
            return
        for position, column in enumerate(columns, start=1):
            if column == self._key_column or column in self._columns:
                continue
            if column not in (RESERVED_KEY, ENCORD_BLOCK) and (problem := key_problem(column)):
                where = f"{place}, column {position}" if in_header else place
                raise MetadataTableError(f"{where}: the column {problem}")
            self._columns[column] = None


def _key_column(columns: Sequence[str], wanted: str | None, place: str) -> str:
    if wanted is not None:
        if wanted not in columns:
            raise MetadataTableError(
                f"{place}: there is no column {wanted!r}; columns are {', '.join(columns)}"
            )
        return wanted
    if VALUES_COLUMN in columns:
        raise MetadataTableError(
            f"{place}: an exported table has several columns that name the item; say which is meant, for example "
            "key='uuid' with key_column='encord_uuid'"
        )
    found = next((column for column in KEY_COLUMNS if column in columns), None)
    if found is None:
        raise MetadataTableError(
            f"{place}: no column names the object; call it 'object_url' or 'key', or give key_column "
            f"(columns are {', '.join(columns)})"
        )
    return found


def _suffix(name: str) -> str:
    bare = name.partition("?")[0].lower()
    return next((suffix for suffix in _FORMATS if bare.endswith(suffix)), "")
