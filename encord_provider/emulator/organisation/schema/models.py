"""The metadata schema: one per organisation, stored whole, the last writer wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encord_provider.emulator.core.clock import Clock, iso
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.core.ids import Chance

_HINTS = {"number", "varchar", "text", "boolean", "datetime", "uuid"}
_TYPES = {
    "variant",
    "enum",
    "embedding",
    "geospatial",
    "tombstone",
    "number",
    "boolean",
    "varchar",
    "datetime",
    "text",
    "uuid",
    "user",
}
_TO_LEGACY = {
    "number": "number",
    "varchar": "string",
    "text": "long_string",
    "boolean": "boolean",
    "datetime": "datetime",
    "uuid": "string",
    "user": "string",
    "enum": "enum",
    "embedding": "embedding",
    "geospatial": "geospatial",
}
_FROM_LEGACY = {
    "number": {"ty": "variant", "hint": "number"},
    "string": {"ty": "variant", "hint": "varchar"},
    "long_string": {"ty": "variant", "hint": "text"},
    "boolean": {"ty": "variant", "hint": "boolean"},
    "datetime": {"ty": "variant", "hint": "datetime"},
    "geospatial": {"ty": "geospatial"},
}
MAX_ENUM_OPTIONS = 256
MAX_EMBEDDING_SIZE = 4096


class MetadataSchema:
    """The organisation's schema in both its forms, which show the same keys."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self.uuid: str | None = None
        self.keys: dict[str, dict[str, Any]] | None = None
        self.created_at = 0.0
        self.updated_at = 0.0

    def replace(self, document: Mapping[str, Any]) -> None:
        """Store a whole schema.

        :param document: key -> type object, as the SDK sends it.
        :raises ApiError: 400 if an entry is not a type that Encord knows.
        """
        for key, entry in document.items():
            _check_entry(key, entry)
        self._store(dict(document))

    def replace_legacy(self, document: Mapping[str, Any]) -> None:
        """Store a whole schema given in the old flat form; enum and embedding keys keep what they had.

        :raises ApiError: 400 if a type is unknown, or an enum or embedding key is new: that form cannot say its
            options or size.
        """
        keys: dict[str, dict[str, Any]] = {}
        for key, name in document.items():
            known = (self.keys or {}).get(key)
            if name in ("enum", "embedding"):
                keys[key] = known if known and known["ty"] == name else {"ty": "variant", "hint": "text"}
            elif name in _FROM_LEGACY:
                keys[key] = dict(_FROM_LEGACY[name])
            else:
                raise bad_request(f"metadata schema key {key!r} has an unknown type {name!r}")
        self._store(keys)

    def legacy(self) -> dict[str, Any] | None:
        """The schema in its old form, without deleted keys; ``None`` if there is none."""
        if self.keys is None:
            return None
        flat = {
            key: _TO_LEGACY[entry.get("hint", "text") if entry["ty"] == "variant" else entry["ty"]]
            for key, entry in self.keys.items()
            if entry["ty"] != "tombstone"
        }
        return {
            "uuid": self.uuid,
            "metadataSchema": flat,
            "organisationId": 1,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
        }

    def _store(self, keys: dict[str, dict[str, Any]]) -> None:
        now = self._clock.now()
        if self.keys is None:
            self.uuid, self.created_at = self._chance.uuid(), now
        self.keys, self.updated_at = keys, now


def _check_entry(key: str, entry: Any) -> None:
    kind = entry.get("ty") if isinstance(entry, dict) else None
    if kind not in _TYPES:
        raise bad_request(f"metadata schema key {key!r} has an unknown type {kind!r}")
    if kind == "variant" and entry.get("hint", "text") not in _HINTS:
        raise bad_request(f"metadata schema key {key!r} has an unknown hint {entry['hint']!r}")
    if kind == "enum":
        values = entry.get("values")
        if not isinstance(values, list) or not 1 <= len(values) <= MAX_ENUM_OPTIONS:
            raise bad_request(f"metadata schema key {key!r} must have 1 to {MAX_ENUM_OPTIONS} options")
    if kind == "embedding":
        size = entry.get("size")
        if not isinstance(size, int) or not 1 <= size <= MAX_EMBEDDING_SIZE:
            raise bad_request(f"metadata schema key {key!r} must have a size of 1 to {MAX_EMBEDDING_SIZE}")
