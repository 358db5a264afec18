"""Who is calling, and with which integrations."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call


async def get_bearer_token(call: Call) -> Any:
    """A token that authenticates as the caller."""
    return {"token": call.store.users.bearer_token(call.user)}


async def list_cloud_integrations(call: Call) -> Any:
    """The integrations that the caller sees."""
    integrations = call.store.integrations.list(
        call.user,
        uuids=call.query.texts("filterIntegrationUuids"),
        titles=call.query.texts("filterIntegrationTitles"),
        include_org_access=call.query.flag("includeOrgAccess") or False,
    )
    return {
        "result": [
            {"integrationUuid": integration.uuid, "title": integration.title} for integration in integrations
        ]
    }


ROUTES = [
    ApiRoute("GET", "user/bearer-token", get_bearer_token),
    ApiRoute("GET", "cloud-integrations", list_cloud_integrations),
]
