"""A few thousand random cases a run; ``make fuzz`` has 200,000."""

from __future__ import annotations

from random import Random

import pytest

from tests.oracles.running import Oracle, run, same
from tests.oracles.table import ORACLES, cases_of, main

CASES = 4_000


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.name)
def test_no_case_differs_from_the_oracle(oracle: Oracle) -> None:
    outcome = run(oracle, cases=cases_of(oracle, CASES), seed=1)
    assert outcome.mismatches == 0, "\n".join(outcome.first)


def test_a_mismatch_is_counted_shown_by_number_and_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(random: Random) -> None:
        same(random.randrange(10) < 9, True)

    broken = Oracle(name="broken", check=check, share=1)
    monkeypatch.setattr("tests.oracles.table.ORACLES", (broken,))
    assert main(["--cases", "100", "--seed", "7"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seed 7"
    mismatches = int(lines[2].split()[2])
    assert 0 < mismatches < 100
    number = next(line for line in lines if line.startswith("broken, case ")).split()[2].rstrip(":")
    with pytest.raises(AssertionError):
        main(["--seed", "7", "--case", number])
    assert main(["--cases", "1", "--oracle", "no such"]) == 0


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, 1.0), (0.0, -0.0), ({"a": 1}, {"a": True}), ([1], [1, 1]), ("1", 1)]
)
def test_values_of_different_types_are_not_the_same(one: object, other: object) -> None:
    same(one, one)
    with pytest.raises(AssertionError):
        same(one, other)
