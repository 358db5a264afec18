"""What is remembered of an import: the journal in both places, receipts, and the file of failures."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob
from encord_provider.jobs.journal import (
    ActiveJob,
    FileJournal,
    Finished,
    Journal,
    Receipt,
    Receipts,
    TaskStateJournal,
    write_failures,
)

JOURNAL = Journal(
    folder="f",
    integration="i",
    attempt=3,
    active={
        "part-00001": ActiveJob(file_name="n", sha256="s", job_id="j"),
        "part-00002": ActiveJob(file_name="n", sha256="s"),
    },
    gone=1,
    finished=Finished(value={"status": "done"}, try_number=1, max_tries=2, run_started="2026-01-01"),
)


class _Store:
    def __init__(self) -> None:
        self.kept: dict[str, object] = {}

    def get(self, key: str) -> object:
        return self.kept.get(key)

    def set(self, key: str, value: object) -> None:
        self.kept[key] = value

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


@pytest.fixture(params=["store", "file"])
def journals(request: pytest.FixtureRequest, tmp_path: Path) -> TaskStateJournal | FileJournal:
    if request.param == "store":
        return TaskStateJournal(_Store())
    return FileJournal(f"file://{tmp_path}/with blanks/journal.json")


def test_a_journal_comes_back_as_it_was(journals: TaskStateJournal | FileJournal) -> None:
    assert journals.load() is None
    journals.save(JOURNAL)
    assert journals.load() == JOURNAL
    journals.delete()
    journals.delete()
    assert journals.load() is None


def test_a_damaged_journal_file_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.json").write_text('{"token": "a", "act')
    assert FileJournal(f"file://{tmp_path}/journal.json").load() is None


@pytest.mark.parametrize(
    ("change", "retried"),
    [
        ({}, False),
        ({"try_number": 2}, True),
        ({"try_number": 2, "max_tries": 3}, False),
        ({"try_number": 2, "run_started": "2026-01-02"}, False),
    ],
)
def test_only_an_automatic_retry_takes_over_a_finished_import(
    change: dict[str, object], retried: bool
) -> None:
    assert JOURNAL.finished is not None
    now = {"try_number": 1, "max_tries": 2, "run_started": "2026-01-01", **change}
    assert JOURNAL.finished.is_retried_by(**now) is retried  # type: ignore[arg-type]


RECEIPT = Receipt.of_job(
    "part-00001",
    "sha",
    UploadJob(
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


def test_a_receipt_comes_back_for_exactly_its_part(tmp_path: Path) -> None:
    receipts = Receipts(f"file://{tmp_path}/receipts")
    receipts.write(RECEIPT)
    assert receipts.read("part-00001", "sha") == RECEIPT
    assert receipts.read("part-00001", "another sha") is None
    assert receipts.read("part-00002", "sha") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"part": "part-00001"}'])
def test_half_a_receipt_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "part-00001.json").write_text(content)
    assert Receipts(f"file://{tmp_path}").read("part-00001", "sha") is None


@pytest.mark.parametrize("state", JobState)
def test_only_a_job_that_did_everything_completes_its_part(state: JobState) -> None:
    receipt = Receipt(part="p", sha256="s", job_id="j", state=state, units=UnitCounts())
    assert receipt.is_complete == (state is JobState.DONE)


def test_the_failures_have_a_row_for_each_file_and_leave_nothing_old_behind(tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/failures.csv"
    assert write_failures(uri, [RECEIPT]) == uri
    rows = list(csv.DictReader(io.StringIO((tmp_path / "failures.csv").read_text())))
    assert [(row["object_url"], row["reason"]) for row in rows] == [
        ("https://x/a,b", 'no "such" object'),
        ("https://x/c", 'no "such" object'),
        ("https://x/d", "two\nlines"),
        ("", "of no unit"),
    ]
    assert write_failures(uri, []) is None
    assert not (tmp_path / "failures.csv").exists()
