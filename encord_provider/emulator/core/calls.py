"""What a route's handler gets, and how its result becomes an HTTP answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import orjson

from encord_provider.emulator.core.errors import MalformedRequestError
from encord_provider.emulator.core.links import ObjectLinks
from encord_provider.emulator.core.params import Body, Query
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.organisation.users.models import User
from encord_provider.emulator.storage.folders.models import Folder, Role
from encord_provider.emulator.storage.items.models import Item


class Call:
    """One call of the API.

    :ivar user: the authenticated caller.
    :ivar path: variables of the path, UUIDs in canonical spelling.
    :ivar raw_body: the body as received.
    :ivar base_url: scheme, host and port under which the client reaches the emulator.
    """

    def __init__(
        self,
        *,
        store: Store,
        user: User,
        path: dict[str, str],
        query_string: str,
        raw_body: bytes,
        headers: dict[str, str],
        base_url: str,
        links: ObjectLinks,
    ) -> None:
        self.store = store
        self.user = user
        self.path = path
        self.raw_body = raw_body
        self.headers = headers
        self.base_url = base_url
        self.links = links
        self._query_string = query_string

    @cached_property
    def query(self) -> Query:
        """The query parameters."""
        return Query(parse_qsl(self._query_string, keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        """The body as JSON.

        :raises MalformedRequestError: it is not JSON.
        """
        try:
            return orjson.loads(self.raw_body)
        except orjson.JSONDecodeError as error:
            raise MalformedRequestError(("body",), f"not JSON: {error}") from None

    @cached_property
    def body(self) -> Body:
        """The body as a JSON object.

        :raises MalformedRequestError: it is not one.
        """
        return Body(self.json)

    def folder(self, role: Role = Role.USER, *, name: str = "folder") -> Folder:
        """The folder that the path names, for somebody with ``role`` in it."""
        return self.store.folders.require(self.path[name], self.user, role)

    def sign(self, item: Item) -> str | None:
        """A signed URL for reading an item's file."""
        return self.links.make(self.base_url, f"items/{item.uuid}") if item.url else None


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
    :param handler: its name is the name of the call in the log and for faults; its result is sent as JSON.
    """

    method: str
    path: str
    handler: Handler

    @property
    def name(self) -> str:
        """Name of the call."""
        return self.handler.__name__
