"""Changing the one metadata schema of an organisation without losing what others put there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from encord_provider.exceptions import MetadataSchemaError
from encord_provider.schema.types import (
    MAX_ENUM_OPTIONS,
    Embedding,
    Enum,
    KeyType,
    LiveType,
    MetadataSchema,
    Plain,
    Scalar,
    Tombstone,
)


@dataclass(frozen=True, kw_only=True)
class SchemaDiff:
    """What turns one metadata schema into another, key by key; each field holds keys in order.

    :param added: keys that the current schema does not know.
    :param extended: enums that get more options.
    :param retyped: keys whose type changes otherwise.
    :param restored: keys that were deleted and come back.
    :param deleted: keys that go.
    :param unchanged: keys that stay as they are, deleted ones included.
    :param current: the schema before.
    :param wanted: the schema after.
    """

    added: tuple[str, ...] = ()
    extended: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    current: MetadataSchema
    wanted: MetadataSchema

    @property
    def is_empty(self) -> bool:
        """Whether both schemas are the same."""
        return not (self.added or self.extended or self.retyped or self.restored or self.deleted)

    def as_dict(self) -> dict[str, list[str]]:
        """Give the keys alone.

        :returns: plain lists of keys, by what happens to them.
        """
        names = ("added", "extended", "retyped", "restored", "deleted", "unchanged")
        return {name: list(getattr(self, name)) for name in names}

    def __str__(self) -> str:
        """One line per key that changes, and how many stay."""
        lines = [f"+ {key}: {self.wanted[key]}" for key in self.added]
        for key in self.extended:
            before, after = self.current[key], self.wanted[key]
            if isinstance(before, Enum) and isinstance(after, Enum):
                new = ", ".join(sorted(set(after.options) - set(before.options)))
                lines.append(f"~ {key}: enum gets {new}")
        lines += [f"! {key}: {self.current[key]} -> {self.wanted[key]}" for key in self.retyped]
        lines += [f"^ {key}: restored as {self.wanted[key]}" for key in self.restored]
        lines += [f"- {key}: {self.current[key]} -> {self.wanted.get(key, 'gone')}" for key in self.deleted]
        lines.append(f"= {len(self.unchanged)} unchanged")
        return "\n".join(lines)


def diff(current: MetadataSchema, wanted: MetadataSchema) -> SchemaDiff:
    """Compare two whole schemas.

    :param current: the schema as it is.
    :param wanted: the schema as it is to be, usually what :func:`merge` gave. A key that it does not have
        counts as deleted.
    :returns: the difference.
    """
    found: dict[str, list[str]] = {
        name: [] for name in ("added", "extended", "retyped", "restored", "deleted", "unchanged")
    }
    for key in sorted({*current, *wanted}):
        found[_change(current.get(key), wanted.get(key))].append(key)
    return SchemaDiff(current=current, wanted=wanted, **{name: tuple(keys) for name, keys in found.items()})


def merge(
    current: MetadataSchema,
    wanted: MetadataSchema,
    *,
    mode: Literal["merge", "replace"] = "merge",
    allow_retype: bool = False,
    allow_delete: bool = False,
) -> MetadataSchema:
    """Work out the schema to save, so that a user changes his keys and nobody loses one.

    A declared key is added; an enum gets the declared options that it lacks and keeps the others; a deleted key
    that is declared again is restored. Encord can change the type of scalar keys only (source: its SDK).

    :param current: the schema of the organisation.
    :param wanted: the declared schema.
    :param mode: ``merge`` keeps every key that is not declared; ``replace`` deletes them (they can be restored
        by declaring them again).
    :param allow_retype: whether the type of a scalar key may change.
    :param allow_delete: whether keys may be deleted.
    :returns: the whole schema to save; every key of the current one is in it.
    :raises MetadataSchemaError: for a change that was not allowed or that Encord cannot make. The message names
        every such key.
    """
    if mode not in ("merge", "replace"):
        raise MetadataSchemaError(f"unknown mode {mode!r}: use 'merge' or 'replace'")
    merged: dict[str, KeyType] = dict(current)
    refused = []
    for key, new in wanted.items():
        try:
            merged[key] = _merged(current.get(key), new, allow_retype=allow_retype, allow_delete=allow_delete)
        except MetadataSchemaError as error:
            refused.append(f"{key!r}: {error}")
    if mode == "replace":
        for key, old in current.items():
            if key in wanted or isinstance(old, Tombstone):
                continue
            if allow_delete:
                merged[key] = Tombstone(old)
            else:
                refused.append(f"{key!r}: is not declared and would be deleted; set allow_delete to do that")
    if refused:
        raise MetadataSchemaError("the metadata schema was not changed:\n" + "\n".join(refused))
    return MetadataSchema(merged)


def _change(before: KeyType | None, after: KeyType | None) -> str:
    if before == after:
        return "unchanged"
    if before is None:
        return "added"
    if after is None or (isinstance(after, Tombstone) and not isinstance(before, Tombstone)):
        return "deleted"
    if isinstance(before, Tombstone):
        return "deleted" if isinstance(after, Tombstone) else "restored"
    if isinstance(before, Enum) and isinstance(after, Enum):
        if set(before.options) == set(after.options):
            return "unchanged"
        return "extended" if set(before.options) < set(after.options) else "retyped"
    return "retyped"


def _merged(old: KeyType | None, new: KeyType, *, allow_retype: bool, allow_delete: bool) -> KeyType:
    if isinstance(new, Tombstone):
        return _deleted(old, new, allow_delete=allow_delete)
    if old is None:
        return new
    if isinstance(old, Tombstone):
        if old.deleted is None:
            raise MetadataSchemaError("was deleted for good, which Encord cannot undo; use another key")
        return _updated(old.deleted, new, allow_retype=allow_retype)
    return _updated(old, new, allow_retype=allow_retype)


def _deleted(old: KeyType | None, new: Tombstone, *, allow_delete: bool) -> KeyType:
    hard = new.deleted is None
    if isinstance(old, Tombstone) and (old.deleted is None or not hard):
        return old
    if old is None:
        raise MetadataSchemaError("is to be deleted, but the schema has no such key")
    if not allow_delete:
        raise MetadataSchemaError(f"is {old} and would be deleted; set allow_delete to do that")
    return Tombstone() if hard or isinstance(old, Tombstone) else Tombstone(old)


def _updated(old: LiveType, new: LiveType, *, allow_retype: bool) -> LiveType:
    if _same(old, new):
        return old
    if isinstance(old, Enum) and isinstance(new, Enum):
        return _extended(old, new)
    if not (isinstance(old, Scalar) and isinstance(new, Scalar)):
        raise MetadataSchemaError(
            f"is {old} and cannot become {new}: Encord retypes scalar keys only; use a new key"
        )
    if not allow_retype:
        raise MetadataSchemaError(f"is {old} and would become {new}; set allow_retype to do that")
    return new


def _extended(old: Enum, new: Enum) -> Enum:
    extra = [option for option in new.options if option not in old.options]
    if not extra:
        return old
    options = tuple(sorted({*old.options, *extra}))
    if len(options) > MAX_ENUM_OPTIONS:
        raise MetadataSchemaError(
            f"has {len(old.options)} enum options and would get {len(extra)} more; the limit is {MAX_ENUM_OPTIONS}"
        )
    return Enum(options)


def _same(old: LiveType, new: LiveType) -> bool:
    """Whether both mean the same to Encord, though an older entry may be written in another form."""
    if isinstance(old, Plain) and isinstance(new, Scalar):
        return old.ty == new.hint.value
    if isinstance(old, Embedding) and isinstance(new, Embedding):
        return old.size == new.size
    return old == new
