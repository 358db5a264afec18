"""Tags of the organisation, which mark projects and folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from encord_provider.emulator.core.errors import conflict
from encord_provider.emulator.core.table import Table


@dataclass(frozen=True, slots=True)
class OrganisationTag:
    """A tag; its name is unique in the organisation."""

    uuid: str
    name: str
    description: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The tag on the wire."""
        return {"uuid": self.uuid, "name": self.name}


class OrganisationTags(Table[OrganisationTag]):
    """All tags."""

    entry = OrganisationTag
    called = "a tag"

    def create(self, name: str, description: str | None = None) -> OrganisationTag:
        """Make a tag.

        :raises ApiError: 400 if the name is empty, 409 if it is taken.
        """
        if self.named(name) is not None:
            raise conflict(f"the organisation has a tag {name!r} already")
        fields = self.checked({"name": name, "description": description})
        return self.add(OrganisationTag(uuid=self._chance.uuid(), **fields))

    def named(self, name: str) -> OrganisationTag | None:
        """The tag of that name, or ``None``."""
        return next((tag for tag in self._entries.values() if tag.name == name), None)
