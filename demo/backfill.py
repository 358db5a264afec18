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
    max_active_runs: int = 2,
    reprocess: str = "none",
    seconds: float = 120,
) -> list[dict[str, Any]]:
    """Create a backfill and wait until Airflow has marked it complete.

    :param first: first logical date
    :param last: last logical date, included
    :param params: the DAG's parameters for every run
    :param reprocess: what to do with days that were run before: ``none``, ``failed`` or ``completed``
    :param seconds: how long to wait
    :return: the runs as the REST API gives them, by logical date
    :raises TimeoutError: with the end of Airflow's log
    """
    request = {
        "dag_id": dag_id,
        "from_date": f"{first}T00:00:00Z",
        "to_date": f"{last}T00:00:00Z",
        "dag_run_conf": dict(params),
        "max_active_runs": max_active_runs,
        "reprocess_behavior": reprocess,
    }
    created = airflow.wait_for(
        lambda: _create(airflow, request), f"Airflow to accept a backfill of {dag_id}", seconds=seconds
    )
    # Airflow takes a next backfill of the DAG only after it has marked this one complete.
    airflow.wait_for(
        lambda: airflow.call("GET", f"backfills/{created['id']}")["completed_at"],
        f"the backfill of {dag_id}",
        seconds=seconds,
    )
    return runs(airflow, dag_id)


def _create(airflow: Airflow, request: Mapping[str, Any]) -> Any:
    try:
        return airflow.call("POST", "backfills", json=request)
    except requests.HTTPError as error:
        # On sqlite the scheduler may hold the database at this moment; Airflow then answers so and does nothing.
        if error.response is not None and error.response.status_code == requests.codes.service_unavailable:
            return None
        raise


def runs(airflow: Airflow, dag_id: str) -> list[dict[str, Any]]:
    """Every backfill run of a DAG, by logical date."""
    listed = airflow.call(
        "GET", f"dags/{dag_id}/dagRuns", params={"run_type": "backfill", "order_by": "logical_date"}
    )
    found: list[dict[str, Any]] = listed["dag_runs"]
    return found
