"""Receipts: what comes back of them, one by one and all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob
from encord_provider.jobs.receipts import Receipt, Receipts

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
    job = UploadJob(job_id="j", state=state, units=UnitCounts())
    receipt = Receipt(part="p", sha256="s", job=job)
    assert receipt.is_complete == (state is JobState.DONE)


GOOD = Receipt(
    part="part-00002",
    sha256="sha-2",
    job=UploadJob(job_id="k", state=JobState.DONE, units=UnitCounts(done=2)),
)
HASHES = {"part-00001": "sha", "part-00002": "sha-2", "part-00003": "sha-3"}


@pytest.fixture
def both(tmp_path: Path) -> Receipts:
    """A folder with two receipts, noted as known at version 7 of the journal."""
    receipts = Receipts(f"file://{tmp_path}")
    receipts.write(RECEIPT)
    receipts.write(GOOD)
    receipts.note_known({RECEIPT.part: RECEIPT, GOOD.part: GOOD}, version=7)
    return receipts


@pytest.mark.parametrize("version", [7, 8])
def test_all_receipts_come_back_whether_they_are_noted_or_not(version: int, both: Receipts) -> None:
    found = both.read_all(HASHES, version=version)
    assert {name: both.whole(receipt) for name, receipt in found.items()} == {
        RECEIPT.part: RECEIPT,
        GOOD.part: GOOD,
    }
    assert found[RECEIPT.part].job.units == RECEIPT.job.units


def test_what_is_noted_is_not_read_one_by_one_again(both: Receipts, tmp_path: Path) -> None:
    (tmp_path / "part-00001.json").unlink()
    (tmp_path / "part-00002.json").unlink()
    assert set(both.read_all(HASHES, version=7)) == {RECEIPT.part, GOOD.part}


def test_a_note_that_is_made_from_a_note_still_says_where_errors_are(both: Receipts) -> None:
    both.note_known(both.read_all(HASHES, version=7), version=8)
    assert both.whole(both.read_all(HASHES, version=8)[RECEIPT.part]) == RECEIPT


def test_a_note_of_another_version_of_the_journal_counts_for_nothing(both: Receipts, tmp_path: Path) -> None:
    (tmp_path / "part-00002.json").unlink()
    assert both.read_all(HASHES, version=8) == {RECEIPT.part: RECEIPT}


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"version": 7, "receipts": [{}]}'])
def test_half_a_note_counts_for_nothing(content: str, both: Receipts, tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text(content)
    assert both.read_all(HASHES, version=7) == {RECEIPT.part: RECEIPT, GOOD.part: GOOD}


def test_a_noted_receipt_of_a_part_that_has_changed_is_none(both: Receipts) -> None:
    assert set(both.read_all({**HASHES, GOOD.part: "another sha"}, version=7)) == {RECEIPT.part}
    assert both.read_all({"part-00009": "sha"}, version=7) == {}
