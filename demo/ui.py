"""The demo's services with Airflow's web UI, for clicking."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo.bucket import DAYS, fill, plan
from demo.services import DAG_ID, ROOT, Services, airflow_environment, dag_params, services
from demo.standalone import Airflow, standalone

# What to click, in this order; the tests click what is quoted here.
HOW_TO_BACKFILL = f"""\
The DAG has its parameters from the Airflow Variable of the same name. Press "Trigger", choose "Backfill", take
{DAYS[0]} to {DAYS[-1]}, enter 2 for "Max Active Runs", and press "Run Backfill", which also switches the DAG on.
Every other day has no objects."""


@contextmanager
def open_demo(
    home: Path, *emulator_options: str, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[Services, Airflow, dict[str, Any]]]:
    """Start everything with a filled bucket, in an emptied ``home``.

    :param emulator_options: further command-line options of the emulator
    :param settings: further environment variables of Airflow
    :returns: the services, Airflow, and the DAG's parameters
    """
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    files = plan()
    with services(home, *emulator_options) as running:
        fill(running.s3_client(), files)
        params = dag_params()
        environment = airflow_environment(home / "airflow", running, params, home / "workspace")
        environment.update(settings or {})
        with standalone(home, environment) as airflow:
            airflow.wait_for_dag(DAG_ID)
            yield running, airflow, params


def serve() -> int:
    """Keep everything open until Ctrl-C."""
    print("Starting the S3 server, the Encord emulator and Airflow ...", flush=True)
    try:
        with open_demo(ROOT / ".demo" / "ui") as (running, airflow, _):
            print(
                f"""
  Airflow   {airflow.url}/dags/{DAG_ID}
  Encord    {running.encord_url}/
  S3        {running.s3_url}

{HOW_TO_BACKFILL} Ctrl-C stops everything.""",
                flush=True,
            )
            signal.pause()
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0
