"""Dataclasses as rows of JSON values, and back: what a snapshot holds of an entry.

A row has the fields that the dataclass's constructor takes, so that ``field(init=False)`` keeps one out. Types decide
the form: enumerations by value, bytes in base64, sets and dictionaries without values as lists, other dataclasses as
rows of their own (or as their ``as_row`` and ``from_row`` say), and entries of a table by their key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Codec:
    """How values of one type are written and read."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


Codecs = Mapping[type, Codec]
"""The types that are written in a way of their own."""


def reference(key: str, find: Callable[[str], Any]) -> Codec:
    """How entries of a table are named by their key; one that there is not is read as ``None``."""
    return Codec(lambda entry: getattr(entry, key), find)


class RowFormat(Generic[T]):
    """How one dataclass is written and read.

    :param kind: the dataclass.
    :param special: types that are written in a way of their own.
    """

    def __init__(self, kind: type[T], special: Codecs) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        names = [field.name for field in fields(kind) if field.init]  # type: ignore[arg-type]
        self._codecs = {name: _codec(hints[name], special) for name in names}
        self._required = {name for name in names if hints[name] in special}

    def write(self, entry: T, *, without: Set[str] = frozenset()) -> Row:
        """An entry as a row.

        :param without: names of fields to leave out.
        """
        return {
            name: getattr(entry, name) if codec is None else codec.write(getattr(entry, name))
            for name, codec in self._codecs.items()
            if name not in without
        }

    def write_field(self, name: str, value: Any) -> Any:
        """The value of one field, or a part of a list, as it stands in a row."""
        codec = self._codecs[name]
        return value if codec is None else codec.write(value)

    def read(self, row: Row) -> T:
        """The entry that a row describes.

        :raises ValueError: the row has other fields, or names something that does not exist.
        """
        if row.keys() != self._codecs.keys():
            raise ValueError(f"{self._kind.__name__} has the fields {', '.join(self._codecs)}")
        values = {
            name: row[name] if codec is None else codec.read(row[name])
            for name, codec in self._codecs.items()
        }
        for name in self._required:
            if values[name] is None:
                raise ValueError(f"there is no {name} {row[name]}")
        return self._kind(**values)


def _codec(hint: Any, special: Codecs) -> Codec | None:
    """How a type is written and read; ``None`` if JSON has it already."""
    if hint in special:
        return special[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        others = [_codec(kind, special) for kind in arguments if kind is not NoneType]
        return _optional(others[0]) if others[0] else None
    if origin in (list, set, tuple):
        return _sequence(origin, _codec(arguments[0], special))
    if origin is dict:
        return _mapping(
            *(_codec(kind, special) for kind in arguments), without_values=arguments[1] in (None, NoneType)
        )
    if not isinstance(hint, type):
        return None
    if hasattr(hint, "from_row"):
        return Codec(lambda value: value.as_row(), hint.from_row)
    if issubclass(hint, Enum):
        return Codec(lambda member: member.value, hint)
    if issubclass(hint, bytes):
        return Codec(lambda content: base64.b64encode(content).decode(), base64.b64decode)
    if is_dataclass(hint):
        rows = RowFormat(hint, special)
        return Codec(rows.write, rows.read)
    return None


def _optional(codec: Codec) -> Codec:
    return Codec(
        lambda value: None if value is None else codec.write(value),
        lambda value: None if value is None else codec.read(value),
    )


def _sequence(kind: type, codec: Codec | None) -> Codec | None:
    if codec is None:
        return None if kind is list else Codec(sorted if kind is set else list, kind)
    read = codec.read
    return Codec(
        lambda entries: [codec.write(entry) for entry in entries],
        lambda values: kind(found for value in values if (found := read(value)) is not None),
    )


def _mapping(keys: Codec | None, values: Codec | None, *, without_values: bool) -> Codec | None:
    if without_values:
        read_key = keys.read if keys else None
        return Codec(list, lambda found: dict.fromkeys(map(read_key, found) if read_key else found))
    if values is None:
        return None
    return Codec(
        lambda entries: {key: values.write(entry) for key, entry in entries.items()},
        lambda entries: {key: values.read(entry) for key, entry in entries.items()},
    )
