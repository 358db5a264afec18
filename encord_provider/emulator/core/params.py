"""Reading query parameters and bodies as the SDK writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any, TypeVar

from encord_provider.emulator.core.errors import MalformedRequestError
from encord_provider.emulator.core.ids import canonical_uuid

E = TypeVar("E", bound=StrEnum)
I = TypeVar("I", bound=IntEnum)  # noqa: E741
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class Query:
    """Query parameters: names in camelCase, booleans in either case, lists by repeating the name.

    :param pairs: names and values in the order of the query string.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """A parameter as text; ``None`` if absent or empty."""
        return self._values.get(name, [""])[-1] or None

    def texts(self, name: str) -> list[str]:
        """All values of a repeated parameter."""
        return [value for value in self._values.get(name, []) if value]

    def flag(self, name: str) -> bool | None:
        """A boolean; ``None`` if absent."""
        value = self.text(name)
        if value is None or value == "None":
            return None
        if value.lower() not in _BOOLEANS:
            raise MalformedRequestError(("query", name), "expected true or false")
        return _BOOLEANS[value.lower()]

    def number(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """A whole number within bounds."""
        value = self.text(name)
        if value is None:
            return default
        try:
            number = int(value)
        except ValueError:
            raise MalformedRequestError(("query", name), "expected a whole number") from None
        if not minimum <= number <= maximum:
            raise MalformedRequestError(("query", name), f"expected a number from {minimum} to {maximum}")
        return number

    def moment(self, name: str) -> float | None:
        """An ISO 8601 time as seconds since the epoch; ``None`` if absent. Without an offset it is UTC."""
        value = self.text(name)
        return None if value is None else _moment(value, ("query", name))

    def choice(self, name: str, kind: type[E], default: E) -> E:
        """One of an enumeration's values."""
        value = self.text(name)
        return default if value is None else _member(value, kind, ("query", name))


class Body:
    """A JSON object sent by a client.

    :param document: the parsed body.
    """

    def __init__(self, document: Any) -> None:
        if not isinstance(document, dict):
            raise MalformedRequestError(("body",), "expected a JSON object")
        self.document: Mapping[str, Any] = document

    def text(self, name: str) -> str | None:
        """A string; ``None`` if absent or null."""
        value = self.document.get(name)
        if value is not None and not isinstance(value, str):
            raise MalformedRequestError(("body", name), "expected a string")
        return value

    def required_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise MalformedRequestError(("body", name), "field required")
        return value

    def named(self) -> dict[str, str]:
        """``name``, which must be there, and ``description``, which is empty if it is not."""
        return {"name": self.required_text("name"), "description": self.text("description") or ""}

    def renamed(self) -> dict[str, str | None]:
        """``name`` and ``description``; ``None`` leaves one as it is."""
        return {"name": self.text("name"), "description": self.text("description")}

    def required_mapping(self, name: str) -> dict[str, Any]:
        """A JSON object that must be there."""
        value = self.mapping(name)
        if value is None:
            raise MalformedRequestError(("body", name), "field required")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self.document.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise MalformedRequestError(("body", name), "expected true or false")
        return value

    def number(self, name: str, *, minimum: int, maximum: int) -> int:
        """A whole number within bounds that must be there."""
        value = self.document.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise MalformedRequestError(("body", name), f"expected a number from {minimum} to {maximum}")
        return value

    def choice(self, name: str, kind: type[E]) -> E:
        """One of an enumeration's values that must be there."""
        return _member(self.required_text(name), kind, ("body", name))

    def numbered(self, name: str, kind: type[I]) -> I:
        """One of an enumeration's values, given by its number, that must be there."""
        value = self.document.get(name)
        try:
            return kind(value)  # type: ignore[arg-type]
        except ValueError:
            expected = ", ".join(f"{member.value} ({member.name})" for member in kind)
            raise MalformedRequestError(("body", name), f"expected one of {expected}") from None

    def moment(self, name: str) -> float | None:
        """An ISO 8601 time as seconds since the epoch; ``None`` if absent or null. Without an offset it is UTC."""
        value = self.text(name)
        return None if value is None else _moment(value, ("body", name))

    def texts(self, name: str) -> list[str]:
        """A list of strings that must be there."""
        value = self.document.get(name)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise MalformedRequestError(("body", name), "expected a list of strings")
        return value

    def uuid(self, name: str) -> str | None:
        """A UUID; ``None`` if absent or null."""
        value = self.text(name)
        return None if value is None else _uuid(value, ("body", name))

    def uuids(self, name: str) -> list[str]:
        """A list of UUIDs that must be there."""
        value = self.document.get(name)
        if not isinstance(value, list):
            raise MalformedRequestError(("body", name), "expected a list of UUIDs")
        return [_uuid(entry, ("body", name, position)) for position, entry in enumerate(value)]

    def mapping(self, name: str) -> dict[str, Any] | None:
        """A JSON object; ``None`` if absent or null."""
        value = self.document.get(name)
        if value is not None and not isinstance(value, dict):
            raise MalformedRequestError(("body", name), "expected a JSON object")
        return value


def _moment(value: str, where: tuple[str | int, ...]) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise MalformedRequestError(where, "expected a time in ISO 8601") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _uuid(value: Any, where: tuple[str | int, ...]) -> str:
    uuid = canonical_uuid(value)
    if uuid is None:
        raise MalformedRequestError(where, "expected a UUID")
    return uuid


def _member(value: str, kind: type[E], where: tuple[str | int, ...]) -> E:
    try:
        return kind(value)
    except ValueError:
        raise MalformedRequestError(where, f"expected one of {', '.join(kind)}") from None


def snake(name: str) -> str:
    """A name in camelCase as the older API and manifests spell it."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def camel(name: str) -> str:
    """A name in snake_case as the v2 API spells it."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
