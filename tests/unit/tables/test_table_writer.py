"""Exported tables come back as they were written, whatever the metadata is."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest

from encord_provider.exceptions import MetadataTableError
from encord_provider.tables import MetadataTable, read_table
from encord_provider.tables.exported import ITEM_COLUMNS
from encord_provider.tables.writer import TableWriter
from encord_provider.text.json_values import same_json

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
