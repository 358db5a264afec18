"""Tables: what Python's own csv and json modules, and the values that pyarrow was given, say of them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pyarrow
from pyarrow import parquet

from encord_provider.tables import read_table
from tests.oracles.drawing import columns, json_value, number, object_key, text
from tests.oracles.running import Oracle, same

_EPOCH = dt.datetime(1970, 1, 1)


def _keys(random: Random, most: int = 5) -> list[str]:
    return list(dict.fromkeys(object_key(random) for _ in range(random.randint(0, most))))


def _read(data: bytes, name: str) -> dict[str, Any]:
    return {row.key: dict(row.metadata) for row in read_table(data, source=name)}


def csv_tables(random: Random) -> None:
    """CSV is read as the csv module reads it; empty cells have no value."""
    names = columns(random)
    header = ["key", *names]
    random.shuffle(header)
    out = io.StringIO(newline="")
    # The writer quotes only what its own line ends are made of.
    end, quoting = random.choice((("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL)))
    writer = csv.DictWriter(out, header, lineterminator=end, quoting=quoting)
    writer.writeheader()
    for key in _keys(random):
        writer.writerow({"key": key, **{name: text(random) for name in names}})
    written = out.getvalue()
    expected = {
        row.pop("key"): {name: value for name, value in row.items() if value}
        for row in csv.DictReader(io.StringIO(written, newline=""))
    }
    mark = random.choice(("", "\ufeff"))
    same(_read((mark + written).encode(), "t.csv"), expected, written)


def json_lines(random: Random) -> None:
    """JSON Lines is read as the json module reads each line."""
    names = columns(random)
    rows = [{"key": key, **{name: json_value(random) for name in names}} for key in _keys(random)]
    lines = [json.dumps(row, ensure_ascii=random.random() < 0.5) for row in rows]
    data = random.choice(("\n", "\r\n", "\n\n")).join(lines)
    expected = {}
    for line in lines:
        row = json.loads(line)
        expected[row.pop("key")] = row
    same(_read(data.encode(), "t.jsonl"), expected, data)


def _time(step: int) -> Callable[[Random], dt.datetime]:
    return lambda random: _EPOCH + dt.timedelta(microseconds=random.randrange(4 * 10**15) // step * step)


_COLUMNS: tuple[tuple[Any, Callable[[Random], Any], Callable[[Any], Any]], ...] = (
    (pyarrow.int64(), lambda random: random.randint(-(2**63), 2**63 - 1), int),
    (pyarrow.uint64(), lambda random: random.randint(0, 2**64 - 1), int),
    (pyarrow.float64(), lambda random: float(number(random)), float),
    (pyarrow.bool_(), lambda random: random.random() < 0.5, bool),
    (pyarrow.string(), text, str),
    (pyarrow.large_string(), text, str),
    (pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), text, str),
    (pyarrow.date32(), lambda random: _time(1)(random).date(), dt.date.isoformat),
    (pyarrow.timestamp("s"), _time(1_000_000), dt.datetime.isoformat),
    (pyarrow.timestamp("ms"), _time(1_000), dt.datetime.isoformat),
    (pyarrow.timestamp("us"), _time(1), dt.datetime.isoformat),
    (pyarrow.timestamp("ns"), _time(1), dt.datetime.isoformat),
    (
        pyarrow.timestamp("ns", "UTC"),
        lambda random: _time(1)(random).replace(tzinfo=dt.UTC),
        dt.datetime.isoformat,
    ),
    (pyarrow.list_(pyarrow.float64()), lambda random: [float(number(random)) for _ in range(3)], list),
    (
        pyarrow.list_(pyarrow.timestamp("ns")),
        lambda random: [_time(1)(random) for _ in range(random.randint(0, 2))],
        lambda value: [one.isoformat() for one in value],
    ),
    (
        pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string())]),
        lambda random: {"a": random.choice((None, 5)), "b": text(random)},
        dict,
    ),
)


def parquet_tables(random: Random) -> None:
    """Parquet is read as what pyarrow was given, times in ISO 8601; nulls have no value."""
    keys = _keys(random)
    arrays: dict[str, Any] = {"key": pyarrow.array(keys, pyarrow.string())}
    expected: dict[str, dict[str, Any]] = {key: {} for key in keys}
    for name in columns(random):
        kind, draw, shown = random.choice(_COLUMNS)
        values = [None if random.random() < 0.2 else draw(random) for _ in keys]
        arrays[name] = pyarrow.array(values, kind)
        for key, value in zip(keys, values, strict=True):
            if value is not None:
                expected[key][name] = shown(value)
    out = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays), out)
    same(_read(out.getvalue(), "t.parquet"), expected, arrays)


ORACLES = (
    Oracle(name="tables: csv", check=csv_tables, share=15),
    Oracle(name="tables: json", check=json_lines, share=15),
    Oracle(name="tables: pyarrow", check=parquet_tables, share=5),
)
