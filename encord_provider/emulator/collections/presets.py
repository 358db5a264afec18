"""Filter presets: named conditions on items.

Encord documents one form of a condition, ``{"key", "include", "values", "type"}``; that is the one applied here, to
custom metadata. Presets with other conditions are kept, and refused when they are to be applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.errors import MalformedRequestError, bad_request
from encord_provider.emulator.core.table import Entry, Table, no_access
from encord_provider.emulator.storage.items.item import Item

EVERY_FOLDER = "00000000-0000-0000-0000-000000000000"


@dataclass(eq=False, slots=True, kw_only=True)
class FilterPreset(Entry):
    """A named set of conditions.

    :param folder: UUID of the folder or project that the preset was made on, or :data:`EVERY_FOLDER`.
    :param definition: ``local_filters`` by folder and ``global_filters``, each with a list ``filters``.
    """

    name: str
    description: str
    owner: str
    folder: str
    definition: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The preset on the wire."""
        return {
            "uuid": self.uuid,
            "name": self.name,
            "description": self.description,
            "createdAt": iso(self.created_at),
            "lastUpdatedAt": iso(self.edited_at),
        }

    def check_usable(self) -> None:
        """Make sure that every condition has the form that can be applied.

        :raises ApiError: 400, with the condition that has not.
        """
        for _, condition in _conditions(self.definition):
            if not isinstance(condition.get("key"), str) or not isinstance(condition.get("values"), list):
                raise bad_request(
                    f"the emulator applies conditions with key, include, values and type to custom metadata, "
                    f"not {condition!r} of the preset {self.name!r}"
                )

    def matches(self, item: Item) -> bool:
        """Whether an item fulfils all conditions that concern its folder."""
        metadata = orjson.loads(item.metadata)
        folders = {EVERY_FOLDER, item.folder.uuid, *(folder.uuid for folder in item.folder.ancestors())}
        return all(
            _fulfils(metadata, condition)
            for folder, condition in _conditions(self.definition)
            if folder in folders
        )


class FilterPresets(Table[FilterPreset]):
    """All filter presets, which the whole organisation shares."""

    entry = FilterPreset
    referred = False
    called = "a filter preset"

    def require(self, uuid: str) -> FilterPreset:
        """The preset of that UUID.

        :raises ApiError: 403 if there is none, as the SDK documents.
        """
        preset = self._entries.get(uuid)
        if preset is None:
            raise no_access("filter preset", uuid)
        return preset

    def checked(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Fields of a preset as clients give them, in the form in which they are kept.

        :raises ApiError: 400 if the name is empty or there are no conditions.
        """
        fields = super().checked(fields)
        if "definition" in fields:
            fields["definition"] = _checked_definition(fields["definition"])
        return fields


class ProjectPresets(FilterPresets):
    """The filter presets of projects."""


def _checked_definition(definition: Mapping[str, Any]) -> dict[str, Any]:
    checked = {
        "local_filters": definition.get("local_filters") or {},
        "global_filters": definition.get("global_filters") or {"filters": []},
    }
    if not any(True for _ in _conditions(checked)):
        raise bad_request("a filter preset needs at least one filter")
    return checked


def _conditions(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        groups = [(EVERY_FOLDER, definition["global_filters"]), *definition["local_filters"].items()]
        for folder, group in groups:
            for condition in group.get("filters") or []:
                yield folder, {**condition}
    except (AttributeError, TypeError):
        raise MalformedRequestError(
            ("body", "filterPresetJson"), "expected local_filters and global_filters with lists of filters"
        ) from None


def _fulfils(metadata: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    value = metadata.get(condition["key"])
    present = value if isinstance(value, list) else [value]
    wanted = {_comparable(entry) for entry in condition["values"]}
    found = any(_comparable(entry) in wanted for entry in present if entry is not None)
    return found is (condition.get("include") is not False)


def _comparable(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
