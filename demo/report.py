"""The demo's one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class DayReport:
    """What one day's run did.

    :param listed: objects under the day's prefixes, as the S3 server lists them
    :param registered: items of the folder by Encord type, as the SDK reads them
    :param skipped: objects left out, by reason, as the run wrote them down
    :param tagged: items that carry custom metadata, as the SDK reads them
    :param failed: units that the upload job reported as failed
    """

    day: date
    listed: int
    registered: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    tagged: int = 0
    failed: int = 0


def _lines(counts: Mapping[str, int]) -> str:
    return "\n".join(
        f"{count:>3}  {name}" for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    )


def _sum(counts: Iterable[Mapping[str, int]]) -> str:
    return f"{sum(sum(each.values()) for each in counts):>3}"


def print_table(days: Sequence[DayReport]) -> None:
    """Print one row for each day and one for all."""
    table = Table(show_lines=True, show_footer=True)
    table.add_column("day", "all", no_wrap=True)
    table.add_column("listed", str(sum(day.listed for day in days)), justify="right")
    table.add_column("registered", _sum(day.registered for day in days), no_wrap=True)
    table.add_column("skipped", _sum(day.skipped for day in days))
    table.add_column("tagged", str(sum(day.tagged for day in days)), justify="right")
    table.add_column("failed", str(sum(day.failed for day in days)), justify="right")
    for day in days:
        table.add_row(
            day.day.isoformat(),
            str(day.listed),
            _lines(Counter(day.registered)),
            _lines(Counter(day.skipped)),
            str(day.tagged),
            str(day.failed),
        )
    Console(width=116).print(table)
