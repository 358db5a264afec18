"""From an HTTP request to a handler and back: signature, log, latency, faults."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from encord_provider.emulator.core.calls import Answer, ApiRoute, Call, Caller, HasStore
from encord_provider.emulator.core.errors import ApiError
from encord_provider.emulator.core.faults import Fault, FaultKind
from encord_provider.emulator.core.request_log import LoggedRequest
from encord_provider.emulator.core.signing import bearer_token, verify_v2
from encord_provider.emulator.core.store import Store

log = logging.getLogger(__name__)

_SLOW_PIECES = 10


class Endpoint(ABC):
    """An ASGI endpoint that authenticates, logs and carries out calls, and lets faults happen to them.

    :param owner: where the present state is found.
    """

    def __init__(self, owner: HasStore) -> None:
        self._owner = owner

    @abstractmethod
    def route_name(self, body: bytes) -> str:
        """Name of the call, for the log and for faults."""

    @abstractmethod
    async def carry_out(
        self, store: Store, scope: Scope, request: Request, body: bytes, entry: LoggedRequest
    ) -> Answer:
        """Authenticate and answer one call; the caller goes into ``entry``.

        :raises ApiError: the call is refused.
        """

    def refusal(self, error: ApiError) -> Answer:
        """How a refusal looks on the wire."""
        return error_answer(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        store = self._owner.store
        began = time.perf_counter()
        body = await request.body()
        entry = store.requests.add(
            at=store.clock.now(),
            method=request.method,
            route=self.route_name(body),
            target=request_target(scope),
            user_agent=request.headers.get("user-agent", ""),
            body=body,
        )
        fault = store.faults.for_call(route=entry.route, method=request.method, path=scope["path"])
        try:
            answer = await self._answer(scope, request, body, entry, fault)
            if answer is None:
                await reset_connection(scope)
                return
            entry.status = answer.status
            content = answer.content
            if fault is not None and fault.kind is FaultKind.TRUNCATED_BODY:
                content = content[: len(content) // 2]
            response = Response(content, answer.status, dict(answer.headers), answer.content_type)
            if fault is not None and fault.kind is FaultKind.SLOW_BODY:
                await _send_slowly(response, send, fault.seconds)
            else:
                await response(scope, receive, send)
        finally:
            entry.milliseconds = round((time.perf_counter() - began) * 1000, 3)

    async def _answer(
        self, scope: Scope, request: Request, body: bytes, entry: LoggedRequest, fault: Fault | None
    ) -> Answer | None:
        """The answer of a call, or ``None`` if the connection is to be reset instead."""
        store = self._owner.store
        kind = None if fault is None else fault.kind
        entry.fault = kind
        delay = store.settings.latency_seconds
        if fault is not None and kind is FaultKind.DELAY:
            delay += fault.seconds
        if delay > 0:
            await asyncio.sleep(delay)
        if kind is FaultKind.RESET_BEFORE:
            return None
        if fault is not None and kind is FaultKind.STATUS:
            return _emulated_error(fault)
        answer = await answered(self.carry_out(store, scope, request, body, entry), self.refusal)
        return None if kind is FaultKind.RESET_AFTER else answer


class Gateway(Endpoint):
    """Carries out one route of the v2 API."""

    def __init__(self, route: ApiRoute, owner: HasStore) -> None:
        super().__init__(owner)
        self._route = route

    def route_name(self, body: bytes) -> str:
        """Name of the call."""
        del body
        return self._route.name

    async def carry_out(
        self, store: Store, scope: Scope, request: Request, body: bytes, entry: LoggedRequest
    ) -> Answer:
        """Answer one call."""
        user = authenticate(self._owner, store, scope, request, body)
        entry.user = user.email
        call = Call(
            store=store,
            user=user,
            path={name: str(value) for name, value in scope["path_params"].items()},
            query_string=scope["query_string"].decode("latin-1"),
            raw_body=body,
            base_url=str(request.base_url).rstrip("/"),
            links=self._owner.links,
        )
        return as_answer(await self._route.handler(call))


def authenticate(owner: HasStore, store: Store, scope: Scope, request: Request, body: bytes) -> Caller:
    """Find out who is calling.

    :raises ApiError: 401 if the signature or the token is not valid.
    """
    headers = dict(request.headers)
    token = bearer_token(headers)
    if token is not None:
        return owner.callers(store).by_token(token)
    keyid = verify_v2(
        method=request.method,
        target=request_target(scope),
        headers=headers,
        body=body,
        now=time.time(),
        tolerance=store.settings.signature_tolerance_seconds,
    )
    return owner.callers(store).by_key(keyid)


def request_target(scope: Scope) -> str:
    """Path and query as they stood on the request line."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


def as_answer(result: Any) -> Answer:
    """A handler's result as an answer."""
    return result if isinstance(result, Answer) else Answer(orjson.dumps(result))


async def answered(work: Awaitable[Answer], refusal: Callable[[ApiError], Answer]) -> Answer:
    """The answer of some work; the one place where refusals, malformed requests among them, become answers.

    :param refusal: how a refusal looks on the wire.
    """
    try:
        return await work
    except ApiError as error:
        return refusal(error)


def error_answer(error: ApiError) -> Answer:
    """A refusal as an answer."""
    return Answer(orjson.dumps(error.body()), status=error.status, headers=tuple(error.headers.items()))


async def reset_connection(scope: Scope) -> None:
    """Cut the connection the hard way, so that the client sees "connection reset by peer"."""
    transport = scope.get("encord_emulator.transport")
    if transport is None:
        log.warning("this server does not let the emulator reset connections")
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        # A linger time of zero makes the kernel send RST instead of FIN.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    # Let the server notice before the handler returns, or it complains of a missing answer.
    await asyncio.sleep(0.01)


def _emulated_error(fault: Fault) -> Answer:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    message = fault.message or f"Emulated error {fault.status}"
    return error_answer(ApiError(fault.status, message, headers=headers))


async def _send_slowly(response: Response, send: Send, seconds: float) -> None:
    await send(
        {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    )
    body = bytes(response.body)
    size = max(1, -(-len(body) // _SLOW_PIECES))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    for piece in pieces:
        await asyncio.sleep(seconds / len(pieces))
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
