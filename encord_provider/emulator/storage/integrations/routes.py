"""Cloud integrations: which there are, and making them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.control import Controlled, ControlRoute, body_of
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import bad_request, conflict
from encord_provider.emulator.storage.integrations.models import Integration, Integrations
from encord_provider.emulator.storage.objects.urls import StorageLocation


async def list_cloud_integrations(call: Call) -> Any:
    """The integrations that the caller sees."""
    found = call.store[Integrations].visible(
        call.user,
        uuids=call.query.texts("filterIntegrationUuids"),
        titles=call.query.texts("filterIntegrationTitles"),
        include_org_access=call.query.flag("includeOrgAccess") or False,
    )
    return {"result": [{"integrationUuid": entry.uuid, "title": entry.title} for entry in found]}


async def put_integration(owner: Controlled, request: Request) -> Any:
    """Add an integration, or change the one of that UUID."""
    body, integrations = await body_of(request), owner.store[Integrations]
    uuid = str(request.path_params["integration"])
    known = integrations.get(uuid)
    title = body.text("title") or (known.title if known else None)
    location = body.text("location") or (known.location if known else None)
    if title is None or location is None:
        raise bad_request("a new integration needs title and location")
    others = [entry for entry in integrations.all() if entry.uuid != uuid]
    if any(entry.title == title for entry in others) and not body.flag("allowDuplicateTitle"):
        raise conflict(f"there is already an integration {title!r}")
    admins = body.document.get("admins", known.admins if known else None)
    users = body.document.get("users", known.users if known else [])
    integrations.add(
        Integration(
            uuid=uuid,
            title=title,
            location=StorageLocation(location),
            can_write=body.flag("canWrite", known.can_write if known else True),
            client_only=body.flag("clientOnly", known.client_only if known else False),
            admins=admins,
            users=users,
        )
    )
    return {"uuid": uuid, "title": title, "location": location}


ENTITY = Entity(
    name="integrations",
    part=Integrations,
    routes=[ApiRoute("GET", "cloud-integrations", list_cloud_integrations)],
    control_routes=[ControlRoute("PUT", "integrations/{integration:uuid}", put_integration)],
    overview=lambda integrations: {
        "integrations": [
            {"uuid": entry.uuid, "title": entry.title, "location": entry.location} for entry in integrations
        ]
    },
)
