"""A timeout is a timeout: one deadline reaches every call, those of the official SDK included."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import UploadJobTimeoutError
from tests.helpers.imports import ImportTask

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

Make = Callable[..., ImportTask]
TIMEOUT = 2.0
LAST_LOOK, CANCELLING, SLACK = 2.0, 6.0, 3.0

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"kind": "status", "status": 503},
    "429 for eleven days": {"kind": "status", "status": 429, "retry_after": 1_000_000},
    "no answer": {"kind": "delay", "seconds": 25},
    "an answer in drops": {"kind": "slow_body", "seconds": 25},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("route", ["list_root_folders", "list_cloud_integrations", "start_upload_job"])
def test_a_call_that_does_not_answer_ends_with_the_time_of_the_task(
    route: str, fault: str, make: Make, encord_emulator: EncordEmulator
) -> None:
    task = make(timeout=TIMEOUT, retries=0)
    fields = dict(FAULTS[fault])
    encord_emulator.inject_fault(fields.pop("kind"), route=route, **fields)
    began = time.monotonic()
    result = task.run()
    took = time.monotonic() - began
    encord_emulator.clear_faults()
    assert task.record.state == "failed"
    assert isinstance(result.error, UploadJobTimeoutError)
    assert took < TIMEOUT + LAST_LOOK + CANCELLING + SLACK


@pytest.mark.parametrize("fault", FAULTS)
def test_an_encord_that_answers_nothing_any_more_takes_a_look_and_a_cancellation_longer(
    fault: str, make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = make(timeout=TIMEOUT, retries=0, deferrable=deferrable)
    fields = dict(FAULTS[fault])
    kind = fields.pop("kind")
    for route in ("poll_upload_job", "cancel_upload_job"):
        encord_emulator.inject_fault(kind, route=route, **fields)
    began = time.monotonic()
    assert task.finish() == "failed"
    took = time.monotonic() - began
    encord_emulator.clear_faults()
    assert took < TIMEOUT + LAST_LOOK + CANCELLING + SLACK


def test_a_job_whose_start_was_not_answered_in_time_is_cancelled_once_its_id_is_known(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck")
    encord_emulator.inject_fault("delay", route="start_upload_job", skip=1, seconds=5)
    task = make(timeout=TIMEOUT, max_active_jobs=2)
    result = task.run()
    assert isinstance(result.error, UploadJobTimeoutError)
    assert set(task.statuses) == {"CANCELLED"}
