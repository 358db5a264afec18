"""README's DAG, started as README says, imports the demo's bucket."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from demo.bucket import BUCKET, REGION, expected_items, fill, plan
from demo.readback import differences, read_folder
from tests.helpers.dags import planned_runs, run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, about: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (one,) = [text for text in found if about in text]
    return str(one)


@pytest.fixture
def recordings(s3: Any, s3_endpoint: str) -> Any:
    """The demo's bucket."""
    import boto3

    files = plan()
    credentials = {"aws_access_key_id": "testing-access-key", "aws_secret_access_key": "testing-secret-key"}
    fill(boto3.client("s3", endpoint_url=s3_endpoint, region_name=REGION, **credentials), files)
    yield files
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for entry in page.get("Contents", ()):
            s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3.delete_bucket(Bucket=BUCKET)


def test_a_backfill_over_the_days_of_the_bucket_imports_them(
    encord: EncordEmulator, serve: Callable[[str, str], Any], recordings: Any, tmp_path: Path
) -> None:
    first, last = re.findall(r"--(?:from|to)-date (\S+)", block("bash", "backfill create"))
    dag = serve("harbour_cameras", block("python", "harbour_cameras"))
    for one in planned_runs(dag, first, last):
        state, states, _ = run(dag, planned=one, run_type="backfill")
        assert (state, set(states.values())) == ("success", {"success"})
    key = tmp_path / "key"
    key.write_text(encord.private_key)
    running: Any = SimpleNamespace(private_key_path=str(key), encord_url=encord.url)
    items = read_folder(running, "Field recordings/Daily import")
    assert list(differences(expected_items(recordings), items)) == []


def test_the_bundle_is_served_beside_the_dags_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    (text,) = re.findall(r"dag_bundle_config_list = (.*)", block("ini", "dag_bundle"), re.DOTALL)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(json.loads(text)))
    assert {one.name for one in DagBundlesManager().get_all_dag_bundles()} == {"dags-folder", "encord"}
