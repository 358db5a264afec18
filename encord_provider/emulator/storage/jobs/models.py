"""Upload jobs: what the service knows of them while they run and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from encord_provider.emulator.core.table import Table
from encord_provider.emulator.storage.folders.models import Folder
from encord_provider.emulator.storage.integrations.models import Integration
from encord_provider.emulator.storage.items.item import Item
from encord_provider.emulator.storage.jobs.units import Unit


class JobStatus(StrEnum):
    """Status of an upload job, spelled as on the wire."""

    PENDING = "PENDING"
    DONE = "DONE"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class UnitError:
    """Why a unit failed.

    :param subtask_uuid: identifies the unit's work, to be quoted to Encord's support.
    :param action: what Encord was doing.
    """

    urls: tuple[str, ...]
    error: str
    subtask_uuid: str
    action: str


@dataclass(eq=False, slots=True, kw_only=True)
class Job:
    """One upload job.

    :param units: what remains to be done, the next last.
    :param total: how many units there were.
    :param created_at: seconds since the epoch, as are the other times.
    :param items: what the job registered.
    :param skipped: what it found there already and reports as well, if the settings say so.
    :ivar stuck: the job makes no progress (a fault).
    :ivar finished: set when the job has reached a final status.
    :ivar on_finish: told when the job reaches a final status, before whoever waits for it.
    """

    uuid: str
    folder: Folder
    integration: Integration | None
    units: list[Unit]
    total: int
    skip_duplicate_urls: bool
    upsert_metadata: bool
    ignore_errors: bool
    file_name: str | None
    owner: str
    created_at: float
    started_at: float = 0.0
    finished_at: float | None = None
    status: JobStatus = JobStatus.PENDING
    items: list[Item] = field(default_factory=list)
    skipped: list[Item] = field(default_factory=list)
    errors: list[UnitError] = field(default_factory=list)
    done_count: int = 0
    error_count: int = 0
    cancelled_count: int = 0
    stuck: bool = field(init=False, default=False)
    finished: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    on_finish: list[Callable[[Job], None]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.started_at = self.started_at or self.created_at
        if self.status is not JobStatus.PENDING:
            self.finished.set()

    @property
    def pending_count(self) -> int:
        """Units not yet finished in any way."""
        return self.total - self.done_count - self.error_count - self.cancelled_count

    def finish(self, status: JobStatus, now: float) -> None:
        """Set the final status and wake everybody who waits."""
        self.status = status
        self.finished_at = now
        self.units = []
        for tell in self.on_finish:
            tell(self)
        self.finished.set()

    def cancel(self, now: float) -> int:
        """Stop the job; what is done stays.

        :returns: how many units were cancelled; 0 if the job was over already.
        """
        if self.status is not JobStatus.PENDING:
            return 0
        cancelled = self.pending_count
        self.cancelled_count += cancelled
        self.finish(JobStatus.CANCELLED, now)
        return cancelled

    def as_json(self, *, with_items: bool = True) -> dict[str, Any]:
        """The job's state, as a poll answers it.

        :param with_items: name what the job registered; there may be hundreds of thousands.
        """
        items = (*self.items, *self.skipped) if with_items else ()
        return {
            "status": self.status,
            "itemsWithNames": [{"itemUuid": item.uuid, "name": item.name} for item in items],
            "errors": [error.error for error in self.errors],
            "unitErrors": [
                {
                    "objectUrls": error.urls,
                    "error": error.error,
                    "subtaskUuid": error.subtask_uuid,
                    "actionDescription": error.action,
                }
                for error in self.errors
            ],
            "unitsPendingCount": self.pending_count,
            "unitsDoneCount": self.done_count,
            "unitsErrorCount": self.error_count,
            "unitsCancelledCount": self.cancelled_count,
            "fileName": self.file_name,
        }


class Jobs(Table[Job]):
    """All upload jobs."""

    entry = Job
    called = "an upload job"
    noted = True
    grown = frozenset({"units", "items", "skipped", "errors"})

    def of_folder(self, folder: Folder) -> int:
        """How many jobs a folder has had."""
        return sum(job.folder is folder for job in self)

    def kept(self) -> list[Job]:
        """What a snapshot holds: not the jobs of deleted folders, for which nobody can ask."""
        return [job for job in self if not job.folder.deleted]

    def holds(self, entry: Job) -> bool:
        """Whether :meth:`kept` has a job."""
        return super().holds(entry) and not entry.folder.deleted

    def unfinished(self, entry: Job) -> bool:
        """Whether a job runs, which changes it all the time."""
        return entry.status is JobStatus.PENDING

    def forget_folder(self, folder: Folder) -> None:
        """Note that the jobs of a folder are no longer kept."""
        for job in self:
            if job.folder is folder:
                self.note(job)

    def progress(self) -> int:
        """How many units remain to be done."""
        return sum(job.pending_count for job in self)

    def wake(self) -> None:
        """Answer everybody who waits for a job."""
        for job in self:
            job.finished.set()
