"""Run one schedule: Airflow's own task runner in worker processes, the trigger in processes of its own, and a judge.

A worker is forked from this process, which has imported Airflow and the SDK already, so that an attempt costs a
fraction of a second. The judge looks only at what Encord holds, what Airflow was told and what lies in the workspace.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encord_provider.operators.import_data import EncordImportDataOperator
from tests.chaos.schedules import Event, Schedule, Trouble
from tests.helpers.airflow_task import TaskRecord, in_dag
from tests.helpers.emulator_process import Encord
from tests.helpers.imports import url, write_spec
from tests.helpers.kills import (
    arm,
    die_before_reporting,
    forget_the_state_store,
    silence,
    step_named,
    terminate_while_waiting,
    vanish,
)

OBJECTS, PER_PART, AT_ONCE = 20, 4, 2
UNITS_PER_SECOND = 40.0
_RETRIES = 12
_MOST_STEPS = 80
_TIMEOUT = 2.0
_SLOW = {"units_per_second": 0.5}
_WORKER_EVENTS = (Event.KILL_AT_STEP, Event.KILL_AT_TIME, Event.KILL_BEFORE_REPORT, Event.TERMINATE)
_USER_EVENTS = (Event.MARK_FAILED, Event.CLEAR)


@dataclass
class Verdict:
    """What the judge found wrong with one schedule; empty lists are what everybody wants."""

    schedule: Schedule
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left_running: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    struck: int = 0
    attempts: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.left_running or self.wrong)


class Run:
    """One run of the day's import: its task, and the processes in which it happens."""

    def __init__(self, encord: Encord, home: Path, schedule: Schedule, name: str) -> None:
        self.encord, self.home, self.schedule = encord, home, schedule
        self.record = TaskRecord(home / f"{name}.json", retries=_RETRIES, run_id=name)
        self.spec = write_spec(home / "spec", OBJECTS, per_part=PER_PART)
        self.for_workers = [one for one in schedule.troubles if one.event in _WORKER_EVENTS]
        self.for_triggerers = [one for one in schedule.troubles if one.event is Event.KILL_TRIGGERER]
        self.by_users = [one for one in schedule.troubles if one.event in _USER_EVENTS]
        self.timeout = _TIMEOUT if any(one.event is Event.TIMEOUT for one in schedule.troubles) else None
        self.attempts = self.struck = 0
        self.left_running: list[str] = []

    def to_the_end(self) -> None:
        """Play Airflow: queue attempts, run triggers, retry, until the task has ended."""
        for _ in range(_MOST_STEPS):
            state = self.record.state
            if state in ("success", "failed"):
                if state == "failed" and self._was_ended_by_user():
                    self.record.clear()
                    continue
                return
            if state == "deferred":
                self._defer()
            else:
                self._attempt()
        raise RuntimeError(f"{self.schedule.name} does not end: {self.record.read()}")

    def clear(self) -> None:
        self.record.clear()
        self.to_the_end()

    def operator(self) -> EncordImportDataOperator:
        operator = in_dag(
            lambda: EncordImportDataOperator(
                task_id="import_data",
                spec=self.spec,
                folder="lake/daily",
                create_folder=True,
                integration="AWS S3",
                deferrable=self.schedule.deferrable,
                max_active_jobs=AT_ONCE,
                max_failed_units=self.schedule.allowed,
                timeout=self.timeout,
                workspace=f"file://{self.home}/workspace",
                retries=_RETRIES,
            )
        )
        # The emulator's jobs are shorter than what is worth a deferral.
        object.__setattr__(operator, "patience", 0.0)
        return operator  # type: ignore[return-value]

    def _attempt(self) -> None:
        self.attempts += 1
        trouble = self.for_workers.pop(0) if self.for_workers else None
        try_number = self.record.read()["try_number"]
        ended_by = self.record.run_in_worker(self.operator, prepare=lambda: self._prepare(trouble))
        self.struck += ended_by == signal.SIGKILL
        if trouble is not None and trouble.event is Event.KILL_AT_STEP and ended_by != signal.SIGKILL:
            # A later worker may come to the step.
            self.for_workers.insert(0, trouble)
        if trouble is not None and trouble.event is Event.TERMINATE:
            # The user has ended the running task: there are no retries, and nothing may go on.
            self.struck += 1
            self._look_for_jobs_left()
            self.record.update(state="scheduled", try_number=try_number + 1)

    def _prepare(self, trouble: Trouble | None) -> None:
        silence(self.home / "worker.log")
        if self.schedule.in_files:
            forget_the_state_store()
        if trouble is None:
            return
        if trouble.event is Event.KILL_AT_STEP:
            arm(
                step_named(trouble.where),
                nth=trouble.nth,
                counted_in=self.home / f"steps-{len(self.for_workers)}",
            )
        elif trouble.event is Event.KILL_AT_TIME:
            threading.Timer(trouble.seconds, vanish).start()
        elif trouble.event is Event.KILL_BEFORE_REPORT:
            die_before_reporting(self.record)
        elif trouble.event is Event.TERMINATE:
            terminate_while_waiting(trouble.seconds)

    def _defer(self) -> None:
        if self.by_users:
            self._end_by_user(self.by_users.pop(0))
            return
        trouble = self.for_triggerers.pop(0) if self.for_triggerers else None
        triggerer = os.fork()
        if triggerer == 0:
            try:
                silence(self.home / "triggerer.log")
                if trouble is not None:
                    threading.Timer(trouble.seconds, vanish).start()
                asyncio.run(asyncio.wait_for(self.record.trigger(), 60))
            finally:
                os._exit(0)
        _, status = os.waitpid(triggerer, 0)
        self.struck += os.waitstatus_to_exitcode(status) == -signal.SIGKILL

    def _end_by_user(self, trouble: Trouble) -> None:
        """What the triggerer does when a user marks the deferred task failed or clears it."""
        triggerer = os.fork()
        if triggerer == 0:
            try:
                silence(self.home / "triggerer.log")
                asyncio.run(self._cancel_trigger())
            finally:
                os._exit(0)
        os.waitpid(triggerer, 0)
        self._look_for_jobs_left()
        self.struck += 1
        if trouble.event is Event.MARK_FAILED:
            self.record.update(state="failed", trigger=None, ended_by_user=True)
        else:
            self.record.clear()

    async def _cancel_trigger(self) -> None:
        trigger = self.record.make_trigger()
        waiting = asyncio.create_task(anext(trigger.run()))
        await asyncio.sleep(0.3)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(trigger.on_kill(), 30)

    def _was_ended_by_user(self) -> bool:
        ended = bool(self.record.read().get("ended_by_user"))
        self.record.update(ended_by_user=False)
        return ended

    def _look_for_jobs_left(self) -> None:
        self.left_running += self.encord.pending()
        self.encord.control("PATCH", "settings", {"units_per_second": UNITS_PER_SECOND})


def run(encord: Encord, schedule: Schedule) -> Verdict:
    """Run a schedule from nothing, and judge it."""
    began = time.monotonic()
    verdict = Verdict(schedule=schedule)
    encord.control("POST", "reset")
    for trouble in schedule.troubles:
        if trouble.fault:
            encord.control("POST", "faults", trouble.fault)
        if trouble.event in (*_USER_EVENTS, Event.TERMINATE):
            # Jobs that would go on for a long time if nobody cancelled them.
            encord.control("PATCH", "settings", _SLOW)
    for number in range(schedule.bad_objects):
        encord.control("POST", "faults", {"kind": "unit_error", "url": url(number * 7), "message": "refused"})
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        os.environ["AIRFLOW_CONN_ENCORD_DEFAULT"] = json.dumps(encord.connection)
        first = Run(encord, Path(folder), schedule, "first")
        runs = [first]
        try:
            if schedule.twice:
                runs.append(_beside(encord, Path(folder), first))
            else:
                first.to_the_end()
            for one in runs:
                judge(encord, one, verdict)
            if schedule.clears:
                first.clear()
                judge(encord, first, verdict)
        except RuntimeError as error:
            verdict.wrong.append(str(error))
        verdict.attempts = sum(one.attempts for one in runs)
        faults = encord.control("GET", "faults")
        verdict.struck = sum(one.struck for one in runs) + sum(fault["struck"] > 0 for fault in faults)
        verdict.left_running += first.left_running
        if schedule.must_strike and not verdict.struck:
            verdict.wrong.append("what should have gone wrong did not, so that nothing is shown")
        if not verdict.is_good and "CHAOS_KEEP" in os.environ:
            subprocess.run(["cp", "-r", folder, os.environ["CHAOS_KEEP"]], check=False)
    verdict.seconds = time.monotonic() - began
    return verdict


def warm_up(encord: Encord) -> None:
    """Run one import in this process, so that the processes forked from it have everything imported."""
    os.environ["AIRFLOW_CONN_ENCORD_DEFAULT"] = json.dumps(encord.connection)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        said = Path(folder) / "log"
        kept = os.dup(1), os.dup(2)
        silence(said)
        for deferrable in (False, True):
            one = Run(encord, Path(folder), Schedule(name="warm", deferrable=deferrable), f"warm{deferrable}")
            one.record.run_to_the_end(one.operator)
        for number, descriptor in enumerate(kept, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)


def _beside(encord: Encord, home: Path, first: Run) -> Run:
    """Run a second run of the same day at the same time."""
    other = Run(encord, home, Schedule(**{**vars(first.schedule), "troubles": ()}), "second")
    beside = os.fork()
    if beside == 0:
        try:
            other.to_the_end()
        finally:
            os._exit(0)
    first.to_the_end()
    os.waitpid(beside, 0)
    return other


def judge(encord: Encord, one: Run, verdict: Verdict) -> None:
    """Compare what Encord holds, what Airflow was told, and what lies in the workspace."""
    schedule, known = one.schedule, one.record.read()
    # A job whose id nobody has ever heard, because its answer was lost, ends by itself.
    deadline = time.monotonic() + 5
    while encord.pending() and time.monotonic() < deadline:
        time.sleep(0.05)
    verdict.left_running += encord.pending()
    registered = encord.registered()
    wanted = {url(number) for number in range(OBJECTS)}
    bad = {url(number * 7) for number in range(schedule.bad_objects)}
    summary = known["xcoms"].get("return_value") if known["state"] == "success" else _kept_summary(one)
    if summary is None:
        verdict.wrong.append(f"there is no summary; the task is {known['state']}")
        return
    failures = _failures(summary)
    verdict.lost += sorted(wanted - set(registered) - set(failures))
    verdict.doubled += sorted(address for address, count in registered.items() if count > 1)
    checks = {
        "state": (known["state"], "success" if schedule.succeeds else "failed"),
        "registered": (set(registered), wanted - bad),
        "failures": (Counter(failures), Counter(bad)),
        "done": (summary["units"]["done"], OBJECTS - len(bad)),
        "failed": (summary["units"]["failed"], len(bad)),
        "total": (summary["units"]["total"], OBJECTS),
        "status": (summary["status"], "done_with_errors" if bad else "done"),
        "receipts": (_receipt_counts(summary), (OBJECTS - len(bad), len(bad))),
        "unknown jobs": (set(summary["job_ids"]) - {job["uuid"] for job in encord.jobs()}, set()),
    }
    verdict.wrong += [
        f"{name}: {found!r}, not {right!r}" for name, (found, right) in checks.items() if found != right
    ]


def _kept_summary(one: Run) -> Any:
    kept = sorted(
        (one.home / "workspace" / "imports" / one.record.read()["run_id"]).rglob("summary.json"),
        key=lambda path: path.stat().st_mtime_ns,
    )
    return json.loads(kept[-1].read_bytes()) if kept else None


def _failures(summary: dict[str, Any]) -> list[str]:
    if not summary["failures"]:
        return []
    text = Path(summary["failures"].removeprefix("file://")).read_text()
    return [row["object_url"] for row in csv.DictReader(io.StringIO(text))]


def _receipt_counts(summary: dict[str, Any]) -> tuple[int, int]:
    folder = Path(summary["receipts"].removeprefix("file://"))
    units = [json.loads(path.read_bytes())["units"] for path in folder.glob("part-*.json")]
    return sum(one["done"] for one in units), sum(one["failed"] for one in units)


def be_quick() -> None:
    """Shorten the pauses of this process, so that a schedule takes a second and not a minute."""
    from encord_provider.api.retry import RetryBudget
    from encord_provider.jobs import wait as waiting

    defaults = RetryBudget.__init__.__kwdefaults__ or {}
    defaults |= {"first_wait": 0.02, "longest_wait": 0.1}
    RetryBudget.__init__.__kwdefaults__ = defaults
    waiting._SHORTEST_PAUSE = 0.05
