"""The judge: what Encord holds, what Airflow was told, and what lies in the workspace must say the same."""

from __future__ import annotations

import csv
import io
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.chaos.schedules import Schedule


class Service(Protocol):
    """What the judge asks of Encord."""

    def registered(self) -> Counter[str]: ...

    def pending(self) -> list[str]: ...

    def jobs(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one task has ended.

    :param state: its state in Airflow.
    :param returned: what it returned, if it succeeded.
    :param wanted: the objects of its spec.
    :param bad: those of them that Encord never takes.
    :param home: where it has left files.
    """

    state: str
    returned: dict[str, Any] | None
    wanted: frozenset[str]
    bad: frozenset[str]
    home: Path


@dataclass
class Verdict:
    """What the judge found wrong with one schedule; empty lists are what everybody wants."""

    schedule: Schedule
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left_running: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    struck: int = 0
    attempts: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.left_running or self.wrong or self.secrets or self.hung)


def judge(encord: Service, tasks: Sequence[Ended], verdict: Verdict, *, patience: float = 5.0) -> None:
    """Compare.

    :param encord: the service.
    :param tasks: the tasks of the schedule.
    :param verdict: what is found is put in here.
    :param patience: seconds for jobs whose ids nobody has heard, because the answer was lost, to end by themselves.
    """
    deadline = time.monotonic() + patience
    while encord.pending() and time.monotonic() < deadline:
        time.sleep(0.05)
    verdict.left_running += encord.pending()
    registered = encord.registered()
    verdict.doubled += sorted(address for address, count in registered.items() if count > 1)
    job_ids = {job["uuid"] for job in encord.jobs()}
    for task in tasks:
        _judge_one(task, set(registered), job_ids, verdict)


def _judge_one(task: Ended, registered: set[str], job_ids: set[str], verdict: Verdict) -> None:
    schedule = verdict.schedule
    if task.state == "failed" and not schedule.must_succeed:
        # The user was told. What a verdict says of the objects must be true all the same.
        summary = _kept_summary(task.home)
        if summary is not None and summary["status"] in ("done_with_errors", "error"):
            listed = _failures(summary)
            verdict.lost += sorted(task.wanted - registered - set(listed))
        return
    if task.state != "success" or task.returned is None:
        verdict.wrong.append(f"the task is {task.state}")
        return
    summary = task.returned
    listed = _failures(summary)
    missing = task.wanted - registered
    verdict.lost += sorted(missing - set(listed))
    units = summary["units"]
    checks = {
        "failures": (len(listed) <= schedule.allowed, True),
        "failures of others": (set(listed) <= task.wanted, True),
        "never taken": (task.bad <= set(listed), True),
        "done": (units["done"], len(task.wanted) - len(listed)),
        "failed": (units["failed"], len(listed)),
        "total": (units["total"], len(task.wanted)),
        "status": (summary["status"], "done_with_errors" if listed else "done"),
        "unknown jobs": (set(summary["job_ids"]) - job_ids, set()),
    }
    if schedule["workspace"] != "lost":
        checks["receipts"] = (_receipt_counts(summary), (units["done"], units["failed"]))
    verdict.wrong += [
        f"{name}: {found!r}, not {right!r}" for name, (found, right) in checks.items() if found != right
    ]


def _kept_summary(home: Path) -> Any:
    kept = sorted(home.rglob("receipts/*/summary.json"), key=lambda path: path.stat().st_mtime_ns)
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
