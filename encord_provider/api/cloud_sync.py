"""A run of a cloud-synced folder's synchronisation, as Encord reports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from encord_provider.api.upload_job import JobState, UnitCounts


@dataclass(frozen=True, kw_only=True)
class CloudSync:
    """One answer to a poll of a synchronisation.

    :param state: the judgement. As with upload jobs, Encord has no status for one that is done with failures: failed
        units and pages are counted.
    :param units: files that were added, changed, brought back or marked as gone, by outcome.
    :param pages: pages of the bucket's listing, by outcome.
    :param poll_after: seconds for which Encord asks not to be polled again, or None.
    """

    state: JobState
    units: UnitCounts
    pages: UnitCounts
    poll_after: float | None = field(default=None, compare=False)

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any]) -> CloudSync:
        """Read the answer to a poll; an answer that lacks a field raises as a mapping does."""
        units = _counts(answer, "uploadJobsUnits")
        pages = _counts(answer, "scanPagesProcessing")
        state = JobState(str(answer["status"]).lower())
        if state is JobState.DONE and (units.failed or pages.failed or answer["uploadJobsError"]):
            state = JobState.DONE_WITH_ERRORS
        return cls(state=state, units=units, pages=pages)


def _counts(answer: Mapping[str, Any], prefix: str) -> UnitCounts:
    return UnitCounts(
        done=int(answer[f"{prefix}Done"]),
        failed=int(answer[f"{prefix}Error"]),
        cancelled=int(answer[f"{prefix}Cancelled"]),
        pending=int(answer[f"{prefix}Pending"]),
    )
