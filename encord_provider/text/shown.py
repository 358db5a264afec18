"""How values of an upload spec are shown in messages: short, as JSON has them, and without signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAX_CHARACTERS = 120


def shown(value: Any) -> str:
    """Describe a value of a JSON document in a message.

    :param value: the value.
    :returns: texts in quotes, cut at 120 characters and without what follows a ``?``, which may be a signature;
        ``null``, ``true``, ``false`` and numbers as they are; for arrays and objects only that they are such.
    """
    if isinstance(value, str):
        bare = value.partition("?")[0] + ("?..." if "?" in value else "")
        return repr(bare if len(bare) <= _MAX_CHARACTERS else f"{bare[: _MAX_CHARACTERS - 20]}...")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "an array"
    try:
        return repr(value)[:_MAX_CHARACTERS]
    except ValueError:
        # Python writes no integer of more than some 4,300 digits.
        return "a number with too many digits"
