"""The synchronous client of the data plane, over one pooled ``requests`` session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import MaxRetryError, NewConnectionError

from encord_provider.api.answers import lost_answer, read_answer
from encord_provider.api.at_once import CALLS_AT_ONCE
from encord_provider.api.calls import Call, list_items
from encord_provider.api.items import StorageItem
from encord_provider.api.retry import RetryBudget

if TYPE_CHECKING:
    from encord.configs import UserConfig

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection."""

READ_TIMEOUT = 120.0
"""Seconds to wait for an answer, beyond what the call allows the server to hold it."""


MOST_CONNECTIONS = 2 * CALLS_AT_ONCE
"""How many connections are kept: a task makes calls while it looks at what it wrote before."""


class EncordAuth(AuthBase):
    """Sign a request the way the official SDK does, with the SDK's own configuration.

    :param user_config: ``EncordUserClient.user_config``; it signs with the key or adds the bearer token.
    """

    def __init__(self, user_config: UserConfig) -> None:
        self._user_config = user_config

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the signature or the token; ``requests`` calls this once the request is complete."""
        return self._user_config.define_headers_v2(request)


class EncordApi:
    """Perform calls of the data plane.

    Connections are kept open, and several threads may make calls. Transport errors (429, 5xx, a connection that
    broke, an answer that was cut) are ridden out within the budget; other errors are raised at once.

    :param user_config: the SDK's configuration, which knows domain and credentials.
    :param budget: how much patience a call has.
    :param sleep: what to call for a pause, given the seconds.
    """

    def __init__(
        self,
        *,
        user_config: UserConfig,
        budget: RetryBudget | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.domain = user_config.domain
        self._user_config = user_config
        self._auth = EncordAuth(user_config)
        self._budget = budget or RetryBudget()
        self._sleep = sleep
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=MOST_CONNECTIONS))

    def __enter__(self) -> EncordApi:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def with_budget(self, budget: RetryBudget) -> EncordApi:
        """Give a client of its own connection for the same user, with another patience."""
        return EncordApi(user_config=self._user_config, budget=budget)

    def close(self) -> None:
        """Close the open connection."""
        self._session.close()

    def perform(self, call: Call[T]) -> T:
        """Perform one call.

        :returns: the parsed answer.
        :raises EncordRequestError: if Encord refuses the call (4xx).
        :raises EncordUnavailableError: if Encord could not be reached within the budget, or the answer to a
            call that must not be sent twice was lost.
        """
        return self._budget.perform(
            lambda: self._attempt(call),
            what=call.what,
            repeatable=call.repeatable,
            cut=not call.leaves,
            sleep=self._sleep,
        )

    @property
    def deadline(self) -> float | None:
        """When nothing is tried any more, in seconds since the epoch; None for never."""
        return self._budget.deadline

    def folder_items(self, folder: str, *, search: str | None = None) -> Iterator[StorageItem]:
        """Read every item of a folder, page by page, sub-folders excluded.

        :param folder: UUID of the folder.
        :param search: only items whose name holds this text.
        """
        token: str | None = None
        while True:
            page = self.perform(list_items(folder, page_token=token, search=search))
            yield from page.items
            token = page.next_page_token
            if token is None:
                return

    def _attempt(self, call: Call[T]) -> T:
        content = call.content()
        headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if content else {})
        try:
            answer = self._session.request(
                call.method,
                call.url(self.domain),
                data=content,
                headers=headers,
                auth=self._auth,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT + call.hold),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise lost_answer(error, self.domain, carried_out=not _never_connected(error)) from error
        return read_answer(
            call, self.domain, answer.status_code, answer.content, answer.headers.get("Retry-After")
        )


def _never_connected(error: requests.RequestException) -> bool:
    """Whether there was no connection at all, so that nothing can have been carried out."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
