"""The journal of an import, in both places."""

from __future__ import annotations

from pathlib import Path

import pytest

from encord_provider.jobs.journal import ActiveJob, FileJournal, Finished, Journal, TaskStateJournal

JOURNAL = Journal(
    folder="f",
    integration="i",
    attempt=3,
    active={
        "part-00001": ActiveJob(file_name="n", sha256="s", job_id="j"),
        "part-00002": ActiveJob(file_name="n", sha256="s"),
    },
    gone=1,
    sent=4,
    in_doubt=True,
    version=7,
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


@pytest.mark.parametrize("content", ['{"token": "a", "act', "[]", "null", "{}", '{"token": 1, "active": 2}'])
def test_of_a_damaged_journal_it_is_not_known_what_was_sent(content: str, tmp_path: Path) -> None:
    (tmp_path / "journal.json").write_text(content)
    journal = FileJournal(f"file://{tmp_path}/journal.json").load()
    assert journal is not None
    assert journal.in_doubt
    assert not journal.active


def test_a_journal_of_another_version_of_the_package_is_not_misread() -> None:
    store = _Store()
    TaskStateJournal(store).save(JOURNAL)
    (kept,) = store.kept.values()
    assert isinstance(kept, dict)
    del kept["sent"]
    journal = TaskStateJournal(store).load()
    assert journal is not None
    assert journal.in_doubt


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
