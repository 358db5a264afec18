"""Checking client metadata against the metadata schema before anything is sent.

What Encord's server does with a value that does not fit is not documented; its pages say that filters then fail
and that the data must be imported again. So a value that does not fit is an error here.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from encord_provider.exceptions import MetadataValueError
from encord_provider.schema.keys import ENCORD_BLOCK, RESERVED_KEY, key_problem
from encord_provider.schema.types import (
    MAX_VARCHAR_CHARACTERS,
    Embedding,
    Enum,
    KeyType,
    MetadataSchema,
    Plain,
    Scalar,
    ScalarType,
    Tombstone,
)
from encord_provider.text.json_values import json_problem, size_problem
from encord_provider.text.limits import MAX_METADATA_BYTES

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DATETIME = re.compile(
    r"(?P<date>[0-9]{4}-?[0-9]{2}-?[0-9]{2})"
    r"(?:T(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_MAX_SHOWN = 20

DATETIME_FORMS = "yyyymmdd, yyyy-mm-dd or yyyy-mm-ddThh:mm:ss with optional .fff and Z or +hh:mm"
"""Source: Encord's page on custom metadata."""


class _RefusedError(Exception):
    """A value does not fit; the text says what was expected."""


def check_metadata(
    metadata: Mapping[str, Any],
    schema: MetadataSchema | None,
    *,
    where: str = "client metadata",
    strict: bool = False,
) -> dict[str, Any]:
    """Check all client metadata of one data unit.

    :param metadata: the metadata.
    :param schema: the metadata schema; None checks only what holds without one: whether Encord can store the values
        as JSON, and their size.
    :param where: where the metadata stands, for the message.
    :param strict: whether a key that the schema does not have is an error.
    :returns: the metadata to send.
    :raises MetadataValueError: when a value does not fit; the message names every key that does not.
    """
    checked, refused = _looked_at(metadata, schema, strict=strict)
    if refused:
        raise MetadataValueError(f"{where}: " + "; ".join(refused))
    return checked


def metadata_problems(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find what is wrong with client metadata that is to be sent as it is.

    :param metadata: the metadata.
    :returns: a key and a sentence that names it for each value that Encord cannot store or keeps for something else
        (``keyframes``, ``$encord``, other keys with ``$``); with the key ``""`` that they are too large together.
    """
    found = False
    for key, value in metadata.items():
        try:
            if key == RESERVED_KEY and isinstance(value, str):
                raise _RefusedError(f"{key!r} must be a list of frame numbers from 0, got {_shown(value)}")
            _stored(key, value, None)
        except _RefusedError as error:
            found = True
            yield key, str(error)
    if metadata and not found and (problem := size_problem(metadata)):
        yield "", problem


class ValueCheck:
    """Check the client metadata of many data units, and report everything that does not fit at once.

    :param schema: the metadata schema; None as for :func:`check_metadata`.
    :param strict: whether a key that the schema does not have is an error.
    :param counted: what the data units are called in the message.
    """

    def __init__(self, schema: MetadataSchema | None, *, strict: bool = False, counted: str = "rows") -> None:
        self._schema = schema
        self._strict = strict
        self._counted = counted
        self.errors: list[str] = []
        """A line for each value that does not fit."""
        self.rows = 0
        """How many data units have such values."""

    def check(self, metadata: Mapping[str, Any], *, where: str) -> dict[str, Any]:
        """Check the client metadata of one data unit.

        :param metadata: the metadata.
        :param where: where it stands, for the message.
        :returns: the metadata to send, without the values that do not fit.
        """
        checked, refused = _looked_at(metadata, self._schema, strict=self._strict)
        self.errors += [f"{where}: {one}" for one in refused]
        self.rows += bool(refused)
        return checked

    def refuse(self, error: str) -> None:
        """Note a data unit whose client metadata cannot even be read.

        :param error: what is wrong with it, and where.
        """
        self.errors.append(error)
        self.rows += 1

    def shown(self) -> str:
        """Give the first lines, and how many more there are."""
        lines = self.errors[:_MAX_SHOWN]
        if len(self.errors) > _MAX_SHOWN:
            lines.append(f"... and {len(self.errors) - _MAX_SHOWN:,} more")
        return "\n".join(lines)

    def finish(self) -> None:
        """Report what was found.

        :raises MetadataValueError: if any value did not fit; the message names the first twenty.
        """
        if len(self.errors) == 1:
            raise MetadataValueError(self.errors[0])
        if self.errors:
            raise MetadataValueError(
                f"{len(self.errors):,} values of {self.rows:,} {self._counted} are wrong:\n{self.shown()}"
            )


def _looked_at(
    metadata: Mapping[str, Any], schema: MetadataSchema | None, *, strict: bool
) -> tuple[dict[str, Any], list[str]]:
    """The values to send, and a sentence for each that does not fit."""
    checked: dict[str, Any] = {}
    refused = []
    most = 2
    for key, value in metadata.items():
        size = _plain_size(key, value, schema[key] if schema is not None and key in schema else None)
        most += size or MAX_METADATA_BYTES
        if size and not strict:
            checked[key] = value
            continue
        try:
            if (
                strict
                and schema is not None
                and key not in schema
                and key not in (RESERVED_KEY, ENCORD_BLOCK)
            ):
                raise _RefusedError(f"{key!r} is not in the metadata schema")
            checked[key] = _stored(key, value, None if schema is None else schema.get(key))
        except _RefusedError as error:
            refused.append(str(error))
    if not refused and most > MAX_METADATA_BYTES and (problem := size_problem(checked)):
        refused.append(problem)
    return checked, refused


def _plain_size(key: Any, value: Any, key_type: KeyType | None) -> int:
    """Tell at a glance that a value is stored as it is.

    :returns: how many bytes it has as JSON at most; 0 where it takes a closer look to tell, see :func:`_stored`.
    """
    kind = type(value)
    if kind is str:
        if not value.isascii() or "\0" in value:
            return 0
        if key_type is not None and not (
            (
                isinstance(key_type, Scalar)
                and (
                    key_type.hint is ScalarType.TEXT
                    or (key_type.hint is ScalarType.VARCHAR and len(value) <= MAX_VARCHAR_CHARACTERS)
                    or (key_type.hint is ScalarType.DATETIME and _is_datetime(value))
                )
            )
            or (isinstance(key_type, Enum) and value in key_type.options)
        ):
            return 0
        size = 6 * len(value)
    elif kind is float:
        if not math.isfinite(value) or not (key_type is None or key_type == _NUMBERS):
            return 0
        size = 30
    else:
        return 0
    return size + 6 * len(key) + 6 if type(key) is str and _is_usual(key) else 0


_NUMBERS = Scalar(ScalarType.NUMBER)


@functools.lru_cache(maxsize=1024)
def _is_usual(key: str) -> bool:
    """Whether a key means nothing special, and can be stored."""
    return (
        json_problem(key) is None
        and key.isascii()
        and key not in (RESERVED_KEY, ENCORD_BLOCK)
        and key[:1] != "$"
    )


def _stored(key: str, value: Any, key_type: KeyType | None) -> Any:
    """The value to send, which Encord can store."""
    if problem := json_problem(key) if isinstance(key, str) else "it is not text":
        raise _RefusedError(f"the key {_shown(key)}: {problem}")
    nested = isinstance(value, Mapping | list | tuple)
    # A nested value is looked at first, because it may be too deep to be shown; a single one once it is converted.
    if not nested:
        value = _checked(key, value, key_type)
    if problem := json_problem(value):
        raise _RefusedError(f"{key!r}: {problem}")
    return _checked(key, value, key_type) if nested else value


def _checked(key: str, value: Any, key_type: KeyType | None) -> Any:
    if key == RESERVED_KEY:
        return _frames_of_interest(value)
    if key == ENCORD_BLOCK:
        if not isinstance(value, Mapping):
            raise _RefusedError(f"{key!r} must be an object, got {_shown(value)}")
        return value
    if key.startswith("$"):
        raise _RefusedError(key_problem(key) or f"{key!r} is not a metadata key")
    if value is None or key_type is None:
        return value
    if isinstance(key_type, Tombstone):
        raise _RefusedError(f"{key!r} was deleted from the metadata schema; declare it again or leave it out")
    try:
        return _converted(value, key_type)
    except ValueError as error:
        reason = f" ({error})" if str(error) else ""
        raise _RefusedError(f"{key!r} must be {_expected(key_type)}, got {_shown(value)}{reason}") from None


def _frames_of_interest(value: Any) -> list[int]:
    if isinstance(value, str):
        value = _json_list(value)
    if not isinstance(value, list | tuple) or any(
        isinstance(frame, bool) or not isinstance(frame, int) or frame < 0 for frame in value
    ):
        raise _RefusedError(f"{RESERVED_KEY!r} must be a list of frame numbers from 0, got {_shown(value)}")
    return list(value)


def _converted(value: Any, key_type: KeyType) -> Any:
    match key_type:
        case Scalar(hint):
            return _SCALARS[hint](value)
        case Enum(options):
            return _option(value, options)
        case Embedding(size):
            return _vector(value, size)
        case Plain(ty) if ty in ScalarType.__members__.values():
            return _SCALARS[ScalarType(ty)](value)
    return value


def _number(value: Any) -> int | float:
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value)
        if not _NUMBER.fullmatch(value):
            raise ValueError
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ValueError
    return value


def _datetime(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    return _checked_datetime(value) if isinstance(value, str) else _checked_datetime("")


@functools.lru_cache(maxsize=4096)
def _is_datetime(value: str) -> bool:
    """Whether a text is a datetime; of a lake most objects have the date of many others."""
    try:
        return _checked_datetime(value) == value
    except ValueError:
        return False


def _checked_datetime(value: str) -> str:
    """The same text."""
    match = _DATETIME.fullmatch(value)
    if match is None or match["date"].count("-") == 1 or (match["time"] and "-" not in match["date"]):
        raise ValueError
    dt.date.fromisoformat(match["date"])
    if match["time"]:
        dt.time.fromisoformat(match["time"])
    if match["zone"] and match["zone"] != "Z":
        hours, minutes = int(match["zone"][1:3]), int(match["zone"][-2:])
        if hours > 23 or minutes > 59:
            raise ValueError("no such offset")
    return value


def _varchar(value: Any) -> str:
    text = _text(value)
    if len(text) > MAX_VARCHAR_CHARACTERS:
        raise ValueError(
            f"{len(text):,} characters; use the type text for more than {MAX_VARCHAR_CHARACTERS:,}"
        )
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    if "\0" in value:
        raise ValueError("a NUL character cannot be stored")
    return value


def _uuid(value: Any) -> str:
    text = str(value) if isinstance(value, uuid.UUID) else value
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise ValueError
    return text


_SCALARS = {
    ScalarType.NUMBER: _number,
    ScalarType.BOOLEAN: _boolean,
    ScalarType.DATETIME: _datetime,
    ScalarType.VARCHAR: _varchar,
    ScalarType.TEXT: _text,
    ScalarType.UUID: _uuid,
}


def _option(value: Any, options: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in options:
        raise ValueError
    return value


def _vector(value: Any, size: int) -> list[float]:
    if isinstance(value, str):
        value = _json_list(value)
    elif hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise ValueError
    if len(value) != size:
        raise ValueError(f"{len(value)} numbers")
    for number in value:
        # An integer of too many digits is no number of an embedding either.
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float)
            or not abs(number) <= sys.float_info.max
        ):
            raise ValueError(f"{_shown(number)} is not a number")
    return list(value)


def _json_list(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _expected(key_type: KeyType) -> str:
    # An entry of another version of Encord may hold anything.
    return _worded(key_type) if not isinstance(key_type, Plain) else _worded.__wrapped__(key_type)


@functools.lru_cache(maxsize=256)
def _worded(key_type: KeyType) -> str:
    match key_type:
        case Scalar(ScalarType.DATETIME) | Plain("datetime"):
            return f"a datetime ({DATETIME_FORMS})"
        case Scalar(ScalarType.BOOLEAN) | Plain("boolean"):
            return "a boolean (true or false)"
        case Scalar(ScalarType.VARCHAR) | Plain("varchar"):
            return f"a varchar (text of at most {MAX_VARCHAR_CHARACTERS:,} characters)"
        case Scalar(ScalarType.TEXT) | Plain("text"):
            return "text"
        case Scalar(hint):
            return f"a {hint}"
        case Enum(options):
            return f"one of {', '.join(sorted(options)[:20])}{', ...' if len(options) > 20 else ''}"
        case Embedding(size):
            return f"an embedding of {size} numbers"
    return f"a {key_type}"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:
        # Python writes no integer of more than some 4,300 digits.
        return "a number with too many digits"
    return text if len(text) <= 80 else f"{text[:77]}..."
