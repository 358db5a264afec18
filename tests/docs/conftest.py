"""What the pages take for granted: a bucket ``lake`` with recordings of some days, and an Airflow with a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.pages import blocks

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

BUCKET = "lake"
RECORDINGS = (
    "site=oslo/dt={day}/quay-1.jpg",
    "site=oslo/dt={day}/quay-2.jpg",
    "site=oslo/dt={day}/crane.mp4",
    "site=oslo/dt={day}/manual.docx",
    "site=bergen/dt={day}/gate.png",
)


def recorded_days() -> list[str]:
    """The days of the pages, and those that a run without a logical date may own."""
    now = datetime.now(UTC)
    return ["2026-05-01", "2026-05-02", *(f"{now + timedelta(days=one):%Y-%m-%d}" for one in (-1, 0, 1))]


def _remove(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", ()):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])
    s3.delete_bucket(Bucket=bucket)


@pytest.fixture
def buckets_of_the_policy(s3: Any) -> Iterator[Any]:
    """moto's S3 with the empty buckets that the policy on the security page names."""
    names = (BUCKET, "lake-workspace", "lake-specs")
    for name in names:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield s3
    for name in names:
        _remove(s3, name)


@pytest.fixture
def lake(encord: EncordEmulator, s3: Any) -> Iterator[Any]:
    """moto's S3 with the bucket of the pages, and the files that blocks of the pages stand for."""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for day in recorded_days():
        for key in RECORDINGS:
            s3.put_object(Bucket=BUCKET, Key=key.format(day=day), Body=b"recording")
    for block in blocks("csv", "json", "yaml"):
        if block.target:
            assert block.target.startswith(f"s3://{BUCKET}/"), block.name
            s3.put_object(Bucket=BUCKET, Key=block.target.split("/", 3)[3], Body=block.text.encode())
    yield s3
    _remove(s3, BUCKET)


@pytest.fixture
def shell_environment(encord: EncordEmulator, tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that finds ``airflow`` and the Airflow of the tests."""
    import sys

    bin_folder = str(Path(sys.executable).parent)
    root = str(Path(__file__).parents[2])
    return {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": root,
        # Nothing is encrypted, so that what a command has stored can be read here.
        "AIRFLOW__CORE__FERNET_KEY": "",
    }
