"""What goes wrong, where and when: every fault at every step once, then schedules drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.helpers.kills import STEPS


class Event(StrEnum):
    """Kinds of things that go wrong."""

    KILL_AT_STEP = "worker killed (SIGKILL)"
    KILL_AT_TIME = "worker killed at some moment (SIGKILL)"
    KILL_BEFORE_REPORT = "worker killed before Airflow hears of it"
    TERMINATE = "worker told to end (SIGTERM)"
    KILL_TRIGGERER = "triggerer killed (SIGKILL)"
    CALL = "transport error"
    JOB = "upload job"
    MARK_FAILED = "user marks the deferred task failed"
    CLEAR = "user clears the deferred task"
    TIMEOUT = "time is over"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One thing that goes wrong.

    :param event: what.
    :param where: the step, the call or the kind of job fault, for the table.
    :param nth: at the how-manieth time the step is come to.
    :param seconds: when, for what happens at some moment.
    :param fault: the emulator's fault.
    """

    event: Event
    where: str
    nth: int = 1
    seconds: float = 0.0
    fault: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One run of the chain, and what goes wrong in it.

    :param name: by which it can be run again.
    :param deferrable: whether the import waits in the triggerer.
    :param in_files: whether it remembers in files, as on Airflow below 3.3.
    :param troubles: what goes wrong, in the order in which the attempts meet it.
    :param clears: whether the user clears the task after its success.
    :param twice: whether a second run imports the same day at the same time.
    :param bad_objects: how many objects Encord never takes.
    :param allowed: how many failed data units still count as success.
    """

    name: str
    deferrable: bool
    in_files: bool = False
    troubles: tuple[Trouble, ...] = ()
    clears: bool = False
    twice: bool = False
    bad_objects: int = 0
    allowed: int = 0

    @property
    def must_strike(self) -> bool:
        """Whether what goes wrong is bound to happen, whatever the timing."""
        drawn_ones = self.name.startswith("drawn/")
        at_some_moment = {Event.KILL_AT_TIME, Event.KILL_TRIGGERER}
        return bool(self.troubles) and not drawn_ones and self.troubles[0].event not in at_some_moment

    @property
    def succeeds(self) -> bool:
        """Whether the task must succeed in the end."""
        return self.bad_objects <= self.allowed


CALL_FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "status": 429},
    "429 with Retry-After": {"kind": "status", "status": 429, "retry_after": 1},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "504": {"kind": "status", "status": 504},
    "reset before": {"kind": "reset_before"},
    "answer lost": {"kind": "reset_after"},
    "answer cut": {"kind": "truncated_body"},
    "answer slow": {"kind": "slow_body", "seconds": 0.3},
}
DATA_ROUTES = ("start_upload_job", "poll_upload_job", "list_cloud_integrations")
SDK_ROUTES = ("list_root_folders", "list_subfolders", "create_folder")
_ONCE = ("before anything is stored", "before the verdict", "after the verdict")
JOB_FAULTS: dict[str, dict[str, Any]] = {
    "cancelled by somebody else": {"kind": "job_cancelled", "after_units": 1},
    "gone (404)": {"kind": "status", "status": 404, "route": "poll_upload_job"},
    "a unit fails once": {"kind": "unit_error", "url": "*"},
}


def _call(route: str, fault: str, nth: int) -> Trouble:
    fields = {**CALL_FAULTS[fault], "route": route, "count": 1, "skip": nth - 1}
    return Trouble(event=Event.CALL, where=f"{fault}, {route}", nth=nth, fault=fields)


def _job(name: str, nth: int) -> Trouble:
    fields = {**JOB_FAULTS[name], "count": 1, "skip": nth - 1}
    return Trouble(event=Event.JOB, where=name, nth=nth, fault=fields)


def _steps(*, deferrable: bool, in_files: bool) -> list[str]:
    unreached = {"before a wait"} if deferrable else {"before a deferral"}
    unreached |= {
        name
        for name in (step.name for step in STEPS)
        if ("journal file" in name) != in_files and "journal" in name
    }
    return [step.name for step in STEPS if step.name not in unreached and "cancelled" not in step.name]


def systematic() -> Iterator[Schedule]:
    """Every fault at every step, in both modes and with both memories where they differ."""
    for deferrable in (False, True):
        mode = "deferred" if deferrable else "waiting"
        for in_files in (False, True):
            memory = "files" if in_files else "store"
            for step in _steps(deferrable=deferrable, in_files=in_files):
                for nth in (1,) if step in _ONCE else (1, 3):
                    trouble = Trouble(event=Event.KILL_AT_STEP, where=step, nth=nth)
                    yield Schedule(
                        name=f"kill/{mode}/{memory}/{step}/{nth}",
                        deferrable=deferrable,
                        in_files=in_files,
                        troubles=(trouble,),
                    )
            trouble = Trouble(event=Event.KILL_BEFORE_REPORT, where="success, failure or deferral")
            yield Schedule(
                name=f"unreported/{mode}/{memory}",
                deferrable=deferrable,
                in_files=in_files,
                troubles=(trouble,),
            )
        for fault in CALL_FAULTS:
            for route in (*DATA_ROUTES, *SDK_ROUTES):
                yield Schedule(
                    name=f"call/{mode}/{fault}/{route}",
                    deferrable=deferrable,
                    troubles=(_call(route, fault, 1),),
                )
            for route in ("start_upload_job", "poll_upload_job"):
                yield Schedule(
                    name=f"call/{mode}/{fault}/{route}/3",
                    deferrable=deferrable,
                    troubles=(_call(route, fault, 3),),
                )
        for name in JOB_FAULTS:
            for nth in (1, 3):
                yield Schedule(
                    name=f"job/{mode}/{name}/{nth}", deferrable=deferrable, troubles=(_job(name, nth),)
                )
        yield Schedule(
            name=f"bad/{mode}",
            deferrable=deferrable,
            bad_objects=2,
            troubles=(Trouble(event=Event.JOB, where="units that always fail, none allowed"),),
        )
        yield Schedule(
            name=f"bad-allowed/{mode}",
            deferrable=deferrable,
            bad_objects=2,
            allowed=2,
            troubles=(Trouble(event=Event.JOB, where="units that always fail, allowed"),),
        )
        stuck = Trouble(
            event=Event.TIMEOUT, where="a job is stuck", fault={"kind": "job_stuck", "skip": 1, "count": 1}
        )
        yield Schedule(name=f"stuck/{mode}", deferrable=deferrable, troubles=(stuck,))
        killed = Trouble(event=Event.KILL_AT_STEP, where="before a job is cancelled")
        yield Schedule(name=f"stuck-killed/{mode}", deferrable=deferrable, troubles=(killed, stuck))
        yield Schedule(name=f"cleared/{mode}", deferrable=deferrable, clears=True)
        yield Schedule(name=f"twice/{mode}", deferrable=deferrable, twice=True)
    for seconds in (0.02, 0.1, 0.3):
        yield Schedule(
            name=f"triggerer/{seconds}",
            deferrable=True,
            troubles=(Trouble(event=Event.KILL_TRIGGERER, where="while it waits", seconds=seconds),) * 2,
        )
    for event in (Event.MARK_FAILED, Event.CLEAR):
        yield Schedule(
            name=event.name, deferrable=True, troubles=(Trouble(event=event, where="first deferral"),)
        )
    for seconds in (0.3, 0.6):
        yield Schedule(
            name=f"terminate/{seconds}",
            deferrable=False,
            troubles=(Trouble(event=Event.TERMINATE, where="while it waits", seconds=seconds),),
        )


def drawn(seed: int, number: int) -> Schedule:
    """Draw one schedule."""
    dice = random.Random(f"{seed}/{number}")
    deferrable, in_files = dice.random() < 0.5, dice.random() < 0.5
    steps = _steps(deferrable=deferrable, in_files=in_files)

    def trouble() -> Trouble:
        kind = dice.choice(
            [Event.KILL_AT_STEP, Event.KILL_AT_STEP, Event.KILL_AT_TIME, Event.CALL, Event.CALL, Event.JOB]
            + [Event.KILL_BEFORE_REPORT]
            + ([Event.KILL_TRIGGERER, Event.KILL_TRIGGERER] if deferrable else [])
        )
        nth, seconds = dice.randint(1, 5), dice.uniform(0.01, 1.0)
        if kind is Event.CALL:
            return _call(
                dice.choice((*DATA_ROUTES, "start_upload_job", "poll_upload_job")),
                dice.choice(list(CALL_FAULTS)),
                nth,
            )
        if kind is Event.JOB:
            return _job(dice.choice(list(JOB_FAULTS)), nth)
        where = dice.choice(steps) if kind is Event.KILL_AT_STEP else "anywhere"
        return Trouble(event=kind, where=where, nth=nth, seconds=seconds)

    bad = dice.choice([0, 0, 0, 0, 1, 2])
    return Schedule(
        name=f"drawn/{seed}/{number}",
        deferrable=deferrable,
        in_files=in_files,
        troubles=tuple(trouble() for _ in range(dice.randint(1, 4))),
        clears=dice.random() < 0.2,
        twice=dice.random() < 0.15,
        bad_objects=bad,
        # No more than fail anyway: with room for another, a unit that fails once rightly stays failed, and the judge
        # expects every good object to be registered.
        allowed=dice.choice([0, bad]) if bad else 0,
    )
