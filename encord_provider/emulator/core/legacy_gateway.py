"""The older API: one path, what is meant stands in the body, and errors in an envelope of status 200.

Read from the official SDK's ``encord.http.querier``, ``encord.http.request`` and ``encord.http.error_utils``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Scope

from encord_provider.emulator.core.calls import Answer, Call, Caller, HasStore
from encord_provider.emulator.core.errors import (
    ApiError,
    MalformedRequestError,
    UnknownKeyError,
    bad_request,
    not_found,
)
from encord_provider.emulator.core.gateway import Endpoint
from encord_provider.emulator.core.ids import canonical_uuid
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.core.request_log import LoggedRequest
from encord_provider.emulator.core.signing import bearer_token, verify_v1
from encord_provider.emulator.core.store import Store

_CODES = {
    400: "INVALID_ARGUMENTS_ERROR",
    401: "AUTHENTICATION_ERROR",
    403: "AUTHORISATION_ERROR",
    404: "RESOURCE_NOT_FOUND_ERROR",
    405: "METHOD_NOT_ALLOWED_ERROR",
    409: "RESOURCE_EXISTS_ERROR",
    422: "INVALID_ARGUMENTS_ERROR",
    501: "NOT_COVERED_BY_THE_EMULATOR",
}
_UNKNOWN = "UNKNOWN_ERROR"
_UNKNOWN_KEY = "SSH_KEY_NOT_FOUND_ERROR"


@dataclass(eq=False, kw_only=True)
class LegacyCall(Call):
    """One call of the older API.

    :param resource_id: UUID of the dataset or project that the call is about, or an empty string.
    :param uid: what the SDK calls ``uid``: the thing meant, in a form of the call's own.
    :param payload: the arguments.
    """

    resource_id: str
    uid: Any
    payload: Any

    @cached_property
    def body(self) -> Body:
        """The arguments as an object.

        :raises MalformedRequestError: they are not one.
        """
        return Body(self.payload if self.payload is not None else {})

    def uid_list(self) -> list[str]:
        """The UUIDs in ``uid``, which may be one or a list.

        :raises ApiError: 400 if it is neither.
        """
        entries = self.uid if isinstance(self.uid, list) else [self.uid]
        found = [canonical_uuid(entry) for entry in entries]
        if None in found:
            raise bad_request(f"expected UUIDs, not {self.uid!r}")
        return [uuid for uuid in found if uuid is not None]


LegacyHandler = Callable[[LegacyCall], Awaitable[Any]]


@dataclass(frozen=True)
class LegacyRoute:
    """A call of the older API.

    :param query_type: name of the SDK's class in lower case.
    :param method: ``GET``, ``POST``, ``PUT`` or ``DELETE``, all of which are sent by HTTP POST.
    :param resource: ``dataset``, ``project``, or an empty string for calls about the user.
    :param name: name of the call in the log and for faults; the handler's if empty.
    """

    query_type: str
    method: str
    resource: str
    handler: LegacyHandler
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.handler.__name__)


class LegacyGateway(Endpoint):
    """Carries out the calls of the older API."""

    def __init__(self, routes: Sequence[LegacyRoute], owner: HasStore) -> None:
        super().__init__(owner)
        self._routes = {(route.query_type, route.method, route.resource): route for route in routes}
        self._names = {(route.query_type, route.method): route.name for route in routes}

    def route_name(self, body: bytes) -> str:
        """Name of the call; for one that the emulator does not know, its type and method."""
        try:
            document = orjson.loads(body)
            query_type, method = document["query_type"], document["query_method"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return "unknown"
        return self._names.get((query_type, method), f"{query_type} {method}")

    async def carry_out(
        self, store: Store, scope: Scope, request: Request, body: bytes, entry: LoggedRequest
    ) -> Answer:
        """Answer one call."""
        del scope
        user = self._authenticate(store, request, body)
        entry.user = user.email
        result = await self._call(store, user, request, body)
        return Answer(orjson.dumps({"status": 200, "response": result}))

    def refusal(self, error: ApiError) -> Answer:
        """A refusal in the envelope of the older API."""
        payload = error.message
        if isinstance(error, MalformedRequestError):
            payload = f"{'.'.join(map(str, error.location))}: {error.message}"
        code = _UNKNOWN_KEY if isinstance(error, UnknownKeyError) else _CODES.get(error.status, _UNKNOWN)
        return Answer(orjson.dumps({"status": error.status, "response": [code], "payload": payload}))

    def _authenticate(self, store: Store, request: Request, body: bytes) -> Caller:
        headers = dict(request.headers)
        token = bearer_token(headers)
        callers = self._owner.callers(store)
        return (
            callers.by_key(verify_v1(headers=headers, body=body))
            if token is None
            else callers.by_token(token)
        )

    async def _call(self, store: Store, user: Caller, request: Request, body: bytes) -> Any:
        document = _document(body)
        query_type, method = document.required_text("query_type"), document.required_text("query_method")
        values = document.mapping("values") or {}
        resource = request.headers.get("resourcetype", "")
        resource_id = request.headers.get("resourceid", "")
        route = self._routes.get((query_type, method, resource))
        if route is None:
            raise ApiError(
                501, f"The emulator covers data, not labels, ontologies or models: {method} {query_type}"
            )
        if resource and canonical_uuid(resource_id) is None:
            raise not_found(f"there is no {resource} {resource_id}")
        return await route.handler(
            LegacyCall(
                store=store,
                user=user,
                resource_id=canonical_uuid(resource_id) or "",
                uid=values.get("uid"),
                payload=values.get("payload"),
                raw_body=body,
                base_url=str(request.base_url).rstrip("/"),
                links=self._owner.links,
            )
        )


def _document(body: bytes) -> Body:
    try:
        return Body(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise MalformedRequestError(("body",), f"is not valid JSON: {error}") from None
