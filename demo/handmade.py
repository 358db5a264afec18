"""The types that no listing can tell from file names, in an upload spec that somebody writes by hand and drops.

A group of views, a sequence of frames, a scene and a time series; the bundled DAG ``encord_spec_import`` finds the spec
in the bucket.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from demo import media
from demo.bucket import BUCKET, DAYS, REGION
from demo.readback import RegisteredItem
from demo.scenes import picture

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DAG_ID = "encord_spec_import"
FOLDER = "Field recordings/Handmade specs"
INBOX = "inbox/"
SPEC_NAME = "rare types.json"
_METADATA = {"site": "harbour", "note": "put together by hand"}
_VIEWS = tuple(f"handmade/quay/view {number}.png" for number in (1, 2, 9, 10))
_FRAMES = tuple(f"handmade/crane/frame {number}.jpg" for number in range(3))
_CLOUD = "handmade/quay wall.pcd"
_TIDE = "handmade/tide.csv"


def drop(client: S3Client) -> None:
    """Put the files and the spec into the bucket; the same bytes each time."""
    for key, data in _files(DAYS[0]):
        client.put_object(Bucket=BUCKET, Key=key, Body=data)
    client.put_object(Bucket=BUCKET, Key=f"{INBOX}{SPEC_NAME}", Body=json.dumps(_spec(), indent=1).encode())


def params(workspace: str) -> dict[str, Any]:
    """The parameters of the bundled DAG."""
    return {"bucket": BUCKET, "prefix": INBOX, "folder": FOLDER, "workspace": workspace}


def differences(client: S3Client, items: Sequence[RegisteredItem]) -> Iterator[str]:
    """Say how the registered items differ from the spec, and whether the spec was moved aside with its receipt."""
    found = {item.name: (item.kind, item.keys, item.metadata) for item in items}
    expected = {
        "Quay, four views": ("IMAGE_GROUP", _VIEWS, _METADATA),
        "Crane, three frames": ("IMAGE_SEQUENCE", _FRAMES, _METADATA),
        "Quay wall": ("SCENE", (_CLOUD,), _METADATA),
        "Tide": ("TIMESERIES", (_TIDE,), _METADATA),
    }
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            yield f"{name} is {found.get(name)}, expected {expected.get(name)}"
    if len(items) != len(expected):
        yield f"{len(items)} items from the dropped spec, expected {len(expected)}"
    left = [entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET, Prefix=INBOX).get("Contents", ())]
    names = {key.rpartition("/")[2] for key in left if key.startswith(f"{INBOX}done/")}
    if f"{INBOX}{SPEC_NAME}" in left or names != {SPEC_NAME, f"{SPEC_NAME}.receipt.json"}:
        yield f"the dropped spec was not moved aside with its receipt: {left}"


def _files(day: date) -> Iterator[tuple[str, bytes]]:
    for key in _VIEWS:
        yield key, media.encode_picture(picture("harbour", day, key), "png")
    for number, key in enumerate(_FRAMES):
        yield key, media.encode_picture(picture("harbour", day, "crane", moment=number / 3), "jpeg")
    points = "\n".join(f"{x / 10} 0 {x % 3}" for x in range(30))
    header = "VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 30\nHEIGHT 1\nPOINTS 30\nDATA ascii"
    yield _CLOUD, f"{header}\n{points}\n".encode()
    rows = "\n".join(f"{hour},{1.5 + hour % 6 / 10}" for hour in range(24))
    yield _TIDE, f"hour,metres\n{rows}\n".encode()


def _spec() -> Mapping[str, Any]:
    def numbered(keys: Sequence[str]) -> dict[str, str]:
        return {f"objectUrl_{number}": _url(key) for number, key in enumerate(keys)}

    group = {
        "title": "Quay, four views",
        "createVideo": False,
        "clientMetadata": _METADATA,
        **numbered(_VIEWS),
    }
    sequence = {
        "title": "Crane, three frames",
        "createVideo": True,
        "clientMetadata": _METADATA,
        **numbered(_FRAMES),
    }
    scene = {"wall": {"type": "point_cloud", "events": [{"uri": _url(_CLOUD)}]}}
    return {
        "image_groups": [group, sequence],
        "scenes": [{"title": "Quay wall", "clientMetadata": _METADATA, "scene": scene}],
        "time_series": [{"objectUrl": _url(_TIDE), "title": "Tide", "clientMetadata": _METADATA}],
    }


def _url(key: str) -> str:
    return f"https://{BUCKET}.s3.{REGION}.amazonaws.com/{quote(key)}"
