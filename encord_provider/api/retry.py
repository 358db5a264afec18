"""How long and how often a call is repeated before it is given up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenacity import RetryCallState, retry_if_exception, stop_before_delay
from tenacity.wait import wait_exponential, wait_random

from encord_provider.api.calls import Call
from encord_provider.api.errors import TransientAnswer
from encord_provider.exceptions import EncordUnavailableError

log = logging.getLogger(__name__)

DEFAULT_RETRY_SECONDS = 900.0
"""Seconds for which errors of the way are ridden out where the connection says nothing else."""


@dataclass(frozen=True, kw_only=True)
class RetryBudget:
    """How much patience one call has with the way to Encord.

    :param seconds: time after which a call that keeps failing is given up, in seconds; no pause goes beyond it.
    :param first_wait: the first pause, in seconds; it doubles from one attempt to the next, with jitter.
    :param longest_wait: the longest pause, in seconds, unless Encord asks for more by Retry-After.
    :param hint: where the user sets ``seconds``, for the error.
    """

    seconds: float = DEFAULT_RETRY_SECONDS
    first_wait: float = 0.5
    longest_wait: float = 30.0
    hint: str = ""

    def tenacity_arguments(self, call: Call[Any], *, sleep: Callable[[float], Any]) -> dict[str, Any]:
        """Give the arguments for tenacity's ``Retrying`` and ``AsyncRetrying``."""
        backoff = wait_exponential(self.first_wait, max=self.longest_wait) + wait_random(0, self.first_wait)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, TransientAnswer) else None
            return max(backoff(state), asked or 0.0)

        def before_sleep(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            pause = state.next_action.sleep if state.next_action else 0.0
            log.warning(
                "Could not %s (%s); attempt %d follows in %.1f s.",
                call.what,
                error,
                state.attempt_number + 1,
                pause,
            )

        def give_up(state: RetryCallState) -> Any:
            error = state.outcome.exception() if state.outcome else None
            if not isinstance(error, TransientAnswer):  # pragma: no cover - tenacity re-raises the others
                raise RuntimeError("retrying ended without a transient answer")
            asked = f" It asks to be left alone for {error.retry_after:g} s." if error.retry_after else ""
            raise EncordUnavailableError(
                f"Could not {call.what}: {error}.{asked} Given up after {state.attempt_number} attempts in "
                f"{state.seconds_since_start or 0:.0f} of {self.seconds:g} s.{self.hint}",
                status=error.status,
                carried_out=call.repeatable or error.carried_out,
            ) from error

        return {
            # Also where Encord asks for a longer pause than the budget has left.
            "stop": stop_before_delay(self.seconds),
            "wait": wait,
            "retry": retry_if_exception(lambda error: _may_repeat(call, error)),
            "retry_error_callback": give_up,
            "before_sleep": before_sleep,
            "sleep": sleep,
        }


def _may_repeat(call: Call[Any], error: BaseException) -> bool:
    return isinstance(error, TransientAnswer) and (call.repeatable or not error.carried_out)


def not_repeated(call: Call[Any], error: TransientAnswer) -> EncordUnavailableError:
    """Give the error for a lost answer to a call that must not be sent twice."""
    return EncordUnavailableError(
        f"Could not {call.what}: {error}. It may have been carried out all the same, and sending it again "
        "could do it twice, so it was not repeated.",
        status=error.status,
        carried_out=True,
    )
