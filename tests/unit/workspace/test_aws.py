"""The AWS connection: named when it is missing, unless the machine has credentials of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from encord_provider.drop_folder import DropFolder
from encord_provider.exceptions import EncordConfigError
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.workspace.files import read_bytes
from tests.helpers.operators import run


@pytest.fixture(autouse=True)
def bare_machine(encord: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without AWS credentials, and an Airflow without the connection ``aws_default``."""
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


@pytest.mark.parametrize("conn_id", ["aws_default", "aws_lab"])
def test_a_missing_connection_is_named_by_whatever_reads_s3(conn_id: str, tmp_path: Path) -> None:
    build = EncordBuildUploadSpecOperator(
        task_id="build_spec", bucket="lake", aws_conn_id=conn_id, workspace=tmp_path.as_uri()
    )
    reads = (
        lambda: run(build),
        lambda: read_bytes("s3://lake/t.csv", aws_conn_id=conn_id),
        lambda: DropFolder(bucket="lake", prefix="inbox", aws_conn_id=conn_id).waiting(),
    )
    for read in reads:
        with pytest.raises(EncordConfigError, match=f"no Airflow connection '{conn_id}'"):
            read()


def test_the_machines_own_credentials_serve_where_the_usual_connection_is_missing(
    s3_endpoint: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for conn_id in ("aws_default", None):
        assert DropFolder(bucket=bucket, prefix="", aws_conn_id=conn_id).waiting() == []
