"""Calls through the official SDK follow the same retry policy as those of the data plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from encord_provider.api.retry import RetryBudget
from encord_provider.exceptions import (
    EncordAuthenticationError,
    EncordError,
    EncordPermissionError,
    EncordUnavailableError,
)
from encord_provider.hooks.encord import EncordHook
from encord_provider.hooks.sdk import call_sdk

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

ROUTE = "list_root_folders"


@pytest.fixture
def look(encord: EncordEmulator) -> Callable[..., list[str]]:
    """List the folders through the SDK; the pauses go into the list that is given."""
    hook = EncordHook()

    def look(pauses: list[float], **budget: float) -> list[str]:
        return call_sdk(
            lambda: [folder.name for folder in hook.client.list_storage_folders()],
            what="list the folders",
            domain="test",
            budget=RetryBudget(**budget, hint=" Set it higher."),
            sleep=pauses.append,
        )

    hook.client.create_storage_folder("lake")
    return look


def _refused(times: int, retry_after: int) -> Callable[[], str]:
    """What the SDK raises for 429, once its own pauses are over, which no test can wait for."""
    from encord.exceptions import RateLimitExceededError

    left = [times]

    def action() -> str:
        if left[0]:
            left[0] -= 1
            raise RateLimitExceededError(retry_after=retry_after)
        return "done"

    return action


def test_retry_after_is_waited_for() -> None:
    pauses: list[float] = []
    answer = call_sdk(_refused(1, 7), what="list", domain="test", budget=RetryBudget(), sleep=pauses.append)
    assert (answer, pauses) == ("done", [7.0])


def test_a_pause_beyond_the_budget_is_not_made() -> None:
    pauses: list[float] = []
    with pytest.raises(EncordUnavailableError, match=r"list.*left alone for 3600 s.* of 60 s"):
        call_sdk(
            _refused(1, 3600), what="list", domain="test", budget=RetryBudget(seconds=60), sleep=pauses.append
        )
    assert pauses == []


def test_transport_errors_are_ridden_out_with_growing_pauses(
    look: Callable[..., list[str]], encord: EncordEmulator
) -> None:
    already = len(encord.requests(ROUTE))
    # 504 is what the SDK does not repeat by itself.
    encord.inject_fault("status", route=ROUTE, status=504, count=2)
    pauses: list[float] = []
    assert look(pauses) == ["lake"]
    assert len(encord.requests(ROUTE)) == already + 3
    for number, pause in enumerate(pauses):
        assert 0.5 * 2**number <= pause <= 0.5 * 2**number + 0.5


def test_the_budget_bounds_it_and_is_named(look: Callable[..., list[str]], encord: EncordEmulator) -> None:
    encord.inject_fault("status", route=ROUTE, status=504)
    pauses: list[float] = []
    with pytest.raises(
        EncordUnavailableError, match=r"list the folders.* of 0\.1 s\. Set it higher\."
    ) as raised:
        look(pauses, seconds=0.1)
    assert pauses == []
    assert raised.value.carried_out


@pytest.mark.parametrize(
    ("status", "error"), [(401, EncordAuthenticationError), (403, EncordPermissionError)]
)
def test_an_error_that_stays_is_raised_at_once(
    status: int, error: type[EncordError], look: Callable[..., list[str]], encord: EncordEmulator
) -> None:
    already = len(encord.requests(ROUTE))
    encord.inject_fault("status", route=ROUTE, status=status)
    with pytest.raises(error, match="list the folders"):
        look([])
    assert len(encord.requests(ROUTE)) == already + 1
