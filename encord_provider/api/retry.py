"""How long and how often a call is repeated before it is given up: the one policy for every call to Encord.

Both clients of the data plane use it, and so do the calls through the official SDK, the wait for upload jobs (whose
polls are calls like any other) and the cancelling of jobs, with less patience.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception, stop_before_delay
from tenacity.wait import wait_exponential, wait_random

from encord_provider.api.errors import TransientAnswer
from encord_provider.exceptions import EncordUnavailableError

log = logging.getLogger(__name__)

T = TypeVar("T")

DEFAULT_RETRY_SECONDS = 900.0
"""Seconds for which transport errors are ridden out where the connection says nothing else."""


@dataclass(frozen=True, kw_only=True)
class RetryBudget:
    """How much patience one call has with transport errors.

    :param seconds: time after which a call that keeps failing is given up, in seconds; no pause goes beyond it.
    :param first_wait: the first pause, in seconds; it doubles from one attempt to the next, with jitter.
    :param longest_wait: the longest pause, in seconds, unless Encord asks for more by Retry-After.
    :param hint: where the user sets ``seconds``, for the error.
    :param deadline: seconds since the epoch after which nothing is tried, and an attempt that is under way is not
        waited for any more; None for never.
    :param on_retry: what to do whenever a call is made again.
    """

    seconds: float = DEFAULT_RETRY_SECONDS
    first_wait: float = 0.5
    longest_wait: float = 30.0
    hint: str = ""
    deadline: float | None = None
    on_retry: Callable[[], None] = lambda: None

    def perform(
        self,
        attempt: Callable[[], T],
        *,
        what: str,
        repeatable: bool = True,
        cut: bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> T:
        """Make attempts until one succeeds or the budget is used up.

        :param attempt: makes one attempt; it raises :class:`~encord_provider.api.errors.TransientAnswer` where
            another one may help, and every other error ends the call.
        :param what: what is being done, in words, for log lines and errors.
        :param repeatable: whether doing it twice does what doing it once does.
        :param cut: whether an attempt is left to itself at the deadline.
        :param sleep: what to call for a pause, given the seconds.
        :returns: what the attempt that succeeded returned.
        :raises EncordUnavailableError: if the budget is used up, the time is over, or the answer to a call that must
            not be sent twice was lost.
        """
        self._check_time(what)
        try:
            return Retrying(**self._rules(what, repeatable), sleep=sleep)(
                lambda: self._in_time(attempt) if cut else attempt()
            )
        except TransientAnswer as error:
            raise _not_repeated(what, error) from None

    async def perform_async(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        what: str,
        repeatable: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> T:
        """Do the same as :meth:`perform` on an event loop."""

        self._check_time(what)
        began = time.monotonic()
        try:
            # Nearly every call ends here, and tenacity's bookkeeping is much of what a poll costs.
            return await attempt()
        except TransientAnswer as error:
            failed = [error]
        spent = time.monotonic() - began

        # tenacity only awaits what it can see is a coroutine function, which a lambda is not.
        async def awaited() -> T:
            if failed:
                raise failed.pop()
            return await attempt()

        try:
            return await AsyncRetrying(**self._rules(what, repeatable, spent), sleep=sleep)(awaited)
        except TransientAnswer as error:
            raise _not_repeated(what, error) from None

    def _check_time(self, what: str) -> None:
        if self.deadline is not None and time.time() >= self.deadline:
            raise EncordUnavailableError(
                f"Could not {what}: the time of the task is over.", carried_out=False, out_of_time=True
            )

    def _in_time(self, attempt: Callable[[], T]) -> T:
        """Make one attempt, in a thread that is left to itself when the time is over."""
        if self.deadline is None:
            return attempt()
        answer: Future[T] = Future()

        def work() -> None:
            try:
                answer.set_result(attempt())
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=work, name="call", daemon=True).start()
        if not wait([answer], timeout=max(0.0, self.deadline - time.time())).done:
            raise TransientAnswer(
                "no answer until the time of the task was over", status=None, carried_out=True
            )
        return answer.result()

    def _is_too_late(self, state: RetryCallState) -> bool:
        return self.deadline is not None and time.time() + state.upcoming_sleep >= self.deadline

    def _rules(self, what: str, repeatable: bool, spent: float = 0.0) -> dict[str, Any]:
        """Give the arguments for tenacity's ``Retrying`` and ``AsyncRetrying``.

        :param spent: seconds that went by before.
        """
        patience = stop_before_delay(self.seconds - spent)
        backoff = wait_exponential(self.first_wait, max=self.longest_wait) + wait_random(0, self.first_wait)

        def may_repeat(error: BaseException) -> bool:
            return isinstance(error, TransientAnswer) and (repeatable or not error.carried_out)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, TransientAnswer) else None
            return max(backoff(state), asked or 0.0)

        def before_sleep(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            pause = state.next_action.sleep if state.next_action else 0.0
            log.warning(
                "Could not %s (%s); attempt %d follows in %.1f s.",
                what,
                error,
                state.attempt_number + 1,
                pause,
            )
            self.on_retry()

        def give_up(state: RetryCallState) -> Any:
            error = state.outcome.exception() if state.outcome else None
            if not isinstance(error, TransientAnswer):  # pragma: no cover - tenacity re-raises the others
                raise RuntimeError("retrying ended without a transient answer")
            asked = f" It asks to be left alone for {error.retry_after:g} s." if error.retry_after else ""
            raise EncordUnavailableError(
                f"Could not {what}: {error}.{asked} Given up after {state.attempt_number} attempts in "
                f"{(state.seconds_since_start or 0) + spent:.0f} of {self.seconds:g} s.{self.hint}",
                status=error.status,
                carried_out=repeatable or error.carried_out,
                out_of_time=self._is_too_late(state),
            ) from None

        return {
            # Also where Encord asks for a longer pause than the budget has left.
            "stop": lambda state: patience(state) or self._is_too_late(state),
            "wait": pause,
            "retry": retry_if_exception(may_repeat),
            "retry_error_callback": give_up,
            "before_sleep": before_sleep,
        }


def _not_repeated(what: str, error: TransientAnswer) -> EncordUnavailableError:
    """Give the error for a lost answer to a call that must not be sent twice."""
    return EncordUnavailableError(
        f"Could not {what}: {error}. It may have been carried out all the same, and sending it again "
        "could do it twice, so it was not repeated.",
        status=error.status,
        carried_out=True,
    )
