"""What upload jobs have come to altogether: counts, one status, the verdict, and the files that report them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import orjson

from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob
from encord_provider.exceptions import UploadJobCancelledError, UploadJobFailedError, UploadJobPendingError
from encord_provider.jobs.receipts import Receipt
from encord_provider.upload_spec import DataUnit
from encord_provider.workspace.files import remove, write_whole

_SHOWN = 5

_STOPPED = {
    JobState.ERROR: "not registered: another data unit of its upload job failed, which ended the whole job",
    JobState.CANCELLED: "not known whether it is registered: its upload job was cancelled",
}


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
        units = sum((_counted(job) for job in jobs), UnitCounts())
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
        :raises UploadJobPendingError: if a job has not ended.
        """
        units = self.units
        if self.status is JobState.CANCELLED:
            raise UploadJobCancelledError(
                f"An upload job was cancelled: {units.done} data units are registered, {units.cancelled} are "
                "not. Run the task again to import the rest."
            )
        if self.status is JobState.ERROR or units.failed > max_failed_units:
            allowed = f"{max_failed_units} allowed"
            if self.status is JobState.ERROR:
                allowed = "a job ended in ERROR, of which nothing counts as registered"
            shown = "; ".join(
                f"{', '.join(error.object_urls)}: {error.reason}" for error in self.first_errors
            )
            where = f" All of them: {failures}" if failures else ""
            raise UploadJobFailedError(
                f"{units.failed} of {units.total} data units failed ({allowed}); {units.done} are registered. "
                f"First failures: {shown or 'none named by Encord'}.{where}"
            )
        if self.status is JobState.PENDING:
            raise UploadJobPendingError(
                f"{units.pending} of {units.total} data units are pending: the upload jobs have not ended."
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


def _counted(job: UploadJob) -> UnitCounts:
    """Count nothing of a job that ended in ERROR as registered: the whole upload fails (Encord's web page says so)."""
    if job.state is not JobState.ERROR:
        return job.units
    return replace(job.units, done=0, failed=job.units.failed + job.units.done)


def _overall(states: set[JobState]) -> JobState:
    for state in (JobState.CANCELLED, JobState.ERROR, JobState.PENDING, JobState.DONE_WITH_ERRORS):
        if state in states:
            return state
    return JobState.DONE


@dataclass(frozen=True, kw_only=True)
class FailedObject:
    """A row of ``failures.csv``: an object that is not registered, or an error that belongs to none.

    :param part: the part.
    :param job_id: its job; empty if it was not sent.
    :param object_url: the object; empty for an error of the whole job.
    :param reason: why.
    """

    part: str
    job_id: str
    object_url: str
    reason: str


def failed_objects(receipts: Iterable[Receipt]) -> Iterator[FailedObject]:
    """Name what Encord says has failed.

    :param receipts: the receipts of all parts.
    """
    for receipt in receipts:
        failed = [(url, error.reason) for error in receipt.job.unit_errors for url in error.object_urls]
        for url, reason in [*failed, *(("", reason) for reason in receipt.job.errors)]:
            yield FailedObject(part=receipt.part, job_id=receipt.job.job_id, object_url=url, reason=reason)


def unregistered_objects(
    part: str, receipt: Receipt | None, units: Iterable[DataUnit]
) -> Iterator[FailedObject]:
    """Name the objects of a part of which Encord says nothing, because its job was stopped or never started.

    :param part: the part.
    :param receipt: its receipt; None if it was not sent.
    :param units: its data units.
    """
    named: set[str] = set()
    job_id, reason = "", "not sent: another upload job of the import was stopped"
    if receipt is not None:
        job_id, reason = receipt.job.job_id, _STOPPED[receipt.job.state]
        named = {url for error in receipt.job.unit_errors for url in error.object_urls}
    for unit in units:
        for url in unit.urls:
            if url not in named:
                yield FailedObject(part=part, job_id=job_id, object_url=url, reason=reason)


def write_report(uri: str, summary: Mapping[str, Any], failed: Sequence[FailedObject]) -> dict[str, Any]:
    """Write what is known of an import: ``failures.csv`` and ``summary.json``.

    :param uri: the URI of the folder of its receipts.
    :param summary: what :meth:`Outcome.summary` gives.
    :param failed: what is not registered. Without any, a ``failures.csv`` of an earlier attempt is removed.
    :returns: the summary, with where receipts and failures are.
    """
    failures = f"{uri}/failures.csv" if failed else None
    if failures is None:
        remove(f"{uri}/failures.csv")
    else:
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([field.name for field in fields(FailedObject)])
        writer.writerows(astuple(row) for row in failed)
        write_whole(failures, out.getvalue().encode())
    whole = {**summary, "receipts": uri, "failures": failures}
    write_whole(f"{uri}/summary.json", orjson.dumps(whole, option=orjson.OPT_INDENT_2))
    return whole
