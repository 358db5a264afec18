"""Objects of an S3 bucket from its inventory report, in place of listing the bucket.

AWS writes the report daily or weekly: a ``manifest.json`` that names gzipped CSV, Parquet or ORC files. Source of
the format: the Amazon S3 user guide, "Inventory list".
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import itertools
import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from encord_provider.exceptions import ListingError
from encord_provider.listing.objects import ListedObject
from encord_provider.listing.order import in_key_order
from encord_provider.listing.s3 import explained
from encord_provider.tables.arrow import pyarrow_for
from encord_provider.text.limits import MAX_INVENTORY_LINE, MAX_MANIFEST_BYTES, MAX_UNZIPPED_RATIO
from encord_provider.text.strict_json import loads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 1024 * 1024
_BATCH = 10_000

# The CSV schema's names, and those of the Parquet and ORC columns.
_COLUMNS = {
    "Key": "key",
    "IsLatest": "is_latest",
    "IsDeleteMarker": "is_delete_marker",
    "Size": "size",
    "LastModifiedDate": "last_modified_date",
    "ETag": "e_tag",
    "StorageClass": "storage_class",
}

_REPORT_FOLDER = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}Z/")
"""The folder of one inventory report. Source: the Amazon S3 user guide, "Inventory list"."""


def list_inventory(
    client: S3Client, bucket: str, manifest_key: str, *, prefix: str = ""
) -> Iterator[ListedObject]:
    """List the objects that an inventory report names, in key order.

    Older versions and delete markers are left out. The files of the report are checked against the manifest's
    MD5 sums and sorted on disk, so memory does not grow with their number.

    :param client: a boto3 S3 client that may read the report.
    :param bucket: the bucket that holds the report.
    :param manifest_key: the key of the report's ``manifest.json``.
    :param prefix: what the keys of the objects must start with.
    :returns: the objects; their keys belong to the report's source bucket, see :func:`inventory_bucket`.
    :raises ListingError: when the report cannot be read or is damaged.
    :raises EncordConfigError: for a Parquet or ORC report without pyarrow.
    """
    manifest = _manifest(client, bucket, manifest_key)

    def objects() -> Iterator[ListedObject]:
        for entry in manifest["files"]:
            with tempfile.TemporaryFile() as file:
                _download(client, bucket, entry, file)
                uri = f"s3://{bucket}/{entry['key']}"
                for number, row in enumerate(_rows(file, manifest, uri), start=1):
                    one = _listed(row, f"{uri}, row {number}")
                    if one is not None and one.key.startswith(prefix):
                        yield one

    return in_key_order(objects())


def inventory_bucket(client: S3Client, bucket: str, manifest_key: str) -> str:
    """Find the bucket that an inventory report describes.

    :param client: a boto3 S3 client that may read the report.
    :param bucket: the bucket that holds the report.
    :param manifest_key: the key of the report's ``manifest.json``.
    :returns: the name of the source bucket.
    :raises ListingError: when the report cannot be read.
    """
    return str(_manifest(client, bucket, manifest_key)["sourceBucket"])


def newest_manifest(client: S3Client, bucket: str, folder: str) -> str:
    """Find the newest report of an inventory configuration that AWS has finished; it writes the manifest last.

    :param client: a boto3 S3 client that may list the reports.
    :param bucket: the bucket that holds the reports.
    :param folder: the prefix under which AWS writes a folder for each report, ending in ``/`` or empty.
    :returns: the key of the newest report's ``manifest.json``.
    :raises ListingError: when there is none, or the folder cannot be listed.
    """
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, Delimiter="/")
    with explained(bucket, f"prefix {folder!r}", action="s3:ListBucket"):
        reports = [
            common["Prefix"]
            for page in pages
            for common in page.get("CommonPrefixes", ())
            if _REPORT_FOLDER.fullmatch(common["Prefix"][len(folder) :])
        ]
        for report in sorted(reports, reverse=True):
            key = f"{report}manifest.json"
            found = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", ())
            if any(one["Key"] == key for one in found):
                return key
    raise ListingError(
        f"there is no inventory report in s3://{bucket}/{folder}: no folder like 2025-03-01T01-00Z/ with a "
        "manifest.json. Name the folder of the inventory configuration."
    )


def _manifest(client: S3Client, bucket: str, key: str) -> Mapping[str, Any]:
    with explained(bucket, f"inventory manifest {key!r}", action="s3:GetObject"):
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read(MAX_MANIFEST_BYTES + 1)
    try:
        if len(body) > MAX_MANIFEST_BYTES:
            raise ValueError(f"more than {MAX_MANIFEST_BYTES:,} bytes")
        manifest = loads(body)
        if not isinstance(manifest["files"], list) or manifest["fileFormat"] not in ("CSV", "Parquet", "ORC"):
            raise ValueError(f"fileFormat {manifest['fileFormat']!r}")
        if not isinstance(manifest["sourceBucket"], str) or not isinstance(manifest["fileSchema"], str):
            raise TypeError("sourceBucket and fileSchema must be text")
        if any(not isinstance(entry["key"], str) or not entry["key"] for entry in manifest["files"]):
            raise TypeError("the key of a file must be text")
    except (ValueError, KeyError, TypeError) as error:
        raise ListingError(
            f"s3://{bucket}/{key} is not a valid manifest of an S3 inventory ({error})"
        ) from None
    return dict(manifest)


def _download(client: S3Client, bucket: str, entry: Mapping[str, Any], file: IO[bytes]) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    with explained(bucket, f"inventory file {entry['key']!r}", action="s3:GetObject"):
        body = client.get_object(Bucket=bucket, Key=entry["key"])["Body"]
        for chunk in iter(lambda: body.read(_CHUNK), b""):
            digest.update(chunk)
            file.write(chunk)
    expected = entry.get("MD5checksum")
    if expected and digest.hexdigest() != str(expected).lower():
        raise ListingError(
            f"s3://{bucket}/{entry['key']} is not the file that the inventory's manifest names: its MD5 is "
            f"{digest.hexdigest()}, the manifest says {expected}"
        )
    file.seek(0)


def _rows(file: IO[bytes], manifest: Mapping[str, Any], uri: str) -> Iterator[Mapping[str, Any]]:
    if manifest["fileFormat"] == "CSV":
        return _csv_rows(file, [name.strip() for name in manifest["fileSchema"].split(",")], uri)
    return _arrow_rows(file, manifest["fileFormat"], uri)


def _csv_rows(file: IO[bytes], schema: Sequence[str], uri: str) -> Iterator[Mapping[str, Any]]:
    """The CSV form has no header line, and its keys are URL-encoded."""
    if "Key" not in schema:
        raise ListingError(f"{uri}: the inventory has no column Key")
    try:
        with gzip.open(file) as unzipped, io.TextIOWrapper(unzipped, encoding="utf-8", newline="") as text:
            lines = _bounded_lines(text, file, uri)
            for line, fields in enumerate(csv.reader(lines, strict=True), start=1):
                if len(fields) != len(schema):
                    raise ListingError(
                        f"{uri}, line {line}: {len(fields)} fields, the schema has {len(schema)}"
                    )
                row = {_COLUMNS.get(name, name): value for name, value in zip(schema, fields, strict=True)}
                row["key"] = unquote_plus(row["key"])
                yield row
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise ListingError(f"{uri}: damaged inventory file ({error})") from None


def _bounded_lines(text: IO[str], file: IO[bytes], uri: str) -> Iterator[str]:
    """The lines of a file, which gzip may make a thousand times as long as it is."""
    most = MAX_UNZIPPED_RATIO * max(_CHUNK, file.seek(0, os.SEEK_END))
    file.seek(0)
    characters = 0
    for number in itertools.count(1):
        line = text.readline(MAX_INVENTORY_LINE + 1)
        if not line:
            return
        characters += len(line)
        if len(line) > MAX_INVENTORY_LINE:
            raise ListingError(
                f"{uri}, line {number}: damaged inventory file (more than {MAX_INVENTORY_LINE:,} characters)"
            )
        if characters > most:
            raise ListingError(
                f"{uri}, line {number}: damaged inventory file (more than {MAX_UNZIPPED_RATIO} times as long once it "
                "is unzipped)"
            )
        yield line


def _arrow_rows(file: IO[bytes], file_format: str, uri: str) -> Iterator[Mapping[str, Any]]:
    pyarrow = pyarrow_for(
        f"{uri}: reading a {file_format} inventory", "parquet" if file_format == "Parquet" else "orc"
    )
    try:
        batches: Iterable[Any]
        if file_format == "Parquet":
            reader = pyarrow.parquet.ParquetFile(file)
            names = [name for name in reader.schema_arrow.names if name in _COLUMNS.values()]
            batches = reader.iter_batches(batch_size=_BATCH, columns=names)
        else:
            stripes = pyarrow.orc.ORCFile(file)
            names = [name for name in stripes.schema.names if name in _COLUMNS.values()]
            batches = (stripes.read_stripe(number, columns=names) for number in range(stripes.nstripes))
        if "key" not in names:
            raise ListingError(f"{uri}: the inventory has no column key")
        for batch in batches:
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise ListingError(f"{uri}: damaged inventory file ({error})") from None


def _listed(row: Mapping[str, Any], where: str) -> ListedObject | None:
    if str(row.get("is_delete_marker", "false")).lower() == "true":
        return None
    if str(row.get("is_latest", "true")).lower() == "false":
        return None
    key, size = row["key"], row.get("size")
    if not isinstance(key, str) or not key:
        raise ListingError(f"{where}: damaged inventory: the key is {'empty' if key == '' else repr(key)}")
    try:
        bytes_ = None if size in (None, "") else int(str(size))
        time = _time(row.get("last_modified_date"))
    except ValueError as error:
        raise ListingError(f"{where}, key {key!r}: damaged inventory: {error}") from None
    return ListedObject(
        key=key,
        size=bytes_,
        last_modified=time,
        storage_class=row.get("storage_class") or None,
        etag=row.get("e_tag") or None,
    )


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromisoformat(value) if value else None
