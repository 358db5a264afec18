"""How the official SDK's calls travel while this provider makes them: as those of the data plane do."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from encord_provider.api.client import CONNECT_TIMEOUT, READ_TIMEOUT

log = logging.getLogger(__name__)

_ours: ContextVar[bool] = ContextVar("ours", default=False)


class _Adapter(HTTPAdapter):
    """Sends a request once, with the timeouts of the data plane."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        return super().send(request, *args, **{**kwargs, "timeout": (CONNECT_TIMEOUT, READ_TIMEOUT)})


@contextmanager
def sdk_transport() -> Iterator[None]:
    """Let the SDK's calls in this block follow no redirect, be sent once, and end in time.

    By itself, the SDK follows a redirect to any host with the signature, waits for as long as Retry-After says, and
    three minutes for each answer. Its calls outside of the block stay as they are.
    """
    _watch_sessions()
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


@functools.cache
def _watch_sessions() -> None:
    """Have a look at every session that the SDK makes; it makes one for each call."""
    import encord.http.querier
    import encord.http.v2.api_client

    for module in (encord.http.querier, encord.http.v2.api_client):
        make: Any = getattr(module, "create_new_session", None)
        if make is None:
            log.warning("This release of the encord SDK is not known; its calls may follow redirects.")
            continue
        setattr(module, "create_new_session", _watched(make))  # noqa: B010 - mypy knows no assignment to a function


def _watched(make: Any) -> Any:
    @contextmanager
    def session(*args: Any, **kwargs: Any) -> Iterator[requests.Session]:
        with make(*args, **kwargs) as made:
            if _ours.get():
                made.max_redirects = 0
                for prefix in list(made.adapters):
                    made.mount(prefix, _Adapter())
            yield made

    return session
