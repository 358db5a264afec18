"""The one judgement of a job."""

from __future__ import annotations

from typing import Any

import pytest

from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob, judge
from encord_provider.exceptions import UploadJobCancelledError, UploadJobError, UploadJobFailedError

ANSWER: dict[str, Any] = {
    "status": "DONE",
    "unitsDoneCount": 3,
    "unitsErrorCount": 0,
    "unitsCancelledCount": 0,
    "unitsPendingCount": 0,
    "unitErrors": [],
    "errors": [],
    "itemsWithNames": [{}, {}],
}


def test_a_job_that_ignored_errors_is_not_simply_done() -> None:
    error = {"objectUrls": ["https://x/1", "https://x/2"], "error": "403"}
    job = UploadJob.from_wire("id", ANSWER | {"unitsErrorCount": 1, "unitErrors": [error]})
    assert job.state is JobState.DONE_WITH_ERRORS
    assert job.unit_errors == (UnitError(object_urls=("https://x/1", "https://x/2"), reason="403"),)
    assert job.items_added == 2
    assert job.units.total == 4


@pytest.mark.parametrize("missing", ANSWER)
def test_an_answer_that_lacks_a_field_is_not_guessed_at(missing: str) -> None:
    with pytest.raises(KeyError):
        UploadJob.from_wire("id", {name: value for name, value in ANSWER.items() if name != missing})


def test_a_status_that_encord_did_not_have_before_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="paused"):
        UploadJob.from_wire("id", ANSWER | {"status": "PAUSED"})


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
    units = UnitCounts(done=10, failed=failed)
    if error is None:
        judge(states, units, max_failed_units=allowed)
        return
    with pytest.raises(error):
        judge(states, units, max_failed_units=allowed)


def test_a_failure_names_the_first_units_and_the_file_with_all_of_them() -> None:
    errors = [UnitError(object_urls=(f"https://x/{number}",), reason="no such object") for number in range(9)]
    with pytest.raises(UploadJobFailedError) as raised:
        judge(
            [JobState.DONE_WITH_ERRORS],
            UnitCounts(done=1, failed=9),
            max_failed_units=2,
            first_errors=errors,
            failures="s3://bucket/failures.csv",
        )
    text = str(raised.value)
    assert "9 of 10 data units failed (2 allowed); 1 are registered" in text
    assert "https://x/0: no such object" in text
    assert "https://x/4" in text
    assert "https://x/5" not in text
    assert text.endswith("All of them: s3://bucket/failures.csv")
