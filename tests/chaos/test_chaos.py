"""The short form of ``make chaos``, and the judge on whom its table rests: he must see whatever is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.driver import OBJECTS, PER_PART
from tests.chaos.judge import Ended, Verdict, judge
from tests.chaos.schedules import DIMENSIONS, GOOD, Schedule, choose
from tests.helpers.imports import url

SCHEDULES = 30
VALUES = sum(map(len, DIMENSIONS.values()))


def test_whatever_fails_and_dies_nothing_is_lost_doubled_left_running_or_judged_wrongly() -> None:
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--schedules", str(SCHEDULES)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (sums,) = [line.split() for line in ended.stdout.splitlines() if line.startswith("all ")]
    assert sums[1] == str(SCHEDULES)
    assert int(sums[2]) > SCHEDULES / 2, "most schedules must see something go wrong"
    assert sums[3:] == ["0"] * 6


def test_the_first_schedules_have_every_value_of_every_dimension() -> None:
    schedules = choose(VALUES, 1)
    for name, choices in DIMENSIONS.items():
        assert {schedule[name] for schedule in schedules} == set(choices), name


def test_a_schedule_is_the_same_whenever_it_is_drawn() -> None:
    assert choose(50, 7) == choose(60, 7)[:50]
    assert choose(50, 7)[40:] != choose(50, 8)[40:]


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


ALL = [url(number) for number in range(OBJECTS)]


def _schedule(**values: str) -> Schedule:
    return Schedule(name="judged", values={name: choices[0] for name, choices in DIMENSIONS.items()} | values)


def _judged(
    home: Path,
    encord: _Encord,
    *,
    schedule: Schedule | None = None,
    state: str = "success",
    failures: tuple[str, ...] = (),
    bad: tuple[str, ...] = (),
    **changed: Any,
) -> Verdict:
    """Judge an import of all objects that has said what is right, but for what is changed."""
    receipts = home / "receipts" / "token"
    receipts.mkdir(parents=True)
    failed = len(failures)
    (receipts / "part-00000.json").write_text(
        json.dumps({"units": {"done": OBJECTS - failed, "failed": failed}})
    )
    if failures:
        rows = [f"part-00000,job-0,{address},refused" for address in failures]
        (receipts / "failures.csv").write_text("\n".join(["part,job_id,object_url,reason", *rows]))
    value = {
        "status": "done_with_errors" if failures else "done",
        "job_ids": ["job-0"],
        "units": {
            "total": OBJECTS,
            "done": OBJECTS - failed,
            "failed": failed,
            "cancelled": 0,
            "pending": 0,
        },
        "receipts": f"file://{receipts}",
        "failures": f"file://{receipts}/failures.csv" if failures else None,
        **changed,
    }
    (receipts / "summary.json").write_text(json.dumps(value))
    ended = Ended(
        state=state,
        returned=value if state == "success" else None,
        wanted=frozenset(ALL),
        bad=frozenset(bad),
        home=home,
    )
    verdict = Verdict(schedule=schedule or _schedule())
    judge(encord, [ended], verdict, patience=0.1)
    return verdict


def test_the_judge_accepts_what_is_right(tmp_path: Path) -> None:
    assert _judged(tmp_path, _Encord(ALL)).is_good


def test_the_judge_accepts_a_unit_that_failed_for_a_while_where_that_is_allowed(tmp_path: Path) -> None:
    schedule = _schedule(units="one fails for a while, allowed")
    assert _judged(tmp_path, _Encord(ALL[1:]), schedule=schedule, failures=(url(0),)).is_good


def test_the_judge_sees_more_failures_than_are_allowed(tmp_path: Path) -> None:
    schedule = _schedule(units="one fails for a while")
    found = _judged(tmp_path, _Encord(ALL[1:]), schedule=schedule, failures=(url(0),))
    assert [wrong.partition(":")[0] for wrong in found.wrong] == ["failures"]


def test_the_judge_sees_a_lost_object(tmp_path: Path) -> None:
    assert _judged(tmp_path, _Encord(ALL[1:])).lost == [url(0)]


def test_the_judge_sees_an_object_that_a_failed_task_does_not_list(tmp_path: Path) -> None:
    schedule = _schedule(units="two fail")
    found = _judged(
        tmp_path, _Encord(ALL[2:]), schedule=schedule, state="failed", failures=(url(0),), bad=(url(0),)
    )
    assert found.lost == [url(1)]


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
    found = [wrong.partition(":")[0] for wrong in _judged(tmp_path, _Encord(ALL), **changed).wrong]
    assert named in found
    assert set(found) <= {named, "receipts"}


@pytest.mark.parametrize("state", ["failed", "up_for_retry", "deferred"])
def test_the_judge_sees_a_success_that_airflow_was_not_told_of(state: str, tmp_path: Path) -> None:
    assert _judged(tmp_path, _Encord(ALL), state=state).wrong == [f"the task is {state}"]


def test_only_what_cannot_succeed_may_fail() -> None:
    assert _schedule().must_succeed
    assert _schedule(duplicates="not skipped").must_succeed
    assert _schedule(worker="killed before it writes", answers="503", store="lost").must_succeed
    assert not _schedule(duplicates="not skipped", store="lost").must_succeed
    assert not _schedule(units="two fail").must_succeed
    assert _schedule(units="two fail, allowed").must_succeed
    assert not _schedule(units="two fail, allowed", errors="not ignored").must_succeed
    assert GOOD in DIMENSIONS["workspace"]
