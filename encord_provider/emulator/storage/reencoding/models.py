"""Other work that takes time: re-encoding videos."""

from __future__ import annotations

from dataclasses import dataclass

from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.ids import Chance


@dataclass(frozen=True)
class Reencoding:
    """Videos being re-encoded.

    :param done_at: when the work ends, seconds since the epoch.
    """

    uuid: str
    items: tuple[str, ...]
    done_at: float


class Reencodings:
    """All re-encodings."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._by_uuid: dict[str, Reencoding] = {}

    def start(self, items: list[str], *, units_per_second: float) -> Reencoding:
        """Begin to re-encode videos."""
        seconds = len(items) / units_per_second if units_per_second > 0 else float("inf")
        process = Reencoding(
            uuid=self._chance.uuid(), items=tuple(items), done_at=self._clock.now() + seconds
        )
        self._by_uuid[process.uuid] = process
        return process

    def get(self, uuid: str) -> Reencoding | None:
        """The re-encoding of that UUID, or ``None``."""
        return self._by_uuid.get(uuid)

    def is_done(self, process: Reencoding) -> bool:
        """Whether the work has ended."""
        return self._clock.now() >= process.done_at
