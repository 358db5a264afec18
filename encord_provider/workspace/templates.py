"""Undoing a template: Jinja turns every value into text, and :func:`value_of` turns the text back."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import orjson

from encord_provider.exceptions import EncordInputError
from encord_provider.text.shown import shown

_NAMES = {
    dict: "a mapping",
    list: "a list",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
}
_NOTHING = frozenset({"", "None", "null"})
_NOT_A_LITERAL = object()


def value_of(given: Any, *kinds: type, parameter: str) -> Any:
    """Give the value of a parameter, whether it came as itself or as the text that a template made of it.

    A mapping or list may be written as JSON (the filter ``tojson``) or as Python writes it (no filter). Where a
    text is wanted too, only a text that starts with ``{`` or ``[`` is taken for a mapping or list.

    :param given: what the parameter holds after rendering.
    :param kinds: what it may be: ``dict`` (any mapping), ``list`` (any list or tuple), ``bool``, ``int``,
        ``float`` (whole numbers too) or ``str``.
    :param parameter: its name, for the message.
    :returns: the value; None for None, for a blank text, and for the texts ``None`` and ``null``.
    :raises EncordInputError: if it is nothing of that kind; the message names the parameter.
    """
    if not isinstance(given, str):
        if given is None or _fits(given, kinds):
            return given
        raise _error(given, kinds, parameter)
    text = given.strip()
    if text in _NOTHING:
        return None
    if str in kinds and not (text.startswith(("{", "[")) and {dict, list} & set(kinds)):
        return given
    value = _literal(text)
    if value is _NOT_A_LITERAL or not _fits(value, kinds):
        raise _error(given, kinds, parameter)
    return value


def limit_of(given: Any, *, parameter: str) -> int | None:
    """Read how many of something are allowed, whether it came as a number or as the text of a template.

    :param given: what the parameter holds after rendering.
    :param parameter: its name, for the message.
    :returns: the number; None where nothing was given.
    :raises EncordInputError: if it is no whole number, or negative.
    """
    allowed: int | None = value_of(given, int, parameter=parameter)
    if allowed is not None and allowed < 0:
        raise EncordInputError(f"The parameter {parameter} is {allowed}; it must be 0 or more.")
    return allowed


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int) and float in kinds:
        return True
    if isinstance(value, Mapping):
        return dict in kinds
    if isinstance(value, list | tuple):
        return list in kinds
    return isinstance(value, tuple(kinds))


def _literal(text: str) -> Any:
    """What JSON or Python reads in a text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _NOT_A_LITERAL


def _error(given: Any, kinds: tuple[type, ...], parameter: str) -> EncordInputError:
    wanted = " or ".join(_NAMES[kind] for kind in kinds)
    hint = ""
    if isinstance(given, str) and {dict, list} & set(kinds):
        hint = " Hand over the value itself (such as task.output), or render it with the filter tojson."
    found = shown(given) if isinstance(given, str | int | float) else type(given).__name__
    return EncordInputError(f"The parameter {parameter} must be {wanted}, not {found}.{hint}")
