"""What one task reports of itself: counts, tables of what went wrong, and where everything else lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from encord_provider.text.stored import opened, stamped

MOST_ROWS = 1000
"""Rows of a table on the page; the whole table lies in the file that it names."""


class SectionState(StrEnum):
    """How a task has ended, or that it has not."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class ReportTable:
    """A table of a report.

    :param title: what its rows are.
    :param columns: the names of its columns.
    :param rows: the first rows, each as long as ``columns``.
    :param total: how many rows there are in all.
    :param file: the URI of a file with all of them, or None.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    file: str | None = None

    @classmethod
    def of(
        cls, title: str, columns: tuple[str, ...], rows: Iterable[Iterable[Any]], *, file: str | None = None
    ) -> ReportTable:
        """Take the first rows, and count the others.

        :param title: what the rows are.
        :param columns: the names of the columns.
        :param rows: the rows; read once.
        :param file: the URI of a file with all of them.
        """
        kept: list[tuple[str, ...]] = []
        total = 0
        for row in rows:
            total += 1
            if len(kept) < MOST_ROWS:
                kept.append(tuple(str(cell) for cell in row))
        return cls(title=title, columns=columns, rows=tuple(kept), total=total, file=file)


def pairs_of(counts: Mapping[str, int]) -> list[list[str | int]]:
    """Give counts as they are left in Airflow's database: PostgreSQL sorts the keys of an object, and no list."""
    return [list(one) for one in counts.items()]


def counts_of(pairs: Any) -> dict[str, int]:
    """Read what :func:`pairs_of` gave; anybody may have written it, so that what is no count is left out."""
    if not isinstance(pairs, list):
        return {}
    return {
        pair[0]: pair[1] for pair in pairs if isinstance(pair, list) and list(map(type, pair)) == [str, int]
    }


def in_words(counts: Mapping[str, int]) -> str:
    """Say counts in a line; what there is none of is left out."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing"


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """What an operator says of what it did.

    :param title: what was done, such as ``Import``.
    :param counts: the numbers that a person looks for first, in the order in which they are shown.
    :param tables: what the numbers hide.
    :param progress: moments, and how much was done by then; in order.
    :param files: what else was written: what it is -> its URI.
    """

    title: str
    counts: Mapping[str, int]
    tables: tuple[ReportTable, ...] = ()
    progress: tuple[tuple[datetime, int], ...] = ()
    files: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Section:
    """One task's part of the report of a run.

    :param task: its id, with ``[map index]`` behind it if it is mapped.
    :param state: how it ended.
    :param try_number: which attempt this was.
    :param started: when the attempt began, in ISO 8601 with a zone.
    :param ended: when it ended.
    :param error: why it failed or was skipped, or None.
    :param report: what the operator says; None where it did not get so far.
    """

    task: str
    state: SectionState
    try_number: int
    started: str
    ended: str
    error: str | None
    report: TaskReport | None

    def as_json(self) -> dict[str, Any]:
        """Give the section as it is written."""
        return stamped(asdict(self))

    @classmethod
    def from_json(cls, written: Any) -> Section | None:
        """Read what :meth:`as_json` gave.

        :returns: None for any other form.
        """
        try:
            return opened(written, cls)
        except ValueError:
            return None
