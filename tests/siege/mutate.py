"""How right input becomes wrong: bytes that are changed, cut and doubled, and JSON values put where others stood."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

TEXTS = (
    *(
        "",
        " ",
        "\0",
        "\n",
        "a\nb",
        "\ufeff",
        "\ud800",
        "é",
        "日本",
        "\u202e",
        "x" * 5000,
        "1e999",
        "NaN",
        "true",
        "null",
    ),
    *(
        "0",
        "-1",
        "9" * 30,
        "../../etc/passwd",
        "s3://lake/a b",
        "https://h/%41",
        "%2e%2e/",
        "a%zz",
        "$encord",
    ),
    *(
        "keyframes",
        "{{ ds }}",
        "{date}",
        "'; drop",
        "2026-13-45T99:99:99",
        "00000000-0000-0000-0000-000000000000",
    ),
)
NUMBERS = (
    0,
    -1,
    1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**30,
    10**400,
    0.1,
    1e308,
    float("inf"),
    float("nan"),
    -0.0,
)
PIECES = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xc3",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b",",
        b":",
        b"\r",
        b"\n",
        b"\\ud800",
    ),
    *(
        b"NaN",
        b"1e999",
        b"-",
        b"9" * 400,
        b"x" * 70_000,
        b"[" * 3000,
        b'{"a":' * 3000,
        b"&a *a",
        b"<<: *a",
        b"!!python",
    ),
)


def odd(random: Random, *, depth: int = 2) -> Any:
    """Any value at all."""
    kind = random.randrange(8)
    if kind == 0:
        return random.choice([None, True, False])
    if kind == 1:
        return random.choice(NUMBERS)
    if kind < 5 or depth == 0:
        return random.choice(TEXTS)
    if kind == 5:
        return [odd(random, depth=depth - 1) for _ in range(random.randrange(4))]
    if kind == 6 and random.random() < 0.1:
        value: Any = 1
        for _ in range(random.choice([150, 300, 900])):
            value = [value] if random.random() < 0.5 else {"a": value}
        return value
    return {random.choice(TEXTS): odd(random, depth=depth - 1) for _ in range(random.randrange(4))}


def changed(random: Random, value: Any, *, most: int = 3) -> Any:
    """A copy of a JSON value in which up to so many places hold something else, or nothing, or more."""
    value = copy.deepcopy(value)
    for _ in range(random.randrange(most + 1)):
        places = list(_places(value))
        if not places:
            return odd(random)
        holder, key = random.choice(places)
        action = random.randrange(4)
        if action == 0:
            del holder[key]
        elif action == 1 and isinstance(holder, dict):
            holder[random.choice(TEXTS)] = odd(random)
        elif action == 1:
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = odd(random)
    return value


def _places(value: Any) -> Any:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            keys = list(one) if isinstance(one, dict) else range(len(one))
            for key in keys:
                yield one, key
                waiting.append(one[key])


def written(random: Random, value: Any) -> bytes:
    """A value as JSON, as Python writes it: with NaN, infinity and halves of surrogate pairs."""
    try:
        text = json.dumps(value, ensure_ascii=random.random() < 0.5, indent=random.choice([None, None, 1]))
    except RecursionError:
        text = "[" * 5000
    return text.encode("utf-8", "surrogatepass")


def damaged(random: Random, content: bytes) -> bytes:
    """Bytes that were changed, cut, doubled, or stay as they are."""
    for _ in range(random.choice([0, 0, 0, 1, 1, 2, 5])):
        at = random.randrange(len(content) + 1)
        end = min(len(content), at + random.choice([1, 1, 2, 10, 100]))
        action = random.randrange(6)
        if action == 0:
            content = content[:at] + content[end:]
        elif action == 1:
            content = content[:at] + random.choice(PIECES) + content[at:]
        elif action == 2:
            content = content[:at] + bytes([random.randrange(256)]) + content[at + 1 :]
        elif action == 3:
            content = content[:end] + content[at:end] * random.choice([1, 2, 50]) + content[end:]
        elif action == 4:
            content = content[:at]
        else:
            content = content[:at] + random.choice(PIECES) + content[end:]
    return content
