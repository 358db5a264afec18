"""Writing the client metadata of items as a table whose columns are known only when the last item is."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any, Literal

from encord_provider.tables.arrow import pyarrow_for
from encord_provider.tables.exported import (
    CELL_VALUES,
    ITEM_COLUMNS,
    JSON_VALUES,
    VALUES_COLUMN,
    cell_of,
    column_of,
)
from encord_provider.text.json_values import dumps, exact_loads, nearest_numbers

_BATCH = 10_000
_PURPOSE = "Writing a Parquet table"
_FLOAT_INTEGER = 2**53
"""Up to here a float holds every integer."""
_CELLS = "cells"
_WIDER = {
    frozenset(("integer", "long")): "long",
    frozenset(("integer", "number")): "number",
    frozenset(("integers", "numbers")): "numbers",
}


class TableWriter:
    """Collect items in a temporary file, then write them as JSON Lines, CSV or Parquet.

    What it writes is an exported table, see :mod:`encord_provider.tables.exported`: JSON Lines has the values as they
    are, CSV has cells. Parquet has a column of booleans, numbers or lists of numbers where all its values are such, and
    cells otherwise. Memory does not grow with the number of rows.

    :param file_format: ``jsonl``, ``csv`` or ``parquet``.
    :param about: the columns that say what a row is about.
    :raises EncordConfigError: for Parquet without pyarrow.
    """

    def __init__(
        self, file_format: Literal["jsonl", "csv", "parquet"], *, about: Sequence[str] = ITEM_COLUMNS
    ) -> None:
        self.file_format = file_format
        self.rows = 0
        self._own = (*about, VALUES_COLUMN)
        self._kinds: dict[str, str] = {}
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        if file_format == "parquet":
            pyarrow_for(_PURPOSE)

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def add(self, item: Mapping[str, str | None], metadata: Mapping[str, Any]) -> None:
        """Add the row of one item.

        :param item: what its columns say of the item.
        :param metadata: its client metadata, read by :func:`~encord_provider.text.json_values.exact_loads`.
        """
        values = {column_of(key): value for key, value in metadata.items()}
        for name, value in values.items():
            self._kinds[name] = _joined(self._kinds.get(name), value)
        written = JSON_VALUES if self.file_format == "jsonl" else CELL_VALUES
        self._file.write(dumps({**item, VALUES_COLUMN: written, **values}) + b"\n")
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
        return [*self._own, *sorted(self._kinds)]

    def _read(self) -> Iterator[dict[str, Any]]:
        return (exact_loads(line.decode()) for line in self._file)

    def _write_csv(self, file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.DictWriter(text, self._columns, restval="", lineterminator="\r\n")
        writer.writeheader()
        for row in self._read():
            writer.writerow(
                {name: (value or "") if name in self._own else cell_of(value) for name, value in row.items()}
            )
        text.flush()
        text.detach()

    def _write_parquet(self, file: IO[bytes]) -> None:
        pyarrow = pyarrow_for(_PURPOSE)
        types = {
            "boolean": pyarrow.bool_(),
            "integer": pyarrow.int64(),
            "long": pyarrow.int64(),
            "number": pyarrow.float64(),
            "integers": pyarrow.list_(pyarrow.int64()),
            "numbers": pyarrow.list_(pyarrow.float64()),
        }
        schema = pyarrow.schema(
            [(name, types.get(self._kinds.get(name, ""), pyarrow.string())) for name in self._columns]
        )
        with pyarrow.parquet.ParquetWriter(file, schema) as writer:
            rows = self._read()
            while batch := list(islice(rows, _BATCH)):
                filled = [
                    {
                        name: self._parquet_value(name, row[name]) if name in row else None
                        for name in self._columns
                    }
                    for row in batch
                ]
                writer.write_table(pyarrow.Table.from_pylist(filled, schema=schema))

    def _parquet_value(self, name: str, value: Any) -> Any:
        if name in self._own:
            return value
        kind = self._kinds[name]
        if kind == _CELLS:
            return cell_of(value)
        # A float may have been written in another way than Python would write it.
        if kind == "numbers":
            return [float(nearest_numbers(one)) for one in value]
        return float(nearest_numbers(value)) if kind == "number" else value


def _joined(kind: str | None, value: Any) -> str:
    """The kind of a column that has had values of a kind and gets one more."""
    new = _kind(value)
    if kind is None or kind == new:
        return new
    return _WIDER.get(frozenset((kind, new)), _CELLS)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        if abs(value) <= _FLOAT_INTEGER:
            return "integer"
        return "long" if -(2**63) <= value < 2**63 else _CELLS
    if isinstance(value, float):
        return "number"
    if isinstance(value, list) and value and all(_kind(one) in ("integer", "number") for one in value):
        return "integers" if all(isinstance(one, int) for one in value) else "numbers"
    return _CELLS
