"""What jobs have come to altogether: the sum, the verdict, and the file of failures."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob
from encord_provider.exceptions import (
    UploadJobCancelledError,
    UploadJobError,
    UploadJobFailedError,
    UploadJobPendingError,
)
from encord_provider.jobs.receipts import Receipt
from encord_provider.jobs.report import Outcome, failed_objects, write_report


def _job(state: JobState, *, done: int = 0, failed: int = 0, errors: tuple[UnitError, ...] = ()) -> UploadJob:
    return UploadJob(
        job_id="j",
        state=state,
        units=UnitCounts(done=done, failed=failed),
        unit_errors=errors,
        items_added=done,
    )


@pytest.mark.parametrize(
    ("states", "failed", "allowed", "error"),
    [
        ([JobState.DONE], 0, 0, None),
        ([JobState.DONE, JobState.DONE_WITH_ERRORS], 2, 2, None),
        ([JobState.DONE_WITH_ERRORS], 3, 2, UploadJobFailedError),
        ([JobState.DONE, JobState.ERROR], 0, 100, UploadJobFailedError),
        ([JobState.DONE, JobState.CANCELLED], 0, 100, UploadJobCancelledError),
        ([JobState.ERROR, JobState.CANCELLED], 1, 0, UploadJobCancelledError),
    ],
)
def test_the_verdict(
    states: list[JobState], failed: int, allowed: int, error: type[UploadJobError] | None
) -> None:
    first, *others = states
    jobs = [_job(first, done=10, failed=failed), *map(_job, others)]
    if error is None:
        Outcome.of(jobs).judge(max_failed_units=allowed)
        return
    with pytest.raises(error):
        Outcome.of(jobs).judge(max_failed_units=allowed)


def test_a_failure_names_the_first_units_and_the_file_with_all_of_them() -> None:
    errors = [UnitError(object_urls=(f"https://x/{number}",), reason="no such object") for number in range(9)]
    job = _job(JobState.DONE_WITH_ERRORS, done=1, failed=9, errors=tuple(errors))
    with pytest.raises(UploadJobFailedError) as raised:
        Outcome.of([job]).judge(max_failed_units=2, failures="s3://bucket/failures.csv")
    text = str(raised.value)
    assert "9 of 10 data units failed (2 allowed); 1 are registered" in text
    assert "https://x/0: no such object" in text
    assert "https://x/4" in text
    assert "https://x/5" not in text
    assert text.endswith("All of them: s3://bucket/failures.csv")


@pytest.mark.parametrize(
    ("states", "left", "status"),
    [
        ([], [], JobState.DONE),
        ([], [3], JobState.PENDING),
        ([JobState.DONE], [0], JobState.PENDING),
        ([JobState.DONE, JobState.PENDING, JobState.DONE_WITH_ERRORS], [], JobState.PENDING),
        ([JobState.DONE, JobState.DONE_WITH_ERRORS], [], JobState.DONE_WITH_ERRORS),
        ([JobState.ERROR, JobState.DONE], [3], JobState.ERROR),
        ([JobState.ERROR, JobState.CANCELLED], [], JobState.CANCELLED),
    ],
)
def test_the_one_status_of_several_jobs(states: list[JobState], left: list[int], status: JobState) -> None:
    assert Outcome.of(map(_job, states), left=left).status is status


def test_the_summary_counts_what_is_left_as_pending() -> None:
    jobs = [_job(JobState.DONE, done=2), _job(JobState.DONE_WITH_ERRORS, done=1, failed=3)]
    assert Outcome.of(jobs, left=[4, 5]).summary(folder="f", job_ids=["a", "b"]) == {
        "status": "pending",
        "folder": "f",
        "job_ids": ["a", "b"],
        "units": {"total": 15, "done": 3, "failed": 3, "cancelled": 0, "pending": 9},
        "items_added": 3,
    }


RECEIPT = Receipt(
    part="part-00001",
    sha256="sha",
    job=UploadJob(
        job_id="j",
        state=JobState.DONE_WITH_ERRORS,
        units=UnitCounts(done=1, failed=2),
        unit_errors=(
            UnitError(object_urls=("https://x/a,b", "https://x/c"), reason='no "such" object'),
            UnitError(object_urls=("https://x/d",), reason="two\nlines"),
        ),
        errors=("of no unit",),
        items_added=1,
    ),
    attempt=2,
)


def test_the_failures_have_a_row_for_each_file_and_leave_nothing_old_behind(tmp_path: Path) -> None:
    uri = f"file://{tmp_path}"
    assert write_report(uri, {}, list(failed_objects([RECEIPT])))["failures"] == f"{uri}/failures.csv"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "failures.csv").read_text())))
    assert [(row["part"], row["job_id"], row["object_url"], row["reason"]) for row in rows] == [
        ("part-00001", "j", "https://x/a,b", 'no "such" object'),
        ("part-00001", "j", "https://x/c", 'no "such" object'),
        ("part-00001", "j", "https://x/d", "two\nlines"),
        ("part-00001", "j", "", "of no unit"),
    ]
    assert write_report(uri, {}, [])["failures"] is None
    assert not (tmp_path / "failures.csv").exists()


@pytest.mark.parametrize("state", [JobState.PENDING, None])
def test_there_is_no_success_before_every_job_has_ended(state: JobState | None) -> None:
    jobs = [_job(JobState.DONE, done=2)] + ([_job(state)] if state else [])
    with pytest.raises(UploadJobPendingError):
        Outcome.of(jobs, left=[] if state else [3]).judge(max_failed_units=100)


def test_nothing_of_a_job_in_error_counts_as_registered() -> None:
    outcome = Outcome.of([_job(JobState.DONE, done=5), _job(JobState.ERROR, done=3, failed=1)])
    assert (outcome.units.done, outcome.units.failed) == (5, 4)
    with pytest.raises(UploadJobFailedError, match=r"4 of 9 .* 5 are registered"):
        outcome.judge(max_failed_units=100)
