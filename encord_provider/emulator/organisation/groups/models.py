"""Groups of users, which get access to folders, datasets and projects together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from encord_provider.emulator.core.calls import Caller
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.errors import forbidden
from encord_provider.emulator.core.table import Table


@dataclass(eq=False, slots=True)
class Group:
    """A group of the organisation's users.

    :param created_at: seconds since the epoch.
    :param members: e-mail addresses, in the order in which they were added.
    :param managers: e-mail addresses of those who may change the group; its maker is the first.
    """

    uuid: str
    name: str
    description: str
    created_at: float
    members: list[str] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The group on the wire."""
        return {
            "groupHash": self.uuid,
            "name": self.name,
            "description": self.description,
            "createdAt": iso(self.created_at),
        }


class Groups(Table[Group]):
    """All groups of the organisation."""

    entry = Group
    called = "a group"

    def create(self, *, name: str, description: str, user: Caller) -> Group:
        """Make a group; its maker becomes its manager and first member.

        :raises ApiError: 400 if the name is empty.
        """
        return self.new(name=name, description=description, members=[user.email], managers=[user.email])

    def require_managed(self, uuid: str, user: Caller) -> Group:
        """The group of that UUID, for somebody who may change it: a manager or an admin of the organisation.

        :raises ApiError: 404 if there is none, 403 if ``user`` may not change it.
        """
        group = self.known(uuid)
        if not user.is_organisation_admin and user.email not in group.managers:
            raise forbidden(f"you are not a manager of the group {group.name!r} ({uuid})")
        return group

    def of_user(self, user: Caller) -> list[str]:
        """UUIDs of the groups that a user is in."""
        return [group.uuid for group in self._entries.values() if user.email in group.members]

    def forget_user(self, email: str) -> None:
        """Take a user out of all groups."""
        for group in self._entries.values():
            group.members = [member for member in group.members if member != email]
            group.managers = [manager for manager in group.managers if manager != email]
