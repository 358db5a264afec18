"""Videos being re-encoded, which takes time."""

from __future__ import annotations

from dataclasses import dataclass

from encord_provider.emulator.core.table import Table


@dataclass(frozen=True)
class Reencoding:
    """Videos being re-encoded.

    :param items: UUIDs of the videos.
    :param done_at: when the work ends, seconds since the epoch; ``None`` for never.
    :param dataset: UUID of the dataset whose data rows they are, if it is about data rows.
    :param number: what the clients of the older API know it by; 0 if it is not about data rows.
    """

    uuid: str
    items: tuple[str, ...]
    done_at: float | None
    dataset: str | None = None
    number: int = 0


class Reencodings(Table[Reencoding]):
    """All re-encodings."""

    entry = Reencoding
    called = "a re-encoding"

    def start(self, items: list[str], *, dataset: str | None = None) -> Reencoding:
        """Begin to re-encode videos.

        :param dataset: UUID of the dataset whose data rows they are, if it is about data rows.
        """
        rate = self._store.settings.units_per_second
        earlier = sum(process.dataset is not None for process in self)
        return self.add(
            Reencoding(
                uuid=self._chance.uuid(),
                items=tuple(items),
                done_at=self._clock.now() + len(items) / rate if rate > 0 else None,
                dataset=dataset,
                number=earlier + 1 if dataset else 0,
            )
        )

    def of_dataset(self, dataset: str, number: object) -> Reencoding | None:
        """The re-encoding of that number, if it is one of the dataset of that UUID."""
        return next((entry for entry in self if entry.dataset == dataset and entry.number == number), None)

    def is_done(self, process: Reencoding) -> bool:
        """Whether the work has ended."""
        return process.done_at is not None and self._clock.now() >= process.done_at
