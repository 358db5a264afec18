"""The bundled DAGs, run through Airflow itself against the emulator and moto's S3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from encord_provider.bundles import bundled_dags_folder
from tests.helpers.dags import load_all


@pytest.fixture
def run_dag(
    airflow_database: None, encord: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Run a bundled DAG with parameters; gives the run's state and each task instance by ``task_id[map_index]``."""
    bundle = {
        "name": "encord",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(bundled_dags_folder())},
    }
    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "workspace").as_uri())
    dags = load_all(bundle, monkeypatch)

    def run(dag_id: str, **params: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
        dag = dags[dag_id]
        for task in dag.tasks:
            task.retries = 0  # waiting for a retry would take minutes
        done = dag.test(run_conf=params)
        states: dict[str, str] = {}
        returned: dict[str, Any] = {}
        for instance in done.get_task_instances():
            name = instance.task_id.rpartition(".")[2]
            if instance.map_index >= 0:
                name = f"{name}[{instance.map_index}]"
            states[name] = str(instance.state)
            returned[name] = instance.xcom_pull(task_ids=instance.task_id, map_indexes=instance.map_index)
        return str(done.state), states, returned

    return run
