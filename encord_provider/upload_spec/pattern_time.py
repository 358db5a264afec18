"""Which key patterns might take for ever on some key.

Python's ``re`` tries every way in which a text may be divided among the repetitions of a pattern. Where a repetition is
repeated, as in ``(a+)+``, these are more than can be tried in a lifetime. That is harmless where something that the
inner repetition cannot match must stand between, as in ``([^/]+/)+``: then there is one way only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

_DOMAIN = frozenset([*map(chr, range(256)), "\u0100", "\u20ac", "\u4e00"])
"""Characters that stand for all others."""

_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_MANY = 8
"""As many repetitions as count for any number."""


def slow_part(text: str) -> str | None:
    """Find what may take for ever in a regular expression.

    :param text: a valid regular expression.
    :returns: a sentence; None for an expression that is safe.
    """
    parsed = _parser.parse(text)
    flags = re.compile(text).flags
    for body in _repeated(parsed):
        if not _divides_one_way(list(body), flags):
            return "a repetition is repeated, as in (a+)+, or has several ways to match the same text"
    return None


def _repeated(items: Iterable[Any]) -> Iterator[Any]:
    """The bodies of all repetitions of any number."""
    for operator, value in items:
        if operator in _REPEATS:
            _, most, body = value
            if most >= _MANY:
                yield body
        for below in _bodies(operator, value):
            yield from _repeated(below)


def _bodies(operator: Any, value: Any) -> Iterator[Any]:
    if operator is _constants.BRANCH:
        yield from value[1]
    elif isinstance(value, _parser.SubPattern):
        yield value
    elif isinstance(value, tuple):
        yield from (one for one in value if isinstance(one, _parser.SubPattern))


def _flat(items: Iterable[Any]) -> Iterator[Any]:
    """The items of a sequence, groups opened."""
    for operator, value in items:
        if operator is _constants.SUBPATTERN:
            yield from _flat(value[-1])
        else:
            yield operator, value


def _divides_one_way(body: list[Any], flags: int) -> bool:
    """Whether a text can be divided among the repetitions of a body in one way only, as far as can be told."""
    items = list(_flat(body))
    variable = [one for one in items if not _is_single(one) and one[0] is not _constants.AT]
    if not variable:
        return True
    if not all(_one_way(one, flags) for one in variable):
        return False
    if len(items) == 1 and items[0][0] is _constants.BRANCH:
        return all(_is_single(one) for way in items[0][1][1] for one in _flat(way))
    sets = [_characters_of(one, flags) for one in variable]
    inside = frozenset().union(*sets)
    if sum(map(len, sets)) != len(inside):
        return False
    fixed = [_characters_of(one, flags) for one in items if _is_single(one)]
    return any(one and not one & inside for one in fixed)


def _one_way(item: Any, flags: int) -> bool:
    """Whether an item that is no single character takes a text in one way only, once it is known how much of it."""
    operator, value = item
    if operator in _REPEATS:
        return _divides_one_way(list(value[2]), flags)
    if operator is _constants.BRANCH:
        ways = [list(_flat(way)) for way in value[1]]
        if not all(way and _is_single(way[0]) for way in ways):
            return False
        starts = [_characters_of(way[0], flags) for way in ways]
        return sum(map(len, starts)) == len(frozenset().union(*starts))
    return operator in (_constants.ASSERT, _constants.ASSERT_NOT, _constants.GROUPREF)


def _is_single(item: Any) -> bool:
    return item[0] in (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)


def _characters_of(item: Any, flags: int) -> frozenset[str]:
    """What an item, or anything inside of it, may match."""
    operator, value = item
    if _is_single(item):
        single = re.compile(_text_of(operator, value), flags & (re.I | re.S | re.A))
        extra = {chr(value)} if operator is _constants.LITERAL else set()
        return frozenset(one for one in _DOMAIN | extra if single.fullmatch(one))
    if operator in _REPEATS and value[1] == 0:
        return frozenset()
    found: frozenset[str] = frozenset()
    for below in _bodies(operator, value):
        for one in _flat(below):
            found |= _characters_of(one, flags)
    # A reference to a group may match anything.
    return _DOMAIN if operator is _constants.GROUPREF else found


def _text_of(operator: Any, value: Any) -> str:
    """Write a single character of a parsed expression as an expression again."""
    if operator is _constants.ANY:
        return "."
    if operator is _constants.LITERAL:
        return re.escape(chr(value))
    if operator is _constants.NOT_LITERAL:
        return f"[^{re.escape(chr(value))}]"
    return f"[{''.join(_member(one, of) for one, of in value)}]"


_CATEGORIES = {
    _constants.CATEGORY_DIGIT: r"\d",
    _constants.CATEGORY_NOT_DIGIT: r"\D",
    _constants.CATEGORY_SPACE: r"\s",
    _constants.CATEGORY_NOT_SPACE: r"\S",
    _constants.CATEGORY_WORD: r"\w",
    _constants.CATEGORY_NOT_WORD: r"\W",
}


def _member(operator: Any, value: Any) -> str:
    if operator is _constants.NEGATE:
        return "^"
    if operator is _constants.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    if operator is _constants.CATEGORY:
        return _CATEGORIES[value]
    return re.escape(chr(value))
