"""The metadata schema: one per organisation, stored whole, the last writer wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Kept
from encord_provider.emulator.organisation.schema.values import unfit

_HINTS = {"number", "varchar", "text", "boolean", "datetime", "uuid"}
_TYPES = _HINTS | {"variant", "enum", "embedding", "geospatial", "tombstone", "user"}
_TO_LEGACY = {"varchar": "string", "text": "long_string", "uuid": "string", "user": "string"}
"""What the old flat form calls those types that it calls otherwise."""
_HINTS_OF_LEGACY = {name: name for name in ("number", "boolean", "datetime")} | {
    "string": "varchar",
    "long_string": "text",
}
RESERVED_KEY = "keyframes"
"""Frames of interest of a video; like every key that begins with ``$``, no key of a schema. Source: the SDK."""
MAX_ENUM_OPTIONS = 256
MAX_EMBEDDING_SIZE = 4096


@dataclass(eq=False, slots=True)
class Schema:
    """A whole schema.

    :param keys: key -> type object, as the SDK sends it.
    :param created_at: seconds since the epoch, as is ``updated_at``.
    """

    uuid: str
    keys: dict[str, dict[str, Any]]
    created_at: float
    updated_at: float


class MetadataSchema(Kept[Schema]):
    """The organisation's schema in both its forms, which show the same keys."""

    entry = Schema

    def __init__(self, store: Store) -> None:
        self._store = store
        self._schema: Schema | None = None

    @property
    def keys(self) -> dict[str, dict[str, Any]] | None:
        """Key -> type object, as the SDK sends it; ``None`` if there is no schema."""
        return self._schema.keys if self._schema else None

    def kept(self) -> list[Schema]:
        """What a snapshot holds: the schema, if there is one."""
        return [self._schema] if self._schema else []

    def restore(self, entry: Schema) -> None:
        """Take in what a snapshot held."""
        self._schema = entry

    def replace(self, document: Mapping[str, Any]) -> None:
        """Store a whole schema.

        :param document: key -> type object, as the SDK sends it.
        :raises ApiError: 400 if an entry is not a type that Encord knows, a key is reserved (unless
            ``settings.reserved_schema_keys`` keeps it), or an embedding would get another size.
        """
        reserves = self._store.settings.reserved_schema_keys == "refuse"
        for key, entry in document.items():
            if reserves and (key.startswith("$") or key == RESERVED_KEY):
                raise bad_request(f"metadata schema key {key!r} is reserved")
            _check_entry(key, entry)
            known = (self.keys or {}).get(key, entry)
            if known["ty"] == entry["ty"] == "embedding" and known["size"] != entry["size"]:
                raise bad_request(f"metadata schema key {key!r} has the size {known['size']}, which stays")
        self._keep(dict(document))

    def problem(self, metadata: str) -> str | None:
        """Why an item may not have this metadata, or ``None``; ``settings.unfit_metadata`` may let it have any.

        :param metadata: JSON text.
        """
        if not self.keys or metadata == "{}" or self._store.settings.unfit_metadata == "keep":
            return None
        return unfit(orjson.loads(metadata), self.keys)

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
            elif name in _HINTS_OF_LEGACY:
                keys[key] = {"ty": "variant", "hint": _HINTS_OF_LEGACY[name]}
            elif name == "geospatial":
                keys[key] = {"ty": name}
            else:
                raise bad_request(f"metadata schema key {key!r} has an unknown type {name!r}")
        self._keep(keys)

    def legacy(self) -> dict[str, Any] | None:
        """The schema in its old form, without deleted keys; ``None`` if there is none."""
        schema = self._schema
        if schema is None:
            return None
        kinds = {
            key: entry.get("hint", "text") if entry["ty"] == "variant" else entry["ty"]
            for key, entry in schema.keys.items()
            if entry["ty"] != "tombstone"
        }
        return {
            "uuid": schema.uuid,
            "metadataSchema": {key: _TO_LEGACY.get(kind, kind) for key, kind in kinds.items()},
            "organisationId": 1,
            "createdAt": iso(schema.created_at),
            "updatedAt": iso(schema.updated_at),
        }

    def _keep(self, keys: dict[str, dict[str, Any]]) -> None:
        now = self._store.clock.now()
        if self._schema is None:
            self._schema = Schema(uuid=self._store.chance.uuid(), keys=keys, created_at=now, updated_at=now)
        self._schema.keys, self._schema.updated_at = keys, now


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
