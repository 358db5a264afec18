"""What upload jobs have come to altogether: counts, one status, the verdict, and the files that report them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob
from encord_provider.exceptions import UploadJobCancelledError, UploadJobFailedError
from encord_provider.jobs.receipts import Receipt
from encord_provider.workspace.files import remove, write_whole

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Several upload jobs, summed up.

    :param status: the one state of them all: cancelled or error where any job is, pending while anything is left.
    :param units: the data units of all of them.
    :param items_added: items that Encord reports as added; skipped duplicates are not among them.
    :param first_errors: the first failed units.
    """

    status: JobState
    units: UnitCounts
    items_added: int
    first_errors: tuple[UnitError, ...]

    @classmethod
    def of(cls, jobs: Iterable[UploadJob], *, left: Iterable[int] = ()) -> Outcome:
        """Sum up jobs.

        :param jobs: the jobs.
        :param left: how many data units each part has whose job is not among them.
        """
        jobs, left = list(jobs), list(left)
        units = sum((job.units for job in jobs), UnitCounts())
        errors = [error for job in jobs for error in job.unit_errors[:_SHOWN]]
        return cls(
            status=_overall({job.state for job in jobs} | ({JobState.PENDING} if left else set())),
            units=replace(units, pending=units.pending + sum(left)),
            items_added=sum(job.items_added for job in jobs),
            first_errors=tuple(errors[:_SHOWN]),
        )

    def judge(self, *, max_failed_units: int, failures: str | None = None) -> None:
        """Raise unless the jobs are a success within what the user allowed.

        :param max_failed_units: how many failed data units still count as success.
        :param failures: where all failed units are listed, to be named in the error.
        :raises UploadJobCancelledError: if a job was cancelled.
        :raises UploadJobFailedError: if a job ended in ERROR, or more units failed than allowed.
        """
        units = self.units
        if self.status is JobState.CANCELLED:
            raise UploadJobCancelledError(
                f"An upload job was cancelled: {units.done} data units are registered, {units.cancelled} are "
                "not. Run the task again to import the rest."
            )
        if self.status is JobState.ERROR or units.failed > max_failed_units:
            allowed = (
                "the job ended in ERROR" if self.status is JobState.ERROR else f"{max_failed_units} allowed"
            )
            shown = "; ".join(
                f"{', '.join(error.object_urls)}: {error.reason}" for error in self.first_errors
            )
            where = f" All of them: {failures}" if failures else ""
            raise UploadJobFailedError(
                f"{units.failed} of {units.total} data units failed ({allowed}); {units.done} are registered. "
                f"First failures: {shown or 'none named by Encord'}.{where}"
            )

    def summary(self, *, folder: str, job_ids: Iterable[str]) -> dict[str, Any]:
        """Give what a task returns of jobs.

        :param folder: UUID of the folder that the jobs register into.
        :param job_ids: the jobs.
        :returns: ``{"status", "folder", "job_ids", "units", "items_added"}``.
        """
        return {
            "status": self.status.value,
            "folder": folder,
            "job_ids": list(job_ids),
            "units": self.units.as_dict(),
            "items_added": self.items_added,
        }


def _overall(states: set[JobState]) -> JobState:
    for state in (JobState.CANCELLED, JobState.ERROR, JobState.PENDING, JobState.DONE_WITH_ERRORS):
        if state in states:
            return state
    return JobState.DONE


def write_failures(uri: str, receipts: Iterable[Receipt]) -> str | None:
    """Write the failed files of an import to a CSV file, one row for each.

    :param uri: the URI of the file.
    :param receipts: the receipts of all parts.
    :returns: ``uri``, or None if nothing failed; a file of an earlier attempt is then removed.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["part", "job_id", "object_url", "reason"])
    rows = 0
    for receipt in receipts:
        failed = [(url, error.reason) for error in receipt.job.unit_errors for url in error.object_urls]
        for url, reason in [*failed, *(("", reason) for reason in receipt.job.errors)]:
            writer.writerow([receipt.part, receipt.job.job_id, url, reason])
            rows += 1
    if not rows:
        remove(uri)
        return None
    write_whole(uri, out.getvalue().encode())
    return uri


def write_report(uri: str, summary: Mapping[str, Any], receipts: Sequence[Receipt]) -> dict[str, Any]:
    """Write what is known of an import: ``failures.csv`` and ``summary.json``.

    :param uri: the URI of the folder of its receipts.
    :param summary: what :meth:`Outcome.summary` gives.
    :param receipts: the receipts of all parts that have ended.
    :returns: the summary, with where receipts and failures are.
    """
    whole = {**summary, "receipts": uri, "failures": write_failures(f"{uri}/failures.csv", receipts)}
    write_whole(f"{uri}/summary.json", orjson.dumps(whole, option=orjson.OPT_INDENT_2))
    return whole
