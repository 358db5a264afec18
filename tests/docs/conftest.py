"""What the pages take for granted: a bucket ``lake`` with recordings of some days, and an Airflow with a database."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
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


@pytest.fixture
def lake(encord: EncordEmulator, s3: Any) -> Iterator[Any]:
    """moto's S3 with the bucket of the pages, and the files that blocks of the pages stand for."""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for day in recorded_days():
        for key in RECORDINGS:
            s3.put_object(Bucket=BUCKET, Key=key.format(day=day), Body=b"recording")
    for block in blocks():
        if block.target:
            assert block.target.startswith(f"s3://{BUCKET}/"), block.name
            s3.put_object(Bucket=BUCKET, Key=block.target.split("/", 3)[3], Body=block.text.encode())
    yield s3
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for entry in page.get("Contents", ()):
            s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def serve(
    airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], Any]:
    """Put a DAG file into the one DAG bundle of Airflow, and give the DAG."""

    def served(dag_id: str, text: str) -> Any:
        folder = tmp_path / "dags"
        folder.mkdir(exist_ok=True)
        (folder / f"{dag_id}.py").write_text(text, encoding="utf-8")
        bundle = {
            "name": "pages",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(folder)},
        }
        return load(dag_id, bundle, monkeypatch)

    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "workspace").as_uri())
    return served


def load(dag_id: str, bundle: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a DAG of a bundle that becomes the only one of Airflow."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))
    (one,) = DagBundlesManager().get_all_dag_bundles()
    one.initialize()
    bag = DagBag(dag_folder=str(one.path), bundle_path=one.path, bundle_name=one.name)
    assert bag.import_errors == {}
    return bag.dags[dag_id]


def run(dag: Any, **arguments: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Run a DAG through Airflow: the state of the run, and the state and return value of each task."""
    for task in dag.tasks:
        task.retries = 0  # waiting for a retry would take minutes
    done = dag.test(**arguments)
    instances = {one.task_id: one for one in done.get_task_instances()}
    states = {task_id: str(one.state) for task_id, one in instances.items()}
    returned = {task_id: one.xcom_pull(task_ids=task_id) for task_id, one in instances.items()}
    return str(done.state), states, returned


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
