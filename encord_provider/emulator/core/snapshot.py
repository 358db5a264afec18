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
BASIS = "basis"
Formats = dict[str, tuple[Kept[Any], RowFormat[Any]]]
"""Every part that is kept, and how its entries are written, by the part's name."""


def dump(store: Store) -> Iterator[bytes]:
    """The state, line by line."""
    yield orjson.dumps({"format": FORMAT}) + b"\n"
    yield orjson.dumps([BASIS, basis(store)]) + b"\n"
    for name, (part, rows) in formats(store).items():
        for entry in part.kept():
            yield orjson.dumps([name, rows.write(entry)]) + b"\n"


def basis(store: Store) -> dict[str, Any]:
    """What is kept besides the entries of the parts."""
    return {
        "seed": store.chance.seed,
        "chance": store.chance.getstate(),
        "time": store.clock.now(),
        "speed": store.clock.speed,
        "settings": store.settings.as_dict(),
    }


def load(store: Store, lines: Iterable[bytes]) -> None:
    """Put a state into an empty store and go on with its jobs; must be called in the event loop.

    :raises ApiError: 400 if the text is not a snapshot; names the line.
    """
    load_rows(store, (orjson.loads(line) for line in lines if line.strip()))


def load_rows(store: Store, rows: Iterable[Any]) -> None:
    """Put a state into an empty store and go on with its jobs; must be called in the event loop.

    :param rows: the values of a snapshot's lines.
    :raises ApiError: 400 if they are not those of a snapshot; names the line.
    """
    known = formats(store)
    number = 0
    try:
        for number, line in enumerate(rows, start=1):
            if number == 1:
                if line != {"format": FORMAT}:
                    raise ValueError(f"not a snapshot of format {FORMAT}")
                continue
            name, row = line
            if name == BASIS:
                _load_basis(store, row)
            else:
                part, form = known[name]
                part.restore(form.read(row))
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


def formats(store: Store) -> Formats:
    """How the entries of every part that is kept are written."""
    kept = {name: part for name, part in store.parts() if isinstance(part, Kept)}
    special: dict[type, Codec] = {}
    for part in kept.values():
        if isinstance(part, Table) and part.referred:
            special[part.entry] = reference(part.key, part.get)
    return {name: (part, RowFormat(part.entry, special)) for name, part in kept.items()}
