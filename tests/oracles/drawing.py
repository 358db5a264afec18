"""What the cases are made of: texts, keys, numbers and JSON values that slips are likely in."""

from __future__ import annotations

from random import Random
from typing import Any

_PLAIN = "abcxyz0189"
_ODD = [
    *" _-.,;:/\\'\"#?%&=+()[]{}~!@$*|<>^`",
    "\n",
    "\r",
    "\t",
    "\x7f",
    "\xa0",
    "\u200b",
    "\u2028",
    "\ufeff",
]
_FOREIGN = ["ü", "é", "Ж", "漢", "\U0001f600", "e\u0301", "İ", "ß"]
_LIKE_OTHERS = [
    *(
        "",
        "5",
        "5.0",
        " 5",
        "true",
        "null",
        "NaN",
        "Infinity",
        "[1]",
        "{}",
        '"x"',
        '"',
        "1e999",
        "-0",
        "01",
        "=1+1",
    ),
    *("%41", "\\u0041", '"\\ud800"', "cells", "json", "\ufeff5", "\u2028", "[[", "a,b", "\r", "\n"),
]
_NUMBERS = [
    0,
    1,
    -1,
    2**53,
    2**53 + 1,
    -(2**63),
    2**63 - 1,
    2**63,
    2**64 - 1,
    0.1,
    1.5,
    -0.0,
    1e300,
    5e-324,
    1e22,
]


def text(random: Random, longest: int = 8) -> str:
    """A text, often an odd one, never with NUL or half of a surrogate pair."""
    if random.random() < 0.15:
        return random.choice(_LIKE_OTHERS)
    alphabet = random.choice((list(_PLAIN), [*_PLAIN, *_ODD], [*_PLAIN, *_ODD, *_FOREIGN]))
    return "".join(random.choices(alphabet, k=random.randint(0, longest)))


def object_key(random: Random) -> str:
    """The key of an object: not empty, and without the segments that readers of URLs resolve."""
    while True:
        segments = [text(random) for _ in range(random.randint(1, 4))]
        key = "/".join(segments)
        if key and not {".", ".."} & set(key.split("/")):
            return key


def number(random: Random) -> Any:
    """A number that JSON has and Encord can store."""
    choice = random.random()
    if choice < 0.3:
        return random.choice(_NUMBERS)
    if choice < 0.6:
        return random.randint(-1000, 1000)
    if choice < 0.75:
        return random.randint(-(2**63), 2**64 - 1)
    return random.uniform(-1, 1) * 10 ** random.randint(-8, 8)


def json_value(random: Random, depth: int = 2) -> Any:
    """A JSON value that Encord can store."""
    kind = random.randrange(7 if depth else 5)
    if kind == 0:
        return random.choice((None, True, False))
    if kind in (1, 2):
        return number(random)
    if kind in (3, 4):
        return text(random)
    if kind == 5:
        return [json_value(random, depth - 1) for _ in range(random.randint(0, 3))]
    return {text(random): json_value(random, depth - 1) for _ in range(random.randint(0, 3))}


def column(random: Random) -> str:
    """A metadata key that a table may have as a column."""
    middle = "".join(random.choices("abcXYZ019 -_.ü", k=random.randint(0, 6)))
    return f"{random.choice('abcxyz')}{middle}{random.choice('abc019')}"


def columns(random: Random, most: int = 4) -> list[str]:
    """Different columns."""
    return list(dict.fromkeys(column(random) for _ in range(random.randint(0, most))))
