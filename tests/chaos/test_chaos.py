"""The short form of ``make chaos``, and the judge on whom its table rests: he must see whatever is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.driver import OBJECTS, PER_PART, Run, Verdict, judge
from tests.chaos.schedules import Schedule, systematic
from tests.helpers.imports import url

SCHEDULES = 70


def test_whatever_fails_and_dies_nothing_is_lost_doubled_left_running_or_judged_wrongly() -> None:
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--schedules", str(SCHEDULES)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{SCHEDULES} schedules" in ended.stdout
    (sums,) = [line.split() for line in ended.stdout.splitlines() if line.startswith("all ")]
    assert sums[1] == str(SCHEDULES)
    assert int(sums[2]) > SCHEDULES / 2, "most schedules must see something go wrong"
    assert sums[3:] == ["0"] * 4


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [schedule.name for schedule in systematic()]
    assert len(names) == len(set(names)) > 250


class _Encord:
    """What the judge asks of Encord."""

    def __init__(self, registered: list[str], *, pending: tuple[str, ...] = ()) -> None:
        self._registered, self._pending = registered, list(pending)

    def registered(self) -> Counter[str]:
        return Counter(self._registered)

    def pending(self) -> list[str]:
        return self._pending

    def jobs(self) -> list[dict[str, Any]]:
        return [{"uuid": f"job-{number}"} for number in range(OBJECTS // PER_PART)]


def _judged(tmp_path: Path, encord: _Encord, *, state: str = "success", **changed: Any) -> Verdict:
    import json

    schedule = Schedule(name="judged", deferrable=False)
    one = Run(encord, tmp_path, schedule, "first")  # type: ignore[arg-type]
    receipts = tmp_path / "receipts"
    receipts.mkdir()
    for number in range(OBJECTS // PER_PART):
        (receipts / f"part-{number:05d}.json").write_text(
            json.dumps({"units": {"done": PER_PART, "failed": 0}})
        )
    units = {"total": OBJECTS, "done": OBJECTS, "failed": 0, "cancelled": 0, "pending": 0}
    value = {
        "status": "done",
        "job_ids": ["job-0"],
        "units": units,
        "receipts": f"file://{receipts}",
        "failures": None,
        **changed,
    }
    one.record.update(state=state, xcoms={"return_value": value})
    verdict = Verdict(schedule=schedule)
    judge(encord, one, verdict)  # type: ignore[arg-type]
    return verdict


ALL = [url(number) for number in range(OBJECTS)]


def test_the_judge_accepts_what_is_right(tmp_path: Path) -> None:
    assert _judged(tmp_path, _Encord(ALL)).is_good


def test_the_judge_sees_a_lost_object(tmp_path: Path) -> None:
    assert _judged(tmp_path, _Encord(ALL[1:])).lost == [url(0)]


def test_the_judge_sees_a_doubled_object(tmp_path: Path) -> None:
    assert _judged(tmp_path, _Encord([*ALL, url(3)])).doubled == [url(3)]


def test_the_judge_sees_a_job_left_running(tmp_path: Path) -> None:
    assert _judged(tmp_path, _Encord(ALL, pending=("job-1",))).left_running == ["job-1"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"status": "done_with_errors"}, "status"),
        ({"job_ids": ["job-0", "job-99"]}, "unknown jobs"),
        ({"units": {"total": OBJECTS, "done": OBJECTS - 1, "failed": 0}}, "done"),
        ({"units": {"total": OBJECTS, "done": OBJECTS, "failed": 1}}, "failed"),
        ({"units": {"total": OBJECTS - 1, "done": OBJECTS, "failed": 0}}, "total"),
    ],
)
def test_the_judge_sees_a_wrong_verdict(changed: dict[str, Any], named: str, tmp_path: Path) -> None:
    assert [found.partition(":")[0] for found in _judged(tmp_path, _Encord(ALL), **changed).wrong] == [named]


def test_the_judge_sees_a_success_that_airflow_was_not_told_of(tmp_path: Path) -> None:
    assert _judged(tmp_path, _Encord(ALL), state="failed").wrong == [
        "there is no summary; the task is failed"
    ]
