"""Six promises of an import that small slips in its code have broken before without any test noticing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from encord_provider.api.calls import cancel_upload_job
from encord_provider.exceptions import EncordUnavailableError, UploadJobCancelledError, UploadJobTimeoutError
from encord_provider.hooks.encord import EncordHook
from tests.helpers.imports import ImportTask, url

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

Make = Callable[..., ImportTask]
ALL_SIX = dict.fromkeys(map(url, range(6)), 1)
PARTS = ["part-00000", "part-00001", "part-00002"]
SOON, LONG = 1.0, 60.0


def test_no_more_parts_are_sent_after_a_job_was_stopped(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("job_cancelled", after_units=1, count=1)
    task = make(max_active_jobs=1, deferrable=deferrable)
    assert task.finish() == "failed"
    assert task.sent == PARTS[:1]


def test_a_part_whose_start_was_not_answered_is_not_sent_again_by_a_retry(
    make: Make, encord_emulator: EncordEmulator, memory: str
) -> None:
    encord_emulator.inject_fault("reset_after", route="start_upload_job", count=1)
    task = make(skips=False, retries=1)
    result = task.run()
    assert isinstance(result.error, EncordUnavailableError)
    assert task.record.state == "up_for_retry"
    while len(task.urls) < 2:
        pass
    assert task.finish() == "success"
    assert task.sent == PARTS
    assert task.urls == ALL_SIX


def test_a_job_that_was_cancelled_between_two_attempts_is_not_rejoined(
    make: Make, encord_emulator: EncordEmulator, memory: str
) -> None:
    encord_emulator.inject_fault("job_stuck", count=1)
    task = make(units=2, deferrable=True, retries=1)
    task.run()
    assert task.record.state == "deferred"
    (stuck,) = task.jobs
    EncordHook().api.perform(cancel_upload_job(str(stuck.folder.uuid), str(stuck.uuid)))
    # The triggerer is lost, and Airflow retries the task.
    task.record.update(state="up_for_retry", trigger=None)
    assert task.finish() == "success"
    assert task.sent == ["part-00000", "part-00000"]
    assert task.urls == dict.fromkeys(map(url, range(2)), 1)


def test_what_was_not_sent_counts_in_the_error_and_in_the_summary(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(timeout=SOON, max_active_jobs=1)
    result = task.run()
    assert isinstance(result.error, UploadJobTimeoutError)
    assert "0 of 6 data units are registered" in str(result.error)
    (summary,) = (task.home / "workspace").rglob("summary.json")
    assert json.loads(summary.read_bytes())["units"] == {
        "total": 6,
        "done": 0,
        "failed": 0,
        "cancelled": 2,
        "pending": 4,
    }


@pytest.mark.parametrize(("timeout", "execution_timeout"), [(SOON, LONG), (LONG, SOON), (SOON, None)])
def test_the_earlier_of_two_ends_counts(
    timeout: float,
    execution_timeout: float | None,
    make: Make,
    encord_emulator: EncordEmulator,
    deferrable: bool,
) -> None:
    encord_emulator.inject_fault("job_stuck")
    limit = None if execution_timeout is None else timedelta(seconds=execution_timeout)
    task = make(timeout=timeout, execution_timeout=limit, deferrable=deferrable)
    began = time.monotonic()
    assert task.finish() == "failed"
    assert time.monotonic() - began < LONG / 2
    assert set(task.statuses) == {"CANCELLED"}


@pytest.mark.parametrize(("timeout", "patience", "state"), [(SOON, LONG, "failed"), (LONG, SOON, "deferred")])
def test_a_task_waits_for_a_deferral_no_longer_than_its_time_and_its_patience(
    timeout: float, patience: float, state: str, make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(timeout=timeout, patience=patience, deferrable=True)
    began = time.monotonic()
    task.run()
    assert time.monotonic() - began < LONG / 2
    assert task.record.state == state


def test_what_ended_while_the_task_was_deferred_belongs_to_the_attempt_that_comes_back(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_cancelled", after_units=1, count=1, skip=1)
    task = make(deferrable=True, retries=1)
    while task.record.state in ("scheduled", "deferred"):
        if task.record.state == "deferred":
            asyncio.run(task.record.trigger())
        else:
            result = task.record.run(task.operator())
    assert isinstance(result.error, UploadJobCancelledError)
    assert task.sent == PARTS
    assert sorted(receipt["state"] for receipt in task.receipts()) == ["cancelled", "done", "done"]
    assert {receipt["attempt"] for receipt in task.receipts()} == {1}


def test_what_ended_before_the_time_was_over_in_the_triggerer_is_taken_in(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck", count=1, skip=1)
    task = make(deferrable=True, timeout=3 * SOON)
    while task.record.state in ("scheduled", "deferred"):
        if task.record.state == "deferred":
            asyncio.run(task.record.trigger())
        else:
            result = task.record.run(task.operator())
    assert isinstance(result.error, UploadJobTimeoutError)
    assert "4 of 6 data units are registered" in str(result.error)
    assert sorted(receipt["state"] for receipt in task.receipts()) == ["cancelled", "done", "done"]
