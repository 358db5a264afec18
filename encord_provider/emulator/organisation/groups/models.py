"""Groups of users, which get access to folders, datasets and projects together."""

from __future__ import annotations

from dataclasses import dataclass, field

from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.errors import bad_request, forbidden, not_found
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.organisation.users.models import User


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


class Groups:
    """All groups of the organisation."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._by_uuid: dict[str, Group] = {}

    def create(self, *, name: str, description: str, user: User) -> Group:
        """Make a group; its maker becomes its manager and first member.

        :raises ApiError: 400 if the name is empty.
        """
        _check_name(name)
        return self.add(
            Group(
                uuid=self._chance.uuid(),
                name=name,
                description=description,
                created_at=self._clock.now(),
                members=[user.email],
                managers=[user.email],
            )
        )

    def add(self, group: Group) -> Group:
        """Take in a group."""
        self._by_uuid[group.uuid] = group
        return group

    def all(self) -> list[Group]:
        """Every group, the oldest first."""
        return list(self._by_uuid.values())

    def get(self, uuid: str) -> Group | None:
        """The group of that UUID, or ``None``."""
        return self._by_uuid.get(uuid)

    def require(self, uuid: str) -> Group:
        """The group of that UUID.

        :raises ApiError: 404 if there is none.
        """
        group = self._by_uuid.get(uuid)
        if group is None:
            raise not_found(f"the organisation has no group {uuid}")
        return group

    def require_managed(self, uuid: str, user: User) -> Group:
        """The group of that UUID, for somebody who may change it: a manager or an admin of the organisation.

        :raises ApiError: 404 if there is none, 403 if ``user`` may not change it.
        """
        group = self.require(uuid)
        if not user.is_organisation_admin and user.email not in group.managers:
            raise forbidden(f"you are not a manager of the group {group.name!r} ({uuid})")
        return group

    def update(self, group: Group, *, name: str | None, description: str | None) -> None:
        """Change what is given.

        :raises ApiError: 400 if the name is empty.
        """
        if name is not None:
            _check_name(name)
            group.name = name
        if description is not None:
            group.description = description

    def delete(self, group: Group) -> None:
        """Remove a group; who had access through it has lost it."""
        del self._by_uuid[group.uuid]

    def of_user(self, user: User) -> list[str]:
        """UUIDs of the groups that a user is in."""
        return [group.uuid for group in self._by_uuid.values() if user.email in group.members]

    def forget_user(self, email: str) -> None:
        """Take a user out of all groups."""
        for group in self._by_uuid.values():
            group.members = [member for member in group.members if member != email]
            group.managers = [manager for manager in group.managers if manager != email]


def _check_name(name: str) -> None:
    if not name.strip():
        raise bad_request("a group needs a name")
