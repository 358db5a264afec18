"""The short form of ``make siege``, and the judge on whom its table rests: he must see whatever is wrong."""

from __future__ import annotations

import os
import time
from random import Random
from typing import Any

import pytest

from encord_provider.exceptions import EncordInputError
from tests.siege import siege
from tests.siege.kinds import KINDS
from tests.siege.siege import OUTCOMES, lay_siege

CASES = 16
"""For each kind."""


@pytest.mark.parametrize("kind", list(KINDS))
def test_malformed_input_is_right_or_refused(kind: str) -> None:
    tally = lay_siege(KINDS, [(kind, number) for number in range(CASES)], 1)
    assert tally.faults == []
    assert tally.counts[kind].total() == CASES


def _wrong(_: Random) -> None:
    raise AssertionError("not what went in")


def _bare(_: Random) -> None:
    {}["key"]


def _endless(_: Random) -> None:
    while True:
        try:
            time.sleep(0)
        except Exception:
            continue


def _hungry(_: Random) -> None:
    bytearray(4 * 1024**3)


def _dies(_: Random) -> None:
    os._exit(9)


def _hangs(_: Random) -> None:
    time.sleep(600)


def _refused(_: Random) -> None:
    raise EncordInputError("no")


@pytest.mark.parametrize(
    ("attack", "outcome"),
    [
        (_wrong, "wrong"),
        (_bare, "bare"),
        (_endless, "over time"),
        (_hungry, "over memory"),
        (_dies, "over memory"),
        (_hangs, "over time"),
        (_refused, "refused"),
    ],
)
def test_the_judge_sees_what_came_of_a_case_and_goes_on(
    attack: Any, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siege, "SECONDS", 0.3)
    monkeypatch.setattr(siege, "HUNG_SECONDS", 2.0)
    kinds = {"good": lambda _: None, "bad": attack}
    tally = lay_siege(kinds, [("good", 0), ("bad", 0), ("good", 1)], 1)
    assert tally.counts["good"] == {"right": 2}
    assert tally.counts["bad"] == {outcome: 1}
    assert len(tally.faults) == (outcome not in OUTCOMES[:2])
    assert list(tally.table())[-1].split()[:2] == ["all", "3"]


def test_a_case_is_the_same_whenever_it_is_drawn() -> None:
    drawn: list[float] = []
    for _ in range(2):
        kinds = {"one": lambda random: drawn.append(random.random())}
        siege.outcome_of(kinds["one"], Random("1:one:7"))
    assert drawn[0] == drawn[1]
