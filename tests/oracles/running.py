"""Running an oracle: many random cases, each drawn from the seed, the oracle's name and its own number."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

_KEPT = 5


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """Compares the package with something that shares no code with it.

    :param name: its name in the table.
    :param check: draws one case and raises whatever it likes where the two do not agree.
    :param share: how many of all cases it gets, in relation to the others.
    """

    name: str
    check: Callable[[Random], None]
    share: int


@dataclass
class Outcome:
    """What an oracle found.

    :param cases: how many cases were compared.
    :param mismatches: how many did not agree.
    :param seconds: how long that took.
    :param first: the first of the mismatches, each with its number.
    """

    cases: int
    mismatches: int = 0
    seconds: float = 0.0
    first: list[str] = field(default_factory=list)


def random_of(oracle: Oracle, seed: int, number: int) -> Random:
    """What one case is drawn from; the same on every machine."""
    return Random(f"{oracle.name}/{seed}/{number}")


def run(oracle: Oracle, *, cases: int, seed: int) -> Outcome:
    """Compare a number of cases."""
    outcome = Outcome(cases)
    began = time.perf_counter()
    for number in range(cases):
        try:
            oracle.check(random_of(oracle, seed, number))
        except Exception as error:
            outcome.mismatches += 1
            if len(outcome.first) < _KEPT:
                outcome.first.append(f"{oracle.name}, case {number}: {type(error).__name__}: {error}")
    outcome.seconds = time.perf_counter() - began
    return outcome


def same(found: Any, expected: Any, *case: Any) -> None:
    """Compare what was found with what the oracle says, types included."""
    if not _same(found, expected):
        shown = "".join(f"\n  case     {one!r}" for one in case)
        raise AssertionError(f"\n  found    {found!r}\n  expected {expected!r}{shown}")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if type(one) is not type(other):
        return False
    # repr tells 0.0 from -0.0.
    return repr(one) == repr(other) if isinstance(one, float) else bool(one == other)
