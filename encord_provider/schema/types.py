"""The metadata schema of an organisation: which key holds which type of value."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from encord_provider.exceptions import MetadataSchemaError

MAX_ENUM_OPTIONS = 255
"""Encord's pages say 256; its SDK accepts 255."""

MAX_EMBEDDING_SIZE = 4096
"""Source: Encord's SDK."""

MAX_VARCHAR_CHARACTERS = 8192
"""Source: Encord's SDK."""


class ScalarType(enum.StrEnum):
    """A type of single value."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    VARCHAR = "varchar"
    TEXT = "text"
    UUID = "uuid"


@dataclass(frozen=True)
class Scalar:
    """A single value.

    :param hint: its type.
    """

    hint: ScalarType

    def __str__(self) -> str:
        return self.hint.value


@dataclass(frozen=True)
class Enum:
    """One of a fixed list of texts.

    :param options: the texts, 1 to 255 of them.
    """

    options: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(sorted(self.options)[:10])
        return f"enum({shown}{', ...' if len(self.options) > 10 else ''})"


@dataclass(frozen=True)
class Embedding:
    """A vector of numbers.

    :param size: its length, 1 to 4096.
    :param api: the embedding service that Encord keeps with the key, passed through.
    """

    size: int
    api: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"embedding({self.size})"


@dataclass(frozen=True)
class Geospatial:
    """A place."""

    def __str__(self) -> str:
        return "geospatial"


@dataclass(frozen=True)
class Plain:
    """An entry in the form of an earlier version of Encord, or of a later one: kept as it is.

    :param ty: the name of the type on the wire.
    :param fields: the other fields of the entry.
    """

    ty: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.ty


@dataclass(frozen=True)
class Tombstone:
    """A deleted key.

    :param deleted: the type that the key had, so that it can be restored; None after a hard deletion, which
        nobody can undo.
    """

    deleted: LiveType | None = None

    def __str__(self) -> str:
        return "deleted for good" if self.deleted is None else f"deleted, was {self.deleted}"


LiveType: TypeAlias = Scalar | Enum | Embedding | Geospatial | Plain
KeyType: TypeAlias = LiveType | Tombstone


class MetadataSchema(Mapping[str, KeyType]):
    """An immutable mapping from metadata key to type, in the order of the keys; deleted keys are in it too.

    :param types: the type of each key.
    """

    __slots__ = ("_types",)

    def __init__(self, types: Mapping[str, KeyType] | None = None) -> None:
        self._types: Mapping[str, KeyType] = MappingProxyType(dict(sorted((types or {}).items())))

    def __getitem__(self, key: str) -> KeyType:
        return self._types[key]

    def __contains__(self, key: object) -> bool:
        return key in self._types

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def __repr__(self) -> str:
        return f"MetadataSchema({dict(self._types)!r})"

    def __str__(self) -> str:
        return "\n".join(f"{key}: {key_type}" for key, key_type in self._types.items())

    @property
    def live(self) -> Mapping[str, LiveType]:
        """The keys that are not deleted."""
        return {key: one for key, one in self._types.items() if not isinstance(one, Tombstone)}

    @classmethod
    def from_wire(cls, body: Mapping[str, Any] | None) -> MetadataSchema:
        """Read the schema in the form in which Encord's API answers.

        :param body: the answer of ``organisation/client-metadata-schema-v2``; None when the organisation has
            no schema yet.
        :returns: the schema; entries of a type that this package does not know are kept as they are.
        :raises MetadataSchemaError: when the answer has another form.
        """
        return cls({key: type_from_wire(key, entry) for key, entry in (body or {}).items()})

    def to_wire(self) -> dict[str, Any]:
        """Write the schema in the form that Encord's API takes.

        :returns: its entry for each key, deleted keys and older entries included.
        """
        return {key: type_to_wire(one) for key, one in self._types.items()}


def type_from_wire(key: str, entry: Any, *, source: str = "metadata schema") -> KeyType:
    """Read one entry of the API's answer.

    :param key: the metadata key, for the message.
    :param entry: the entry, an object with the field ``ty``.
    :param source: where the entry stands, for the message.
    :returns: its type.
    :raises MetadataSchemaError: when the entry has another form.
    """
    try:
        fields = dict(entry)
        ty = fields.pop("ty")
        if ty == "tombstone":
            deleted = fields["deleted_ty"]
            if deleted is None:
                return Tombstone()
            was = type_from_wire(key, deleted, source=source)
            if isinstance(was, Tombstone):
                raise ValueError("a deleted key inside a deleted key")
            return Tombstone(was)
        if ty == "variant":
            return Scalar(ScalarType(fields.get("hint", "text")))
        if ty == "enum":
            return Enum(tuple(str(option) for option in fields["values"]))
        if ty == "embedding":
            return Embedding(int(fields["size"]), fields.get("api"))
        if ty == "geospatial":
            return Geospatial()
        return Plain(str(ty), fields)
    except (KeyError, TypeError, ValueError):
        raise MetadataSchemaError(
            f"{source}: the entry of {key!r} has a form that this provider does not know: {entry!r}"
        ) from None


def type_to_wire(key_type: KeyType) -> dict[str, Any]:
    """Write one entry in the form that the API takes.

    :param key_type: the type of a key.
    :returns: the entry.
    """
    match key_type:
        case Scalar(hint):
            return {"ty": "variant", "hint": hint.value}
        case Enum(options):
            return {"ty": "enum", "values": list(options)}
        case Embedding(size, api):
            return {"ty": "embedding", "size": size, "api": None if api is None else dict(api)}
        case Geospatial():
            return {"ty": "geospatial"}
        case Plain(ty, fields):
            return {"ty": ty, **fields}
        case Tombstone(deleted):
            return {"ty": "tombstone", "deleted_ty": None if deleted is None else type_to_wire(deleted)}
