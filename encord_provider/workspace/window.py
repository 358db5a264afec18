"""The window of time that a DAG run owns, and the prefixes that belong to it.

In Airflow 3 ``@daily`` gives a data interval of no length, a manual run may have no logical date, and a run
started by an asset has neither. Everything that depends on the day of a run asks here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import pendulum

from encord_provider.exceptions import EncordInputError

if TYPE_CHECKING:
    from airflow.sdk import Context

_PLACEHOLDER = re.compile(r"\{([a-z_]+)(?::([^}]*))?\}")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A half-open stretch of time in the DAG's time zone.

    :param start: the first moment that belongs to it.
    :param end: the first moment that does not.
    """

    start: datetime
    end: datetime

    def days(self) -> Iterator[date]:
        """Give the calendar days that overlap the window, in order."""
        day = self.start.date()
        while datetime(day.year, day.month, day.day, tzinfo=self.start.tzinfo) < self.end:
            yield day
            day += timedelta(days=1)

    @classmethod
    def of_day(cls, day: date, zone: tzinfo) -> Window:
        """Give the window that is one calendar day."""
        following = day + timedelta(days=1)
        return cls(
            start=datetime(day.year, day.month, day.day, tzinfo=zone),
            end=datetime(following.year, following.month, following.day, tzinfo=zone),
        )

    def __str__(self) -> str:
        return f"{self.start.isoformat()} to {self.end.isoformat()}"


def run_window(context: Context, *, day: str | None = None) -> Window:
    """Tell which window a run owns. The first that applies:

    1. ``day``, when the user named one;
    2. the run's partition key, when it starts with a date (Airflow 3.2 and later);
    3. its data interval, when that has a length, as under ``CronDataIntervalTimetable``;
    4. the calendar day of its logical date, as under ``@daily`` in Airflow 3;
    5. the last whole day before the run was to start, for a run without a logical date.

    :param context: the task's context.
    :param day: a day as YYYY-MM-DD, or None or empty.
    :raises EncordInputError: if ``day`` is not such a date, or is given to a backfill, all of whose runs it would make
        the same.
    """
    run: Any = context["dag_run"]
    zone: tzinfo = getattr(context.get("dag"), "timezone", None) or UTC
    if day:
        if getattr(run, "run_type", None) == "backfill":
            raise EncordInputError(
                f"The date {day!r} was given to a backfill, whose runs would then all import that one day. Leave it "
                "empty: each run of a backfill takes its own day."
            )
        try:
            return Window.of_day(date.fromisoformat(day), zone)
        except ValueError:
            raise EncordInputError(f"The date {day!r} is not a day of the form YYYY-MM-DD.") from None
    if partition := _partition_day(getattr(run, "partition_key", None)):
        return Window.of_day(partition, zone)
    start, end = getattr(run, "data_interval_start", None), getattr(run, "data_interval_end", None)
    if start is not None and end is not None and end > start:
        return Window(start=start.astimezone(zone), end=end.astimezone(zone))
    if run.logical_date is not None:
        return Window.of_day(run.logical_date.astimezone(zone).date(), zone)
    run_after = run.run_after or pendulum.now("UTC")
    return Window.of_day(run_after.astimezone(zone).date() - timedelta(days=1), zone)


def _partition_day(key: str | None) -> date | None:
    try:
        return date.fromisoformat(key[:10]) if key else None
    except ValueError:
        return None


def prefixes_of(pattern: str, window: Window) -> list[str]:
    """Fill the days of a window into a prefix pattern.

    :param pattern: a prefix in which ``{date}`` stands for the day as YYYY-MM-DD and ``{date:%Y/%m/%d}`` for
        the day in that ``strftime`` form. A ``*`` is left as it is.
    :param window: the window.
    :returns: one prefix for each day; a single one if the pattern names no day.
    :raises EncordInputError: if the pattern has any other placeholder.
    """
    for found in _PLACEHOLDER.finditer(pattern):
        if found.group(1) != "date":
            raise EncordInputError(
                f"The prefix pattern {pattern!r} has the placeholder {found.group(0)!r}; only {{date}} and "
                "{date:<strftime form>}, as in {date:%Y/%m/%d}, are known."
            )

    def filled(day: date) -> str:
        return _PLACEHOLDER.sub(lambda found: day.strftime(found.group(2) or "%Y-%m-%d"), pattern)

    return list(dict.fromkeys(filled(day) for day in window.days()))
