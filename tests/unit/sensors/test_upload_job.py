"""The sensor: it looks at jobs that something else has started, and never owns them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from encord_provider.exceptions import EncordNotFoundError, UploadJobCancelledError, UploadJobFailedError
from encord_provider.sensors.upload_job import EncordUploadJobSensor
from tests.helpers.airflow_task import TaskRecord, in_dag
from tests.helpers.imports import ImportTask, url

if TYPE_CHECKING:
    from airflow.sdk.execution_time.supervisor import TaskRunResult

    from encord_provider.emulator.server import EncordEmulator


class Sensing:
    """The sensor as a task, behind an import that did not wait."""

    def __init__(self, emulator: EncordEmulator, home: Path, **arguments: Any) -> None:
        self.upload = ImportTask(emulator, home, name="upload", wait_for_completion=False)
        assert self.upload.finish() == "success"
        self.record = TaskRecord(home / "sensor.json", task_id="wait", retries=0)
        self.arguments = {**self.upload.record.returned, "poke_interval": 0.05, "timeout": 20} | arguments

    def run(self, **changes: Any) -> TaskRunResult:
        self.record.begin()
        arguments = {**self.arguments, **changes}
        return self.record.run(in_dag(lambda: EncordUploadJobSensor(task_id="wait", **arguments)))

    def finish(self) -> TaskRunResult:
        result = self.run()
        while self.record.state in ("deferred", "up_for_reschedule"):
            if self.record.state == "deferred":
                asyncio.run(asyncio.wait_for(self.record.trigger(), 20))
            result = self.run()
        return result


MODES = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"deferrable": True},
}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> dict[str, Any]:
    return MODES[request.param]


def test_every_mode_returns_the_same_summary(
    mode: dict[str, Any], encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.change_settings(units_per_second=20)
    sensing = Sensing(encord_emulator, tmp_path, **mode)
    sensing.finish()
    assert sensing.record.state == "success"
    assert sensing.record.returned == {
        "status": "done",
        "folder": sensing.arguments["folder"],
        "job_ids": sensing.arguments["job_ids"],
        "units": {"total": 6, "done": 6, "failed": 0, "cancelled": 0, "pending": 0},
        "items_added": 6,
    }


def test_failed_units_over_the_allowed_number_fail_it(
    mode: dict[str, Any], encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(1), message="no such object")
    error = Sensing(encord_emulator, tmp_path, **mode).finish().error
    assert isinstance(error, UploadJobFailedError)
    assert f"{url(1)}: no such object" in str(error)


def test_failed_units_within_the_allowed_number_do_not(
    mode: dict[str, Any], encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(1), message="no such object")
    sensing = Sensing(encord_emulator, tmp_path, max_failed_units=1, **mode)
    sensing.finish()
    assert sensing.record.returned["status"] == "done_with_errors"


def test_a_cancelled_job_is_no_success(
    mode: dict[str, Any], encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("job_cancelled", count=1)
    assert isinstance(Sensing(encord_emulator, tmp_path, **mode).finish().error, UploadJobCancelledError)


def test_a_job_that_encord_does_not_know_fails_it_at_once(
    mode: dict[str, Any], encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    sensing = Sensing(encord_emulator, tmp_path, **{**mode, "job_ids": [unknown]})
    error = sensing.finish().error
    assert isinstance(error, EncordNotFoundError)
    assert unknown in str(error)
    assert sensing.record.state == "failed"


# Over rescheduled pokes, Airflow measures the time itself, in its database.
@pytest.mark.parametrize("name", ["poke", "deferrable"])
def test_when_its_time_is_over_the_jobs_go_on(
    name: str, encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("job_stuck")
    sensing = Sensing(encord_emulator, tmp_path, **MODES[name], timeout=0.5)
    assert isinstance(sensing.finish().error, AirflowSensorTimeout)
    assert set(sensing.upload.statuses) == {"PENDING"}


def test_a_user_who_ends_a_deferred_sensor_does_not_cancel_the_jobs(
    encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("job_stuck")
    sensing = Sensing(encord_emulator, tmp_path, deferrable=True)
    sensing.run()
    asyncio.run(sensing.record.make_trigger().on_kill())
    assert set(sensing.upload.statuses) == {"PENDING"}


def test_it_does_not_defer_for_jobs_that_have_ended(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    sensing = Sensing(encord_emulator, tmp_path)
    sensing.run(deferrable=False)
    assert set(sensing.upload.statuses) == {"DONE"}
    sensing.record.update(state="scheduled")
    sensing.run(deferrable=True)
    assert sensing.record.state == "success"


def test_one_job_may_be_named_by_itself_and_none_is_an_error(
    encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    sensing = Sensing(encord_emulator, tmp_path)
    sensing.run(job_ids=sensing.arguments["job_ids"][0])
    assert sensing.record.returned["units"]["total"] == 2
    sensing.record.update(state="scheduled")
    result = sensing.run(job_ids=[])
    assert "job_ids is empty" in str(result.error)
    assert json.dumps(sensing.record.read())


@pytest.mark.parametrize("event", [{"status": "finished"}, {"status": "finished", "jobs": {"other": "done"}}])
def test_an_event_that_is_old_or_forged_is_no_success_while_jobs_are_at_work(
    event: dict[str, Any], encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("job_stuck")
    sensing = Sensing(encord_emulator, tmp_path, deferrable=True)
    sensing.run()
    sensing.record.resume(event)
    sensing.run()
    assert sensing.record.state == "deferred"
    assert sensing.record.make_trigger().deadline, "the limit of time stays"
    encord_emulator.clear_faults()
    asyncio.run(sensing.record.trigger())
    sensing.run()
    assert sensing.record.state == "success"
    assert sensing.record.returned["units"]["done"] == 6


def test_a_triggerer_whose_clock_is_ahead_does_not_end_the_wait(
    encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("job_stuck")
    sensing = Sensing(encord_emulator, tmp_path, deferrable=True)
    sensing.run()
    sensing.record.resume({"status": "timeout", "deadline": time.time() + 20})
    threading.Timer(0.5, encord_emulator.clear_faults).start()
    sensing.run()
    assert sensing.record.state == "success"
