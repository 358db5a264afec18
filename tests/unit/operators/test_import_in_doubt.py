"""Specs that do not set ``skip_duplicate_urls``: what may have been sent already is never sent on a guess."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import EncordPermanentError, UploadJobFailedError
from encord_provider.jobs.receipts import Receipts
from tests.helpers.imports import ImportTask, url
from tests.helpers.kills import arm, die_before_reporting, step_named

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

Make = Callable[..., ImportTask]
ALL_SIX = dict.fromkeys(map(url, range(6)), 1)


def _forget_everything(task: ImportTask) -> None:
    task.record.update(store={})
    shutil.rmtree(task.home / "workspace", ignore_errors=True)


def _refused(task: ImportTask) -> str:
    """Run an attempt that must refuse to guess, for good; give its error."""
    result = task.run()
    assert isinstance(result.error, EncordPermanentError)
    assert task.record.state == "failed"
    return str(result.error)


def test_a_part_whose_job_was_lost_is_not_sent_again_and_counts_once_it_is_there(
    make: Make, memory: str
) -> None:
    task = make(skips=False, retries=3)
    task.kill(lambda: arm(step_named("between the answer and storing the id"), nth=2))
    while len(task.urls) < 4:
        pass
    assert task.finish() == "success"
    assert task.sent == ["part-00000", "part-00001", "part-00002"]
    assert task.urls == ALL_SIX
    value = task.record.returned
    assert value["units"]["done"] == 6
    assert len(value["job_ids"]) == 2, "of one part it is not known which job has registered it"


def test_a_part_whose_job_is_still_at_work_is_refused_however_often_workers_die(
    make: Make, memory: str, encord_emulator: EncordEmulator
) -> None:
    task = make(skips=False, retries=9)
    encord_emulator.inject_fault("job_stuck", skip=1)
    task.kill(lambda: arm(step_named("between the answer and storing the id"), nth=2))
    for _ in range(2):
        # It refuses, and dies before Airflow has heard of it.
        task.kill(lambda: die_before_reporting(task.record))
    error = _refused(task)
    assert "part-00001" in error
    assert task.record.returned is None
    assert task.sent == ["part-00000", "part-00001"]
    # A retry is no order either.
    task.record.update(state="up_for_retry")
    _refused(task)
    assert task.sent == ["part-00000", "part-00001"]
    encord_emulator.clear_faults()
    while len(task.urls) < 4:
        pass
    task.record.clear()
    assert task.finish() == "success"
    assert task.urls == ALL_SIX


def test_a_user_who_has_looked_and_clears_the_task_has_a_part_sent_again_of_which_nothing_is_there(
    make: Make, memory: str
) -> None:
    task = make(skips=False, retries=2)
    task.kill(lambda: arm(step_named("before a part is sent"), nth=2))
    assert "part-00001" in _refused(task)
    task.record.clear()
    assert task.finish() == "success"
    assert task.sent == ["part-00000", "part-00001", "part-00002"]
    assert task.urls == ALL_SIX


def test_a_part_of_which_some_is_there_is_refused_though_the_user_clears_the_task(
    make: Make, memory: str, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_cancelled", after_units=1, skip=1, count=1)
    task = make(skips=False, retries=2)
    task.kill(lambda: arm(step_named("between the answer and storing the id"), nth=2))
    while len(task.urls) < 3:
        pass
    _refused(task)
    task.record.clear()
    _refused(task)
    assert len(task.sent) == 2


@pytest.mark.parametrize("durable", [True, False])
def test_a_retry_that_remembers_nothing_looks_what_is_there(durable: bool, make: Make, memory: str) -> None:
    task = make(skips=False, retries=3, durable=durable)
    task.kill(lambda: arm(step_named("before a part is sent"), nth=3))
    _forget_everything(task)
    _refused(task)
    assert len(task.sent) == 2
    task.record.clear()
    assert task.finish() == "success"
    assert task.sent == ["part-00000", "part-00001", "part-00002"]
    assert task.urls == ALL_SIX


def test_a_retry_that_remembers_nothing_of_an_import_that_was_done_finds_everything_there(
    make: Make, memory: str
) -> None:
    task = make(skips=False, retries=1)
    task.kill(lambda: die_before_reporting(task.record))
    _forget_everything(task)
    assert task.finish() == "success"
    assert task.urls == ALL_SIX
    assert task.record.returned["units"]["done"] == 6


def test_receipts_that_were_lost_are_missed(make: Make, memory: str) -> None:
    task = make(skips=False, retries=3, max_active_jobs=1)
    task.kill(lambda: arm(step_named("before a part is sent"), nth=3))
    shutil.rmtree(next((task.home / "workspace").rglob("receipts")))
    _refused(task)
    assert len(task.sent) == 2
    assert max(task.urls.values()) == 1


def test_receipts_that_were_lost_while_the_task_was_deferred_are_missed(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("job_stuck", skip=1)
    task = make(skips=False, retries=3, max_active_jobs=1, deferrable=True)
    while len(task.sent) < 2:
        task.run()
        if len(task.sent) < 2:
            asyncio.run(task.record.trigger())
    shutil.rmtree(next((task.home / "workspace").rglob("receipts")))
    task.record.resume({"status": "finished"})
    _refused(task)
    assert len(task.sent) == 2
    assert task.statuses == ["DONE", "CANCELLED"]
    encord_emulator.clear_faults()
    task.record.clear()
    assert task.finish() == "success"
    assert task.urls == ALL_SIX


def test_without_durable_a_spec_that_skips_nothing_is_remembered_all_the_same(
    make: Make, memory: str
) -> None:
    task = make(skips=False, retries=3, durable=False)
    encord_away = url(5)
    task.kill(lambda: arm(step_named("before a receipt is written"), nth=3))
    assert task.finish() == "success"
    assert task.sent == ["part-00000", "part-00001", "part-00002"]
    assert task.urls[encord_away] == 1


def test_a_first_attempt_that_could_send_nothing_leaves_no_doubt(
    make: Make, memory: str, encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make(skips=False, retries=1, create_folder=False)
    task.run()
    assert task.record.state == "failed"
    task.record.update(state="up_for_retry")
    assert task.finish(create_folder=True) == "success"
    assert task.urls == ALL_SIX


def test_clearing_a_successful_task_registers_nothing_twice(
    make: Make, memory: str, deferrable: bool
) -> None:
    task = make(skips=False, deferrable=deferrable)
    assert task.finish() == "success"
    task.record.clear()
    assert task.finish() == "success"
    assert task.urls == ALL_SIX
    assert task.record.returned["units"]["done"] == 6
    assert task.record.returned["items_added"] == 0


def test_a_full_disk_while_jobs_are_cancelled_does_not_make_a_refusal_a_retry(
    make: Make, memory: str, encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make(skips=False, retries=3, max_active_jobs=2)
    encord_emulator.inject_fault("job_stuck")
    task.kill(lambda: arm(step_named("between the answer and storing the id"), nth=2))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Receipts, "write", full)
    assert "part-00001" in _refused(task)
    assert sorted(task.statuses) == ["CANCELLED", "PENDING"], "what it knows of is cancelled"


def test_parts_with_failed_units_are_not_sent_again_and_no_retry_is_tried(
    make: Make, encord_emulator: EncordEmulator, deferrable: bool
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(0), message="no such object")
    task = make(skips=False, retries=2, deferrable=deferrable)
    result = task.run()
    while task.record.state == "deferred":
        asyncio.run(task.record.trigger())
        result = task.run()
    assert task.record.state == "failed"
    assert isinstance(result.error, UploadJobFailedError)
    assert isinstance(result.error, EncordPermanentError)
    assert url(0) in str(result.error)
    assert task.sent == ["part-00000", "part-00001", "part-00002"]
    assert task.urls == dict.fromkeys(map(url, range(1, 6)), 1)


def test_a_part_of_which_nothing_was_registered_is_sent_again(
    make: Make, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(0), count=1)
    encord_emulator.inject_fault("unit_error", url=url(1), count=1)
    task = make(skips=False, retries=1)
    assert task.finish() == "success"
    assert task.sent == ["part-00000", "part-00001", "part-00002", "part-00000"]
    assert task.urls == ALL_SIX


def test_groups_are_looked_for_by_their_files(make: Make, encord_emulator: EncordEmulator) -> None:
    group = {"title": "g", "createVideo": False, "objectUrl_0": url(0), "objectUrl_1": url(1)}
    spec = {"image_groups": [group], "images": [{"objectUrl": url(2), "title": "2"}]}
    task = make(retries=2)
    task.spec = spec  # type: ignore[assignment]
    task.kill(lambda: arm(step_named("between the answer and storing the id")))
    while task.statuses != ["DONE"]:
        pass
    assert task.finish() == "success"
    assert len(task.sent) == 1
