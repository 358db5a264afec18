"""How a user declares a metadata schema: a mapping, or a JSON or YAML file with the same content."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

from encord_provider.exceptions import MetadataSchemaError
from encord_provider.schema.keys import check_key
from encord_provider.schema.types import (
    MAX_EMBEDDING_SIZE,
    MAX_ENUM_OPTIONS,
    Embedding,
    Enum,
    Geospatial,
    KeyType,
    MetadataSchema,
    Scalar,
    ScalarType,
    Tombstone,
    type_from_wire,
    type_to_wire,
)
from encord_provider.text.limits import MAX_DEPTH, MAX_SCHEMA_BYTES, MAX_SCHEMA_NODES
from encord_provider.text.strict_json import StrictJsonError, decode, loads

_ALIASES = {"string": "varchar", "long_string": "text"}
_SIMPLE = (*(one.value for one in ScalarType), *_ALIASES, "geospatial")
_NAMES = (*_SIMPLE, "enum", "embedding", "deleted")
_FIELDS = {"enum": {"options"}, "embedding": {"size"}, "deleted": {"hard"}}


def parse_schema(
    declaration: Mapping[str, Any] | str | bytes, *, source: str = "metadata schema"
) -> MetadataSchema:
    """Read a declared metadata schema.

    ::

        site: varchar                                  # alias: string
        notes: text                                    # alias: long_string
        score: number
        weather: {type: enum, options: [sun, rain]}
        clip: {type: embedding, size: 512}
        where: geospatial
        old_key: {type: deleted}                       # hard: true deletes it for good

    An entry may also have the form of Encord's API (with a field ``ty``), so a schema that was read can be
    edited and declared again.

    :param declaration: the mapping, or the text of a JSON or YAML file.
    :param source: the name of the file, for messages.
    :returns: the schema.
    :raises MetadataSchemaError: for a text that is neither JSON nor YAML, a key given twice, a key that Encord
        does not allow, an unknown type, an enum without options or an embedding without a possible size; for a text
        that is longer, nested deeper or multiplied by more aliases than :mod:`~encord_provider.text.limits` says.
    """
    if not isinstance(declaration, Mapping):
        declaration = _read(declaration, source)
    if not isinstance(declaration, Mapping):
        raise MetadataSchemaError(f"{source}: a metadata schema is a mapping from key to type")
    types: dict[str, KeyType] = {}
    for key, entry in declaration.items():
        check_key(key, source=source)
        types[key] = _entry(key, entry, source)
    return MetadataSchema(types)


def declaration_of(schema: MetadataSchema) -> dict[str, Any]:
    """Write a schema as :func:`parse_schema` reads it.

    :param schema: the schema.
    :returns: the declaration; entries that have no declared form keep that of Encord's API.
    """
    return {key: _declared(key_type) for key, key_type in schema.items()}


def _declared(key_type: KeyType) -> Any:
    match key_type:
        case Scalar(hint):
            return hint.value
        case Enum(options):
            return {"type": "enum", "options": sorted(options)}
        case Embedding(size, None):
            return {"type": "embedding", "size": size}
        case Geospatial():
            return "geospatial"
        case Tombstone(deleted):
            return {"type": "deleted", "hard": True} if deleted is None else {"type": "deleted"}
        case _:
            return type_to_wire(key_type)


def _read(text: str | bytes, source: str) -> Any:
    if len(text) > MAX_SCHEMA_BYTES:
        raise MetadataSchemaError(
            f"{source}: a metadata schema of {len(text):,} bytes, the limit is {MAX_SCHEMA_BYTES:,}"
        )
    try:
        text = decode(text)
        if text.lstrip()[:1] in ("{", "["):
            return loads(text)
    except StrictJsonError as error:
        raise MetadataSchemaError(f"{source}, {error}") from None
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)  # nosec B506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
        raise MetadataSchemaError(f"{source}{place}: {error.problem or error}") from None
    except RecursionError:
        raise MetadataSchemaError(f"{source}: nested too deeply, the limit is {MAX_DEPTH} levels") from None
    except (yaml.YAMLError, ValueError) as error:
        raise MetadataSchemaError(f"{source}: {error}") from None


class _UniqueKeyLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys, which a schema must not lose; and it lets the errors of its
    conversions through, without a place.
    """

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _check_size(node)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError):
            tag = node.tag.rpartition(":")[2]
            message = f"{node.value!r:.60} is not a valid {tag}"
            raise yaml.constructor.ConstructorError(None, None, message, node.start_mark) from None


def _check_size(root: yaml.Node) -> None:
    """Refuse a text whose aliases make more of it than it is long, or put a value into itself."""
    sizes: dict[int, tuple[int, int]] = {}
    open_nodes: set[int] = set()
    waiting = [(root, False)]
    while waiting:
        node, members_done = waiting.pop()
        if id(node) in sizes and not members_done:
            continue
        members = _members(node)
        if not members_done:
            if id(node) in open_nodes:
                raise yaml.composer.ComposerError(None, None, "an alias holds itself", node.start_mark)
            open_nodes.add(id(node))
            waiting.append((node, True))
            waiting.extend((member, False) for member in members)
            continue
        open_nodes.discard(id(node))
        size = 1 + sum(sizes[id(member)][0] for member in members)
        depth = 1 + max((sizes[id(member)][1] for member in members), default=0)
        for count, limit, what in (
            (size, MAX_SCHEMA_NODES, "values, aliases in place"),
            (depth, MAX_DEPTH, "levels of nesting"),
        ):
            if count > limit:
                message = f"more than {limit:,} {what}"
                raise yaml.composer.ComposerError(None, None, message, node.start_mark)
        sizes[id(node)] = size, depth


def _members(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        try:
            repeated = key in seen
            seen.add(key)
        except TypeError:
            raise yaml.constructor.ConstructorError(
                None, None, "a key must be text", key_node.start_mark
            ) from None
        if repeated:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is given twice", key_node.start_mark
            )
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def _entry(key: str, entry: Any, source: str) -> KeyType:
    where = f"{source}: key {key!r}"
    if isinstance(entry, str):
        name, fields = entry, {}
    elif isinstance(entry, Mapping) and "ty" in entry:
        return type_from_wire(key, entry, source=source)
    elif isinstance(entry, Mapping) and isinstance(entry.get("type"), str):
        fields = dict(entry)
        name = fields.pop("type")
    else:
        raise MetadataSchemaError(
            f"{where}: give the name of a type, or a mapping with 'type'; got {entry!r}. Types: {', '.join(_NAMES)}"
        )
    if name not in _NAMES:
        near = difflib.get_close_matches(name, _NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"types are {', '.join(_NAMES)}"
        raise MetadataSchemaError(f"{where}: unknown type {name!r}; {hint}")
    if unknown := sorted(str(one) for one in set(fields) - _FIELDS.get(name, set())):
        raise MetadataSchemaError(f"{where}: the type {name!r} has no field {', '.join(map(repr, unknown))}")
    if name == "enum":
        return Enum(_options(fields.get("options"), where))
    if name == "embedding":
        return Embedding(_size(fields.get("size"), where))
    if name == "geospatial":
        return Geospatial()
    if name == "deleted":
        if not isinstance(fields.get("hard", False), bool):
            raise MetadataSchemaError(f"{where}: 'hard' must be true or false")
        return Tombstone() if fields.get("hard") else DELETED
    return Scalar(ScalarType(_ALIASES.get(name, name)))


DELETED = Tombstone(Scalar(ScalarType.TEXT))
"""What the declaration ``{type: deleted}`` gives: a wish, whose type :func:`~encord_provider.schema.merge`
replaces by the one that the key has."""


def _options(options: Any, where: str) -> tuple[str, ...]:
    if isinstance(options, str) or not isinstance(options, list | tuple) or not options:
        raise MetadataSchemaError(
            f"{where}: an enum needs 'options', a list of 1 to {MAX_ENUM_OPTIONS} texts"
        )
    for option in options:
        if not isinstance(option, str) or not option:
            raise MetadataSchemaError(f"{where}: the enum option {option!r} is not text; quote it")
    if len(options) > MAX_ENUM_OPTIONS:
        raise MetadataSchemaError(f"{where}: {len(options)} enum options, the limit is {MAX_ENUM_OPTIONS}")
    if repeated := sorted({option for option in options if options.count(option) > 1}):
        raise MetadataSchemaError(f"{where}: the enum option {repeated[0]!r} is given twice")
    return tuple(options)


def _size(size: Any, where: str) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_EMBEDDING_SIZE:
        raise MetadataSchemaError(
            f"{where}: an embedding needs 'size', a whole number from 1 to {MAX_EMBEDDING_SIZE}; got {size!r}"
        )
    return size
