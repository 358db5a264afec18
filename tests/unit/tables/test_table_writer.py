"""Tables of client metadata come back as they were written."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encord_provider.tables import read_table
from encord_provider.tables.writer import TableWriter

ROWS = [
    {
        "key": "a",
        "n": 1,
        "f": 1.5,
        "b": True,
        "t": 'x,\n"y"',
        "e": [1.0, 2],
        "k": [1, 2],
        "m": 1,
        "o": {"p": None},
    },
    {"key": "b", "f": 2, "t": None, "m": "one", "é": "ü"},
]


def written(rows, file_format):
    out = io.BytesIO()
    with TableWriter(file_format, first_columns=["key"]) as table:
        for row in rows:
            table.add(row)
        table.write(out)
        assert table.rows == len(rows)
    return out.getvalue()


def test_json_lines_hold_every_value_exactly():
    assert [json.loads(line) for line in written(ROWS, "jsonl").splitlines()] == ROWS


def test_csv_has_a_column_for_each_key_and_json_for_what_is_no_text():
    text = written(ROWS, "csv").decode()
    assert text.splitlines()[0] == "key,b,e,f,k,m,n,o,t,é"
    table = read_table(text, source="t.csv")
    assert table.get("a").metadata == {
        "n": "1",
        "f": "1.5",
        "b": "true",
        "t": 'x,\n"y"',
        "e": "[1.0,2]",
        "k": "[1,2]",
        "m": "1",
        "o": '{"p":null}',
    }
    assert table.get("b").metadata == {"f": "2", "m": "one", "é": "ü"}


def test_parquet_keeps_types_and_writes_mixed_columns_as_json():
    table = read_table(written(ROWS, "parquet"), source="t.parquet")
    assert table.get("a").metadata == {
        **{k: v for k, v in ROWS[0].items() if k != "key"},
        "m": "1",
        "o": '{"p":null}',
    }
    assert table.get("b").metadata == {"f": 2.0, "m": '"one"', "é": "ü"}


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_a_table_without_rows_can_be_read(file_format):
    data = written([], file_format)
    assert len(read_table(data, source=f"t.{file_format}")) == 0


values = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["x", "y", "z"]), values), max_size=5))
def test_parquet_gives_back_what_columns_of_one_type_hold(rows):
    rows = [{**row, "key": str(number)} for number, row in enumerate(rows)]
    table = read_table(written(rows, "parquet"), source="t.parquet")
    for row in rows:
        found = table.get(row["key"]).metadata
        for name in ("x", "y", "z"):
            kinds = {type(one[name]) for one in rows if name in one}
            if len(kinds) == 1 and name in row:
                assert found[name] == row[name]
            assert (name in found) == (name in row)
