"""EncordUploadJobTrigger: watch upload jobs in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from encord_provider.api.calls import cancel_upload_job
from encord_provider.api.waiting import MAX_UNREACHABLE, Progress, WaitUntil, finished_states, wait_for_jobs
from encord_provider.exceptions import EncordError, EncordRequestError
from encord_provider.hooks.encord import EncordHook

_CALL_SECONDS = 60.0


class EventStatus(StrEnum):
    """What a trigger event reports."""

    FINISHED = "finished"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class UploadJobEvent:
    """What :class:`EncordUploadJobTrigger` sends, small enough for Airflow's database.

    :param status: why the wait was over.
    :param jobs: the jobs that have ended, with their states; none of their data units.
    :param deadline: the deadline of the wait, handed through for the next one (seconds since the epoch).
    :param message: for ``unreachable`` and ``refused``, what happened.
    :param http_status: for ``refused``, Encord's HTTP status where there was one.
    """

    status: EventStatus
    jobs: Mapping[str, str] = field(default_factory=dict)
    deadline: float | None = None
    message: str = ""
    http_status: int | None = None

    def as_payload(self) -> dict[str, Any]:
        """Give the event as JSON values."""
        return asdict(self) | {"status": self.status.value}

    @classmethod
    def from_payload(cls, payload: Any) -> UploadJobEvent:
        """Check what came back from the triggerer.

        :raises EncordError: if it is no event of this trigger.
        """
        try:
            return cls(**{**payload, "status": EventStatus(payload["status"])})
        except (TypeError, KeyError, ValueError) as error:
            raise EncordError(f"The triggerer sent no usable event: {payload!r}") from error


class EncordUploadJobTrigger(BaseTrigger):  # type: ignore[misc, unused-ignore]
    """Wait for upload jobs without holding a worker slot.

    It sends one event, whose payload :class:`UploadJobEvent` describes. It may be started anew at any moment,
    as a triggerer restart does: the deadline is absolute, and nothing else depends on when it was started.

    :param encord_conn_id: the Airflow connection of type ``encord``.
    :param folder: UUID of the storage folder that the jobs register into.
    :param job_ids: the jobs to watch.
    :param until: ``any`` to stop at the first job that ended, ``all`` to wait for every one.
    :param deadline: seconds since the epoch after which the wait is over, or None.
    :param total_units: data units of the jobs together, for the progress in the log, or None.
    :param cancel_on_kill: whether to cancel the jobs when a user marks the deferred task or clears it
        (Airflow 3.3 and later call ``on_kill``).
    :param max_unreachable: seconds without any answer from Encord after which the wait is over.
    """

    def __init__(
        self,
        *,
        encord_conn_id: str,
        folder: str,
        job_ids: Sequence[str],
        until: str = WaitUntil.ALL.value,
        deadline: float | None = None,
        total_units: int | None = None,
        cancel_on_kill: bool = True,
        max_unreachable: float = MAX_UNREACHABLE,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self.encord_conn_id = encord_conn_id
        self.folder = folder
        self.job_ids = list(job_ids)
        self.until = until
        self.deadline = deadline
        self.total_units = total_units
        self.cancel_on_kill = cancel_on_kill
        self.max_unreachable = max_unreachable

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what Airflow needs to make this trigger again; it holds no secret."""
        return (
            "encord_provider.triggers.upload_job.EncordUploadJobTrigger",
            {
                "encord_conn_id": self.encord_conn_id,
                "folder": self.folder,
                "job_ids": self.job_ids,
                "until": self.until,
                "deadline": self.deadline,
                "total_units": self.total_units,
                "cancel_on_kill": self.cancel_on_kill,
                "max_unreachable": self.max_unreachable,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and send one event."""
        yield TriggerEvent((await self._wait()).as_payload())

    async def on_kill(self) -> None:
        """Cancel the jobs when a user has ended the deferred task."""
        if not self.cancel_on_kill:
            return
        try:
            hook = await self._hook()
            async with hook.async_api() as api:
                for job_id in self.job_ids:
                    units = await api.perform(cancel_upload_job(self.folder, job_id))
                    self.log.info("Cancelled upload job %s: %d data units were pending.", job_id, units)
        except EncordError as error:
            self.log.error("The upload jobs %s could not all be cancelled: %s", self.job_ids, error)

    async def _wait(self) -> UploadJobEvent:
        try:
            hook = await self._hook()
            async with hook.async_api() as api:
                result = await wait_for_jobs(
                    api,
                    folder=self.folder,
                    job_ids=self.job_ids,
                    until=WaitUntil(self.until),
                    deadline=self.deadline,
                    progress=Progress(total=self.total_units),
                    max_unreachable=self.max_unreachable,
                )
        except EncordError as error:
            status = error.status if isinstance(error, EncordRequestError) else None
            return UploadJobEvent(
                status=EventStatus.REFUSED, message=str(error), http_status=status, deadline=self.deadline
            )
        return UploadJobEvent(
            status=EventStatus(result.end.value),
            jobs={job_id: state.value for job_id, state in finished_states(result.jobs).items()},
            message=result.message,
            deadline=self.deadline,
        )

    async def _hook(self) -> EncordHook:
        """Make the hook off the event loop: it reads the connection, masks secrets and imports the SDK."""
        hook = EncordHook(encord_conn_id=self.encord_conn_id, retry_seconds=_CALL_SECONDS)
        await asyncio.to_thread(hook.get_conn)
        return hook
