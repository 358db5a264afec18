"""Metadata tables: one row of client metadata per object, as CSV or JSON Lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from encord_provider.exceptions import MetadataTableError
from encord_provider.schema.keys import ENCORD_BLOCK, RESERVED_KEY, key_problem
from encord_provider.schema.strict_json import StrictJsonError, decode, loads

TableFormat = Literal["csv", "jsonl"]

KEY_COLUMNS = ("object_url", "objectUrl", "ObjectURL", "key", "object_key", "path")
"""The columns that name an object; the first one that a table has is taken unless the user names another.
A file name is not among them: two objects may share one."""

_FORMATS: Mapping[str, TableFormat] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class ReadablePath(Protocol):
    """What :func:`read_table` needs of a path: ``pathlib.Path`` and ``ObjectStoragePath`` have it."""

    def read_bytes(self) -> bytes:
        """Return the whole content."""
        ...


@dataclass(frozen=True, slots=True)
class TableRow:
    """The metadata of one object.

    :param key: the object's key or URL, as the table gives it.
    :param metadata: the other columns that have a value: text from CSV, JSON values from JSON Lines.
    :param line: the line on which the row starts, from 1.
    :param source: the name of the table.
    """

    key: str
    metadata: Mapping[str, Any]
    line: int
    source: str

    @property
    def where(self) -> str:
        """The place of the row, for messages."""
        return f"{self.source}, line {self.line}, row {self.key!r}"


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

    CSV follows RFC 4180 with a header line; an empty cell means that the object has no value for that key. JSON
    Lines has one object per line.

    :param content: a path to read, or the content itself.
    :param source: the name of the table for messages; by default the path.
    :param key_column: the column that holds the object's key or URL; by default the first of
        :data:`KEY_COLUMNS` that the table has.
    :param format: ``csv`` or ``jsonl``; by default told from the name of the source.
    :returns: the table.
    :raises MetadataTableError: for bytes that are no UTF-8, a row with too few or too many fields, a key that is
        missing or given twice, a column that is no metadata key, or broken JSON. The message names source, line
        and column.
    """
    name = source or (str(content) if not isinstance(content, str | bytes) else "metadata table")
    data = content if isinstance(content, str | bytes) else content.read_bytes()
    kind = format or _FORMATS.get(_suffix(name))
    if kind not in ("csv", "jsonl"):
        raise MetadataTableError(
            f"{name}: a metadata table is CSV or JSON Lines; name it .csv or .jsonl, or give the format"
        )
    try:
        text = decode(data)
    except StrictJsonError as error:
        raise MetadataTableError(f"{name}, {error}") from None
    reader = _CsvReader(name, key_column) if kind == "csv" else _JsonLinesReader(name, key_column)
    rows: dict[str, TableRow] = {}
    for row in reader.rows(text):
        if (earlier := rows.get(row.key)) is not None:
            raise MetadataTableError(
                f"{name}, line {row.line}, column {reader.key_column!r}: "
                f"{row.key!r} already has a row on line {earlier.line}"
            )
        rows[row.key] = row
    return MetadataTable(
        rows.values(), source=name, key_column=reader.key_column or "", columns=tuple(reader.columns)
    )


class _CsvReader:
    def __init__(self, source: str, key_column: str | None) -> None:
        self.source = source
        self.key_column = key_column
        self.columns: dict[str, None] = {}

    def rows(self, text: str) -> Iterator[TableRow]:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header: list[str] | None = None
        key_at = 0
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                raise MetadataTableError(
                    f"{self.source}, line {line}: broken CSV: {error}"
                ) from None
            if not fields:
                continue
            if header is None:
                header = fields
                key_at = self._read_header(header, line)
                continue
            if len(fields) != len(header):
                raise MetadataTableError(
                    f"{self.source}, line {line}: {len(fields)} fields, but the header has {len(header)}; "
                    "quote a value that holds a comma"
                )
            if not fields[key_at]:
                raise MetadataTableError(
                    f"{self.source}, line {line}, column {self.key_column!r}: the key is empty"
                )
            values = zip(header, fields, strict=True)
            metadata = {column: value for column, value in values if value and column != self.key_column}
            yield TableRow(fields[key_at], metadata, line, self.source)
        if header is None:
            raise MetadataTableError(f"{self.source}: the table is empty, not even a header line")

    def _read_header(self, header: list[str], line: int) -> int:
        for position, column in enumerate(header):
            if column in header[:position]:
                raise MetadataTableError(f"{self.source}, line {line}: the column {column!r} is given twice")
        self.key_column = _key_column(header, self.key_column, f"{self.source}, line {line}")
        for position, column in enumerate(header, start=1):
            if column != self.key_column:
                _check_column(column, f"{self.source}, line {line}, column {position}")
                self.columns[column] = None
        return header.index(self.key_column)


class _JsonLinesReader:
    def __init__(self, source: str, key_column: str | None) -> None:
        self.source = source
        self.key_column = key_column
        self.columns: dict[str, None] = {}

    def rows(self, text: str) -> Iterator[TableRow]:
        for line, one in enumerate(text.split("\n"), start=1):
            if not one.strip():
                continue
            where = f"{self.source}, line {line}"
            try:
                record = loads(one)
            except StrictJsonError as error:
                raise MetadataTableError(f"{where}, column {error.column}: {error.message}") from None
            if not isinstance(record, dict):
                raise MetadataTableError(
                    f"{where}: each line must be one JSON object, got {one.strip()[:40]!r}"
                )
            if self.key_column is None or self.key_column not in record:
                self.key_column = _key_column(list(record), self.key_column, where)
            key = record.pop(self.key_column)
            if not isinstance(key, str) or not key:
                raise MetadataTableError(
                    f"{where}, column {self.key_column!r}: the key must be text, got {key!r}"
                )
            for column in record:
                if column not in self.columns:
                    _check_column(column, where)
                    self.columns[column] = None
            yield TableRow(key, record, line, self.source)


def _key_column(columns: Sequence[str], wanted: str | None, where: str) -> str:
    if wanted is not None:
        if wanted not in columns:
            raise MetadataTableError(
                f"{where}: there is no column {wanted!r}; columns are {', '.join(columns)}"
            )
        return wanted
    found = next((column for column in KEY_COLUMNS if column in columns), None)
    if found is None:
        raise MetadataTableError(
            f"{where}: no column names the object; call it 'object_url' or 'key', or give key_column "
            f"(columns are {', '.join(columns)})"
        )
    return found


def _check_column(column: str, where: str) -> None:
    if column in (RESERVED_KEY, ENCORD_BLOCK):
        return
    if problem := key_problem(column):
        raise MetadataTableError(f"{where}: the column {problem}")


def _suffix(name: str) -> str:
    bare = name.partition("?")[0].lower()
    return next((suffix for suffix in _FORMATS if bare.endswith(suffix)), "")
