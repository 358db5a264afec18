"""Tags of the organisation, which mark projects and folders."""

from __future__ import annotations

from dataclasses import dataclass

from encord_provider.emulator.core.errors import bad_request, conflict, not_found
from encord_provider.emulator.core.ids import Chance


@dataclass(frozen=True, slots=True)
class OrganisationTag:
    """A tag; its name is unique in the organisation."""

    uuid: str
    name: str
    description: str | None = None


class OrganisationTags:
    """All tags."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._by_uuid: dict[str, OrganisationTag] = {}

    def create(self, name: str, description: str | None = None) -> OrganisationTag:
        """Make a tag.

        :raises ApiError: 400 if the name is empty, 409 if it is taken.
        """
        if not name.strip():
            raise bad_request("a tag needs a name")
        if self.named(name) is not None:
            raise conflict(f"the organisation has a tag {name!r} already")
        return self.add(OrganisationTag(self._chance.uuid(), name, description))

    def add(self, tag: OrganisationTag) -> OrganisationTag:
        """Take in a tag."""
        self._by_uuid[tag.uuid] = tag
        return tag

    def all(self) -> list[OrganisationTag]:
        """Every tag, the oldest first."""
        return list(self._by_uuid.values())

    def named(self, name: str) -> OrganisationTag | None:
        """The tag of that name, or ``None``."""
        return next((tag for tag in self._by_uuid.values() if tag.name == name), None)

    def require(self, uuid: str) -> OrganisationTag:
        """The tag of that UUID.

        :raises ApiError: 404 if there is none.
        """
        tag = self._by_uuid.get(uuid)
        if tag is None:
            raise not_found(f"the organisation has no tag {uuid}")
        return tag

    def delete(self, tag: OrganisationTag) -> None:
        """Remove a tag."""
        del self._by_uuid[tag.uuid]
