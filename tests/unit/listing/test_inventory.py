# ruff: noqa: TID253  (a test may import what the package must not)

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import sys
from urllib.parse import quote_plus

import boto3
import pyarrow
import pytest
from moto import mock_aws
from pyarrow import orc, parquet

from encord_provider.exceptions import EncordConfigError, ListingError
from encord_provider.listing import ListedObject, inventory_bucket, list_inventory

TIME = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"
ROWS = [
    ("in/b ü+c.jpg", "true", "false", 7),
    ("in/a.jpg", "true", "false", 5),
    ("in/old.jpg", "false", "false", 5),
    ("in/gone.jpg", "true", "true", None),
    ("out/x.jpg", "true", "false", 0),
]
LISTED = [
    ListedObject("in/a.jpg", 5, TIME, "STANDARD", "abc"),
    ListedObject("in/b ü+c.jpg", 7, TIME, "STANDARD", "abc"),
]


@pytest.fixture
def client():
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_bucket(Bucket="reports")
        yield client


def csv_file(rows):
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    for key, latest, marker, size in rows:
        size = "" if size is None else size
        time = "2026-01-02T03:04:05.000Z"
        writer.writerow(
            ["media", quote_plus(key, safe="/"), "v1", latest, marker, size, time, "abc", "STANDARD"]
        )
    return gzip.compress(out.getvalue().encode(), mtime=0)


def arrow_file(rows, write):
    columns = {
        "bucket": ["media"] * len(rows),
        "key": [row[0] for row in rows],
        "is_latest": [row[1] == "true" for row in rows],
        "is_delete_marker": [row[2] == "true" for row in rows],
        "size": [row[3] for row in rows],
        "last_modified_date": pyarrow.array([TIME] * len(rows), pyarrow.timestamp("ms", "UTC")),
        "e_tag": ["abc"] * len(rows),
        "storage_class": ["STANDARD"] * len(rows),
        "encryption_status": ["NOT-SSE"] * len(rows),
    }
    out = io.BytesIO()
    write(pyarrow.table(columns), out)
    return out.getvalue()


def write_report(client, files, file_format="CSV", /, **changes):
    entries = []
    for number, data in enumerate(files):
        client.put_object(Bucket="reports", Key=f"data/{number}", Body=data)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        entries.append({"key": f"data/{number}", "size": len(data), "MD5checksum": md5})
    manifest = {
        "sourceBucket": "media",
        "destinationBucket": "arn:aws:s3:::reports",
        "fileFormat": file_format,
        "fileSchema": SCHEMA,
        "files": entries,
        **changes,
    }
    client.put_object(Bucket="reports", Key="manifest.json", Body=json.dumps(manifest))


def files_of(file_format):
    if file_format == "CSV":
        return [csv_file(ROWS[:1]), csv_file(ROWS[1:])]
    write = parquet.write_table if file_format == "Parquet" else orc.write_table
    return [arrow_file(ROWS[:1], write), arrow_file(ROWS[1:], write)]


@pytest.mark.parametrize("file_format", ["CSV", "Parquet", "ORC"])
def test_a_report_lists_the_current_objects_in_key_order(client, file_format):
    write_report(client, files_of(file_format), file_format)
    assert list(list_inventory(client, "reports", "manifest.json", prefix="in/")) == LISTED
    assert [one.key for one in list_inventory(client, "reports", "manifest.json")][2:] == ["out/x.jpg"]
    assert inventory_bucket(client, "reports", "manifest.json") == "media"


def test_a_report_may_leave_columns_out(client):
    data = gzip.compress(b'"media","in/a.jpg"\n')
    write_report(client, [data], fileSchema="Bucket, Key")
    assert list(list_inventory(client, "reports", "manifest.json")) == [ListedObject("in/a.jpg")]


def test_a_file_that_changed_is_not_read(client):
    write_report(client, [csv_file(ROWS)])
    client.put_object(Bucket="reports", Key="data/0", Body=csv_file(ROWS[:1]))
    with pytest.raises(ListingError, match=r"s3://reports/data/0 is not the file .* its MD5 is"):
        list(list_inventory(client, "reports", "manifest.json"))


@pytest.mark.parametrize(
    ("file_format", "data", "message"),
    [
        ("CSV", b"not gzip", r"s3://reports/data/0: damaged inventory file \(Not a gzipped file"),
        ("CSV", csv_file(ROWS)[:-12], "damaged inventory file"),
        ("CSV", gzip.compress(b'"media","a"\n', mtime=0), "line 1: 2 fields, the schema has 9"),
        ("CSV", gzip.compress(b"\xff", mtime=0), "damaged inventory file"),
        ("Parquet", b"not parquet", "damaged inventory file"),
        ("ORC", b"not orc", "damaged inventory file"),
    ],
    ids=["not gzipped", "cut off", "too few fields", "not UTF-8", "not Parquet", "not ORC"],
)
def test_a_damaged_file_is_named(client, file_format, data, message):
    write_report(client, [data], file_format)
    with pytest.raises(ListingError, match=message):
        list(list_inventory(client, "reports", "manifest.json"))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"no json",
        b'{"files": [{}], "fileFormat": "CSV", "sourceBucket": "b", "fileSchema": ""}',
    ],
)
def test_another_file_is_no_manifest(client, body):
    client.put_object(Bucket="reports", Key="manifest.json", Body=body)
    with pytest.raises(
        ListingError, match=r"s3://reports/manifest.json is not a valid manifest of an S3 inventory"
    ):
        list_inventory(client, "reports", "manifest.json")


def test_a_report_without_keys_is_refused(client):
    write_report(client, [gzip.compress(b'"media"\n')], fileSchema="Bucket")
    with pytest.raises(ListingError, match="the inventory has no column Key"):
        list(list_inventory(client, "reports", "manifest.json"))


def test_a_missing_manifest_is_named(client):
    with pytest.raises(ListingError, match=r"inventory manifest 'none.json': there is no such object"):
        list_inventory(client, "reports", "none.json")


def test_without_pyarrow_the_way_out_is_named(client, monkeypatch):
    write_report(client, [b""], "Parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        EncordConfigError, match=r"needs pyarrow: pip install 'airflow-provider-encord\[parquet\]'"
    ):
        list(list_inventory(client, "reports", "manifest.json"))


def test_a_manifest_of_another_format_is_refused(client):
    for changes in ({"fileFormat": "JSON"}, {"sourceBucket": None}, {"files": [{"key": 1}]}):
        write_report(client, [], **changes)
        with pytest.raises(ListingError, match="is not a valid manifest of an S3 inventory"):
            list_inventory(client, "reports", "manifest.json")


def test_a_parquet_report_without_keys_is_refused(client):
    out = io.BytesIO()
    parquet.write_table(pyarrow.table({"bucket": ["media"]}), out)
    write_report(client, [out.getvalue()], "Parquet")
    with pytest.raises(ListingError, match="the inventory has no column key"):
        list(list_inventory(client, "reports", "manifest.json"))


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("Size", "big", r"row 1, key 'a\.jpg': damaged inventory: .*'big'"),
        ("LastModifiedDate", "yesterday", r"row 1, key 'a\.jpg': damaged inventory: .*'yesterday'"),
        ("Key", "", "row 1: damaged inventory: the key is empty"),
    ],
)
def test_a_bad_value_of_a_row_is_named(client, column, value, says):
    row = {"Key": "a.jpg", "Size": "1", "LastModifiedDate": "2026-01-02T03:04:05.000Z", column: value}
    data = gzip.compress((",".join(f'"{one}"' for one in row.values()) + "\n").encode(), mtime=0)
    write_report(client, [data], fileSchema=", ".join(row))
    with pytest.raises(ListingError, match=says):
        list(list_inventory(client, "reports", "manifest.json"))


def test_a_null_key_is_named(client):
    out = io.BytesIO()
    parquet.write_table(pyarrow.table({"key": pyarrow.array([None], pyarrow.string())}), out)
    write_report(client, [out.getvalue()], "Parquet")
    with pytest.raises(ListingError, match="row 1: damaged inventory: the key is None"):
        list(list_inventory(client, "reports", "manifest.json"))


class _Reports:
    """A bucket with one report, of one file with this content."""

    def __init__(self, data, **manifest):
        said = {
            "sourceBucket": "media",
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, Size",
            "files": [{"key": "1.csv.gz"}],
        }
        self._objects = {"manifest.json": json.dumps(said | manifest).encode(), "1.csv.gz": data}

    def get_object(self, *, Bucket, Key):  # noqa: N803 - as boto3 has it
        return {"Body": io.BytesIO(self._objects[Key])}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"x" * 30_000_000, r"line 1: .*65,536"),
        (b'"media","a","1"\n' * 300_000, r"line [\d]+: .*200 times"),
    ],
)
def test_a_file_that_unzips_to_too_much_is_refused_in_time(text, named, monkeypatch):
    from encord_provider.listing import inventory

    # What is as long as a chunk may grow to 200 times that; a smaller chunk keeps the test short.
    monkeypatch.setattr(inventory, "_CHUNK", 1024)
    data = gzip.compress(text, 9, mtime=0)
    with pytest.raises(ListingError, match=rf"s3://reports/1\.csv\.gz, {named}"):
        list(list_inventory(_Reports(data), "reports", "manifest.json"))


@pytest.mark.parametrize("files", ["[" * 300 + "]" * 300, '"x"', "[{}]", '[{"key": ""}]'])
def test_a_manifest_that_is_not_one_is_named(files):
    reports = _Reports(b"")
    reports._objects["manifest.json"] = (
        b'{"sourceBucket": "b", "fileFormat": "CSV", "fileSchema": "Key", "files": %s}' % (files.encode())
    )
    with pytest.raises(ListingError, match=r"s3://reports/manifest\.json"):
        list(list_inventory(reports, "reports", "manifest.json"))
