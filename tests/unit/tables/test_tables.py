import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import MetadataTableError
from encord_provider.tables import read_table


def test_csv_rows_are_found_by_key_and_remember_their_line():
    table = read_table('key,site,note\na.jpg,oslo,"two\nlines"\n\nb.jpg,bergen,\n', source="labels.csv")
    assert table.get("a.jpg").metadata == {"site": "oslo", "note": "two\nlines"}
    assert table.get("b.jpg").metadata == {"site": "bergen"}
    assert (table.get("a.jpg").line, table.get("b.jpg").line) == (2, 5)
    assert table.get("b.jpg").where == "labels.csv, line 5, row 'b.jpg'"
    assert (len(table), table.key_column, table.columns) == (2, "key", ("site", "note"))
    assert [row.key for row in table] == ["a.jpg", "b.jpg"]
    assert table.get("c.jpg") is None


def test_json_lines_keep_their_types():
    table = read_table('{"object_url": "s3://b/a", "n": 1, "x": null}\n\n{"object_url": "s3://b/b", "e": [1]}\n',
                       source="labels.jsonl")  # fmt: skip
    assert table.get("s3://b/a").metadata == {"n": 1, "x": None}
    assert table.get("s3://b/b").metadata == {"e": [1]}
    assert table.get("s3://b/b").line == 3
    assert table.columns == ("n", "x", "e")


def test_a_path_is_read_and_named(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbfkey,site\r\na.jpg,\xc3\xb8st\r\n")
    table = read_table(path)
    assert table.source == str(path)
    assert table.get("a.jpg").metadata == {"site": "øst"}


def test_the_object_url_comes_before_the_key_and_the_user_before_both():
    text = "key,object_url,site\na,s3://b/a,x\n"
    assert read_table(text, source="t.csv").key_column == "object_url"
    assert read_table(text, source="t.csv", key_column="key").get("a").metadata == {
        "object_url": "s3://b/a",
        "site": "x",
    }


def test_a_table_with_a_header_only_is_empty():
    assert len(read_table("key,site\n", source="t.csv")) == 0


def test_key_frames_may_be_a_column():
    assert read_table('key,keyframes\na.mp4,"[0, 30]"\n', source="t.csv").get("a.mp4").metadata == {
        "keyframes": "[0, 30]"
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("key,site\na\n", "t.csv, line 2: 1 fields, but the header has 2"),
        (
            "key,site\na,b,c\n",
            "t.csv, line 2: 3 fields, but the header has 2; quote a value that holds a comma",
        ),
        ("key,site\n,b\n", "t.csv, line 2, column 'key': the key is empty"),
        ("key,site\na,1\nb,2\na,3\n", "t.csv, line 4, column 'key': 'a' already has a row on line 2"),
        ('key,site\na,"x\n', "t.csv, line 2: broken CSV: unexpected end of data"),
        ('key,site\na,"x"y\n', "t.csv, line 2: broken CSV: ',' expected after '\"'"),
        ("key,site,site\n", "t.csv, line 1: the column 'site' is given twice"),
        ("key,si/te\n", "t.csv, line 1, column 2: the column 'si/te' is not a metadata key"),
        ("key,\n", "t.csv, line 1, column 2: the column '' is not a metadata key"),
        ("key,$encord.x\n", "t.csv, line 1, column 2: the column '$encord.x' starts with $"),
        (
            "name,site\n",
            "t.csv, line 1: no column names the object; call it 'object_url' or 'key', or give key_column",
        ),
        ("", "t.csv: the table is empty"),
        ("\n\n", "t.csv: the table is empty"),
        (b"key,site\na,\xe6\n", "t.csv, line 2, column 3: byte 0xe6 is not UTF-8"),
    ],
)
def test_broken_csv_names_file_line_and_column(text, message):
    with pytest.raises(MetadataTableError) as caught:
        read_table(text, source="t.csv")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"key": "a"}\n{"key": "b",}\n', "t.jsonl, line 2, column 12: trailing comma before '}'"),
        ('{"key": "a", "n": 1, "n": 2}\n', "t.jsonl, line 1, column 22: the key 'n' is given twice"),
        ('["a"]\n', "t.jsonl, line 1: each line must be one JSON object"),
        ('{"n": 1}\n', "t.jsonl, line 1: no column names the object"),
        ('{"key": "a"}\n{"n": 1}\n', "t.jsonl, line 2: there is no column 'key'; columns are n"),
        ('{"key": ""}\n', "t.jsonl, line 1, column 'key': the key is empty"),
        ('{"key": 7}\n', "the key must be text, got 7"),
        ('{"key": "a"}\n{"key": "a"}\n', "t.jsonl, line 2, column 'key': 'a' already has a row on line 1"),
        ('{"key": "a", "$x": 1}\n', "t.jsonl, line 1: the column '$x' starts with $"),
        ('{"key": "a", "n": NaN}\n', "t.jsonl, line 1, column 19: NaN is not a JSON number"),
        (b'{"key": "\xff"}\n', "t.jsonl, line 1, column 10: byte 0xff is not UTF-8"),
    ],
)
def test_broken_json_lines_name_file_line_and_column(text, message):
    with pytest.raises(MetadataTableError) as caught:
        read_table(text, source="t.jsonl")
    assert message in str(caught.value)


def test_another_format_is_refused():
    with pytest.raises(MetadataTableError, match=r"t.xlsx: a metadata table is CSV, JSON Lines or Parquet"):
        read_table("", source="t.xlsx")


def test_a_key_column_that_is_not_there_names_those_that_are():
    with pytest.raises(
        MetadataTableError, match=r"t.csv, line 1: there is no column 'file'; columns are key, site"
    ):
        read_table("key,site\n", source="t.csv", key_column="file")


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(rows=st.dictionaries(CELLS.filter(bool), st.tuples(CELLS, CELLS), max_size=6))
def test_any_table_that_the_csv_module_writes_is_read_back(rows):
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["key", "a", "b"])
    writer.writerows([key, *values] for key, values in rows.items())
    table = read_table(out.getvalue().encode(), source="t.csv")
    assert {row.key: dict(row.metadata) for row in table} == {
        key: {name: value for name, value in zip("ab", values, strict=True) if value}
        for key, values in rows.items()
    }


def test_the_first_usual_column_names_the_object_and_the_others_are_metadata():
    text = "score,object_key,object_url\n1,a.jpg,s3://b/a.jpg\n"
    table = read_table(text, source="t.csv")
    assert (table.key_column, table.columns) == ("object_url", ("score", "object_key"))
    assert read_table(text, source="t.csv", key_column="object_key").get("a.jpg").metadata == {
        "score": "1",
        "object_url": "s3://b/a.jpg",
    }


def test_blanks_around_the_names_of_columns_and_a_byte_order_mark_do_not_count():
    table = read_table("\ufeffkey , site\na.jpg,oslo\n".encode(), source="t.csv")
    assert table.get("a.jpg").metadata == {"site": "oslo"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key,site, site\na.jpg,1,2\n", "t.csv, line 1: the column 'site' is given twice"),
        ("key;site\na.jpg;oslo\n", "t.csv, line 1: the columns are separated by ';'; save the table as CSV"),
        ("key\tsite\na.jpg\toslo\n", "t.csv, line 1: the columns are separated by tabs"),
    ],
)
def test_a_header_that_means_something_else_is_refused(text, says):
    with pytest.raises(MetadataTableError, match=re.escape(says)):
        read_table(text, source="t.csv")


def test_a_cell_larger_than_any_metadata_is_refused():
    with pytest.raises(
        MetadataTableError, match=r"t\.csv, line 2: broken CSV: field larger than field limit"
    ):
        read_table("key,site\na," + "x" * (40 * 1024 * 1024 + 1) + "\n", source="t.csv")
