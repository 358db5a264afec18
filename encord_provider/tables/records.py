"""What the formats of tables hold: CSV, JSON Lines, Parquet and NumPy, record by record.

What a record must have is not asked here, see :class:`~encord_provider.tables.reader.TableReader`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import tokenize
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from encord_provider.exceptions import EncordConfigError, MetadataTableError
from encord_provider.tables.arrow import pyarrow_for
from encord_provider.tables.exported import VALUES_COLUMN
from encord_provider.text.json_values import exact_loads
from encord_provider.text.limits import (
    MAX_EXPANDED_BYTES,
    MAX_LINE_CHARACTERS,
    MAX_TABLE_ROWS,
)
from encord_provider.text.strict_json import StrictJsonError, decode, loads

_BATCH = 10_000

Record: TypeAlias = tuple[int, dict[str, Any]]
"""The line or number of a record, from 1, and its values by column."""


class Header(NamedTuple):
    """The columns of a table whose format names them once, before the records.

    :param place: where they stand, for messages.
    :param columns: the columns in order.
    """

    place: str
    columns: Sequence[str]


def csv_records(data: str | bytes, source: str) -> Iterator[Header | Record]:
    """Read CSV after RFC 4180 with a header line.

    :param data: the content.
    :param source: the name of the table.
    :returns: the header, its cells without blanks around them, and the records; empty cells are left out.
    :raises MetadataTableError: for anything else, and for fields that are separated by other than commas.
    """
    # The limit of the csv module, 131,072, holds for the whole process and is smaller than an embedding.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_CHARACTERS))
    reader = csv.reader(io.StringIO(_text(data, source), newline=""), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise MetadataTableError(f"{source}, line {line}: broken CSV: {error}") from None
        if not fields:
            continue
        if header is None:
            # The keys of an exported table are those of the items, blanks included.
            header = fields if VALUES_COLUMN in fields else [field.strip() for field in fields]
            if len(header) == 1 and (other := next((one for one in ";\t|" if one in header[0]), None)):
                name = {"\t": "tabs"}.get(other, repr(other))
                raise MetadataTableError(
                    f"{source}, line {line}: the columns are separated by {name}; save the table as CSV with commas"
                )
            yield Header(f"{source}, line {line}", header)
        elif len(fields) != len(header):
            raise MetadataTableError(
                f"{source}, line {line}: {len(fields)} fields, but the header has {len(header)}; "
                "quote a value that holds a comma"
            )
        else:
            cells = zip(header, fields, strict=True)
            yield line, {column: value for column, value in cells if value}
    if header is None:
        raise MetadataTableError(f"{source}: the table is empty, not even a header line")


def json_records(data: str | bytes, source: str) -> Iterator[Header | Record]:
    """Read JSON Lines: one object on each line.

    :param data: the content.
    :param source: the name of the table.
    :returns: the records, without a header.
    :raises MetadataTableError: for anything else.
    """
    for line, one in enumerate(_text(data, source).split("\n"), start=1):
        if not one.strip():
            continue
        if len(one) > MAX_LINE_CHARACTERS:
            raise MetadataTableError(
                f"{source}, line {line}: {len(one):,} characters, the limit is {MAX_LINE_CHARACTERS:,}"
            )
        try:
            values = loads(one)
        except StrictJsonError as error:
            place = f"{source}, line {line}, column {error.column}"
            raise MetadataTableError(f"{place}: {error.message}") from None
        if not isinstance(values, dict):
            raise MetadataTableError(
                f"{source}, line {line}: each line must be one JSON object, got {one.strip()[:40]!r}"
            )
        yield line, exact_loads(one) if VALUES_COLUMN in values else values


def parquet_records(data: str | bytes, source: str) -> Iterator[Header | Record]:
    """Read Parquet.

    :param data: the content.
    :param source: the name of the table.
    :returns: the header and the records with JSON values; nulls are left out. Times are read in microseconds, as
        Python has them.
    :raises MetadataTableError: for anything else, for a value that JSON does not have, and for a time that is not a
        whole number of microseconds: cutting it off would change it without a word.
    :raises EncordConfigError: without pyarrow.
    """
    pyarrow = pyarrow_for(f"{source}: reading a Parquet table")
    try:
        buffer = pyarrow.BufferReader(data if isinstance(data, bytes) else data.encode())
        file = pyarrow.parquet.ParquetFile(buffer)
        _check_expansion(file.metadata, source)
        yield Header(source, list(file.schema_arrow.names))
        number = 0
        for batch in file.iter_batches(batch_size=_BATCH):
            columns = [
                _python_values(pyarrow, column, name, source=source, before=number)
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            ]
            for record in zip(*columns, strict=True):
                number += 1
                place = f"{source}, record {number}"
                values = {
                    name: _json_value(value, f"{place}, column {name!r}")
                    for name, value in zip(batch.schema.names, record, strict=True)
                    if value is not None
                }
                yield number, values
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise MetadataTableError(f"{source}: not a valid Parquet file: {error}") from None


def numpy_records(
    data: bytes, source: str, *, keys: Sequence[str], key_column: str, column: str
) -> Iterator[Header | Record]:
    """Read a NumPy file that holds one vector for each key.

    :param data: the content of a ``.npy`` file: a two-dimensional array of numbers.
    :param source: the name of the table.
    :param keys: the key of each row of the array.
    :param key_column: the column that the keys are given in.
    :param column: the column that the vectors are given in.
    :returns: the header and the records.
    :raises MetadataTableError: for another file or shape, another number of keys, NaN and infinity.
    :raises EncordConfigError: without NumPy.
    """
    try:
        import numpy as np
    except ImportError:
        raise EncordConfigError(f"{source}: reading a .npy file needs NumPy: pip install numpy") from None
    try:
        if not data.startswith(np.lib.format.MAGIC_PREFIX):
            # A zip archive of arrays, whatever they unpack to; or a pickle.
            raise ValueError("it does not begin as one")
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError, SyntaxError, tokenize.TokenError) as error:
        raise MetadataTableError(f"{source}: not a valid NumPy array file: {error}") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiu":
        shape = getattr(array, "shape", None)
        raise MetadataTableError(
            f"{source}: embeddings are a two-dimensional array of numbers, got shape {shape}"
        )
    if len(array) != len(keys):
        raise MetadataTableError(f"{source}: {len(array)} rows, but {len(keys)} keys")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        raise MetadataTableError(f"{source}, record {bad[0] + 1}: NaN or infinity, which JSON does not have")
    yield Header(source, (key_column, column))
    for number, (key, vector) in enumerate(zip(keys, array, strict=True), start=1):
        yield number, {key_column: key, column: vector.tolist()}


def _python_values(pyarrow: Any, column: Any, name: str, *, source: str, before: int) -> list[Any]:
    """The values of a column of some records; ``before`` is how many records there are in front of them."""
    wanted = _in_microseconds(pyarrow, column.type)
    try:
        values: list[Any] = (column if wanted == column.type else column.cast(wanted)).to_pylist()
        return values
    except (ValueError, OverflowError) as error:
        if len(column) == 1:
            raise MetadataTableError(
                f"{source}, record {before + 1}, column {name!r}: the {column.type} cannot be read ({error}); a "
                "time has whole microseconds and a year from 1 to 9999. Round it, or write it as text"
            ) from None
    # Taken, not sliced: a cast looks at all values of lists, also at those outside a slice.
    half, count = len(column) // 2, len(column)
    return [
        *_python_values(pyarrow, column.take(pyarrow.array(range(half))), name, source=source, before=before),
        *_python_values(
            pyarrow, column.take(pyarrow.array(range(half, count))), name, source=source, before=before + half
        ),
    ]


def _in_microseconds(pyarrow: Any, kind: Any) -> Any:
    """The type with microseconds where an Arrow type has nanoseconds, which Python's own times do not have."""
    types = pyarrow.types
    if types.is_timestamp(kind) and kind.unit == "ns":
        return pyarrow.timestamp("us", kind.tz)
    if types.is_dictionary(kind):
        return _in_microseconds(pyarrow, kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = _in_microseconds(pyarrow, kind.value_type)
        return kind if inner == kind.value_type else pyarrow.list_(inner)
    if types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        return pyarrow.struct([one.with_type(_in_microseconds(pyarrow, one.type)) for one in fields])
    return kind


def _check_expansion(metadata: Any, source: str) -> None:
    """Refuse a Parquet file that says it holds more than a table may, before it is unpacked."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    for count, limit, what in (
        (metadata.num_rows, MAX_TABLE_ROWS, "rows"),
        (sum(group.total_byte_size for group in groups), MAX_EXPANDED_BYTES, "bytes once unpacked"),
    ):
        if count > limit:
            raise MetadataTableError(f"{source}: {count:,} {what}, the limit is {limit:,}; divide the table")


def _text(data: str | bytes, source: str) -> str:
    try:
        return decode(data)
    except StrictJsonError as error:
        raise MetadataTableError(f"{source}, {error}") from None


def _json_value(value: Any, where: str) -> Any:
    """What JSON has for a Parquet value."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise MetadataTableError(f"{where}: {value} is not a JSON number; leave the value empty")
    if isinstance(value, list | tuple):
        return [_json_value(one, where) for one in value]
    if isinstance(value, dict):
        return {str(key): _json_value(one, where) for key, one in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise MetadataTableError(
        f"{where}: JSON has nothing for a value of type {type(value).__name__}; convert it"
    )
