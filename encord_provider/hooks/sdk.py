"""Calls through the official SDK: its errors become ours, and transport errors are ridden out as everywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import requests

from encord_provider.api.errors import TransientAnswer
from encord_provider.api.retry import RetryBudget
from encord_provider.exceptions import (
    EncordAuthenticationError,
    EncordNotFoundError,
    EncordPermissionError,
    EncordRequestError,
)
from encord_provider.hooks.sdk_transport import sdk_transport

T = TypeVar("T")


def call_sdk(
    action: Callable[[], T],
    *,
    what: str,
    domain: str,
    budget: RetryBudget,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Do something through the SDK, and again after a transport error, within the budget.

    The SDK itself, which repeats only some calls on some answers, repeats none in here.

    :param action: what to do; it must be safe to do twice.
    :param what: what is being done, in words.
    :param domain: the API domain, for the message about a key of another region.
    :param budget: how much patience it has.
    :param sleep: what to call for a pause, given the seconds.
    :returns: what ``action`` returned.
    :raises EncordRequestError: if Encord refuses it.
    :raises EncordUnavailableError: if Encord could not be reached within the budget.
    """

    def attempt() -> T:
        with _sdk_errors(what, domain), sdk_transport():
            return action()

    return budget.perform(attempt, what=what, sleep=sleep)


@contextmanager
def _sdk_errors(what: str, domain: str) -> Iterator[None]:
    """Turn the SDK's errors into those of :mod:`encord_provider.exceptions`, or into a reason to try again."""
    from encord import exceptions as sdk

    try:
        yield
    except sdk.AuthenticationError:
        raise EncordAuthenticationError(
            f"Could not {what}: {domain} does not accept this key or token. A key belongs to one region: check "
            "the connection's API domain (EU https://api.encord.com, US https://api.us.encord.com).",
            status=401,
        ) from None
    except sdk.AuthorisationError:
        raise EncordPermissionError(
            f"Could not {what}: the user of this key may not do that, or it does not exist in this organisation.",
            status=403,
        ) from None
    except sdk.ResourceNotFoundError:
        raise EncordNotFoundError(f"Could not {what}: it does not exist on {domain}.", status=404) from None
    except (sdk.InvalidArgumentsError, sdk.MethodNotAllowedError, sdk.ResourceExistsError) as error:
        raise EncordRequestError(f"Could not {what}: {error}", status=400) from None
    except sdk.EncordException as error:
        if isinstance(error.__cause__, requests.TooManyRedirects):
            raise EncordRequestError(
                f"Could not {what}: {domain} answered with a redirect, and a signed call follows none. "
                "Set the connection's API domain to the final address.",
                status=302,
            ) from None
        # The SDK answers 5xx, a lost connection and an answer that it cannot read with various classes. Only its
        # error about 429 carries a Retry-After; older releases have no such class.
        raise TransientAnswer(
            f"{type(error).__name__}: {error}",
            status=None,
            retry_after=getattr(error, "retry_after", None),
            carried_out=True,
        ) from None
