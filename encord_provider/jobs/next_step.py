"""What an import does next: a pure function of what is known of it. Nothing here reads, writes, waits or calls.

An attempt has two phases. First it takes up what the last attempt has left under way (:class:`Begin` ends this phase);
then it sends parts, as many at once as are allowed, until each has ended.

The rules that make an import register everything exactly once stand here: a part is sent only if it has neither ended
nor is under way, and one that may have been registered is sent again only if it asks Encord to skip duplicates. For a
part that does not, the folder is looked into: a part whose data units are all there has ended; one of which none is
there is sent if a user has ordered this attempt, who knows what goes on in Encord; anything else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from encord_provider.api.upload_job import UploadJob
from encord_provider.jobs.journal import Journal
from encord_provider.jobs.receipts import Receipt

GONE_MAX = 5
"""How many jobs of an import Encord may have forgotten before it is given up."""


class WaitUntil(StrEnum):
    """When a wait is over."""

    ANY = "any"
    ALL = "all"


class Presence(StrEnum):
    """What a folder has of the data units of a part."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


class PartLike(Protocol):
    """What is needed of a part here, see :class:`~encord_provider.jobs.parts.ImportPart`."""

    @property
    def name(self) -> str:
        """Its name, unique in the spec."""

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""

    @property
    def skips_duplicates(self) -> bool:
        """Whether it asks Encord to skip URLs that the folder already has."""


@dataclass(frozen=True, kw_only=True)
class ImportState:
    """What is known of an import.

    :param parts: part name -> part, in the order of the spec.
    :param journal: what is under way, and which attempt this is.
    :param receipts: part name -> how its last job ended; only of this import and exactly this part.
    :param answers: job id -> what Encord said of it last, None where it does not know the job.
    :param begun: whether this attempt has taken up what the last one left.
    :param ordered: whether a user has ordered this attempt, rather than Airflow retrying.
    :param presence: part name -> what the folder was seen to have of it, where it was looked for.
    :param waits: whether the import waits for its jobs at all.
    :param out_of_time: whether the deadline has passed.
    :param max_active_jobs: how many jobs may be under way at once.
    """

    parts: Mapping[str, PartLike]
    journal: Journal
    receipts: Mapping[str, Receipt]
    answers: Mapping[str, UploadJob | None]
    begun: bool
    ordered: bool = False
    presence: Mapping[str, Presence] = field(default_factory=dict)
    waits: bool = True
    out_of_time: bool = False
    max_active_jobs: int = 4


class Why(StrEnum):
    """Why a part is not under way any more though its job has not been seen to end."""

    SPEC_CHANGED = "the spec has changed and does not have this part any more"
    ANSWER_LOST = "it is unknown whether its job was started"
    JOB_GONE = "Encord does not know its job any more"
    IN_DOUBT = "an earlier attempt may have sent it, of which nothing is known any more"


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Strike a part out of the journal; if the spec has it, it is sent again.

    :param part: its name.
    :param why: the reason.
    """

    part: str
    why: Why


@dataclass(frozen=True, kw_only=True)
class Look:
    """Look into the folder for the data units of parts that may have been registered.

    :param parts: their names.
    """

    parts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RecordPresent:
    """Write the receipt of a part that is registered whole by a job that nobody knows any more.

    :param part: its name.
    """

    part: str


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """Fail, and leave the part as it is known: sending it again could register its data twice.

    :param part: its name.
    :param why: the reason.
    """

    part: str
    why: Why


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """Strike a part out of the journal and fail: Encord forgets one job after the other.

    :param part: its name.
    """

    part: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """Write the receipt of a part whose job has ended, and strike it out of the journal.

    :param part: its name.
    :param job: its job.
    """

    part: str
    job: UploadJob


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Ask Encord for jobs.

    :param job_ids: the jobs.
    """

    job_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Begin:
    """Count a new attempt: what the last one left is taken up."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Send a part.

    :param part: its name.
    """

    part: str


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Wait for jobs.

    :param job_ids: the jobs.
    :param until: for how many of them.
    """

    job_ids: tuple[str, ...]
    until: WaitUntil


@dataclass(frozen=True, kw_only=True)
class TimeOut:
    """Fail: the time is over, and parts have not ended."""


@dataclass(frozen=True, kw_only=True)
class Finish:
    """Nothing is left to do but the verdict."""


Step = (
    Forget | Look | RecordPresent | Refuse | GiveUp | Record | Ask | Begin | Start | Wait | TimeOut | Finish
)


def next_step(state: ImportState) -> Step:
    """Decide what to do next.

    :param state: what is known.
    :returns: one step; doing it changes what is known, so that the next call gives another one, until the import is
        finished.
    """
    journal = state.journal
    for name in journal.active:
        step = _settled(state, name)
        if step is not None:
            return step
    waiting = waiting_parts(state)
    for part in waiting if journal.in_doubt else ():
        step = None if part.skips_duplicates else _doubtful(state, part, Why.IN_DOUBT)
        if step is not None:
            return step
    room = len(journal.active) < state.max_active_jobs
    if state.begun and waiting and room and not state.out_of_time:
        return Start(part=waiting[0].name)
    if state.begun and not state.waits:
        return Finish()
    jobs = tuple(active.job_id for active in journal.active.values() if active.job_id)
    unknown = tuple(job_id for job_id in jobs if job_id not in state.answers)
    if unknown:
        return Ask(job_ids=unknown)
    if not state.begun:
        return Begin()
    if not journal.active and not waiting:
        return Finish()
    if state.out_of_time:
        return TimeOut()
    return Wait(job_ids=jobs, until=WaitUntil.ANY if waiting else WaitUntil.ALL)


def ended_parts(state: ImportState) -> dict[str, Receipt]:
    """Give the parts that have ended for this attempt, in their order, each with its receipt.

    What failed in an earlier attempt is sent again in this one, unless that could register its good units twice.
    """
    found = {}
    for part in state.parts.values():
        receipt = state.receipts.get(part.name)
        if receipt is None or part.name in state.journal.active:
            continue
        if receipt.is_complete or receipt.attempt == state.journal.attempt or _may_double(part, receipt):
            found[part.name] = receipt
    return found


def waiting_parts(state: ImportState) -> list[PartLike]:
    """Give the parts that have not been sent yet; none once a job was cancelled or ended in ERROR."""
    ended = ended_parts(state)
    if any(receipt.is_stopped for receipt in ended.values()):
        return []
    return [
        part
        for part in state.parts.values()
        if part.name not in ended and part.name not in state.journal.active
    ]


def retry_helps(state: ImportState) -> bool:
    """Whether another attempt would send anything that is not registered."""
    unregistered = [
        (part, state.receipts.get(part.name))
        for part in state.parts.values()
        if part.name not in state.journal.active
    ]
    return bool(state.journal.active) or any(
        receipt is None or not (receipt.is_complete or _may_double(part, receipt))
        for part, receipt in unregistered
    )


def _may_double(part: PartLike, receipt: Receipt) -> bool:
    return bool(receipt.job.units.done) and not part.skips_duplicates


def _settled(state: ImportState, name: str) -> Step | None:
    """Decide about a part that is under way, None if it stays so for now."""
    active = state.journal.active[name]
    part = state.parts.get(name)
    if part is None or part.sha256 != active.sha256:
        return Forget(part=name, why=Why.SPEC_CHANGED)
    if active.job_id is None:
        return _again(state, part, Why.ANSWER_LOST)
    if active.job_id not in state.answers:
        return None
    job = state.answers[active.job_id]
    if job is None:
        if part.skips_duplicates and state.journal.gone >= GONE_MAX:
            return GiveUp(part=name)
        return _again(state, part, Why.JOB_GONE)
    # A job that was stopped between two attempts belongs to the earlier one, so that its part is sent again. Any other
    # is rejoined: nobody has been told its verdict yet.
    ended = job.state.is_terminal if state.begun else job.state.is_stopped
    return Record(part=name, job=job) if ended else None


def _again(state: ImportState, part: PartLike, why: Why) -> Step:
    """Decide about a part that may have been registered, by a job that nobody knows."""
    if part.skips_duplicates:
        return Forget(part=part.name, why=why)
    return _doubtful(state, part, why) or Forget(part=part.name, why=why)


def _doubtful(state: ImportState, part: PartLike, why: Why) -> Step | None:
    """Decide about a part that skips no duplicates and may have been registered, None if it can be sent."""
    presence = state.presence.get(part.name)
    if presence is None:
        ended = ended_parts(state)
        unsettled = tuple(
            one.name
            for one in state.parts.values()
            if not one.skips_duplicates and one.name not in state.presence and one.name not in ended
        )
        return Look(parts=unsettled)
    if presence is Presence.ALL:
        return RecordPresent(part=part.name)
    # An order is about what earlier attempts did, not about what happens in this one.
    if presence is Presence.NONE and state.ordered and not state.begun:
        return None
    return Refuse(part=part.name, why=why)
