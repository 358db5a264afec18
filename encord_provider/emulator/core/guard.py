"""What stands in front of all routes: who is asked for, from which web page, and how large a body may be.

Any web page can make a browser send requests to loopback, and with a name of its own that leads to 127.0.0.1 it could
read the answers too. Browsers say the name in ``Host`` and the page in ``Origin``.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encord_provider.emulator.core.calls import HasStore
from encord_provider.emulator.core.errors import ApiError
from encord_provider.emulator.core.gateway import request_target

_ENCORD_DOMAINS = ("encord.com", "encord.ai", "cord.tech")
_DRAINED = 1024 * 1024
"""How much of a body that is too large is taken in all the same, so that the client gets to see the answer."""


def poses_as_encord(host: str) -> bool:
    """Whether a host name belongs to the real service."""
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith("." + domain) for domain in _ENCORD_DOMAINS)


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without brackets, is this machine's own."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets only such requests through to an application as are meant for the emulator.

    :param app: the application.
    :param owner: where the present settings are found.
    :param any_host: whether it may be asked for by names that are not loopback.
    """

    def __init__(self, app: ASGIApp, owner: HasStore, *, any_host: bool) -> None:
        self._app = app
        self._owner = owner
        self._any_host = any_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._owner.store.settings.max_body_bytes
        headers = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
        refusal = self._refusal(headers) or _too_large(_declared(headers), limit)
        if refusal is not None:
            await self._refuse(refusal, scope, _bounded(receive, _DRAINED), send)
            return
        await self._app(scope, _bounded(receive, limit), send)

    def _refusal(self, headers: list[tuple[bytes, str]]) -> ApiError | None:
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            return ApiError(400, f"A request names one host, not {len(hosts)}.")
        host = _name(hosts[0])
        if poses_as_encord(host) or not (self._any_host or is_loopback(host)):
            return ApiError(421, f"The emulator does not pose as {host}; ask for it by its own address.")
        for origin in [value for name, value in headers if name == b"origin"]:
            # A page of another site, or one without a name ("null").
            if urlsplit(origin).netloc.lower() != hosts[0].lower():
                return ApiError(403, f"The emulator does not answer the web page {origin}.")
        return None

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(TooLargeError):
            while (await receive()).get("more_body"):
                pass
        await _answer(self._owner, Request(scope), error)(scope, receive, send)


class TooLargeError(Exception):
    """A body turned out to be larger than allowed while it was taken in."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


def answer_too_large(owner: HasStore) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Make what Starlette calls for a :class:`TooLargeError`.

    :param owner: where the present state is found.
    """

    async def answer(request: Request, error: Exception) -> Response:
        limit = getattr(error, "limit", 0)
        return _answer(owner, request, _limit_error(f"more than {limit}", limit))

    return answer


def _answer(owner: HasStore, request: Request, error: ApiError) -> Response:
    owner.store.requests.add(
        at=owner.store.clock.now(),
        method=request.method,
        route="refused",
        target=request_target(request.scope),
        body=b"",
    ).status = error.status
    return JSONResponse(error.body(), error.status, {"Connection": "close"})


def _bounded(receive: Receive, limit: int) -> Receive:
    """Pass a body on, up to a limit: one that is sent in chunks does not say how long it is."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise TooLargeError(limit)
        return message

    return bounded


def _declared(headers: list[tuple[bytes, str]]) -> int:
    return max(
        (int(value) for name, value in headers if name == b"content-length" and value.isdigit()), default=0
    )


def _too_large(size: int, limit: int) -> ApiError | None:
    return _limit_error(str(size), limit) if size > limit else None


def _limit_error(size: str, limit: int) -> ApiError:
    return ApiError(413, f"Request payload is too large: {size} bytes, the maximum is {limit} bytes.")


def _name(host: str) -> str:
    """The name in a ``Host`` header, without a port and the brackets of IPv6."""
    bare = host.rpartition("@")[2]
    return bare[1:].partition("]")[0] if bare.startswith("[") else bare.partition(":")[0]
