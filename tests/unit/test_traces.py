"""What stands in a task's log above the message of an error: the way to it, once, and nothing of other libraries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.check_metadata import EncordCheckMetadataOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.sources import ObjectStorageFolder
from tests.helpers.airflow_task import TaskRecord, in_dag

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

NOWHERE = "http://127.0.0.1:1"
SPEC = {"images": [{"objectUrl": "https://lake.s3.eu-west-1.amazonaws.com/a.jpg"}]}
AWAY = {"endpoint_url": NOWHERE, "config_kwargs": {"retries": {"max_attempts": 1}}}


def no_bucket() -> Any:
    return EncordBuildUploadSpecOperator(task_id="t", bucket="no-such-bucket", metadata={"validate": False})


def no_s3() -> Any:
    return EncordBuildUploadSpecOperator(
        task_id="t", bucket="lake", aws_conn_id="away", metadata={"validate": False}
    )


def no_folder() -> Any:
    return EncordBuildUploadSpecOperator(
        task_id="t",
        source=ObjectStorageFolder(uri="file:///no/such/folder/"),
        object_urls={"endpoint": "https://files.example.com/here"},
        metadata={"validate": False},
    )


def no_table() -> Any:
    return EncordCheckMetadataOperator(task_id="t", metadata="s3://no-such-bucket/rows.csv")


def no_spec() -> Any:
    return EncordImportDataOperator(task_id="t", spec="s3://no-such-bucket/spec.json", folder="lake")


def no_encord() -> Any:
    return EncordSetSchemaOperator(task_id="t", schema={"site": "varchar"}, encord_conn_id="encord_away")


@pytest.fixture
def log_of(
    encord: EncordEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[[Callable[[], Any]], str]:
    """Run a task that fails on Airflow's task runner, and give what its log says from the error on."""
    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "workspace").as_uri())
    aws = json.dumps({"conn_type": "aws", "login": "a", "password": "b", "extra": AWAY})
    monkeypatch.setenv("AIRFLOW_CONN_AWAY", aws)
    away = encord.connection_json()
    away["extra"] = {**away["extra"], "domain": NOWHERE, "retry_seconds": 0}
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_AWAY", json.dumps(away))

    def log(make: Callable[[], Any]) -> str:
        record = TaskRecord(tmp_path / "task.json", task_id="t")
        record.run(in_dag(make))
        assert record.state == "failed"
        said = capfd.readouterr()
        return (said.out + said.err).partition("Task failed with exception")[2]

    return log


CASES = {
    no_bucket: ("no-such-bucket", "no such bucket"),
    no_s3: ("'lake'", NOWHERE),
    no_folder: ("/no/such/folder",),
    no_table: ("s3://no-such-bucket/rows.csv", "NoSuchBucket"),
    no_spec: ("s3://no-such-bucket/spec.json", "NoSuchBucket", "Build the upload spec first"),
    no_encord: (NOWHERE, "Connection refused"),
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_one_trace_stands_above_the_message(
    log_of: Callable[[Callable[[], Any]], str], make: Callable[[], Any]
) -> None:
    above, error, message = re.split(
        r"^(encord_provider\.exceptions\.\w+: )", log_of(make), flags=re.MULTILINE
    )
    assert error
    assert above.count("Traceback (most recent call last)") == 1
    # Of Airflow, of ours and of what calls us back, but not of what found the problem: its words are in the message.
    files = re.findall(r'^  File "([^"]+)"', above, re.MULTILINE)
    assert not [one for one in files if re.search(r"/(botocore|boto3|urllib3|requests|http|fsspec)/", one)]
    assert len(files) <= 20
    assert [part for part in CASES[make] if part not in message] == []
