"""JSON values: what is read comes back digit by digit, what is the same, and what Encord cannot store."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.text.json_values import (
    dumps,
    exact_loads,
    json_problem,
    nearest_numbers,
    same_json,
)

NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?\Z")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@given(st.lists(NUMBERS))
def test_numbers_are_the_same_after_reading_and_writing(numbers: list[str]) -> None:
    text = f"[{','.join(numbers)}]"
    again = dumps(exact_loads(text)).decode()
    assert same_json(exact_loads(again), exact_loads(text))
    odd = [one for one, value in zip(numbers, exact_loads(text), strict=True) if repr(value) == one]
    assert all(one in again for one in odd if "e" not in one.lower())


@pytest.mark.parametrize(
    "text", ["12345678901234567890123", "-0", "1.50", "1e400", "1E2", "0.1000000000000000055", "9" * 5000]
)
def test_an_odd_number_keeps_its_digits(text: str) -> None:
    assert dumps(exact_loads(f'{{"n":[{text}]}}')).decode() == f'{{"n":[{text}]}}'


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "{'a': 1}", "", '"\\ud800"', "[" * 100_000])
def test_what_is_not_valid_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        exact_loads(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (0, None, False),
        ("1", 1, False),
        ([1], (1.0,), True),
        ([1], [True], False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        (2**53 + 1, float(2**53), False),
        (exact_loads("1.50"), 1.5, True),
        (exact_loads("1e400"), exact_loads("10e399"), True),
        (exact_loads("1e9999999999999999999"), exact_loads("1e9999999999999999999"), True),
        (exact_loads("12345678901234567890123"), 1.2345678901234568e22, False),
    ],
)
def test_what_is_the_same(one: Any, other: Any, same: bool) -> None:
    assert same_json(one, other) is same
    assert same_json(other, one) is same
    assert same_json({"k": [one]}, {"k": [other]}) is same


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "nan is not a JSON number"),
        (float("inf"), "inf is not a JSON number"),
        (2**64, "an integer of 65 bits, the limit is 64"),
        (-(2**63) - 1, "an integer of 64 bits"),
        ("a\0b", "NUL character"),
        ("\ud800", "half of a surrogate pair"),
        ({"\ud800": 1}, "half of a surrogate pair"),
        ({1: 1}, "the key 1 is not text"),
        (nested(300), "nested more than 200 deep"),
        (nested(100_000), "nested more than 200 deep"),
        (b"x", "type bytes"),
        (dt.datetime(2026, 1, 1), "type datetime"),
        (exact_loads("12345678901234567890123"), "does not fit into 64 bits"),
    ],
)
def test_what_encord_cannot_store(value: Any, problem: str) -> None:
    assert problem in (json_problem(value) or "")
    if not isinstance(value, list):
        assert problem in (json_problem([{"k": value}]) or "")


@pytest.mark.parametrize("value", [2**64 - 1, -(2**63), "\U0001f600", nested(200), None, True, 0.1, (1, 2)])
def test_what_it_can_store(value: Any) -> None:
    assert json_problem(value) is None
    assert dumps({"itemPatches": {"uuid": {"clientMetadata": {"k": value}}}})


def test_an_edited_number_is_read_as_tables_read_it() -> None:
    assert nearest_numbers(exact_loads('{"a": [7.10, -0, 1e2, 12345678901234567890123]}')) == {
        "a": [7.1, 0, 100.0, 12345678901234567890123]
    }
    assert json_problem(nearest_numbers(exact_loads("9" * 5000))) is not None


@pytest.mark.parametrize(
    "text", ["-0", "[1.50]", "[1E2]", "[1e2]", '{"n":12345678901234567890123}', "[-0.0]", "[1.0]"]
)
def test_no_number_is_read_in_a_way_that_changes_it(text: str) -> None:
    assert dumps(exact_loads(text)).decode() == text
