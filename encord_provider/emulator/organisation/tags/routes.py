"""Tags of the organisation."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.pages import all_json
from encord_provider.emulator.organisation.tags.models import OrganisationTag, OrganisationTags


async def list_organisation_tags(call: Call) -> Any:
    """The organisation's tags."""
    return all_json(call.store[OrganisationTags].all(), OrganisationTag.as_json)


async def create_organisation_tag(call: Call) -> Any:
    """Make a tag."""
    call.require_organisation_admin("make tags")
    name, description = call.body.required_text("name"), call.body.text("description")
    return call.store[OrganisationTags].create(name, description).as_json()


async def delete_organisation_tag(call: Call) -> Any:
    """Remove a tag, also from the folders and projects that have it."""
    call.require_organisation_admin("delete tags")
    tag = call.store[OrganisationTags].known(call.path["tag"])
    call.store[OrganisationTags].remove(tag)
    call.store.tell("forget_tag", tag)


ENTITY = Entity(
    name="tags",
    part=OrganisationTags,
    routes=[
        ApiRoute("GET", "organisation/organisation-tags", list_organisation_tags),
        ApiRoute("POST", "organisation/organisation-tags", create_organisation_tag),
        ApiRoute("DELETE", "organisation/organisation-tags/{tag:uuid}", delete_organisation_tag),
    ],
)
