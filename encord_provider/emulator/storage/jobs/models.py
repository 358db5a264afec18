"""Upload jobs: what the service knows of them while they run and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.storage.folders.models import Folder
from encord_provider.emulator.storage.integrations.models import Integration
from encord_provider.emulator.storage.items.models import Item
from encord_provider.emulator.storage.jobs.spec import Spec
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


class Job:
    """One upload job.

    :ivar units: what remains to be done, the next last.
    :ivar items: what the job registered.
    :ivar skipped: what it found there already and reports as well, if the settings say so.
    :ivar finished: set when the job has reached a final status.
    :ivar on_finish: told when the job reaches a final status, before whoever waits for it.
    :ivar stuck: the job makes no progress (a fault).
    """

    __slots__ = (
        "cancelled_count",
        "created_at",
        "done_count",
        "error_count",
        "errors",
        "file_name",
        "finished",
        "finished_at",
        "folder",
        "ignore_errors",
        "integration",
        "items",
        "on_finish",
        "owner",
        "skip_duplicate_urls",
        "skipped",
        "started_at",
        "status",
        "stuck",
        "total",
        "units",
        "upsert_metadata",
        "uuid",
    )

    def __init__(
        self,
        *,
        uuid: str,
        folder: Folder,
        integration: Integration | None,
        spec: Spec,
        ignore_errors: bool,
        file_name: str | None,
        owner: str,
        created_at: float,
    ) -> None:
        self.uuid = uuid
        self.folder = folder
        self.integration = integration
        self.units: list[Unit] = spec.units[::-1]
        self.total = len(spec.units)
        self.skip_duplicate_urls = spec.skip_duplicate_urls
        self.upsert_metadata = spec.upsert_metadata
        self.ignore_errors = ignore_errors
        self.file_name = file_name
        self.owner = owner
        self.created_at = created_at
        self.started_at = created_at
        self.finished_at: float | None = None
        self.status = JobStatus.PENDING
        self.items: list[Item] = []
        self.skipped: list[Item] = []
        self.errors: list[UnitError] = []
        self.done_count = 0
        self.error_count = 0
        self.cancelled_count = 0
        self.stuck = False
        self.finished = asyncio.Event()
        self.on_finish: list[Callable[[Job], None]] = []

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


class Jobs:
    """All upload jobs."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._by_uuid: dict[str, Job] = {}

    def create(
        self,
        *,
        folder: Folder,
        integration: Integration | None,
        spec: Spec,
        ignore_errors: bool,
        file_name: str | None,
        owner: str,
    ) -> Job:
        """Make a job; somebody else has to run it."""
        return self.add(
            Job(
                uuid=self._chance.uuid(),
                folder=folder,
                integration=integration,
                spec=spec,
                ignore_errors=ignore_errors,
                file_name=file_name,
                owner=owner,
                created_at=self._clock.now(),
            )
        )

    def add(self, job: Job) -> Job:
        """Take in a job."""
        self._by_uuid[job.uuid] = job
        return job

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        return list(self._by_uuid.values())

    def get(self, uuid: str) -> Job | None:
        """The job of that UUID, or ``None``."""
        return self._by_uuid.get(uuid)

    def of_folder(self, folder: Folder) -> int:
        """How many jobs a folder has had."""
        return sum(job.folder is folder for job in self._by_uuid.values())
