"""Whole DAGs through Airflow, run as a user, the scheduler or a backfill would run them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.helpers.versions import is_at_least


def load(dag_id: str, bundle: dict[str, Any], monkeypatch: Any) -> Any:
    """Give a DAG of a bundle that becomes the only one of Airflow."""
    return load_all(bundle, monkeypatch)[dag_id]


def load_all(bundle: dict[str, Any], monkeypatch: Any) -> dict[str, Any]:
    """Give the DAGs of a bundle that becomes the only one of Airflow."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))
    (one,) = DagBundlesManager().get_all_dag_bundles()
    one.initialize()
    return read_dags(one.path, bundle_name=one.name)


def read_dags(folder: Path, *, bundle_name: str | None = None) -> dict[str, Any]:
    """Read the DAGs of a folder as Airflow's DAG processor does; a file that cannot be read is a failure."""
    try:
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(dag_folder=str(folder), bundle_path=folder, bundle_name=bundle_name)
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag

        bag = DagBag(dag_folder=str(folder), bundle_path=folder)
    assert not bag.import_errors, bag.import_errors
    return dict(bag.dags)


def save_dags() -> None:
    """Write the DAGs of all bundles to Airflow's database, which ``DAG.test`` asks first below Airflow 3.3."""
    if is_at_least("3.3"):
        return
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    if is_at_least("3.2"):
        from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    else:
        from airflow.models.dagbag import BundleDagBag, sync_bag_to_db

    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    for bundle in manager.get_all_dag_bundles():
        bundle.initialize()
        named = {"bundle_name": bundle.name} if is_at_least("3.2") else {}
        found = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, **named)
        sync_bag_to_db(found, bundle.name, bundle.version)


def serialized_form() -> Any:
    """Airflow's class that turns DAGs into what its database keeps."""
    from airflow.serialization import serialized_objects

    if hasattr(serialized_objects, "DagSerialization"):
        return serialized_objects.DagSerialization
    return serialized_objects.SerializedDAG  # Airflow 3.1


def run(
    dag: Any, *, planned: Any = None, run_type: str = "scheduled", **arguments: Any
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Run a DAG through Airflow: the state of the run, and the state and return value of each task.

    :param planned: a run that :func:`planned_runs` gave; without it the run is a manual one.
    :param run_type: what made such a run.
    """
    for task in dag.tasks:
        task.retries = 0  # waiting for a retry would take minutes
    if planned is None:
        done = dag.test(**arguments)
    else:
        logical_date = planned.logical_date
        with _created_as(planned, run_type):
            done = dag.test(logical_date=logical_date, run_after=planned.run_after, **arguments)
    states, returned = {}, {}
    for one in done.get_task_instances():
        name = one.task_id if one.map_index < 0 else f"{one.task_id}[{one.map_index}]"
        states[name] = str(one.state)
        returned[name] = one.xcom_pull(task_ids=one.task_id, map_indexes=one.map_index)
    return str(done.state), states, returned


def planned_runs(dag: Any, first: str, last: str) -> list[Any]:
    """The runs that Airflow plans for a DAG, which are those of a backfill over these days."""
    form = serialized_form()
    serialized = form.deserialize_dag(form.serialize_dag(dag))
    begin, end = (datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (first, last))
    return list(serialized.iter_dagrun_infos_between(begin, end))


@contextmanager
def _created_as(planned: Any, run_type: str) -> Iterator[None]:
    """Let ``DAG.test`` make the run that Airflow planned, where it would make a manual one."""
    from airflow.models import dagrun
    from airflow.utils.types import DagRunType

    original = dagrun.get_or_create_dagrun

    def create(*, session: Any, data_interval: Any, run_id: str, **arguments: Any) -> Any:
        made = original(
            session=session,
            data_interval=planned.data_interval,
            run_id=f"planned__{uuid.uuid4()}",
            **arguments,
        )
        made.run_type = DagRunType(run_type)
        if key := getattr(planned, "partition_key", None):
            made.partition_key, made.partition_date = key, planned.partition_date
        session.commit()
        return made

    with patch.object(dagrun, "get_or_create_dagrun", create):
        yield
