"""EncordUploadJobTrigger: watch upload jobs in the triggerer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from encord_provider.api.calls import get_upload_job
from encord_provider.exceptions import (
    EncordError,
    EncordPermanentError,
    EncordRequestError,
    EncordUnavailableError,
)
from encord_provider.hooks.encord import EncordHook
from encord_provider.jobs.cancel import KILLED_TRIGGER, Cause, cancel_jobs
from encord_provider.jobs.next_step import WaitUntil
from encord_provider.jobs.receipts import Receipt, Receipts
from encord_provider.jobs.wait import Poll, Progress, finished_states, wait_for_jobs, wait_in_process
from encord_provider.text.stored import opened, stamped
from encord_provider.triggers.shared import shared_api

if TYPE_CHECKING:
    from encord_provider.api.async_client import AsyncEncordApi

log = logging.getLogger(__name__)


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
    :param pending: the jobs that have not been seen to end.
    :param folder: UUID of the folder that they register into.
    :param deadline: the deadline of the wait, handed through for the next one (seconds since the epoch).
    :param message: for ``unreachable`` and ``refused``, what happened.
    :param http_status: for ``refused``, Encord's HTTP status where there was one.
    :param permanent: for ``refused``, whether a retry would not help.
    """

    status: EventStatus
    jobs: Mapping[str, str] = field(default_factory=dict)
    pending: Sequence[str] = ()
    folder: str = ""
    deadline: float | None = None
    message: str = ""
    http_status: int | None = None
    permanent: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether Encord does not know one of the jobs."""
        return self.status is EventStatus.REFUSED and self.http_status == 404

    @property
    def is_out_of_time(self) -> bool:
        """Whether the time is over by this machine's clock too."""
        return self.status is EventStatus.TIMEOUT and not self.is_early

    @property
    def is_early(self) -> bool:
        """Whether the triggerer says that the time is over though it is not by this machine's clock.

        Their clocks differ, and deferring again would only give the same event again.
        """
        return self.status is EventStatus.TIMEOUT and (self.deadline is None or time.time() < self.deadline)

    def settled(self, connect: Callable[[], AsyncEncordApi], **how: Any) -> UploadJobEvent:
        """Wait in this process where the triggerer's clock is ahead of this machine's, so that it gave up early.

        :param connect: makes the client.
        :param how: what :func:`~encord_provider.jobs.wait.wait_for_jobs` takes.
        :returns: the event, or what became of that wait.
        """
        if not self.is_early:
            return self
        log.warning("The triggerer's clock is ahead of this machine's; the wait goes on here.")
        end = wait_in_process(connect, deadline=self.deadline, **how)
        return replace(self, status=EventStatus(end.value))

    def raise_for_status(self) -> None:
        """Raise what the triggerer could only report.

        :raises EncordUnavailableError: if Encord could not be reached.
        :raises EncordRequestError: if Encord refused the poll.
        :raises EncordPermanentError: if the connection cannot be used.
        :raises EncordError: for any other error.
        """
        if self.status is EventStatus.UNREACHABLE:
            raise EncordUnavailableError(self.message)
        if self.status is not EventStatus.REFUSED:
            return
        if self.http_status is not None:
            raise EncordRequestError(self.message, status=self.http_status)
        raise EncordPermanentError(self.message) if self.permanent else EncordError(self.message)

    def as_payload(self) -> dict[str, Any]:
        """Give the event as JSON values."""
        return stamped(asdict(self) | {"status": self.status.value, "pending": list(self.pending)})

    @classmethod
    def from_payload(cls, payload: Any) -> UploadJobEvent:
        """Check what came back from the triggerer.

        :raises EncordError: if it is no event of this trigger, or one of a version that says more than this one reads.
        """
        try:
            # The triggerer may run an older version, whose events have fewer fields.
            return opened(payload, cls, whole=False)
        except ValueError as error:
            raise EncordError(f"The triggerer sent no usable event ({error}): {payload!r}") from None


def _check_texts(values: Sequence[Sequence[Any]]) -> None:
    if any(isinstance(value, str) for value in values):
        raise TypeError("a text stands where a list of texts is wanted")
    if not all(isinstance(text, str) for value in values for text in value):
        raise TypeError("something stands where a text is wanted")


class EncordUploadJobTrigger(BaseTrigger):  # type: ignore[misc, unused-ignore]
    """Wait for upload jobs without holding a worker slot.

    It sends one event, whose payload :class:`UploadJobEvent` describes. It may be started anew at any moment,
    as a triggerer restart does: the deadline is absolute, and nothing else depends on when it was started.

    :param encord_conn_id: the Airflow connection of type ``encord``.
    :param folder: UUID of the storage folder that the jobs register into.
    :param job_ids: the jobs to watch.
    :param until: ``any`` to stop at the first job that ended, ``all`` to wait for every one.
    :param deadline: seconds since the epoch after which the wait is over, or None.
    :param seconds: how long the wait may take at most whenever it is started, should this machine's clock be behind
        the one by which the deadline was set; None for the deadline only.
    :param total_units: data units of the jobs together, for the progress in the log, or None.
    :param cancel_on_kill: whether to cancel the jobs when a user marks the deferred task or clears it
        (Airflow 3.3 and later call ``on_kill``).
    :param receipts: the URI of the import's receipts, where what the jobs had done is kept if a user ends the
        task; None for none.
    :param parts: job id -> ``{"part", "sha256"}`` for these receipts.
    """

    poll: ClassVar[Poll] = staticmethod(get_upload_job)
    what: ClassVar[str] = "Upload"

    def __init__(
        self,
        *,
        encord_conn_id: str,
        folder: str,
        job_ids: Sequence[str],
        until: str = WaitUntil.ALL.value,
        deadline: float | None = None,
        seconds: float | None = None,
        total_units: int | None = None,
        cancel_on_kill: bool = True,
        receipts: str | None = None,
        parts: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self.encord_conn_id = encord_conn_id
        self.folder = folder
        self.job_ids = list(job_ids)
        self.until = until
        self.deadline = deadline
        self.seconds = seconds
        self.total_units = total_units
        self.cancel_on_kill = cancel_on_kill
        self.receipts = receipts
        self.parts = {job_id: dict(part) for job_id, part in (parts or {}).items()}

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
                "seconds": self.seconds,
                "total_units": self.total_units,
                "cancel_on_kill": self.cancel_on_kill,
                "receipts": self.receipts,
                "parts": self.parts,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and send one event."""
        yield TriggerEvent((await self._wait()).as_payload())

    async def on_kill(self) -> None:
        """Cancel the jobs when a user has ended the deferred task, and keep what they had done by then."""
        if not self.cancel_on_kill:
            return
        try:
            await asyncio.to_thread(self._cancel)
        except EncordError as error:
            self.log.error("The upload jobs %s could not be cancelled: %s", ", ".join(self.job_ids), error)

    def _cancel(self) -> None:
        # Off the event loop, as it reads the connection, masks secrets and imports the SDK.
        hook = EncordHook(encord_conn_id=self.encord_conn_id)
        cancelled = cancel_jobs(
            hook.api, self.folder, self.job_ids, budget=KILLED_TRIGGER, cause=Cause.ENDED_BY_USER
        )
        for job_id, job in cancelled.ended.items():
            part = self.parts.get(job_id)
            if self.receipts and part:
                # Attempt 0 is none: the next one asks Encord itself.
                receipt = Receipt(part=part["part"], sha256=part["sha256"], job=job, attempt=0)
                Receipts(self.receipts).write(receipt)
        if self.receipts:
            log.info("What they had registered: %s", self.receipts)

    async def _wait(self) -> UploadJobEvent:
        try:
            async with shared_api(EncordHook(encord_conn_id=self.encord_conn_id)) as shared:
                result = await wait_for_jobs(
                    shared.api,
                    folder=self.folder,
                    job_ids=self.job_ids,
                    until=WaitUntil(self.until),
                    deadline=self._own_deadline(),
                    progress=Progress(total=self.total_units, what=self.what),
                    poll=self.poll,
                    pace=shared.pace,
                )
        except EncordError as error:
            return UploadJobEvent(
                status=EventStatus.REFUSED,
                message=str(error),
                http_status=error.status if isinstance(error, EncordRequestError) else None,
                permanent=isinstance(error, EncordPermanentError),
                pending=self.job_ids,
                folder=self.folder,
                deadline=self.deadline,
            )
        ended = {job_id: state.value for job_id, state in finished_states(result.jobs).items()}
        return UploadJobEvent(
            status=EventStatus(result.end.value),
            jobs=ended,
            pending=[job_id for job_id in self.job_ids if job_id not in ended],
            folder=self.folder,
            message=result.message,
            deadline=self.deadline,
        )

    def _own_deadline(self) -> float | None:
        """Give the moment when the wait is over by this machine's clock."""
        if self.deadline is None or self.seconds is None:
            return self.deadline
        return min(self.deadline, time.time() + self.seconds)
