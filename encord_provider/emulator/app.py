"""The ASGI application: routes of the API, control, page, signed URLs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from encord_provider.emulator.collections import routes as collections
from encord_provider.emulator.core import control, out_of_scope
from encord_provider.emulator.core.calls import ApiRoute
from encord_provider.emulator.core.gateway import Gateway, poses_as_encord
from encord_provider.emulator.core.legacy_gateway import LegacyGateway, LegacyRoute
from encord_provider.emulator.core.links import ObjectLinks
from encord_provider.emulator.core.snapshot import load
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.datasets import routes as datasets
from encord_provider.emulator.datasets import row_routes as dataset_rows
from encord_provider.emulator.datasets import upload_routes as dataset_uploads
from encord_provider.emulator.organisation.groups import routes as organisation
from encord_provider.emulator.organisation.schema import routes as schema
from encord_provider.emulator.organisation.users import routes as users
from encord_provider.emulator.page import curation
from encord_provider.emulator.page import routes as gallery
from encord_provider.emulator.projects import curation_routes as project_curation
from encord_provider.emulator.projects import legacy_routes as label_rows
from encord_provider.emulator.projects import routes as projects
from encord_provider.emulator.storage.cloud_sync import routes as cloud_sync
from encord_provider.emulator.storage.folders import routes as folders
from encord_provider.emulator.storage.items import routes as items
from encord_provider.emulator.storage.items import work_routes as item_work
from encord_provider.emulator.storage.jobs import routes as jobs
from encord_provider.emulator.storage.objects import routes as objects
from encord_provider.emulator.storage.uploads import routes as uploads

API_ROUTES: list[ApiRoute] = [
    *users.ROUTES,
    *folders.ROUTES,
    *items.ROUTES,
    *jobs.ROUTES,
    *item_work.ROUTES,
    *uploads.ROUTES,
    *cloud_sync.ROUTES,
    *schema.ROUTES,
    *datasets.ROUTES,
    *organisation.ROUTES,
    *collections.ROUTES,
    *projects.ROUTES,
    *project_curation.ROUTES,
]
"""Every route of the v2 API; a new entity adds its module's ``ROUTES`` here."""

LEGACY_ROUTES: list[LegacyRoute] = [
    *dataset_rows.LEGACY_ROUTES,
    *dataset_uploads.LEGACY_ROUTES,
    *label_rows.LEGACY_ROUTES,
]
"""Every call of the older API."""


class EmulatorApp:
    """An ASGI application that is an emulated Encord.

    :param make_store: makes an empty state; called at the start and at every reset.
    :ivar store: the present state.
    """

    def __init__(self, make_store: Callable[[], Store]) -> None:
        self._make_store = make_store
        self.store = make_store()
        self.links = ObjectLinks(secrets.token_bytes(32))
        routes: list[BaseRoute] = [
            Route("/v2/public/" + route.path, Gateway(route, self), methods=[route.method])
            for route in API_ROUTES
        ]
        legacy = LegacyGateway(LEGACY_ROUTES, self)
        routes += [Route(path, legacy, methods=["POST"]) for path in ("/public", "/public/user")]
        routes += [
            *control.routes(self),
            *gallery.routes(self),
            *curation.routes(self),
            *objects.routes(self),
            *out_of_scope.routes(self),
        ]
        self._starlette = Starlette(routes=routes)

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
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            host = headers.get(b"host", b"").decode("latin-1").rpartition("@")[2].partition(":")[0]
            if poses_as_encord(host):
                refusal = JSONResponse({"message": f"the emulator does not pose as {host}"}, 421)
                await refusal(scope, receive, send)
                return
            # uvicorn's send is a method of the object that holds the connection.
            scope["encord_emulator.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._starlette(scope, receive, send)
