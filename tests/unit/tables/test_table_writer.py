"""Exported tables come back as they were written, whatever the metadata is."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encord_provider.exceptions import MetadataTableError
from encord_provider.tables import MetadataTable, read_table
from encord_provider.tables.exported import ITEM_COLUMNS, OWN_COLUMNS
from encord_provider.tables.writer import TableWriter
from encord_provider.text.json_values import exact_loads, same_json

Format = Literal["jsonl", "csv", "parquet"]
FORMATS: tuple[Format, ...] = ("jsonl", "csv", "parquet")


def written(items: Sequence[Mapping[str, Any]], file_format: Format) -> bytes:
    out = io.BytesIO()
    with TableWriter(file_format) as table:
        for number, metadata in enumerate(items):
            about = dict.fromkeys(ITEM_COLUMNS, None) | {"encord_uuid": str(number)}
            table.add(about, metadata)
        table.write(out)
        assert table.rows == len(items)
    return out.getvalue()


def read(data: bytes, file_format: Format) -> MetadataTable:
    return read_table(data, source=f"t.{file_format}", key_column="encord_uuid")


def came_back(items: Sequence[Mapping[str, Any]], file_format: Format) -> bool:
    table = read(written(items, file_format), file_format)
    assert len(table) == len(items)
    assert all(row.exported for row in table)
    return all(same_json(row.metadata, one) for row, one in zip(table, items, strict=True))


TEXTS = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8),
    st.sampled_from(
        [
            "",
            "5",
            "5.0",
            " 5",
            "true",
            "null",
            "NaN",
            "[1]",
            "{}",
            '"x"',
            '"',
            "1e999",
            "a,b",
            "\r",
            "\n",
            "-0",
        ]
    ),
    st.sampled_from(
        ["\ufeff5", "Infinity", "01", "\\u0041", '"\\ud800"', "cells", "=1+1", "\u2028", "[" * 3000]
    ),
)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, -1, 2**53, 2**53 + 1, -(2**63), 2**63 - 1, 2**63, 2**64 - 1, 2**64]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["1.50", "1e400", "-0", "0.10000000000000000001", "1E2"]).map(exact_loads),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS.map(lambda n: exact_loads(dumps_any(n))), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.one_of(
    st.sampled_from(["site", "score", "$encord", "keyframes", "", "a/b", "key", "path", "metadata:x", "é.b"]),
    st.sampled_from(sorted(OWN_COLUMNS)),
    TEXTS.filter(lambda text: len(text) < 100),
)
# Columns of one kind are likely only where few keys have values of one kind.
COLUMNS = st.sampled_from(
    [
        st.booleans(),
        st.integers(-5, 2**64),
        st.floats(-9, 9),
        TEXTS,
        st.lists(st.integers(-5, 5) | st.floats(-9, 9)),
    ]
)


def dumps_any(number: Any) -> str:
    return json.dumps(number) if isinstance(number, int | float) else repr(number)


@st.composite
def typed_items(draw: st.DrawFn) -> list[dict[str, Any]]:
    columns = draw(st.dictionaries(st.sampled_from(["a", "b", "encord_uuid"]), COLUMNS, max_size=3))
    rows = draw(st.lists(st.fixed_dictionaries({}, optional=columns), max_size=4))
    return [exact_loads(json.dumps(row)) for row in rows]


ITEMS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=4) | typed_items()


@pytest.mark.parametrize("file_format", FORMATS)
@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(items=ITEMS)
def test_any_metadata_comes_back(items: list[dict[str, Any]], file_format: Format) -> None:
    assert came_back(items, file_format)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_cell_of_many_characters_comes_back(file_format: Format) -> None:
    assert came_back([{"clip": [0.25] * 100_000, "note": '"' * 300_000}], file_format)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_table_without_rows_can_be_read(file_format: Format) -> None:
    assert came_back([], file_format)


def test_csv_shows_texts_as_they_are_and_what_looks_like_something_else_in_quotes() -> None:
    text = written(
        [{"n": 5, "ok": True, "site": "oslo", "zip": "0150", "code": "5", "none": None, "": ""}], "csv"
    )
    header, row = text.decode().splitlines()
    assert header.split(",")[5:] == ["encord_values", "", "code", "n", "none", "ok", "site", "zip"]
    assert row == '0,,,,,cells,"""""","""5""",5,null,true,oslo,0150'


def test_parquet_has_types_where_all_values_of_a_column_are_of_one() -> None:
    import pyarrow.parquet

    items = [{"n": 1, "f": 1, "b": True, "v": [1, 2.5], "m": 1}, {"n": 2, "f": 0.5, "m": "one"}]
    schema = pyarrow.parquet.read_schema(io.BytesIO(written(items, "parquet")))
    types = {name: str(schema.field(name).type) for name in "nfbvm"}
    assert types["n"] == "int64"
    assert types["f"] == "double"
    assert types["b"] == "bool"
    assert types["v"].startswith("list<")
    assert types["m"] == "string"


def test_a_row_that_does_not_say_how_it_is_written_is_refused() -> None:
    table = written([{"n": 5}], "csv").decode()
    with pytest.raises(
        MetadataTableError, match=r"t\.csv, line 3, column 'encord_values': it is empty.*'cells'"
    ):
        read((table + "1,,,,,,6\r\n").encode(), "csv")
    with pytest.raises(MetadataTableError, match="it is 'raw'"):
        read(table.replace("cells", "raw").encode(), "csv")


def test_an_exported_table_does_not_say_by_itself_which_column_names_the_item() -> None:
    with pytest.raises(MetadataTableError, match="key_column='encord_uuid'"):
        read_table(written([{"path": "a"}], "csv"), source="t.csv")
