"""JSON without silent losses: a key given twice, a trailing comma or NaN is an error that names its line.

Parsing runs at the speed of the standard library. Only when something is wrong is the text walked again, token
by token, to find the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson

from encord_provider.text.limits import MAX_DEPTH

JsonPath = tuple[str | int, ...]
"""Keys and positions that lead from the top of a document to a value."""

_SHORT_LINE = 500
_LONGEST_PART = 100

_TOKEN = re.compile(r'[ \t\r\n]*(?:("(?:[^"\\]|\\.)*")|([{}\[\],:])|([^\s{}\[\],:"]+))', re.DOTALL)
_LONG_NUMBER = re.compile(r"[0-9]{310}")
"""More digits than any number has that fits a float, as most readers of JSON keep them."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJsonError(ValueError):
    """A text that is not valid JSON, or loses something when read as JSON.

    :param message: what is wrong, without the place.
    :param line: the line, from 1.
    :param column: the column, from 1.
    :param repeated: the path of the key that is given twice, if that is what is wrong.
    """

    def __init__(self, message: str, *, line: int, column: int = 1, repeated: JsonPath = ()) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column
        self.repeated = repeated


class _DuplicateKeyError(Exception):
    """Some object of the document has a key twice."""


def decode(data: bytes | str) -> str:
    """Turn bytes into text; a byte order mark is dropped.

    :param data: UTF-8 bytes, or text.
    :returns: the text.
    :raises StrictJsonError: when the bytes are not UTF-8.
    """
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return bytes(data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise StrictJsonError(
            f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8", line=line, column=column
        ) from None


def loads(data: bytes | str) -> Any:
    """Parse one JSON document.

    :param data: the document, UTF-8 bytes or text.
    :returns: what it holds.
    :raises StrictJsonError: for anything that is not valid JSON (RFC 8259), for a key given twice in one object, for
        NaN and infinity, for a number of hundreds of digits, for half of a surrogate pair, and for values nested
        more than :data:`~encord_provider.text.limits.MAX_DEPTH` deep.
    """
    text = decode(data)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except _DuplicateKeyError:
        raise _duplicate_error(text) from None
    except json.JSONDecodeError as error:
        raise _syntax_error(text, error) from None
    except RecursionError:
        raise _depth_error(text) from None
    except ValueError as error:
        raise _value_error(text, error) from None
    if _is_too_deep(value):
        raise _depth_error(text)
    if _LONG_NUMBER.search(text) and (too_long := _too_long(text)) is not None:
        raise too_long
    if _SURROGATE.search(text) and not _is_unicode(value):
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise StrictJsonError(
                f"not valid Unicode: {error.msg}", line=error.lineno, column=error.colno
            ) from None
    return value


def _is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def places_of(text: str, paths: Collection[JsonPath]) -> dict[JsonPath, tuple[int, int | None]]:
    """Find where values stand, in one walk however many they are.

    :param text: a valid JSON document.
    :param paths: the paths to look for.
    :returns: line and column of each path, from 1; None for the column where the line is short enough to look
        through. For a path that does not exist, the place of the longest part of it that does.
    """
    wanted = {path[:length] for path in paths for length in range(len(path) + 1)}
    offsets: dict[JsonPath, int] = {(): max(0, len(text) - len(text.lstrip()))}
    missing = len(wanted) - 1
    for path, offset, _ in _members(text) if missing else ():
        if path in wanted and path not in offsets:
            offsets[path] = offset
            missing -= 1
            if not missing:
                break
    known = {
        path: next(path[:length] for length in range(len(path), -1, -1) if path[:length] in offsets)
        for path in paths
    }
    places: dict[int, tuple[int, int | None]] = {}
    line, start = 1, 0
    for offset in sorted({offsets[path] for path in known.values()}):
        line += text.count("\n", start, offset)
        start = offset
        before = text.rfind("\n", 0, offset)
        is_short = (
            before + 1 + _SHORT_LINE >= len(text) or "\n" in text[before + 1 : before + 2 + _SHORT_LINE]
        )
        places[offset] = line, None if is_short else offset - before
    return {path: places[offsets[one]] for path, one in known.items()}


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            member
            for one in level
            if type(one) in (dict, list)
            for member in (one.values() if type(one) is dict else one)
            if type(member) in (dict, list)
        ]
        if not level:
            return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateKeyError
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


@dataclass
class _Frame:
    """An object or array that is being walked."""

    is_object: bool
    keys: set[str] = field(default_factory=set)
    position: int = 0


def _members(text: str) -> Iterator[tuple[JsonPath, int, bool]]:
    """Walk a valid document: the path of each member and element, its offset, and whether its key came before."""
    frames: list[_Frame] = []
    path: list[str | int] = []
    expects_key = False
    for token in _TOKEN.finditer(text):
        string, mark, _literal = token.groups()
        offset = token.start(token.lastindex or 0)
        if mark in (",", ":"):
            expects_key = mark == "," and frames[-1].is_object
            continue
        if mark in ("}", "]"):
            frames.pop()
            path = path[: len(frames)]
            expects_key = False
            continue
        if expects_key and string is not None:
            frame, key = frames[-1], json.loads(string)
            path[len(frames) - 1 :] = [key]
            yield tuple(path), offset, key in frame.keys
            frame.keys.add(key)
            expects_key = False
            continue
        if frames and not frames[-1].is_object:
            frame = frames[-1]
            path[len(frames) - 1 :] = [frame.position]
            frame.position += 1
            yield tuple(path), offset, False
        if mark in ("{", "["):
            frames.append(_Frame(is_object=mark == "{"))
            expects_key = mark == "{"


def _duplicate_error(text: str) -> StrictJsonError:
    for path, offset, repeated in _members(text):
        if repeated:
            where = f" in {shown_path(path[:-1])}" if len(path) > 1 else ""
            return _at(text, offset, f"the key {path[-1]!r} is given twice{where}", repeated=path)
    raise AssertionError("a key was given twice, but no object shows it")


def _depth_error(text: str) -> StrictJsonError:
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = token.group(2)
        depth += (mark in ("{", "[")) - (mark in ("}", "]"))
        if depth > MAX_DEPTH:
            return _at(text, token.start(2), f"nested too deeply, the limit is {MAX_DEPTH} levels")
    return StrictJsonError(f"nested too deeply, the limit is {MAX_DEPTH} levels", line=1)


def _syntax_error(text: str, error: json.JSONDecodeError) -> StrictJsonError:
    rest = text[error.pos :].lstrip()
    before = text[: error.pos].rstrip()
    if before.endswith(",") and rest[:1] in ("}", "]"):
        return _at(text, len(before) - 1, f"trailing comma before {rest[0]!r}")
    if text[error.pos : error.pos + 1] == "," and text[error.pos + 1 :].lstrip()[:1] in ("}", "]"):
        return _at(text, error.pos, f"trailing comma before {text[error.pos + 1 :].lstrip()[0]!r}")
    if not text.strip():
        return StrictJsonError("the document is empty", line=1)
    message = (error.msg[0].lower() + error.msg[1:]).removesuffix(" at")
    return _at(text, error.pos, f"not valid JSON: {message}")


def _value_error(text: str, error: ValueError) -> StrictJsonError:
    match = re.search(r"-?Infinity|NaN", str(error))
    for token in _TOKEN.finditer(text):
        literal = token.group(3)
        if literal is not None and (literal == match.group() if match else len(literal) > 4000):
            message = str(error) if match else "a number with too many digits"
            return _at(text, token.start(3), message)
    return StrictJsonError(str(error), line=1)


def _too_long(text: str) -> StrictJsonError | None:
    """Find a number, not a text, of too many digits."""
    for token in _TOKEN.finditer(text):
        if (literal := token.group(3)) is not None and _LONG_NUMBER.match(literal.lstrip("-")):
            return _at(text, token.start(3), "a number with too many digits")
    return None


def _at(text: str, offset: int, message: str, *, repeated: JsonPath = ()) -> StrictJsonError:
    line, column = text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1
    return StrictJsonError(message, line=line, column=column, repeated=repeated)


def shown_path(path: JsonPath) -> str:
    """Write a path for a message.

    :param path: the path.
    :returns: for example ``videos[0].title``; a long key is cut.
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = part if len(part) <= _LONGEST_PART else f"{part[:_LONGEST_PART]}..."
        text += f".{name}" if text else name
    return text
