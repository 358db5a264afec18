"""The whole of Airflow with the demo's S3 server, bucket and Encord emulator, started once for these tests.

Beside it runs a second emulator, for the imports during which parts of Airflow are killed: they reset it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.backfill import finished_runs
from demo.bucket import DAYS, PlannedFile, plan
from demo.readback import RegisteredItem, read_folder
from demo.services import DAG_ID, FOLDER, Services
from demo.standalone import Airflow
from demo.ui import open_demo
from tests.e2e.clicks import run_backfill
from tests.helpers.browser import browser_page
from tests.helpers.emulator_process import Encord, emulator

_HERE = Path(__file__).parent
_BUNDLES = [
    {"name": "encord", "classpath": "encord_provider.bundles.EncordDagBundle", "kwargs": {}},
    {
        "name": "killed",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(_HERE / "dags")},
    },
]
FIVE_DAYS = (*DAYS, DAYS[-1] + timedelta(days=1), DAYS[-1] + timedelta(days=2))
"""The days of the demo, and two without objects."""
_SETTINGS = {
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(_BUNDLES),
    # The files do not change, and reading them again takes more than all the rest of an idle Airflow.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    # Everything that Airflow can write is searched for the private key.
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
    # How soon Airflow misses a worker or a triggerer that was killed; as it comes, after 300 and 30 seconds.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "12",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the second backfill behind the browser's tests, and what kills parts of Airflow at the end.

    Airflow takes the second backfill only when it has marked the first as complete, up to half a minute after its
    last run; meanwhile there is other work to do.
    """

    def place(item: pytest.Item) -> int:
        if item.path.name == "test_killed_parts.py":
            return 2
        return int("second_backfill" in getattr(item, "fixturenames", ()))

    positions = [position for position, item in enumerate(items) if item.path.is_relative_to(_HERE)]
    ordered = sorted((items[position] for position in positions), key=place)
    for position, item in zip(positions, ordered, strict=True):
        items[position] = item


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What runs during the tests.

    :param home: the folder in which everything is written
    :param params: the bundled DAG's parameters
    :param second: the second emulator, behind the connection ``encord_second``
    :param cleanup: ends what a test starts in the place of something that it killed
    """

    home: Path
    services: Services
    airflow: Airflow
    params: dict[str, Any]
    second: Encord
    cleanup: ExitStack


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """A finished backfill over the demo's days: Airflow's runs, and what the SDK then read from the folder."""

    runs: list[dict[str, Any]]
    items: list[RegisteredItem]


@pytest.fixture(scope="session")
def files() -> list[PlannedFile]:
    return plan()


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("whole") / "home"
    # Slow enough that the runs really wait in the triggerer, and for some seconds: a task that is back before the
    # scheduler has heard of its deferral fails, and is tried again only after a minute.
    options = ("--set", "units_per_second=4")
    with emulator(units_per_second=40) as second:
        settings = {**_SETTINGS, "AIRFLOW_CONN_ENCORD_SECOND": json.dumps(second.connection)}
        with (
            open_demo(home, *options, settings=settings) as (services, airflow, params),
            ExitStack() as cleanup,
        ):
            yield Stack(
                home=home, services=services, airflow=airflow, params=params, second=second, cleanup=cleanup
            )


@pytest.fixture(scope="package")
def first_backfill(stack: Stack) -> Backfill:
    """The backfill as a user clicks it."""
    with browser_page() as page:
        run_backfill(page, stack.airflow, DAYS)
    runs = finished_runs(stack.airflow, DAG_ID)
    return Backfill(runs=runs, items=read_folder(stack.services, FOLDER))


@pytest.fixture(scope="package")
def second_backfill(stack: Stack, first_backfill: Backfill) -> Backfill:
    """The same days again and two more, as a user clicks it."""
    with browser_page() as page:
        run_backfill(page, stack.airflow, FIVE_DAYS, reprocess="All Runs")
    runs = finished_runs(stack.airflow, DAG_ID)
    return Backfill(runs=runs, items=read_folder(stack.services, FOLDER))
