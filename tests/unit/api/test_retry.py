"""How patient a call is: its pauses, its end, and what the error then says; in both clients alike."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from encord_provider.api.errors import TransientAnswer
from encord_provider.api.retry import RetryBudget
from encord_provider.exceptions import EncordUnavailableError

Perform = Callable[..., Any]


class Flaky:
    """A call that is answered with errors first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts = 0
        self.pauses: list[float] = []

    def __call__(self) -> str:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return "the answer"

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture(params=["sync", "async"])
def perform(request: pytest.FixtureRequest) -> Perform:
    """Make a call with a budget, without or on an event loop."""

    def waiting(budget: RetryBudget, flaky: Flaky, **arguments: Any) -> Any:
        return budget.perform(flaky, what="read the clock", sleep=flaky.sleep, **arguments)

    def on_a_loop(budget: RetryBudget, flaky: Flaky, **arguments: Any) -> Any:
        async def attempt() -> str:
            return flaky()

        async def sleep(seconds: float) -> None:
            flaky.sleep(seconds)

        return asyncio.run(
            budget.perform_async(lambda: attempt(), what="read the clock", sleep=sleep, **arguments)
        )

    return waiting if request.param == "sync" else on_a_loop


def answer(status: int | None = 503, **fields: Any) -> TransientAnswer:
    return TransientAnswer(f"answer {status}", **{"status": status, "carried_out": False, **fields})


def test_what_the_attempt_that_succeeded_returned_is_returned(perform: Perform) -> None:
    flaky = Flaky(answer(), answer(status=None))
    assert perform(RetryBudget(), flaky) == "the answer"
    assert (flaky.attempts, len(flaky.pauses)) == (3, 2)


def test_pauses_double_from_the_first_to_the_longest_with_jitter(perform: Perform) -> None:
    flaky = Flaky(*(answer() for _ in range(8)))
    perform(RetryBudget(first_wait=2.0, longest_wait=16.0), flaky)
    for pause, least in zip(flaky.pauses, (2, 4, 8, 16, 16, 16, 16, 16), strict=True):
        assert least <= pause <= least + 2
    assert len({round(pause % 2, 6) for pause in flaky.pauses}) > 1


@pytest.mark.parametrize(("asked", "least"), [(None, 0.5), (0.0, 0.5), (0.1, 0.5), (7.0, 7.0)])
def test_a_longer_pause_is_made_where_encord_asks_for_it(
    asked: float | None, least: float, perform: Perform
) -> None:
    flaky = Flaky(answer(retry_after=asked))
    perform(RetryBudget(), flaky)
    assert least <= flaky.pauses[0] <= max(least, 1.0)


def test_an_error_that_stays_is_raised_as_it_is_after_one_attempt(perform: Perform) -> None:
    flaky = Flaky(KeyError("no clock"))
    with pytest.raises(KeyError, match="no clock"):
        perform(RetryBudget(), flaky)
    assert flaky.attempts == 1


@pytest.mark.parametrize(
    ("repeatable", "carried_out", "attempts"),
    [(True, True, 2), (True, False, 2), (False, False, 2), (False, True, 1)],
)
def test_only_what_may_be_done_twice_is_sent_again_where_it_may_have_been_done(
    repeatable: bool, carried_out: bool, attempts: int, perform: Perform
) -> None:
    flaky = Flaky(answer(502, carried_out=carried_out))
    if attempts == 2:
        assert perform(RetryBudget(), flaky, repeatable=repeatable) == "the answer"
    else:
        with pytest.raises(EncordUnavailableError, match=r"read the clock: answer 502\. .*twice") as raised:
            perform(RetryBudget(), flaky, repeatable=repeatable)
        assert (raised.value.status, raised.value.carried_out) == (502, True)
    assert flaky.attempts == attempts


@pytest.mark.parametrize(
    ("repeatable", "carried_out", "may_be_done"),
    [(True, True, True), (True, False, True), (False, False, False)],
)
def test_what_is_given_up_says_after_how_many_attempts_in_which_time(
    repeatable: bool, carried_out: bool, may_be_done: bool, perform: Perform
) -> None:
    flaky = Flaky(
        answer(502, carried_out=carried_out), answer(503, retry_after=120.0, carried_out=carried_out)
    )
    says = r"read the clock: answer 503\. .*left alone for 120 s\. Given up after 2 attempts in 0 of 60 s\. Patience\."
    with pytest.raises(EncordUnavailableError, match=says) as raised:
        perform(RetryBudget(seconds=60.0, hint=" Patience."), flaky, repeatable=repeatable)
    error = raised.value
    assert (error.status, error.carried_out, error.out_of_time) == (503, may_be_done, False)
    assert (flaky.attempts, len(flaky.pauses)) == (2, 1)


def test_no_attempt_is_made_once_the_time_of_the_task_is_over(perform: Perform) -> None:
    flaky = Flaky()
    with pytest.raises(EncordUnavailableError, match=r"read the clock: .*time of the task") as raised:
        perform(RetryBudget(deadline=time.time()), flaky)
    assert (raised.value.carried_out, raised.value.out_of_time, flaky.attempts) == (False, True, 0)


def test_no_pause_goes_beyond_the_time_of_the_task(perform: Perform) -> None:
    flaky = Flaky(answer(502, retry_after=200.0))
    with pytest.raises(EncordUnavailableError, match="after 1 attempts") as raised:
        perform(RetryBudget(deadline=time.time() + 100), flaky)
    assert (raised.value.out_of_time, raised.value.status, flaky.pauses) == (True, 502, [])
    assert perform(RetryBudget(deadline=time.time() + 100), Flaky(answer())) == "the answer"


def test_an_attempt_is_not_waited_for_beyond_the_time_of_the_task() -> None:
    def slow() -> None:
        time.sleep(30)

    with pytest.raises(EncordUnavailableError, match="until the time of the task was over") as raised:
        RetryBudget(deadline=time.time() + 0.2).perform(slow, what="start", repeatable=False)
    assert (raised.value.carried_out, raised.value.status) == (True, None)


def test_an_attempt_that_must_not_be_left_alone_is_waited_for() -> None:
    def slow() -> str:
        time.sleep(0.3)
        return "the answer"

    assert RetryBudget(deadline=time.time() + 0.1).perform(slow, what="start", cut=False) == "the answer"


def test_what_fails_in_time_is_raised_as_it_is() -> None:
    with pytest.raises(KeyError, match="no clock"):
        RetryBudget(deadline=time.time() + 100).perform(Flaky(KeyError("no clock")), what="read the clock")


def test_every_pause_is_logged(perform: Perform, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "encord_provider.api.retry"):
        perform(RetryBudget(), flaky := Flaky(answer(502), answer(504)))
    assert [
        record.getMessage() for record in caplog.records if record.name == "encord_provider.api.retry"
    ] == [
        f"Could not read the clock (answer 502); attempt 2 follows in {flaky.pauses[0]:.1f} s.",
        f"Could not read the clock (answer 504); attempt 3 follows in {flaky.pauses[1]:.1f} s.",
    ]
