"""What ``docs/security.md`` says: its limits are those of the code, its policy permits what is called, no more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.drop_folder import Destination, DropFolder
from encord_provider.jobs.journal import FileJournal, Journal
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.operators.read_upload_spec import EncordReadUploadSpecOperator
from encord_provider.text import limits
from tests.helpers.operators import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")

ACTIONS = {
    "ListObjectsV2": {"s3:ListBucket"},
    "HeadBucket": {"s3:ListBucket"},
    "GetObject": {"s3:GetObject"},
    "HeadObject": {"s3:GetObject"},
    "PutObject": {"s3:PutObject"},
    "CreateMultipartUpload": {"s3:PutObject"},
    "UploadPart": {"s3:PutObject"},
    "CompleteMultipartUpload": {"s3:PutObject"},
    "CopyObject": {"s3:GetObject", "s3:PutObject"},
    "DeleteObject": {"s3:DeleteObject"},
}
"""The permissions of each call. Source: Amazon S3, "Required permissions for Amazon S3 API operations"."""


def test_the_limits_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| .* \| ([\d,]+) [a-z ]+ \| `(\w+)` \|$", PAGE, re.MULTILINE)
    said = {name: int(number.replace(",", "")) for number, name in rows}
    assert said == {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}


def test_the_tests_that_it_names_are_there() -> None:
    named = re.findall(r"tests/[\w/.]+", PAGE)
    assert len(named) > 5
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_the_policy_permits_what_is_called_and_no_more(
    encord: EncordEmulator, buckets_of_the_policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.client import BaseClient

    # A version of each object and requester-pays buckets need more, and are not what the policy is for.
    s3 = buckets_of_the_policy
    s3.put_object(Bucket="lake", Key="dt=2025-03-01/a.jpg", Body=b"x")
    s3.put_object(Bucket="lake", Key="dt=2025-03-01/a.jpg.metadata.json", Body=b'{"site": "x"}')
    s3.put_object(Bucket="lake", Key="rows.csv", Body=b"key,site\ndt=2025-03-01/a.jpg,y\n")
    spec = json.dumps(
        {"images": [{"objectUrl": "https://lake.s3.eu-west-1.amazonaws.com/dt%3D2025-03-01/a.jpg"}]}
    )
    s3.put_object(Bucket="lake-specs", Key="incoming/one.json", Body=spec.encode())

    used: dict[str, set[str]] = {}
    call = BaseClient._make_api_call

    def recorded(client: Any, operation: str, given: dict[str, Any]) -> Any:
        used.setdefault(given["Bucket"], set()).update(ACTIONS[operation])
        return call(client, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    every = {"workspace": "s3://aws_default@lake-workspace/encord"}
    built = run(
        EncordBuildUploadSpecOperator(
            task_id="build_spec",
            bucket="lake",
            prefix="dt={date}/",
            metadata={"table": "s3://lake/rows.csv", "sidecars": True},
            **every,
        )
    )
    done = run(
        EncordImportDataOperator(
            task_id="import_data",
            spec=built,
            folder="lake",
            create_folder=True,
            integration="AWS S3",
            **every,
        )
    )
    assert done["units"]["done"] == 1
    run(
        EncordPatchMetadataOperator(
            task_id="patch", metadata=built, folder=done["folder"], validate=False, **every
        )
    )
    journal = FileJournal("s3://aws_default@lake-workspace/encord/journal.json")
    assert journal.load() is None
    journal.save(Journal())
    assert journal.load() is not None
    journal.delete()
    folder = DropFolder(bucket="lake-specs", prefix="incoming", aws_conn_id="aws_default")
    (waiting,) = folder.waiting()
    run(EncordReadUploadSpecOperator(task_id="read_spec", spec=waiting.uri, **every))
    folder.file_away(waiting, Destination.DONE, run_id="r", account={"units": 1})
    monkeypatch.undo()

    assert s3.list_objects_v2(Bucket="lake-specs", Prefix="incoming/done/")["KeyCount"] == 2
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    policy = {
        statement["Resource"][0].rpartition(":")[2]: set(statement["Action"])
        for statement in json.loads(text)["Statement"]
    }
    # Nothing lists the workspace; but whoever may not is told that a missing file is one that it may not read.
    used["lake-workspace"].add("s3:ListBucket")
    assert used == policy
