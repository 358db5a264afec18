"""Several calls at a time: how many, in which order, and what becomes of an error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from encord_provider.api.at_once import at_once


def test_results_come_in_the_order_of_what_was_given() -> None:
    turns = [threading.Event() for _ in range(6)]

    def work(number: int) -> int:
        # Each waits for the next one of its three, so that they end the other way round.
        if number % 3 != 2:
            assert turns[number + 1].wait(30)
        turns[number].set()
        return number

    assert list(at_once(work, range(6), most=3)) == list(range(6))


def test_no_more_than_so_many_are_under_way_and_no_more_is_read_ahead() -> None:
    lock = threading.Lock()
    together = threading.Barrier(4)
    now, most, read = 0, 0, 0

    def given() -> Iterator[int]:
        nonlocal read
        for number in range(40):
            read += 1
            yield number

    def work(number: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(30)
        with lock:
            now -= 1
        return number

    results = at_once(work, given(), most=4)
    assert next(results) == 0
    assert read == 4
    assert list(results) == list(range(1, 40))
    assert most == 4


def test_an_error_comes_in_its_turn_and_no_other_is_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise ValueError("the third")
        return number

    results = at_once(work, range(100), most=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="the third"):
        next(results)
    assert max(begun) < 10


def test_context_variables_are_those_of_the_caller() -> None:
    name = ContextVar("name", default="none")
    name.set("caller")
    assert list(at_once(lambda _: name.get(), range(2))) == ["caller"] * 2
