"""Backfills over the REST API that Airflow's web UI uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import requests

from demo.standalone import Airflow


def backfill(
    airflow: Airflow,
    dag_id: str,
    first: date,
    last: date,
    *,
    params: Mapping[str, Any],
    seconds: float = 400,
) -> list[dict[str, Any]]:
    """Create a backfill and wait until all its runs have ended.

    :param first: first logical date
    :param last: last logical date, included
    :param params: the DAG's parameters for every run
    :param seconds: how long to wait
    :returns: the runs as the REST API gives them, by logical date
    :raises TimeoutError: with the end of Airflow's log
    """
    request = {
        "dag_id": dag_id,
        "from_date": f"{first}T00:00:00Z",
        "to_date": f"{last}T00:00:00Z",
        "dag_run_conf": dict(params),
        "max_active_runs": 2,
    }
    airflow.pause(dag_id, False)
    airflow.wait_for(
        lambda: _create(airflow, request), f"Airflow to accept a backfill of {dag_id}", seconds=seconds
    )
    return finished_runs(airflow, dag_id, seconds=seconds)


def finished_runs(airflow: Airflow, dag_id: str, *, seconds: float = 400) -> list[dict[str, Any]]:
    """Wait until all runs of a backfill that Airflow has accepted have ended.

    :param seconds: how long to wait
    :returns: the runs as the REST API gives them, by logical date
    :raises TimeoutError: with the end of Airflow's log
    """
    # They exist, or are queued again, when Airflow has accepted the backfill.
    runs: list[dict[str, Any]] = airflow.wait_for(
        lambda: _ended_runs(airflow, dag_id), f"the backfill of {dag_id}", seconds=seconds
    )
    return runs


def _ended_runs(airflow: Airflow, dag_id: str) -> list[dict[str, Any]] | None:
    listed = airflow.call(
        "GET", f"dags/{dag_id}/dagRuns", params={"run_type": "backfill", "order_by": "logical_date"}
    )
    runs: list[dict[str, Any]] = listed["dag_runs"]
    return runs if all(run["state"] in ("success", "failed") for run in runs) else None


def _create(airflow: Airflow, request: Mapping[str, Any]) -> Any:
    try:
        return airflow.call("POST", "backfills", json=request)
    except requests.HTTPError as error:
        # 409: Airflow marks a backfill complete only some seconds after its last run, and takes no other before.
        if error.response is not None and error.response.status_code == 409:
            return None
        raise
