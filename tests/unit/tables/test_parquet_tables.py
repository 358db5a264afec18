import datetime as dt
import decimal
import sys

import pyarrow
import pytest
from pyarrow import parquet

from encord_provider.exceptions import EncordConfigError, MetadataTableError
from encord_provider.tables import read_table


@pytest.fixture
def write(tmp_path):
    def write(**columns):
        path = tmp_path / "labels.parquet"
        parquet.write_table(pyarrow.table(columns), path)
        return path

    return write


def test_parquet_values_become_what_json_has(write):
    table = read_table(
        write(
            key=["a.jpg", "b.jpg"],
            score=[0.5, None],
            good=[True, False],
            when=[dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), None],
            day=[dt.date(2026, 1, 2), None],
            clip=[[1.0, 2.0], None],
            deep=[{"x": 1}, None],
        )
    )
    assert table.get("a.jpg").metadata == {
        "score": 0.5,
        "good": True,
        "when": "2026-01-02T03:00:00+00:00",
        "day": "2026-01-02",
        "clip": [1.0, 2.0],
        "deep": {"x": 1},
    }
    assert table.get("b.jpg").metadata == {"good": False}
    assert table.get("b.jpg").where.endswith("labels.parquet, record 2, row 'b.jpg'")
    assert table.columns == ("score", "good", "when", "day", "clip", "deep")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"key": ["a", "a"]}, "labels.parquet, record 2, column 'key': 'a' already has a row on record 1"),
        ({"key": ["a", None]}, "record 2, column 'key': the key is empty"),
        ({"key": [1]}, "record 1, column 'key': the key must be text, got 1"),
        ({"name": ["a"]}, "no column names the object"),
        ({"key": ["a"], "a/b": [1]}, "the column 'a/b' is not a metadata key"),
        ({"key": ["a"], "n": [float("nan")]}, "record 1, column 'n': nan is not a JSON number"),
        ({"key": ["a"], "n": [[float("inf")]]}, "record 1, column 'n': inf is not a JSON number"),
        ({"key": ["a"], "n": [b"x"]}, "column 'n': JSON has nothing for a value of type bytes"),
        ({"key": ["a"], "n": [decimal.Decimal("1.5")]}, "JSON has nothing for a value of type Decimal"),
    ],
)
def test_what_json_does_not_have_is_named_by_record_and_column(write, columns, message):
    with pytest.raises(MetadataTableError) as caught:
        read_table(write(**columns))
    assert message in str(caught.value)


def test_another_file_is_no_parquet():
    with pytest.raises(MetadataTableError, match=r"t.parquet: .*Parquet file"):
        read_table(b"key,site\n", source="t.parquet")


def test_without_pyarrow_the_way_out_is_named(write, monkeypatch):
    path = write(key=["a"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EncordConfigError, match=r"pip install 'airflow-provider-encord\[parquet\]'"):
        read_table(path)


def test_columns_given_twice_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    columns = [pyarrow.array(["a.jpg"]), pyarrow.array([1]), pyarrow.array([2])]
    parquet.write_table(pyarrow.Table.from_arrays(columns, names=["key", "score", "score"]), path)
    with pytest.raises(MetadataTableError, match="the column 'score' is given twice"):
        read_table(path)


def test_a_column_with_a_blank_at_an_end_is_refused(write):
    with pytest.raises(MetadataTableError, match="the column ' site' has a blank at an end"):
        read_table(write(**{"key": ["a.jpg"], " site": ["oslo"]}))
