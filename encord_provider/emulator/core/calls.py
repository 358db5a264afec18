"""What a route's handler gets, and how its result becomes an HTTP answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson

from encord_provider.emulator.core.errors import MalformedRequestError, forbidden
from encord_provider.emulator.core.links import ObjectLinks
from encord_provider.emulator.core.params import Body, Query
from encord_provider.emulator.core.store import Store


class Caller(Protocol):
    """Whoever makes a call."""

    @property
    def email(self) -> str:
        """E-mail address."""

    @property
    def is_organisation_admin(self) -> bool:
        """Whether the caller may see the whole organisation."""


class Callers(Protocol):
    """Everybody who can call."""

    def by_key(self, public_hex: str) -> Caller:
        """Whose key it is; ``UnknownKeyError`` if nobody registered it."""

    def by_token(self, token: str) -> Caller:
        """Whose bearer token it is; ``ApiError`` (401) if it is nobody's."""


class HasStore(Protocol):
    """Whoever holds the state, which a reset replaces."""

    store: Store
    links: ObjectLinks

    def callers(self, store: Store) -> Callers:
        """Who may call, in that state."""


@dataclass(eq=False, kw_only=True)
class Call:
    """One call of the API.

    :param user: the authenticated caller.
    :param raw_body: the body as received.
    :param base_url: scheme, host and port under which the client reaches the emulator.
    :param path: variables of the path, UUIDs in canonical spelling.
    """

    store: Store
    user: Caller
    raw_body: bytes
    base_url: str
    links: ObjectLinks
    path: dict[str, str] = field(default_factory=dict)
    query_string: str = ""

    @cached_property
    def query(self) -> Query:
        """The query parameters."""
        return Query(parse_qsl(self.query_string, keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        """The body as JSON.

        :raises MalformedRequestError: it is not JSON.
        """
        try:
            return orjson.loads(self.raw_body)
        except orjson.JSONDecodeError as error:
            raise MalformedRequestError(("body",), f"is not valid JSON: {error}") from None

    @cached_property
    def body(self) -> Body:
        """The body as a JSON object.

        :raises MalformedRequestError: it is not one.
        """
        return Body(self.json)

    def link(self, name: str, *, method: str = "GET") -> str:
        """A signed URL for reading (or, with ``PUT``, writing) what ``name`` stands for."""
        return self.links.make(self.base_url, name, method=method)

    def sees_organisation(self, what: str) -> bool:
        """Whether the caller asks to see what nobody gave access to (``includeOrgAccess``).

        :param what: what is listed, for the message.
        :raises ApiError: 403 if the caller may not.
        """
        everything = self.query.flag("includeOrgAccess") or False
        if everything and not self.user.is_organisation_admin:
            raise forbidden(f"only an admin of the organisation can see all its {what}")
        return everything

    def require_organisation_admin(self, action: str) -> None:
        """Make sure that the caller is an admin of the organisation.

        :param action: what only they can do, for the message.
        :raises ApiError: 403 if the caller is not one.
        """
        if not self.user.is_organisation_admin:
            raise forbidden(f"only an admin of the organisation can {action}")

    async def hold(self, ended: asyncio.Event, seconds: float) -> None:
        """Hold a poll until an event, or until the time is up.

        :param seconds: how long the client wants to wait; the settings say how long it may.
        """
        cap = self.store.settings.long_poll_cap_seconds
        if min(seconds, cap) > 0:
            await self.store.clock.wait(ended, min(seconds, cap), real_limit=cap)

    async def poll(self, ended: asyncio.Event) -> None:
        """:meth:`hold` for the ``timeoutSeconds`` of the query, 60 if it names none."""
        await self.hold(ended, self.query.number("timeoutSeconds", 60, minimum=0, maximum=2**31))


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Answer:
    """An answer that is not simply JSON with status 200."""

    content: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ApiRoute:
    """A route of the v2 API.

    :param path: below ``/v2/public/``, variables in braces.
    :param handler: its result is sent as JSON.
    :param name: name of the call in the log and for faults; the handler's if empty.
    """

    method: str
    path: str
    handler: Handler
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.handler.__name__)
