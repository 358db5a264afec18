"""JSON values: read without loss, compared by JSON type, and checked against what Encord can store."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from encord_provider.text.limits import MAX_DEPTH, MAX_METADATA_BYTES
from encord_provider.text.shown import shown

MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**64 - 1

_INTEGER_DIGITS = 20
"""No integer of 64 bits has more characters."""

_READABLE_DIGITS = 4000
"""Python converts no text of more digits than some 4,300."""


class ExactNumber:
    """A number that an integer of 64 bits and a ``float`` cannot hold as it was written.

    It is no dataclass, which orjson would write as an object.

    :param text: the number as it was written.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactNumber) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def exact_loads(text: str) -> Any:
    """Parse JSON so that :func:`dumps` gives every number back digit by digit.

    :param text: the document.
    :returns: what it holds; an :class:`ExactNumber` where ``int`` or ``float`` would change a number.
    :raises ValueError: for anything that is not valid JSON, NaN and infinity included, and for half of a surrogate
        pair, which is not text.
    """
    if not _NEEDS_CARE.search(text):
        # What it refuses may be right all the same, such as a document nested more deeply.
        with suppress(ValueError):
            return orjson.loads(text)
    try:
        value = _EXACT.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if "\\u" in text and not _is_unicode(value):
        raise ValueError("half of a surrogate pair is not text")
    return value


def dumps(value: Any) -> bytes:
    """Write a value as JSON.

    :param value: a JSON value, which may hold numbers that :func:`exact_loads` kept as they were.
    :returns: the document.
    :raises TypeError: for a value that JSON does not have, see :func:`json_problem`.
    """
    return orjson.dumps(value, default=_written)


def nearest_numbers(value: Any) -> Any:
    """Read numbers as tables and upload specs read them.

    :param value: a JSON value.
    :returns: the value with the nearest ``int`` or ``float`` instead of each :class:`ExactNumber`; one of thousands of
        digits stays, and :func:`json_problem` says what is wrong with it.
    """
    if isinstance(value, ExactNumber):
        if not value.text.lstrip("-").isdigit():
            return float(value.text)
        return int(value.text) if len(value.text) < _READABLE_DIGITS else value
    if isinstance(value, Mapping):
        return {key: nearest_numbers(member) for key, member in value.items()}
    return [nearest_numbers(member) for member in value] if isinstance(value, list) else value


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: ``1`` and ``1.0`` are one number, ``1`` and ``true`` are not one value.

    :param one: a JSON value.
    :param other: another.
    """
    if one is other:
        return True
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    if isinstance(one, int | float | ExactNumber) and isinstance(other, int | float | ExactNumber):
        if isinstance(one, ExactNumber) or isinstance(other, ExactNumber):
            return _same_number(one, other)
        return one == other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_json, one, other))
    return type(one) is type(other) and bool(one == other)


def size_problem(metadata: Mapping[str, Any]) -> str | None:
    """Say that client metadata is larger than Encord allows.

    :param metadata: client metadata that can be written as JSON.
    :returns: a sentence with size and limit, or None.
    """
    size = len(dumps(metadata))
    return f"{size:,} bytes, the limit is {MAX_METADATA_BYTES:,}" if size > MAX_METADATA_BYTES else None


def json_problem(value: Any) -> str | None:
    """Say why a value cannot be stored as JSON by Encord.

    Encord keeps client metadata as PostgreSQL ``jsonb``, which has no NaN or infinity, no NUL character and no half
    of a surrogate pair.

    :param value: the value, of any depth.
    :returns: a sentence, or None.
    """
    # By hand rather than by recursion, which a value nested deeply enough would end.
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, Mapping):
            for key in one:
                if problem := (
                    _scalar_problem(key) if isinstance(key, str) else f"the key {key!r} is not text"
                ):
                    return problem
            waiting.extend((member, depth + 1) for member in one.values())
        elif isinstance(one, list | tuple):
            waiting.extend((member, depth + 1) for member in one)
        elif problem := _scalar_problem(one):
            return problem
        if depth > MAX_DEPTH:
            return f"nested more than {MAX_DEPTH} deep, which cannot be stored"
    return None


def _scalar_problem(value: Any) -> str | None:
    if isinstance(value, str):
        if "\0" in value:
            return "text with a NUL character, which cannot be stored"
        return None if _is_unicode(value) else "text with half of a surrogate pair, which cannot be stored"
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        if MIN_INTEGER <= value <= MAX_INTEGER:
            return None
        return f"an integer of {value.bit_length()} bits, the limit is 64; give it as text"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value} is not a JSON number"
    if isinstance(value, ExactNumber):
        return f"the number {shown(value)} does not fit into 64 bits; give it as text"
    return f"JSON has nothing for a value of type {type(value).__name__}; convert it to text or a number"


def _is_unicode(value: Any) -> bool:
    try:
        value.encode() if isinstance(value, str) else orjson.dumps(value, default=_written)
    except (UnicodeEncodeError, TypeError):
        return False
    return True


def _integer(text: str) -> int | ExactNumber:
    if len(text) <= _INTEGER_DIGITS and text != "-0" and MIN_INTEGER <= (value := int(text)) <= MAX_INTEGER:
        return value
    return ExactNumber(text)


def _float(text: str) -> float | ExactNumber:
    value = float(text)
    return value if repr(value) == text else ExactNumber(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_EXACT = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_no_constant)
_NEEDS_CARE = re.compile(r"\\u|[0-9][.eE]|[0-9]{16}|-0")
"""Numbers that may not be given back digit by digit, and what may be half of a surrogate pair."""


def _same_number(one: float | ExactNumber, other: float | ExactNumber) -> bool:
    try:
        return Decimal(repr(one)) == Decimal(repr(other))
    except InvalidOperation:
        # An exponent of more than eighteen digits.
        return repr(one) == repr(other)


def _written(value: Any) -> Any:
    if isinstance(value, ExactNumber):
        return orjson.Fragment(value.text)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"JSON has nothing for a value of type {type(value).__name__}")
