"""Writing rows of client metadata as a table whose columns are known only when the last row is."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any, Literal

import orjson

from encord_provider.tables.arrow import pyarrow_for

_BATCH = 10_000
_PURPOSE = "Writing a Parquet table"
_MIXED = "json"
_WIDER = {
    frozenset(("integer", "number")): "number",
    frozenset(("integers", "numbers")): "numbers",
}


class TableWriter:
    """Collect rows in a temporary file, then write them as JSON Lines, CSV or Parquet.

    Memory does not grow with the number of rows.

    :param file_format: ``jsonl``, ``csv`` or ``parquet``.
    :param first_columns: columns that come first, whatever the rows hold; the others follow by name.
    :raises EncordConfigError: for Parquet without pyarrow.
    """

    def __init__(
        self, file_format: Literal["jsonl", "csv", "parquet"], *, first_columns: Sequence[str] = ()
    ) -> None:
        self.file_format = file_format
        self.rows = 0
        self._first = tuple(first_columns)
        self._kinds: dict[str, str | None] = {}
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        if file_format == "parquet":
            pyarrow_for(_PURPOSE)

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """Add one row.

        :param row: JSON values by column.
        """
        for name, value in row.items():
            self._kinds[name] = _joined(self._kinds.get(name), value)
        self._file.write(orjson.dumps(row) + b"\n")
        self.rows += 1

    def write(self, file: IO[bytes]) -> None:
        """Write the table.

        :param file: where to.
        """
        self._file.seek(0)
        if self.file_format == "jsonl":
            shutil.copyfileobj(self._file, file)
        elif self.file_format == "csv":
            self._write_csv(file)
        else:
            self._write_parquet(file)

    @property
    def _columns(self) -> list[str]:
        return [*self._first, *sorted(name for name in self._kinds if name not in self._first)]

    def _read(self) -> Iterator[dict[str, Any]]:
        return (orjson.loads(line) for line in self._file)

    def _write_csv(self, file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.DictWriter(text, self._columns, restval="", lineterminator="\r\n")
        writer.writeheader()
        for row in self._read():
            writer.writerow({name: _cell(value) for name, value in row.items()})
        text.flush()
        text.detach()

    def _write_parquet(self, file: IO[bytes]) -> None:
        pyarrow = pyarrow_for(_PURPOSE)
        types = {
            "boolean": pyarrow.bool_(),
            "integer": pyarrow.int64(),
            "number": pyarrow.float64(),
            "integers": pyarrow.list_(pyarrow.int64()),
            "numbers": pyarrow.list_(pyarrow.float64()),
        }
        schema = pyarrow.schema(
            [(name, types.get(self._kinds.get(name) or "", pyarrow.string())) for name in self._columns]
        )
        with pyarrow.parquet.ParquetWriter(file, schema) as writer:
            rows = self._read()
            while batch := list(islice(rows, _BATCH)):
                filled = [
                    {name: self._parquet_value(name, row.get(name)) for name in self._columns}
                    for row in batch
                ]
                writer.write_table(pyarrow.Table.from_pylist(filled, schema=schema))

    def _parquet_value(self, name: str, value: Any) -> Any:
        kind = self._kinds.get(name)
        if value is None:
            return None
        if kind == _MIXED:
            return orjson.dumps(value).decode()
        if kind == "numbers":
            return [float(one) for one in value]
        return float(value) if kind == "number" else value


def _joined(kind: str | None, value: Any) -> str | None:
    """The kind of a column that has had values of a kind and gets one more."""
    if value is None:
        return kind
    new = _kind(value)
    if kind is None or kind == new:
        return new
    return _WIDER.get(frozenset((kind, new)), _MIXED)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list) and value and all(type(one) in (int, float) for one in value):
        return "integers" if all(type(one) is int for one in value) else "numbers"
    return _MIXED


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
