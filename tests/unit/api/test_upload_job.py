"""An upload job as Encord reports it."""

from __future__ import annotations

from typing import Any

import pytest

from encord_provider.api.upload_job import JobState, UnitError, UploadJob

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
