"""Calls through the official SDK, with its errors turned into ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tenacity import retry, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_exponential, wait_random

from encord_provider.exceptions import (
    EncordAuthenticationError,
    EncordNotFoundError,
    EncordPermissionError,
    EncordRequestError,
    EncordUnavailableError,
)

log = logging.getLogger(__name__)

T = TypeVar("T")


@contextmanager
def sdk_errors(what: str, domain: str) -> Iterator[None]:
    """Turn the SDK's errors into those of :mod:`encord_provider.exceptions`.

    :param what: what is being done, in words.
    :param domain: the API domain, for the message about a key of another region.
    """
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
        # The SDK answers 5xx, a lost connection and an answer that it cannot read with various classes.
        raise EncordUnavailableError(f"Could not {what}: {type(error).__name__}: {error}") from None


def repeated(action: Callable[[], T], *, seconds: float) -> T:
    """Perform an action that may be repeated, until Encord can be reached.

    The SDK itself repeats only some calls on some answers.

    :param action: what to do; it must be safe to do twice.
    :param seconds: how long to go on trying.
    :raises EncordUnavailableError: if Encord could not be reached in that time.
    """

    @retry(
        retry=retry_if_exception_type(EncordUnavailableError),
        stop=stop_after_delay(seconds),
        wait=wait_exponential(0.5, max=30) + wait_random(0, 0.5),
        reraise=True,
        before_sleep=lambda state: log.warning(
            "%s Trying again.", state.outcome.exception() if state.outcome else ""
        ),
    )
    def act() -> T:
        return action()

    result: T = act()
    return result
