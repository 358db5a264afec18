"""The whole of Airflow with the demo's S3 server, bucket and Encord emulator, started once for these tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from demo.backfill import backfill
from demo.bucket import DAYS, PlannedFile, plan
from demo.readback import RegisteredItem, read_folder
from demo.services import DAG_ID, FOLDER, Services
from demo.standalone import Airflow
from demo.ui import open_demo


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What runs during the tests."""

    services: Services
    airflow: Airflow
    params: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """A finished backfill over the demo's days: Airflow's runs, and what the SDK then read from the folder."""

    runs: list[dict[str, Any]]
    items: list[RegisteredItem]


@pytest.fixture(scope="session")
def files() -> list[PlannedFile]:
    return plan()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # Slow enough that the runs really wait in the triggerer.
    with open_demo(tmp_path_factory.mktemp("airflow") / "home", "--set", "units_per_second=4") as (
        services,
        airflow,
        params,
    ):
        yield Stack(services=services, airflow=airflow, params=params)


def _backfill(stack: Stack, reprocess: str) -> Backfill:
    runs = backfill(
        stack.airflow, DAG_ID, DAYS[0], DAYS[-1], params=stack.params, max_active_runs=2, reprocess=reprocess
    )
    return Backfill(runs=runs, items=read_folder(stack.services, FOLDER))


@pytest.fixture(scope="session")
def first_backfill(stack: Stack) -> Backfill:
    return _backfill(stack, "none")


@pytest.fixture(scope="session")
def second_backfill(stack: Stack, first_backfill: Backfill) -> Backfill:
    return _backfill(stack, "completed")
