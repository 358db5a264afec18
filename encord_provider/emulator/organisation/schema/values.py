"""Whether custom metadata fits the metadata schema."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

MAX_VARCHAR = 8192
"""Characters of a value of type varchar. Source: the SDK."""


def unfit(metadata: Mapping[str, Any], keys: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Why metadata does not fit, or ``None``; what the schema does not declare fits always.

    :param metadata: custom metadata of an item.
    :param keys: key -> type object, as the SDK sends it.
    """
    for key in metadata.keys() & keys.keys():
        value, entry = metadata[key], keys[key]
        if value is not None and not _fits(value, entry):
            kind = entry.get("hint", "text") if entry["ty"] == "variant" else entry["ty"]
            return f"the value of {key!r} is not of the type {kind} that the metadata schema declares"
    return None


def _fits(value: Any, entry: Mapping[str, Any]) -> bool:
    kind = entry.get("hint", "text") if entry["ty"] == "variant" else entry["ty"]
    match kind:
        case "number":
            return _is_number(value)
        case "boolean":
            return isinstance(value, bool)
        case "varchar":
            return isinstance(value, str) and len(value) <= MAX_VARCHAR
        case "text":
            return isinstance(value, str)
        case "datetime" | "uuid":
            return isinstance(value, str) and _is_read_by(
                datetime.fromisoformat if kind == "datetime" else UUID, value
            )
        case "enum":
            return value in entry["values"]
        case "embedding":
            return isinstance(value, list) and len(value) == entry["size"] and all(map(_is_number, value))
    # Encord says nothing of the others' form: geospatial, user, keys that were deleted.
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_read_by(reader: Any, value: str) -> bool:
    with contextlib.suppress(ValueError):
        reader(value)
        return True
    return False
