"""Groups of users."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import forbidden
from encord_provider.emulator.core.pages import all_json
from encord_provider.emulator.organisation.groups.models import Group, Groups
from encord_provider.emulator.organisation.users.models import Users


async def list_groups(call: Call) -> Any:
    """The organisation's groups."""
    return all_json(call.store[Groups].all(), Group.as_json)


async def create_group(call: Call) -> Any:
    """Make a group; the caller becomes its manager."""
    return call.store[Groups].create(user=call.user, **call.body.named()).as_json()


async def get_group(call: Call) -> Any:
    """One group."""
    return call.store[Groups].known(call.path["group"]).as_json()


async def update_group(call: Call) -> Any:
    """Change a group's name or description."""
    group = _managed_group(call)
    call.store[Groups].update(group, **call.body.renamed())
    return group.as_json()


async def delete_group(call: Call) -> Any:
    """Remove a group, and the access that it gave."""
    group = _managed_group(call)
    call.store[Groups].remove(group)
    call.store.tell("forget_group", group.uuid)


async def list_group_users(call: Call) -> Any:
    """Who is in a group."""
    return _members(call.store[Groups].known(call.path["group"]))


async def add_group_users(call: Call) -> Any:
    """Add users of the organisation to a group; answers all its users."""
    group = _managed_group(call)
    emails = call.body.texts("userEmails")
    strangers = [email for email in emails if call.store[Users].get(email) is None]
    if strangers:
        raise forbidden(f"{', '.join(strangers)} do not belong to the organisation")
    group.members = list(dict.fromkeys([*group.members, *emails]))
    return _members(group)


async def remove_group_users(call: Call) -> Any:
    """Take users out of a group; who is not in it is passed over."""
    group = _managed_group(call)
    leaving = set(call.body.texts("userEmails"))
    group.members = [member for member in group.members if member not in leaving]


def _managed_group(call: Call) -> Group:
    return call.store[Groups].require_managed(call.path["group"], call.user)


def _members(group: Group) -> dict[str, Any]:
    return all_json(group.members, lambda email: {"userEmail": email})


ENTITY = Entity(
    name="groups",
    part=Groups,
    routes=[
        ApiRoute("GET", "user/current-organisation/groups", list_groups),
        ApiRoute("POST", "organisation/groups", create_group),
        ApiRoute("GET", "organisation/groups/{group:uuid}", get_group),
        ApiRoute("PATCH", "organisation/groups/{group:uuid}", update_group),
        ApiRoute("DELETE", "organisation/groups/{group:uuid}", delete_group),
        ApiRoute("GET", "organisation/groups/{group:uuid}/users", list_group_users),
        ApiRoute("POST", "organisation/groups/{group:uuid}/users", add_group_users),
        ApiRoute("POST", "organisation/groups/{group:uuid}/users/bulk-delete", remove_group_users),
    ],
    counts=lambda groups: {"groups": len(groups)},
)
