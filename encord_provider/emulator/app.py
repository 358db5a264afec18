"""The ASGI application: routes of the API, control, page, signed URLs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from encord_provider.emulator.core import control_routes, out_of_scope
from encord_provider.emulator.core.calls import Callers
from encord_provider.emulator.core.errors import ApiError
from encord_provider.emulator.core.gateway import Gateway
from encord_provider.emulator.core.guard import Guard, TooLargeError, answer_too_large
from encord_provider.emulator.core.legacy_gateway import LegacyGateway
from encord_provider.emulator.core.links import ObjectLinks
from encord_provider.emulator.core.snapshot import load
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.entities import ENTITIES
from encord_provider.emulator.organisation.users.models import Users
from encord_provider.emulator.page import routes as page
from encord_provider.emulator.storage.objects import routes as objects


def new_store(**options: Any) -> Store:
    """An empty state, with all entities.

    :param options: arguments of :class:`encord_provider.emulator.core.store.Store`.
    """
    return Store({entity.name: entity.part for entity in ENTITIES}, **options)


class EmulatorApp:
    """An ASGI application that is an emulated Encord.

    :param make_store: makes an empty state; called at the start and at every reset.
    :param any_host: whether it may be asked for by names that are not loopback.
    :ivar store: the present state.
    :ivar keep: called before every answer: whatever the answer may tell is to be safe when it returns.
    """

    def __init__(self, make_store: Callable[[], Store], *, any_host: bool = False) -> None:
        self._make_store = make_store
        self.store = make_store()
        self.keep: Callable[[Store], object] = _keep_nothing
        self.links = ObjectLinks(secrets.token_bytes(32))
        legacy = LegacyGateway([route for entity in ENTITIES for route in entity.legacy_routes], self)
        steering = [
            *control_routes.ROUTES,
            *(route for entity in ENTITIES for route in entity.control_routes),
        ]
        routes: list[BaseRoute] = [
            *(
                Route("/v2/public/" + route.path, Gateway(route, self), methods=[route.method])
                for entity in ENTITIES
                for route in entity.routes
            ),
            *(Route(path, legacy, methods=["POST"]) for path in ("/public", "/public/user")),
            *(route.endpoint(self) for route in steering),
            *page.routes(self),
            *objects.routes(self),
            *out_of_scope.routes(self),
        ]
        handlers = {TooLargeError: answer_too_large(self)}
        self._guarded = Guard(Starlette(routes=routes, exception_handlers=handlers), self, any_host=any_host)

    def callers(self, store: Store) -> Callers:
        """Who may call, in that state."""
        return store[Users]

    def overview(self) -> dict[str, Any]:
        """How much there is of everything (``counts``), and what the entities list of themselves."""
        counts: dict[str, int] = {}
        lists: dict[str, Any] = {}
        parts = dict(self.store.parts())
        for entity in ENTITIES:
            if entity.counts is not None:
                counts.update(entity.counts(parts[entity.name]))
            if entity.overview is not None:
                lists.update(entity.overview(parts[entity.name]))
        return {"counts": counts, **lists}

    def reset(self) -> None:
        """Begin again with an empty state; must be called in the event loop."""
        old, self.store = self.store, self._make_store()
        old.close_soon()

    def restore(self, lines: Iterable[bytes]) -> None:
        """Begin again with the state of a snapshot; must be called in the event loop.

        :raises ApiError: it is not a snapshot; the state is left as it is.
        """
        restored = self._make_store()
        load(restored, lines)
        old, self.store = self.store, restored
        old.close_soon()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._guarded(scope, receive, send)
            return
        # uvicorn's send is a method of the object that holds the connection.
        scope["encord_emulator.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        writes, refused = scope["method"] != "GET", False

        async def send_what_is_kept(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                self.store.changes += writes
                try:
                    self.keep(self.store)
                except ApiError as error:
                    refused = True
                    await JSONResponse(error.body(), error.status)(scope, receive, send)
            if not refused:
                await send(message)

        try:
            await self._guarded(scope, receive, send_what_is_kept)
        finally:
            # Calls whose answer is lost have done something too.
            self.store.changes += writes


def _keep_nothing(_: Store) -> None:
    """The state is in memory only."""
