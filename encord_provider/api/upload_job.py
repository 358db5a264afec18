"""An upload job as Encord reports it, and the one judgement of its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from encord_provider.text.secrets import redacted


class JobState(StrEnum):
    """What an upload job has come to.

    ``DONE_WITH_ERRORS`` is no status of Encord's: a job that ignores errors always ends DONE, even when every
    data unit failed, so the failed units are counted before a job is called done.
    """

    PENDING = "pending"
    DONE = "done"
    DONE_WITH_ERRORS = "done_with_errors"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the job will not change any more."""
        return self is not JobState.PENDING

    @property
    def is_stopped(self) -> bool:
        """Whether the job was ended before it had tried every data unit, or drops what it did."""
        return self in (JobState.ERROR, JobState.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class UnitCounts:
    """Data units of one or several jobs, by what became of them."""

    done: int = 0
    failed: int = 0
    cancelled: int = 0
    pending: int = 0

    @property
    def total(self) -> int:
        """All units."""
        return self.done + self.failed + self.cancelled + self.pending

    def __add__(self, other: UnitCounts) -> UnitCounts:
        return UnitCounts(
            done=self.done + other.done,
            failed=self.failed + other.failed,
            cancelled=self.cancelled + other.cancelled,
            pending=self.pending + other.pending,
        )

    def as_dict(self) -> dict[str, int]:
        """Give the counts for a summary, ``total`` first."""
        return {
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "cancelled": self.cancelled,
            "pending": self.pending,
        }


@dataclass(frozen=True, kw_only=True)
class UnitError:
    """Why one data unit was not registered.

    :param object_urls: the URLs of the unit; several for a group or a series.
    :param reason: Encord's words.
    """

    object_urls: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class UploadJob:
    """One answer to a poll of an upload job.

    :param job_id: UUID of the job.
    :param state: the judgement, see :class:`JobState`.
    :param units: data units by outcome.
    :param unit_errors: the failed units with their reasons.
    :param errors: errors that belong to no unit.
    :param items_added: how many storage items the job reports as added; units that were skipped as
        duplicates are not among them.
    :param poll_after: seconds for which Encord asks not to be polled again, or None.
    """

    job_id: str
    state: JobState
    units: UnitCounts
    unit_errors: tuple[UnitError, ...] = ()
    errors: tuple[str, ...] = ()
    items_added: int = 0
    poll_after: float | None = field(default=None, compare=False)

    @classmethod
    def from_wire(cls, job_id: str, answer: Mapping[str, Any]) -> UploadJob:
        """Read the answer to a poll; an answer that lacks a field raises as a mapping does."""
        units = UnitCounts(
            done=int(answer["unitsDoneCount"]),
            failed=int(answer["unitsErrorCount"]),
            cancelled=int(answer["unitsCancelledCount"]),
            pending=int(answer["unitsPendingCount"]),
        )
        state = JobState(str(answer["status"]).lower())
        unit_errors = tuple(
            # These go into receipts, failures.csv and messages; the URLs may be signed ones.
            UnitError(object_urls=tuple(map(redacted, row["objectUrls"])), reason=redacted(str(row["error"])))
            for row in answer["unitErrors"]
        )
        # Encord says the reasons of failed units here once more.
        reasons = {error.reason for error in unit_errors}
        said = (redacted(str(error)) for error in answer["errors"])
        errors = tuple(error for error in said if error not in reasons)
        items_added = len(answer["itemsWithNames"])
        if state is JobState.DONE and units.failed:
            state = JobState.DONE_WITH_ERRORS
        return cls(
            job_id=job_id,
            state=state,
            units=units,
            unit_errors=unit_errors,
            errors=errors,
            items_added=items_added,
        )
