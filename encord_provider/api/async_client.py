"""The asynchronous client of the data plane, over ``aiohttp``: the same calls, for event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import aiohttp
import requests
from requests.structures import CaseInsensitiveDict
from yarl import URL

from encord_provider.api.answers import lost_answer, read_answer
from encord_provider.api.calls import Call
from encord_provider.api.client import CONNECT_TIMEOUT, READ_TIMEOUT
from encord_provider.api.retry import RetryBudget

if TYPE_CHECKING:
    from encord.configs import UserConfig

T = TypeVar("T")


MOST_CONNECTIONS = 100
"""How many calls are under way at once; others wait for one of them to end."""


class AsyncEncordApi:
    """Perform calls of the data plane on an event loop; use it as an asynchronous context manager.

    :param user_config: the SDK's configuration, which knows domain and credentials.
    :param budget: how much patience a call has.
    :param sleep: what to await for a pause, given the seconds.
    """

    def __init__(
        self,
        *,
        user_config: UserConfig,
        budget: RetryBudget | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.domain = user_config.domain
        self._user_config = user_config
        self._budget = budget or RetryBudget()
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> AsyncEncordApi:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @cached_property
    def _proxy(self) -> str | None:
        # The proxies that the synchronous client honours. aiohttp's own trust_env would also take a password for
        # the host from ~/.netrc, beside the signature.
        return requests.utils.select_proxy(self.domain, requests.utils.get_environ_proxies(self.domain))

    async def perform(self, call: Call[T]) -> T:
        """Perform one call.

        :returns: the parsed answer.
        :raises EncordRequestError: if Encord refuses the call (4xx).
        :raises EncordUnavailableError: if Encord could not be reached within the budget, or the answer to a
            call that must not be sent twice was lost.
        """
        return await self._budget.perform_async(
            lambda: self._attempt(call), what=call.what, repeatable=call.repeatable, sleep=self._sleep
        )

    async def _attempt(self, call: Call[T]) -> T:
        if self._session is None:
            raise RuntimeError("AsyncEncordApi is used outside of `async with`")
        content = call.content()
        # What is signed is method, URL and body as they stand; requests' own preparing costs as much as the rest.
        signed = requests.PreparedRequest()
        signed.prepare_method(call.method)
        signed.url, signed.body = call.url(self.domain), content
        signed.headers = CaseInsensitiveDict()
        signed = self._user_config.define_headers_v2(signed)
        headers = dict(signed.headers) | {"Accept": "application/json"}
        headers |= {"Content-Type": "application/json"} if content else {}
        url = str(signed.url)
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT + call.hold)
        try:
            async with self._session.request(
                call.method,
                # The signature covers the exact request target, so that aiohttp must not quote it anew.
                URL(url, encoded=True),
                data=content,
                headers=headers,
                timeout=timeout,
                proxy=self._proxy,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                return read_answer(call, self.domain, answer.status, body, answer.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise lost_answer(error, self.domain, carried_out=False) from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise lost_answer(error, self.domain, carried_out=True) from error
