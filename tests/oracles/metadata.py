"""Client metadata: the SDK's models, what JSON can hold, exported tables, and the rule of merging."""

from __future__ import annotations

import calendar
import io
import json
import math
from random import Random
from typing import Any, Literal

from encord_provider.api.calls import patch_storage_items
from encord_provider.exceptions import MetadataValueError
from encord_provider.metadata.patch import PatchMode, wanted
from encord_provider.schema import check_metadata, parse_schema
from encord_provider.schema.values import metadata_problems
from encord_provider.tables import read_table
from encord_provider.tables.exported import ITEM_COLUMNS, OWN_COLUMNS
from encord_provider.tables.writer import TableWriter
from encord_provider.text.json_values import dumps, exact_loads, same_json
from tests.oracles.drawing import json_value, number, text
from tests.oracles.running import Oracle, same

_SCHEMA = parse_schema({"at": "datetime"})
_KEYS = (
    "site",
    "score",
    "$encord",
    "keyframes",
    "",
    "a/b",
    "key",
    "path",
    "metadata:x",
    *sorted(OWN_COLUMNS),
)
_ODD_NUMBERS = (
    "1.50",
    "1e400",
    "-0",
    "0.10000000000000000001",
    "1E2",
    "12345678901234567890123",
    "1.0",
    "100",
)


def _metadata(random: Random) -> dict[str, Any]:
    if random.random() < 0.01:
        return {"note": random.choice(("[" * 3000, '"' * 9000)), "clip": [0.25] * 3000}
    return {
        random.choice(_KEYS) if random.random() < 0.3 else text(random): json_value(random)
        for _ in range(random.randint(0, 4))
    }


def _document(random: Random, metadata: dict[str, Any]) -> str:
    """Client metadata as JSON, sometimes with a number that a float does not hold."""
    written = json.dumps(metadata)
    if random.random() < 0.3:
        odd = f'"odd": {random.choice(_ODD_NUMBERS)}'
        written = f"{{{odd}}}" if written == "{}" else f"{{{odd}, {written[1:]}"
    return written


def patches(random: Random) -> None:
    """The body of a patch, as JSON, is what the SDK's own model makes of it."""
    from encord.orm.storage import PatchItemsBulkPayload

    given = {
        f"{number:08d}-0000-4000-8000-000000000000": _metadata(random)
        for number in range(random.randint(1, 3))
    }
    sent = json.loads(dumps(patch_storage_items(given).body))
    model = PatchItemsBulkPayload.from_dict(sent)
    same({uuid: one.client_metadata for uuid, one in model.item_patches.items()}, given)
    same(sent, model.to_dict(), given)


def _storable(value: Any) -> bool:
    """Whether PostgreSQL's ``jsonb``, with integers of 64 bits, can hold a value."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _storable(key) and _storable(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(_storable, value))
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return -(2**63) <= value < 2**64
    return value is None or isinstance(value, bool)


def _bad(random: Random) -> Any:
    value: Any = random.choice(
        (
            float("nan"),
            float("inf"),
            2**64,
            -(2**63) - 1,
            10**400,
            10**5000,
            "a\0",
            "\ud800",
            object(),
            b"x",
            {1: 2},
        )
    )
    for _ in range(random.randint(0, 3)):
        value = random.choice(([1, value], {"a": value}))
    return value


def refusals(random: Random) -> None:
    """Exactly the values that cannot be stored are refused, each by its key."""
    given = {f"k{at}": _bad(random) if random.random() < 0.3 else json_value(random) for at in range(4)}
    found = [key for key, _ in metadata_problems(given)]
    same(found, [key for key, value in given.items() if not _storable(value)], *map(type, given.values()))


def datetimes(random: Random) -> None:
    """Exactly the days and times that exist are taken as datetimes, in the forms that Encord describes."""
    year, month, day = (
        random.randint(1, 9999),
        random.randint(0, 13),
        random.choice((0, 1, 15, 28, 29, 30, 31, 32)),
    )
    hour, minute, second = (
        random.choice((0, 12, 23, 24)),
        random.choice((0, 59, 60)),
        random.choice((0, 59, 60)),
    )
    offset_hours, offset_minutes = random.choice((0, 5, 14, 23, 24)), random.choice((0, 45, 59, 60))
    written = f"{year:04}-{month:02}-{day:02}"
    exists = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
    form = random.choice(("day", "compact day", "time", "zone"))
    if form == "compact day":
        written = written.replace("-", "")
    elif form != "day":
        digits = random.choice(("", f".{random.randrange(10**9):09}"[: random.randint(2, 10)]))
        written += f"T{hour:02}:{minute:02}:{second:02}{digits}"
        exists = exists and hour < 24 and minute < 60 and second < 60
    if form == "zone":
        offset = f"{offset_hours:02}{random.choice((':', ''))}{offset_minutes:02}"
        written += random.choice(("Z", f"+{offset}", f"-{offset}"))
        exists = exists and (written.endswith("Z") or (offset_hours < 24 and offset_minutes < 60))
    try:
        found = check_metadata({"at": written}, _SCHEMA)["at"]
    except MetadataValueError:
        found = None
    same(found, written if exists else None, written)


def exports(random: Random) -> None:
    """An exported table that was not edited changes nothing, whatever the metadata is, and in whatever mode."""
    file_format: Literal["jsonl", "csv", "parquet"] = random.choice(("jsonl", "csv", "parquet"))
    items = [exact_loads(_document(random, _metadata(random))) for _ in range(random.randint(0, 3))]
    if items and random.random() < 0.5:
        # Columns of one kind, as they are usual.
        draw = random.choice(
            (number, lambda one: one.random() < 0.5, lambda one: [number(one), number(one)], text)
        )
        items = [{**one, "same": exact_loads(json.dumps(draw(random)))} for one in items]
    out = io.BytesIO()
    with TableWriter(file_format) as table:
        for at, metadata in enumerate(items):
            table.add(dict.fromkeys(ITEM_COLUMNS, None) | {"encord_uuid": str(at)}, metadata)
        table.write(out)
    rows = list(read_table(out.getvalue(), source=f"t.{file_format}", key_column="encord_uuid"))
    same([row.key for row in rows], [str(at) for at in range(len(items))])
    for row, current in zip(rows, items, strict=True):
        for mode in PatchMode:
            new = wanted(current, row.metadata, mode=mode, remove_keys=())
            # Written as JSON the two are the same text, digits of numbers included, but for the order of the keys.
            same(_canonical(new), _canonical(current), file_format, current)


def _canonical(metadata: dict[str, Any]) -> Any:
    """Metadata with every number as its digits."""
    return json.loads(dumps(metadata), parse_int=_Digits, parse_float=_Digits)


class _Digits(str):
    """A number as it is written, which is no text."""


def _kind(value: Any) -> Any:
    """A value with its JSON type, so that ``1``, ``true`` and ``"1"`` are three, and ``1`` and ``1.0`` are one."""
    if isinstance(value, dict):
        return "object", sorted((key, _kind(one)) for key, one in value.items())
    if isinstance(value, list):
        return "array", [_kind(one) for one in value]
    if isinstance(value, bool) or value is None:
        return "word", repr(value)
    return ("text", value) if isinstance(value, str) else ("number", _exactly(value))


def _exactly(value: float) -> str:
    from fractions import Fraction

    return str(Fraction(value))


def merges(random: Random) -> None:
    """Merging keeps every other key, replacing none; and values are the same where their JSON types are."""
    keys = [text(random) for _ in range(4)] + ["site", "n"]
    simple = (0, 1, True, False, "1", "", None, 1.0, [1], [True], {"a": 1}, {"a": True})

    def draw() -> dict[str, Any]:
        chosen = random.sample(keys, random.randint(0, 4))
        return {key: random.choice(simple) if random.random() < 0.7 else json_value(random) for key in chosen}

    current, given = draw(), draw()
    mode, remove = random.choice(list(PatchMode)), random.sample(keys, random.randint(0, 2))
    kept = [key for key in current if mode is PatchMode.MERGE and key not in remove and key not in given]
    expected = {**{key: current[key] for key in kept}, **given}
    found = wanted(current, given, mode=mode, remove_keys=remove)
    same(_kind(found), _kind(expected), current, given, mode, remove)
    same(same_json(current, given), _kind(current) == _kind(given), current, given)
    same(same_json(found, current), _kind(found) == _kind(current), found, current)


ORACLES = (
    Oracle(name="metadata: the SDK's patch", check=patches, share=15),
    Oracle(name="metadata: what can be stored", check=refusals, share=15),
    Oracle(name="metadata: datetimes", check=datetimes, share=10),
    Oracle(name="metadata: export and patch", check=exports, share=10),
    Oracle(name="metadata: merge rule", check=merges, share=20),
)
