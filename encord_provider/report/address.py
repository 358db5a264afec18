"""Where the report of a run is found: its key among the XComs, and its address in Airflow's UI."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from airflow.providers.common.compat.sdk import conf

REPORT_KEY = "encord_report"
"""The XCom in which a task leaves its counts and where the report is; nothing of single objects is in it."""

PREFIX = "/encord"
"""Where Airflow serves the plugin."""


def base_path() -> str:
    """Give the path under which Airflow itself is served, such as ``/airflow``; empty for the root of its host."""
    return str(urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/"))


def report_address(*, dag_id: str, run_id: str) -> str:
    """Give the address of a run's report, from the root of Airflow's host.

    :param dag_id: the DAG.
    :param run_id: its run.
    """
    return f"{base_path()}{PREFIX}/report?{urlencode({'dag_id': dag_id, 'run_id': run_id})}"
