"""The calls by which users and groups get and lose a role in something, the same for all that can be shared."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Protocol

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.legacy_gateway import LegacyCall, LegacyRoute
from encord_provider.emulator.core.pages import all_json
from encord_provider.emulator.organisation.groups.models import Groups
from encord_provider.emulator.organisation.users.models import Users


class Shared(Protocol):
    """Something in which users and groups have roles: by e-mail address, besides the owner, and by UUID."""

    uuid: str
    owner: str
    user_roles: dict[str, Any]
    group_roles: dict[str, Any]


Find = Callable[[Call, bool], Shared]
"""Gives the thing that a call is about, for somebody with a role in it, or (if true) with the admin role."""


def group_routes(what: str, path: str, find: Find, read_role: Callable[[Call], Any]) -> list[ApiRoute]:
    """The routes for the groups of one kind of thing.

    :param what: ``folder``, ``dataset`` ..., of which the names of the calls are made.
    :param path: where one such thing lies.
    :param read_role: reads the role from a call's body.
    """

    async def list_groups(call: Call) -> Any:
        groups, roles = call.store[Groups], find(call, False).group_roles
        return all_json(
            list(roles.items()),
            lambda entry: {
                **groups.known(entry[0]).as_json(),
                "isSameOrganisation": True,
                "userRole": entry[1],
            },
        )

    async def add_groups(call: Call) -> Any:
        thing = find(call, True)
        groups = [call.store[Groups].known(uuid) for uuid in call.body.uuids("groupHashList")]
        role = read_role(call)
        thing.group_roles.update((group.uuid, role) for group in groups)

    async def remove_groups(call: Call) -> Any:
        thing = find(call, True)
        for uuid in call.query.texts("groupHashList"):
            thing.group_roles.pop(uuid, None)

    return [
        ApiRoute("GET", f"{path}/groups", list_groups, f"list_{what}_groups"),
        ApiRoute("POST", f"{path}/groups", add_groups, f"add_{what}_groups"),
        ApiRoute("DELETE", f"{path}/groups", remove_groups, f"remove_{what}_groups"),
    ]


def user_routes(
    what: str,
    path: str,
    find: Find,
    list_as: Callable[[Call, list[dict[str, Any]]], Any],
    admin: IntEnum,
) -> list[ApiRoute]:
    """The routes for the users of one kind of thing.

    :param what: ``dataset`` or ``project``.
    :param path: where one such thing lies.
    :param list_as: answers a list of users.
    :param admin: the role of the owner.
    """

    async def list_users(call: Call) -> Any:
        thing = find(call, False)
        roles = {thing.owner: admin, **thing.user_roles}
        return list_as(call, [{"userEmail": email, "userRole": role} for email, role in roles.items()])

    async def remove_users(call: Call) -> Any:
        thing = find(call, True)
        for email in call.body.texts("userEmails"):
            thing.user_roles.pop(email, None)

    return [
        ApiRoute("GET", f"{path}/users", list_users, f"list_{what}_users"),
        ApiRoute("POST", f"{path}/users/bulk-delete", remove_users, f"remove_{what}_users"),
    ]


def add_users_route(what: str, find: Callable[[LegacyCall], Shared], admin: IntEnum) -> LegacyRoute:
    """The call of the older API that gives users a role in something; who has one keeps it.

    :param what: ``dataset`` or ``project``.
    :param find: gives the thing that a call is about, for somebody with the admin role in it.
    :param admin: the role of the owner.
    """

    async def add_users(call: LegacyCall) -> Any:
        thing = find(call)
        emails = call.body.texts("user_emails")
        role = call.body.numbered("user_role", type(admin))
        call.store[Users].require_all(emails)
        for email in emails:
            if email != thing.owner:
                thing.user_roles.setdefault(email, role)
        roles = {**thing.user_roles, thing.owner: admin}
        return [
            {"user_email": email, "user_role": roles[email], f"{what}_hash": thing.uuid} for email in emails
        ]

    return LegacyRoute(f"{what}users", "POST", what, add_users, f"add_{what}_users")
