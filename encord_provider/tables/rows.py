"""Reading the rows of a table, whatever its format: CSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from encord_provider.exceptions import EncordConfigError, MetadataTableError
from encord_provider.schema.keys import ENCORD_BLOCK, RESERVED_KEY, key_problem
from encord_provider.text.strict_json import StrictJsonError, decode, loads

TableFormat = Literal["csv", "jsonl", "parquet"]

KEY_COLUMNS = ("object_url", "objectUrl", "ObjectURL", "key", "object_key", "path")
"""The columns that name an object; the first one that a table has is taken unless the user names another.
A file name is not among them: two objects may share one."""

_FORMATS: Mapping[str, TableFormat] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_BATCH = 10_000


class ReadablePath(Protocol):
    """What is needed of a path: ``pathlib.Path`` and ``ObjectStoragePath`` have it."""

    def read_bytes(self) -> bytes:
        """Return the whole content."""
        ...


@dataclass(frozen=True, slots=True)
class TableRow:
    """The metadata of one object.

    :param key: the object's key or URL, as the table gives it.
    :param metadata: the other columns that have a value: text from CSV, JSON values from JSON Lines and Parquet.
    :param line: the line on which the row starts; for Parquet the number of the record. Both from 1.
    :param source: the name of the table.
    :param counted: what ``line`` counts, for messages.
    """

    key: str
    metadata: Mapping[str, Any]
    line: int
    source: str
    counted: str = "line"

    @property
    def place(self) -> str:
        """Where the row stands, for messages."""
        return f"{self.source}, {self.counted} {self.line}"

    @property
    def where(self) -> str:
        """Where the row stands and which object it names, for messages."""
        return f"{self.place}, row {self.key!r}"


class RowReader(Protocol):
    """The rows of one table. What the columns are is known when the rows have been read."""

    source: str
    key_column: str | None
    columns: dict[str, None]

    def rows(self) -> Iterator[TableRow]:
        """The rows in the order of the file.

        :raises MetadataTableError: for a row that cannot be read.
        """
        ...


def open_rows(
    content: ReadablePath | str | bytes,
    *,
    source: str | None,
    key_column: str | None,
    format: TableFormat | None,
) -> RowReader:
    """Find the reader for a table.

    Takes what :func:`~encord_provider.schema.read_table` takes.

    :returns: the reader.
    :raises MetadataTableError: for another format, or bytes that are no UTF-8.
    """
    name = source or (str(content) if not isinstance(content, str | bytes) else "metadata table")
    kind = format or _FORMATS.get(_suffix(name))
    if kind not in ("csv", "jsonl", "parquet"):
        raise MetadataTableError(
            f"{name}: a metadata table is CSV, JSON Lines or Parquet; name it .csv, .jsonl or .parquet, "
            "or give the format"
        )
    data = content if isinstance(content, str | bytes) else content.read_bytes()
    if kind == "parquet":
        return _ParquetReader(data if isinstance(data, bytes) else data.encode(), name, key_column)
    try:
        text = decode(data)
    except StrictJsonError as error:
        raise MetadataTableError(f"{name}, {error}") from None
    return _CsvReader(text, name, key_column) if kind == "csv" else _JsonLinesReader(text, name, key_column)


class _CsvReader:
    def __init__(self, text: str, source: str, key_column: str | None) -> None:
        self._text = text
        self.source = source
        self.key_column = key_column
        self.columns: dict[str, None] = {}

    def rows(self) -> Iterator[TableRow]:
        reader = csv.reader(io.StringIO(self._text, newline=""), strict=True)
        header: list[str] | None = None
        key_at = 0
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                raise MetadataTableError(f"{self.source}, line {line}: broken CSV: {error}") from None
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
    def __init__(self, text: str, source: str, key_column: str | None) -> None:
        self._text = text
        self.source = source
        self.key_column = key_column
        self.columns: dict[str, None] = {}

    def rows(self) -> Iterator[TableRow]:
        for line, one in enumerate(self._text.split("\n"), start=1):
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


class _ParquetReader:
    def __init__(self, data: bytes, source: str, key_column: str | None) -> None:
        self._data = data
        self.source = source
        self.key_column = key_column
        self.columns: dict[str, None] = {}

    def rows(self) -> Iterator[TableRow]:
        try:
            import pyarrow  # type: ignore[import-untyped, import-not-found, unused-ignore]
            from pyarrow import parquet  # type: ignore[import-untyped, import-not-found, unused-ignore]
        except ImportError:
            raise EncordConfigError(
                f"{self.source}: reading a Parquet table needs pyarrow: "
                "pip install 'airflow-provider-encord[parquet]'"
            ) from None
        try:
            file = parquet.ParquetFile(pyarrow.BufferReader(self._data))
            names = list(file.schema_arrow.names)
            self.key_column = _key_column(names, self.key_column, self.source)
            for name in names:
                if name != self.key_column:
                    _check_column(name, self.source)
                    self.columns[name] = None
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH):
                for record in batch.to_pylist():
                    number += 1
                    yield self._row(record, number)
        except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
            raise MetadataTableError(f"{self.source}: no Parquet file: {error}") from None

    def _row(self, record: dict[str, Any], number: int) -> TableRow:
        place = f"{self.source}, record {number}"
        key = record.pop(self.key_column or "")
        if not isinstance(key, str) or not key:
            raise MetadataTableError(
                f"{place}, column {self.key_column!r}: the key must be text, got {key!r}"
            )
        metadata = {
            column: _json_value(value, f"{place}, column {column!r}")
            for column, value in record.items()
            if value is not None
        }
        return TableRow(key, metadata, number, self.source, "record")


def _json_value(value: Any, where: str) -> Any:
    """What JSON has for a Parquet value."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise MetadataTableError(f"{where}: {value} is no JSON number; leave the value empty")
    if isinstance(value, list | tuple):
        return [_json_value(one, where) for one in value]
    if isinstance(value, dict):
        return {str(key): _json_value(one, where) for key, one in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise MetadataTableError(
        f"{where}: JSON has nothing for a value of type {type(value).__name__}; convert it"
    )


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
