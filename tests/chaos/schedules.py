"""What can go wrong with an import, as dimensions; a schedule is one value of each, drawn from a seed."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Any

GOOD = "good"

DIMENSIONS: dict[str, tuple[str, ...]] = {
    "waiting": ("in the worker", "deferred"),
    "memory": ("state store", "files"),
    "duplicates": ("skipped", "not skipped"),
    "errors": ("ignored", "not ignored"),
    "tasks": ("one", "two runs at once", "two mapped at once"),
    "workspace": (GOOD, "writes fail", "lost", "read-only"),
    "store": (GOOD, "lost", "fails"),
    "event": (GOOD, "garbled", "early", "forged"),
    "clock of the triggerer": (GOOD, "ahead", "behind"),
    "answers": (
        GOOD,
        "429",
        "429 for eleven days",
        "500",
        "503",
        "504",
        "reset before",
        "lost",
        "cut",
        "slow",
        "no JSON object",
    ),
    "call": (
        "start_upload_job",
        "poll_upload_job",
        "list_cloud_integrations",
        "list_root_folders",
        "list_subfolders",
        "create_folder",
        "list_folder_items",
    ),
    "units": (
        GOOD,
        "one fails for a while",
        "one fails for a while, allowed",
        "two fail",
        "two fail, allowed",
    ),
    "job": (GOOD, "cancelled by somebody else", "gone", "stuck until the time is over"),
    "worker": (
        GOOD,
        "killed before it writes",
        "killed after it has written",
        "killed at some moment",
        "killed before Airflow hears of it",
        "told to end",
    ),
    "triggerer": (GOOD, "killed"),
    "user": (
        GOOD,
        "marks the deferred task failed",
        "clears the deferred task",
        "clears the successful task",
    ),
}
"""The first value of each is the usual one."""

_TROUBLES = 3
_CHOICES = ("waiting", "memory", "duplicates", "errors", "tasks", "call")
"""Dimensions that are no trouble by themselves."""

ANSWERS: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "status": 429, "retry_after": 1},
    "429 for eleven days": {"kind": "status", "status": 429, "retry_after": 1_000_000},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "504": {"kind": "status", "status": 504},
    "reset before": {"kind": "reset_before"},
    "lost": {"kind": "reset_after"},
    "cut": {"kind": "truncated_body"},
    "slow": {"kind": "slow_body", "seconds": 0.3},
    "no JSON object": {"kind": "status", "status": 501, "message": "[]"},
}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One value of each dimension.

    :param name: by which it can be run again.
    :param values: the value of each dimension.
    :param nth: at the how-manieth write, call or job the trouble comes; for a kill, of all attempts together.
    :param seconds: when, for what happens at some moment.
    """

    name: str
    values: dict[str, str]
    nth: int = 1
    seconds: float = 0.3

    def __getitem__(self, dimension: str) -> str:
        return self.values[dimension]

    @property
    def troubles(self) -> set[str]:
        """The dimensions in which something goes wrong."""
        return {name for name, value in self.values.items() if name not in _CHOICES and value != GOOD}

    @property
    def is_deferred(self) -> bool:
        return self["waiting"] == "deferred"

    @property
    def skips(self) -> bool:
        return self["duplicates"] == "skipped"

    @property
    def bad_objects(self) -> int:
        """How many objects Encord never takes."""
        return 2 if self["units"].startswith("two") else 0

    @property
    def allowed(self) -> int:
        """How many failed data units still count as success."""
        return 2 if self["units"].endswith("allowed") else 0

    @property
    def may_leave_unheard_jobs(self) -> bool:
        """Whether there may be jobs of which nobody has heard, or knows any more: such jobs cannot be cancelled."""
        heard = {"user", "units", "triggerer", "clock of the triggerer", "job"}
        if self["worker"] == "told to end":
            heard.add("worker")
        return bool(self.troubles - heard)

    @property
    def must_succeed(self) -> bool:
        """Whether the task must succeed in the end.

        Encord may never take its objects, the workspace may never take what it writes, the answer may say that
        a retry does not help; and what skips no duplicates is refused where it is unknown what was sent.
        """
        return not (
            self.bad_objects > self.allowed
            or (self["units"] != GOOD and self["errors"] == "not ignored")
            or self["workspace"] in ("writes fail", "read-only")
            or self["answers"] in ("429 for eleven days", "no JSON object")
            or (not self.skips and self.troubles)
        )


def drawn(seed: int, number: int) -> Schedule:
    """Draw one schedule; the first ones have each value of each dimension once."""
    dice = random.Random(f"{seed}/{number}")
    values = {name: choices[0] for name, choices in DIMENSIONS.items()}
    for name in _CHOICES:
        values[name] = dice.choice(DIMENSIONS[name])
    troubles = [name for name in DIMENSIONS if name not in _CHOICES]
    for name in dice.sample(troubles, dice.randint(0 if dice.random() < 0.1 else 1, _TROUBLES)):
        values[name] = dice.choice(DIMENSIONS[name][1:])
    every = [(name, value) for name, choices in DIMENSIONS.items() for value in choices]
    if number < len(every):
        forced, value = every[number]
        values[forced] = value
    if (
        {"event", "clock of the triggerer", "triggerer"} & {name for name in troubles if values[name] != GOOD}
        or values["user"].endswith("deferred task")
        or "deferred" in values["user"]
    ):
        values["waiting"] = "deferred"
    if values["store"] != GOOD:
        values["memory"] = "state store"
    if values["worker"] == "told to end":
        values["waiting"] = "in the worker"
    return Schedule(
        name=f"{seed}/{number}", values=values, nth=dice.randint(1, 12), seconds=dice.uniform(0.05, 1.0)
    )


def choose(count: int, seed: int) -> list[Schedule]:
    """Draw schedules."""
    return [drawn(seed, number) for number in itertools.islice(itertools.count(), count)]
