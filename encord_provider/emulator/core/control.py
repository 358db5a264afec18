"""How ``/_emulator/`` is served: seeing and steering the emulator. Not part of Encord, not authenticated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encord_provider.emulator.core.calls import Answer, HasStore
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.core.gateway import answered, as_answer, error_answer
from encord_provider.emulator.core.params import Body

PREFIX = "/_emulator/"


class Controlled(HasStore, Protocol):
    """Whoever can be steered."""

    def reset(self) -> None:
        """Begin again with an empty state."""

    def restore(self, lines: Iterable[bytes]) -> None:
        """Begin again with the state of a snapshot."""

    def overview(self) -> dict[str, Any]:
        """How much there is of everything (``counts``), and what the entities list of themselves."""


@dataclass(frozen=True)
class ControlRoute:
    """A route for seeing or steering the emulator.

    :param path: below ``/_emulator/``, variables in braces.
    :param handler: given who is steered and the request; its result is sent as JSON.
    """

    method: str
    path: str
    handler: Callable[[Any, Request], Awaitable[Any]]

    def endpoint(self, owner: Controlled) -> Route:
        """The route, on the present state of ``owner``."""

        async def carry_out(request: Request) -> Answer:
            try:
                return as_answer(await self.handler(owner, request))
            except ValueError as error:
                raise bad_request(str(error)) from None

        return Route(PREFIX + self.path, plain_endpoint(carry_out), methods=[self.method])


def plain_endpoint(
    carry_out: Callable[[Request], Awaitable[Answer]],
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint of Starlette that is neither signed nor struck by faults."""

    async def handle(request: Request) -> Response:
        answer = await answered(carry_out(request), error_answer)
        return Response(answer.content, answer.status, dict(answer.headers), answer.content_type)

    return handle


def number(request: Request, name: str, default: int) -> int:
    """A query parameter that is a number and not negative.

    :raises ApiError: 400 if it is not one.
    """
    text = request.query_params.get(name, str(default))
    if not text.isdigit():
        raise bad_request(f"{name} must be a number")
    return int(text)


async def body_of(request: Request) -> Body:
    """The body as a JSON object, an empty one if there is no body.

    :raises ApiError: 400 if it is not JSON.
    """
    try:
        return Body(orjson.loads(await request.body() or b"{}"))
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not valid JSON: {error}") from None
