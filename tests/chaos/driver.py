"""Run one schedule: Airflow's own task runner in worker processes, the trigger in processes of its own.

A worker is forked from this process, which has imported Airflow and the SDK already, so that an attempt costs a
fraction of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from encord_provider.operators.import_data import EncordImportDataOperator
from tests.chaos import trouble
from tests.chaos.judge import Ended, Verdict, judge
from tests.chaos.schedules import ANSWERS, DIMENSIONS, GOOD, Schedule
from tests.helpers.airflow_task import TaskRecord, in_dag
from tests.helpers.emulator_process import Encord
from tests.helpers.imports import url, write_spec
from tests.helpers.kills import die_before_reporting, forget_the_state_store, silence, terminate_while_waiting

OBJECTS, PER_PART, AT_ONCE = 20, 4, 2
UNITS_PER_SECOND = 40.0
_RETRIES, _FEW_RETRIES = 12, 3
_MOST_STEPS = 90
_MOST_ORDERS = 2
_TIMEOUT, _LONG_TIMEOUT = 2.0, 45.0
_HANGS_AFTER = 40
_SLOW = {"units_per_second": 0.5}
_ENDED_BY_SOMEBODY = ("told to end", "marks the deferred task failed", "clears the deferred task")


class HangsError(RuntimeError):
    """A process did not end, or a task goes on for ever."""


class Run:
    """One import task, and the processes in which it happens."""

    def __init__(
        self,
        encord: Encord,
        home: Path,
        schedule: Schedule,
        name: str,
        *,
        first: int = 0,
        map_index: int = -1,
    ) -> None:
        self.encord, self.home, self.schedule = encord, home / name, schedule
        self.home.mkdir(parents=True, exist_ok=True)
        run_id = name if map_index < 0 else "mapped"
        self.workspace = home / "workspace" if map_index >= 0 else self.home / "workspace"
        # No retry helps where nothing can be written.
        self.retries = _RETRIES if schedule["workspace"] in (GOOD, "lost") else _FEW_RETRIES
        self.record = TaskRecord(
            self.home / "task.json", retries=self.retries, run_id=run_id, map_index=map_index
        )
        self.numbers = range(first, first + OBJECTS)
        self.spec = write_spec(
            self.home / "spec", OBJECTS, per_part=PER_PART, skips=schedule.skips, first=first
        )
        self.attempts = self.struck = self.orders = 0
        self.left_running: list[str] = []
        # What happens once.
        self.to_come = {
            name
            for name in ("worker", "triggerer", "event", "user", "workspace", "store")
            if schedule[name] != GOOD
        }

    @property
    def bad(self) -> list[str]:
        """The objects that Encord never takes."""
        return [url(self.numbers[number * 7]) for number in range(self.schedule.bad_objects)]

    @property
    def ended(self) -> Ended:
        known = self.record.read()
        return Ended(
            state=known["state"],
            returned=known["xcoms"].get("return_value"),
            wanted=frozenset(map(url, self.numbers)),
            bad=frozenset(self.bad),
            home=self.home,
        )

    def to_the_end(self) -> None:
        """Play Airflow: queue attempts, run triggers, retry, until the task has ended; and the user who clears it."""
        for _ in range(_MOST_STEPS):
            state = self.record.state
            if state == "success":
                return
            if state == "failed":
                if not self._is_ordered_again():
                    return
                self.record.clear()
            elif state == "deferred":
                self._wait_in_triggerer()
            else:
                self._attempt()
        raise HangsError(f"the task does not end: {self.record.read()}")

    def clear(self) -> None:
        self.record.clear()
        self.to_the_end()

    def operator(self) -> EncordImportDataOperator:
        timeout: float | None = None
        if self.schedule["job"].startswith("stuck"):
            timeout = _TIMEOUT
        elif self.schedule["clock of the triggerer"] != GOOD or self.schedule["answers"] != GOOD:
            timeout = _LONG_TIMEOUT
        operator = in_dag(
            lambda: EncordImportDataOperator(
                task_id="import_data",
                spec=self.spec,
                folder="lake/daily",
                create_folder=True,
                integration="AWS S3",
                deferrable=self.schedule.is_deferred,
                ignore_errors=self.schedule["errors"] == "ignored",
                max_active_jobs=AT_ONCE,
                max_failed_units=self.schedule.allowed,
                timeout=timeout,
                workspace=f"file://{self.workspace}",
                retries=self.retries,
            )
        )
        # The emulator's jobs are shorter than what is worth a deferral.
        object.__setattr__(operator, "patience", 0.0)
        return operator  # type: ignore[return-value]

    def _is_ordered_again(self) -> bool:
        """Whether a user clears the failed task: because it was ended on purpose, or has asked to be looked at."""
        ended_on_purpose = bool(self.record.read().get("ended_by_user"))
        self.record.update(ended_by_user=False)
        if ended_on_purpose:
            return True
        self.orders += 1
        helps = not self.schedule.skips and self.schedule["workspace"] != "read-only"
        return helps and self.orders <= _MOST_ORDERS

    def _happens(self, dimension: str, *values: str) -> bool:
        """Whether something that happens once happens now."""
        if dimension not in self.to_come or self.schedule[dimension] not in values:
            return False
        self.to_come.discard(dimension)
        self.struck += 1
        return True

    def _attempt(self) -> None:
        self.attempts += 1
        try_number = self.record.read()["try_number"]
        told_to_end = self._happens("worker", "told to end")
        ended_by = self.record.run_in_worker(self.operator, prepare=lambda: self._prepare(told_to_end))
        self.struck += ended_by == signal.SIGKILL
        if ended_by == signal.SIGALRM:
            raise HangsError(f"an attempt took more than {_HANGS_AFTER} s")
        if told_to_end:
            # The user has ended the running task: there are no retries, and nothing may go on.
            self._look_for_jobs_left()
            self.record.update(state="scheduled", try_number=try_number + 1)
        if self.record.state == "success":
            return
        if self._happens("workspace", "lost"):
            trouble.lose(self.workspace)
        if self._happens("store", "lost"):
            self.record.update(store={})

    def _prepare(self, told_to_end: bool) -> None:
        schedule, kind = self.schedule, self.schedule["worker"]
        signal.alarm(_HANGS_AFTER)
        silence(self.home / "worker.log")
        if schedule["memory"] == "files":
            forget_the_state_store()
        if schedule["workspace"] == "read-only":
            trouble.fail_writes("file", probability=1, error=errno.EROFS, seed=schedule.name)
        if schedule["workspace"] == "writes fail":
            trouble.fail_writes("file", probability=0.1, error=errno.ENOSPC, seed=schedule.name)
        if schedule["store"] == "fails":
            trouble.fail_writes("store", probability=0.03, error=errno.EIO, seed=schedule.name)
        if kind.endswith("writes") or kind.endswith("written"):
            counted = self.home / "writes"
            trouble.kill_at_write(schedule.nth, after=kind.endswith("written"), counted_in=counted)
        elif kind == "killed at some moment" and self.attempts == 1:
            trouble.kill_after(schedule.seconds)
        elif kind == "killed before Airflow hears of it" and self.attempts <= 2:
            die_before_reporting(self.record)
        elif told_to_end:
            terminate_while_waiting(schedule.seconds)

    def _wait_in_triggerer(self) -> None:
        if self._happens("user", "marks the deferred task failed", "clears the deferred task"):
            self._end_by_user()
        elif self._happens("event", "garbled"):
            self.record.resume({"status": "all good", "jobs": 7})
        elif self._happens("event", "early"):
            self.record.resume(self._early_event())
        elif self._happens("event", "forged"):
            self.record.resume({"status": "finished", "jobs": {"somebody": "done"}, "deadline": None})
        else:
            killed = self._happens("triggerer", "killed")
            ended_by = self._in_process(lambda: self._trigger(killed))
            if ended_by == signal.SIGALRM:
                raise HangsError(f"a trigger took more than {_HANGS_AFTER} s")

    def _early_event(self) -> dict[str, Any]:
        trigger = self.record.make_trigger()
        return {
            "status": "finished",
            "pending": trigger.job_ids,
            "folder": trigger.folder,
            "deadline": trigger.deadline,
        }

    def _trigger(self, killed: bool) -> None:
        if killed:
            trouble.kill_after(self.schedule.seconds / 2)
        if self.schedule["clock of the triggerer"] != GOOD:
            ahead = self.schedule["clock of the triggerer"] == "ahead"
            trouble.set_clock(trouble.SKEW if ahead else -trouble.SKEW)
        asyncio.run(self.record.trigger())

    def _in_process(self, act: Any) -> int:
        triggerer = os.fork()
        if triggerer == 0:
            try:
                signal.alarm(_HANGS_AFTER)
                silence(self.home / "triggerer.log")
                act()
            finally:
                os._exit(0)
        _, status = os.waitpid(triggerer, 0)
        return -os.waitstatus_to_exitcode(status)

    def _end_by_user(self) -> None:
        """What the triggerer does when a user marks the deferred task failed or clears it."""
        self._in_process(lambda: asyncio.run(self._cancel_trigger()))
        self._look_for_jobs_left()
        if self.schedule["user"].startswith("marks"):
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

    def _look_for_jobs_left(self) -> None:
        if self.schedule["tasks"] == "one" and not self.schedule.may_leave_unheard_jobs:
            self.left_running += self.encord.pending()
        self.encord.control("PATCH", "settings", {"units_per_second": UNITS_PER_SECOND})


def run(encord: Encord, schedule: Schedule) -> Verdict:
    """Run a schedule from nothing, and judge it."""
    began = time.monotonic()
    verdict = Verdict(schedule=schedule)
    encord.control("POST", "reset")
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        home = Path(folder)
        _connect(encord)
        runs = _runs(encord, home, schedule)
        faults: list[dict[str, Any]] = []
        _inject(encord, schedule, runs)
        try:
            _play(runs)
            faults = encord.control("GET", "faults")
            if schedule.may_leave_unheard_jobs:
                # They end by themselves, once nothing keeps them from it.
                for fault in faults:
                    if fault["kind"] == "job_stuck":
                        encord.control("DELETE", f"faults/{fault['id']}")
            judge(encord, [one.ended for one in runs], verdict)
            succeeded = len(runs) == 1 and runs[0].record.state == "success"
            if schedule["user"] == "clears the successful task" and succeeded and verdict.is_good:
                runs[0].clear()
                judge(encord, [runs[0].ended], verdict)
        except HangsError as error:
            verdict.hung.append(str(error))
        verdict.secrets += _secrets(home, str(encord.connection["extra"]["private_key"]))
        verdict.attempts = sum(one.attempts for one in runs)
        verdict.struck = sum(one.struck for one in runs) + sum(fault["struck"] > 0 for fault in faults)
        verdict.left_running += [job for one in runs for job in one.left_running]
        if not verdict.is_good and "CHAOS_KEEP" in os.environ:
            subprocess.run(["cp", "-r", folder, os.environ["CHAOS_KEEP"]], check=False)
    verdict.seconds = time.monotonic() - began
    return verdict


def _connect(encord: Encord) -> None:
    """Name the connection, always in the same words: Airflow takes a tenth of a second to mask new ones."""
    extra = {**encord.connection["extra"], "retry_seconds": 10}
    os.environ["AIRFLOW_CONN_ENCORD_DEFAULT"] = json.dumps({**encord.connection, "extra": extra})


def _runs(encord: Encord, home: Path, schedule: Schedule) -> list[Run]:
    first = Run(encord, home, schedule, "first")
    if schedule["tasks"] == "two runs at once":
        # Who skips no duplicates registers what he names, however often it is named.
        return [first, Run(encord, home, schedule, "second", first=0 if schedule.skips else OBJECTS)]
    if schedule["tasks"] == "two mapped at once":
        return [
            Run(encord, home, schedule, f"mapped-{index}", first=index * OBJECTS, map_index=index)
            for index in range(2)
        ]
    return [first]


def _inject(encord: Encord, schedule: Schedule, runs: list[Run]) -> None:
    skip = (schedule.nth - 1) % 4
    if schedule["answers"] != GOOD:
        fault = {**ANSWERS[schedule["answers"]], "route": schedule["call"], "count": 1, "skip": skip}
        encord.control("POST", "faults", fault)
    if schedule["units"].startswith("one"):
        encord.control("POST", "faults", {"kind": "unit_error", "url": "*", "count": 1, "skip": schedule.nth})
    for address in {address for one in runs for address in one.bad}:
        encord.control("POST", "faults", {"kind": "unit_error", "url": address, "message": "refused"})
    jobs = {
        "cancelled by somebody else": {"kind": "job_cancelled", "after_units": 1},
        "gone": {"kind": "status", "status": 404, "route": "poll_upload_job"},
        "stuck until the time is over": {"kind": "job_stuck"},
    }
    if schedule["job"] != GOOD:
        encord.control("POST", "faults", {**jobs[schedule["job"]], "count": 1, "skip": skip})
    if schedule["worker"] in _ENDED_BY_SOMEBODY or schedule["user"] in _ENDED_BY_SOMEBODY:
        # Jobs that would go on for a long time if nobody cancelled them.
        encord.control("PATCH", "settings", _SLOW)


def _play(runs: list[Run]) -> None:
    """Run the tasks at the same time, the first one in this process."""
    first, *others = runs
    beside: list[int] = []
    for other in others:
        # The others see what goes wrong in Encord; their own workers live.
        other.to_come.clear()
        process = os.fork()
        if process == 0:
            code = 1
            try:
                other.to_the_end()
                code = 0
            finally:
                os._exit(code)
        beside.append(process)
    try:
        first.to_the_end()
    finally:
        codes = [os.waitpid(process, 0)[1] for process in beside]
    if any(codes):
        raise HangsError("a task beside the first one did not end")


def _secrets(home: Path, private_key: str) -> list[str]:
    """Look for lines of the private key in everything that was written."""
    lines = [line.encode() for line in private_key.splitlines()[1:-1] if len(line) > 20]
    files = [path for path in home.rglob("*") if path.is_file()]
    return [path.name for path in files if any(line in path.read_bytes() for line in lines)]


def warm_up(encord: Encord) -> None:
    """Run one import in this process, so that the processes forked from it have everything imported."""
    _connect(encord)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        kept = os.dup(1), os.dup(2)
        silence(Path(folder) / "log")
        usual = {name: choices[0] for name, choices in DIMENSIONS.items()}
        for waiting in DIMENSIONS["waiting"]:
            schedule = Schedule(name="warm", values={**usual, "waiting": waiting})
            one = Run(encord, Path(folder), schedule, waiting.replace(" ", "-"))
            one.record.run_to_the_end(one.operator)
        for number, descriptor in enumerate(kept, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
    # The garbage collector of a forked process would touch, and so copy, all that this one has in memory.
    gc.collect()
    gc.freeze()


def be_quick() -> None:
    """Shorten the pauses of this process, so that a schedule takes a second and not a minute."""
    from encord_provider.api.retry import RetryBudget
    from encord_provider.jobs import wait as waiting

    defaults = RetryBudget.__init__.__kwdefaults__ or {}
    defaults |= {"first_wait": 0.02, "longest_wait": 0.1}
    RetryBudget.__init__.__kwdefaults__ = defaults
    waiting._SHORTEST_PAUSE = 0.05
