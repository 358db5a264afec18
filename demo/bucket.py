"""What the demo puts into its bucket, and what a correct import of it must look like.

The expectations are worked out from the files themselves and from Encord's documents; nothing here uses the
provider, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from demo import media
from demo.scenes import picture

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Value = str | float | bool

BUCKET = "field-recordings"
REGION: Literal["eu-central-1"] = "eu-central-1"
DAYS: Sequence[date] = tuple(date(2025, 3, 1) + timedelta(days=n) for n in range(3))
TABLE_KEY = "tables/recordings.csv"
PREFIX = "site=*/dt={date}/"
KEY_PATTERN = r"site=(?P<site>[^/]+)/dt=(?P<captured_on>[^/]+)/"
SCHEMA: Mapping[str, Any] = {
    "site": "varchar",
    "captured_on": "datetime",
    "weather": {"type": "enum", "options": ["sun", "cloud", "rain"]},
    "vessels": "number",
    "reviewed": "boolean",
    "note": "text",
}
_WEATHER = ("sun", "cloud", "rain")
_SLICES = 6


@dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """One object of the bucket.

    :param key: the object's key
    :param day: the day whose prefix it lies under
    :param data: its bytes
    :param kind: the Encord item type that it must become (``IMAGE``, ``VIDEO``, ...); for a slice of a series
        ``DICOM_FILE``; None when Encord does not take such a file
    :param row: its values in the metadata table, in the types that the schema gives them
    """

    key: str
    day: date
    data: bytes = field(repr=False)
    kind: str | None
    row: Mapping[str, Value] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The key up to its last slash."""
        return self.key.rpartition("/")[0]


@dataclass(frozen=True, kw_only=True)
class ExpectedItem:
    """One item that the folder must hold after the import.

    :param kind: its Encord item type
    :param keys: the object it stands for; for a DICOM series the slices in order
    :param day: the day that brings it
    :param metadata: its whole custom metadata
    """

    kind: str
    keys: tuple[str, ...]
    day: date
    metadata: Mapping[str, Value]


def plan() -> list[PlannedFile]:
    """Every object of the bucket, in the order of days and sites."""
    return [file for day in DAYS for site in (_harbour, _orchard, _clinic) for file in site(day)]


def _harbour(day: date) -> Iterator[PlannedFile]:
    base, file = f"site=harbour/dt={day}", partial(PlannedFile, day=day)
    names = (
        "quay-1.jpg",
        "quay-2.jpg",
        "quay-3 at noon.jpg",
        "berth 4 + crane (north).jpg",
        "Zufahrt Köhlbrand.jpeg",
    )
    for index, name in enumerate(names):
        row: dict[str, Value] = {
            "weather": _WEATHER[(day.day + index) % 3],
            "vessels": 1.0 + index * 0.5,
            "reviewed": index % 2 == 0,
            "note": f'"clear, calm" at berth {index}',
        }
        image = picture("harbour", day, name)
        yield file(key=f"{base}/{name}", data=media.encode_picture(image, "jpeg"), kind="IMAGE", row=row)
    yield file(
        key=f"{base}/approach.mp4",
        data=media.video("harbour", day, "approach"),
        kind="VIDEO",
        row={"vessels": 3.0},
    )
    yield file(key=f"{base}/horn #1.wav", data=media.sound(f"{day}"), kind="AUDIO")
    log = f"{day} 06:00 pilot aboard\n{day} 06:40 all fast at berth 4\n"
    yield file(
        key=f"{base}/log 100%.txt", data=log.encode(), kind="PLAIN_TEXT", row={"note": "журнал, kept by hand"}
    )
    yield file(key=f"{base}/sonar.xyz", data=b"0.1 0.2 -7.4\n0.3 0.2 -7.6\n", kind=None)
    yield file(key=f"{base}/ais.parquet", data=b"PAR1 not read by anybody PAR1", kind=None)


def _orchard(day: date) -> Iterator[PlannedFile]:
    base, file = f"site=orchard/dt={day}", partial(PlannedFile, day=day)
    for index in range(1, 9):
        suffix, name = ("webp", "png")[index % 2], f"flight {index:02d}"
        row: dict[str, Value] = {"weather": _WEATHER[index % 3], "reviewed": index > 4} if index % 4 else {}
        image = picture("orchard", day, name)
        yield file(
            key=f"{base}/rows/{name}.{suffix}",
            data=media.encode_picture(image, suffix),
            kind="IMAGE",
            row=row,
        )
    yield file(
        key=f"{base}/überflug ünd zurück.mp4", data=media.video("orchard", day, "overflight"), kind="VIDEO"
    )
    yield file(key=f"{base}/flight.gpx", data=b"<gpx version='1.1'></gpx>", kind=None)


def _clinic(day: date) -> Iterator[PlannedFile]:
    base, file = f"site=clinic/dt={day}", partial(PlannedFile, day=day)
    for index in (1, 2):
        # The table names a series by one of its slices.
        row: dict[str, Value] = {"reviewed": True, "note": "read twice"} if index == 1 else {}
        for number, data in enumerate(media.dicom_series(f"{day}-ct{index}", day, slices=_SLICES), start=8):
            # Numbered without padding and across 9 to 10, so that only a natural order is the right one.
            key = f"{base}/ct {index}/slice {number}.dcm"
            yield file(key=key, data=data, kind="DICOM_FILE", row=row if number == 8 else {})
    for index in (1, 2):
        name = f"chest {index}"
        image = picture("clinic", day, name)
        yield file(
            key=f"{base}/{name}.png",
            data=media.encode_picture(image, "png"),
            kind="IMAGE",
            row={"reviewed": False},
        )
    yield file(key=f"{base}/volume.nii.gz", data=media.nifti(f"{day}"), kind="NIFTI")
    report = media.document(
        "Radiology report", day, ["No acute findings in this invented body.", f"Read on {day}."]
    )
    yield file(key=f"{base}/report (final).pdf", data=report, kind="PDF", row={"note": "signed"})
    yield file(key=f"{base}/unfinished.png", data=b"", kind=None)
    yield file(key=f"{base}/ct 1/", data=b"", kind=None)  # as the S3 console makes a folder


def expected_items(files: Sequence[PlannedFile]) -> list[ExpectedItem]:
    """The items that a correct import of ``files`` gives: one for each file, one for each folder of slices."""
    items: list[ExpectedItem] = []
    series: dict[str, list[PlannedFile]] = {}
    for file in files:
        if file.kind == "DICOM_FILE":
            series.setdefault(file.folder, []).append(file)
        elif file.kind:
            items.append(
                ExpectedItem(kind=file.kind, keys=(file.key,), day=file.day, metadata=_metadata(file))
            )
    for slices in series.values():
        metadata: dict[str, Value] = {
            name: value for file in slices for name, value in _metadata(file).items()
        }
        keys = tuple(file.key for file in slices)
        items.append(ExpectedItem(kind="DICOM_SERIES", keys=keys, day=slices[0].day, metadata=metadata))
    return items


def _metadata(file: PlannedFile) -> dict[str, Value]:
    site, day = (part.partition("=")[2] for part in file.key.split("/")[:2])
    return {"site": site, "captured_on": day, **file.row}


def _metadata_table(files: Sequence[PlannedFile]) -> bytes:
    columns = [name for name in SCHEMA if any(name in file.row for file in files)]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["key", *columns])
    for file in files:
        if file.row:
            writer.writerow([file.key, *(_cell(file.row.get(name)) for name in columns)])
    return text.getvalue().encode()


def _cell(value: Value | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def fill(client: S3Client, files: Sequence[PlannedFile]) -> None:
    """Create the bucket and put every file into it, and the metadata table: one row for each that has values."""
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for file in files:
        client.put_object(Bucket=BUCKET, Key=file.key, Body=file.data)
    client.put_object(Bucket=BUCKET, Key=TABLE_KEY, Body=_metadata_table(files))
