"""The whole state as text, one JSON object per line, to be kept and restored.

What is kept follows from the parts of the store (:class:`encord_provider.emulator.core.table.Kept`) and the fields of
their dataclasses. Faults and the log of requests are not part of a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.core.rows import Codec, Row, RowFormat, reference
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Kept, Table

FORMAT = "encord-emulator-2"
_BASIS = "basis"


def dump(store: Store) -> Iterator[bytes]:
    """The state, line by line."""
    yield orjson.dumps({"format": FORMAT}) + b"\n"
    basis = {
        "seed": store.chance.seed,
        "chance": store.chance.getstate(),
        "time": store.clock.now(),
        "speed": store.clock.speed,
        "settings": store.settings.as_dict(),
    }
    yield orjson.dumps([_BASIS, basis]) + b"\n"
    for name, (part, rows) in _formats(store).items():
        for entry in part.kept():
            yield orjson.dumps([name, rows.write(entry)]) + b"\n"


def load(store: Store, lines: Iterable[bytes]) -> None:
    """Put a state into an empty store and go on with its jobs; must be called in the event loop.

    :raises ApiError: 400 if the text is not a snapshot; names the line.
    """
    formats = _formats(store)
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            if number == 1:
                if orjson.loads(line) != {"format": FORMAT}:
                    raise ValueError(f"not a snapshot of format {FORMAT}")
            elif line.strip():
                name, row = orjson.loads(line)
                if name == _BASIS:
                    _load_basis(store, row)
                else:
                    part, rows = formats[name]
                    part.restore(rows.read(row))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad_request(f"line {number} of the snapshot cannot be read: {error!r}") from None
    if number == 0:
        raise bad_request("the snapshot is empty")
    store.tell("resume")


def _load_basis(store: Store, row: Row) -> None:
    store.chance.seed = row["seed"]
    store.chance.setstate(row["chance"])
    store.clock.set_speed(row["speed"])
    store.clock.advance(max(0.0, row["time"] - store.clock.now()))
    store.settings = store.settings.changed(row["settings"])


def _formats(store: Store) -> dict[str, tuple[Kept[Any], RowFormat[Any]]]:
    kept = {name: part for name, part in store.parts() if isinstance(part, Kept)}
    special: dict[type, Codec] = {}
    for part in kept.values():
        if isinstance(part, Table) and part.referred:
            special[part.entry] = reference(part.key, part.get)
    return {name: (part, RowFormat(part.entry, special)) for name, part in kept.items()}
