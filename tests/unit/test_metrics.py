"""What Airflow's metrics are told of an import."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider import metrics
from tests.helpers.imports import ImportTask, url

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


class Recorded:
    """What was counted and timed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.times: list[tuple[timedelta, dict[str, str]]] = []

    def incr(self, name: str, count: int = 1, *, tags: dict[str, str] | None = None) -> None:
        self.counts[" ".join([name, *(tags or {}).values()])] += count

    def timing(self, name: str, took: timedelta, *, tags: dict[str, str]) -> None:
        assert name == metrics.TASK_SECONDS
        self.times.append((took, tags))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    recorded = Recorded()
    monkeypatch.setattr(metrics, "Stats", recorded)
    return recorded


@pytest.mark.parametrize("deferrable", [False, True])
def test_each_upload_job_is_counted_once_however_often_the_task_is_tried(
    encord_emulator: EncordEmulator, tmp_path: Path, recorded: Recorded, deferrable: bool
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(0), count=1)
    task = ImportTask(encord_emulator, tmp_path, retries=1, deferrable=deferrable, max_active_jobs=1)
    assert task.finish() == "success"
    # The part in which an object had failed was sent twice.
    assert recorded.counts == {
        "encord.upload_jobs done": 3,
        "encord.upload_jobs done_with_errors": 1,
        "encord.units_registered": 7,
        "encord.units_failed": 1,
    }
    states = [tags["state"] for _, tags in recorded.times]
    assert (states.count("failed"), states.count("success")) == (1, 1)
    assert all(tags["operator"] == "EncordImportDataOperator" for _, tags in recorded.times)
    assert all(timedelta() < took < timedelta(minutes=1) for took, _ in recorded.times)


def test_calls_that_are_made_again_are_counted(
    encord_emulator: EncordEmulator, tmp_path: Path, recorded: Recorded
) -> None:
    encord_emulator.inject_fault("status", status=503, route="start_upload_job", count=2)
    assert ImportTask(encord_emulator, tmp_path).finish() == "success"
    assert recorded.counts["encord.call_retries"] == 2


_SENDER = """
import contextlib

with contextlib.suppress(ImportError):  # Airflow 3.1 sets metrics up by itself
    import airflow.sdk.serde
from encord_provider import metrics

metrics.call_retried()
"""


def test_a_statsd_server_hears_of_it() -> None:
    pytest.importorskip("statsd")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)
        settings: dict[str, Any] = {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(server.getsockname()[1]),
            "AIRFLOW__METRICS__STATSD_PREFIX": "airflow",
        }
        subprocess.run([sys.executable, "-c", _SENDER], env={**os.environ, **settings}, check=True)
        # Airflow tells it something of its own too; without ours, the wait for it is over some time.
        while server.recv(1000) != b"airflow.encord.call_retries:1|c":
            pass
