"""The calls by which groups get and lose a role in something, the same for all that can be shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.pages import all_json
from encord_provider.emulator.organisation.groups.models import Groups


class Shared(Protocol):
    """Something in which groups have roles."""

    @property
    def group_roles(self) -> dict[str, Any]:
        """Role by group UUID."""


def group_routes(
    what: str, path: str, find: Callable[[Call, bool], Shared], read_role: Callable[[Call], Any]
) -> list[ApiRoute]:
    """The routes for the groups of one kind of thing.

    :param what: ``folder``, ``dataset`` ..., of which the names of the calls are made.
    :param path: where one such thing lies.
    :param find: gives the thing that a call is about, for somebody with a role in it, or with the admin role.
    :param read_role: reads the role from a call's body.
    """

    async def list_groups(call: Call) -> Any:
        groups = call.store[Groups]
        return all_json(
            list(find(call, False).group_roles.items()),
            lambda entry: {
                **groups.require(entry[0]).as_json(),
                "isSameOrganisation": True,
                "userRole": entry[1],
            },
        )

    async def add_groups(call: Call) -> Any:
        thing = find(call, True)
        groups = [call.store[Groups].require(uuid) for uuid in call.body.uuids("groupHashList")]
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
