"""The window of time that a DAG run owns, and the prefixes that belong to it.

In Airflow 3 ``@daily`` and every cron string give a data interval of no length, a manual run may have no logical date,
and a run started by an asset has neither. Everything that depends on the day of a run asks here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pendulum

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace.calendar import Schedule, Unit, midnight, span

if TYPE_CHECKING:
    from airflow.sdk import Context

_BRACES = re.compile(r"\{[^{}]*\}?|\}")
_PLACEHOLDER = re.compile(r"\{date(?::([^{}]+))?\}")
_HOURS = frozenset("HI")
_DAYS_AND_LONGER = frozenset("YymdjBbaAuwUWVGe%")
_DIRECTIVE = re.compile(r"%(-?.?)")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A half-open stretch of time in the schedule's time zone.

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

    def hours(self) -> Iterator[datetime]:
        """Give the beginnings of the clock hours that overlap the window, in order."""
        moment, _ = span(Unit.HOUR, self.start)
        while moment < self.end:
            yield moment
            _, moment = span(Unit.HOUR, moment)

    @classmethod
    def of_day(cls, day: date, zone: tzinfo) -> Window:
        """Give the window that is one calendar day."""
        return cls(start=midnight(day, zone), end=midnight(day + timedelta(days=1), zone))

    def as_json(self) -> dict[str, str]:
        """Give the window as it travels to other tasks and runs."""
        zone = getattr(self.start.tzinfo, "key", None) or getattr(self.start.tzinfo, "name", None)
        written = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        return {**written, "zone": str(zone)} if zone else written

    @classmethod
    def from_json(cls, written: Any) -> Window:
        """Read what :meth:`as_json` gave, in the zone in which it is whole days.

        :raises EncordInputError: for any other form.
        """
        try:
            start, end = (datetime.fromisoformat(written[name]) for name in ("start", "end"))
            if None in (start.tzinfo, end.tzinfo):
                raise ValueError("it has no time zone")
            if name := written.get("zone"):
                zone = ZoneInfo(name)
                start, end = start.astimezone(zone), end.astimezone(zone)
            if end <= start:
                raise ValueError("it has no length")
        except (AttributeError, TypeError, LookupError, ValueError) as error:
            raise EncordInputError(f"{written!r} is no window of time: {error}") from None
        return cls(start=start, end=end)

    def __str__(self) -> str:
        where = f"({getattr(self.start.tzinfo, 'key', None) or self.start.tzname()})"
        for unit, form in ((Unit.HOUR, "%Y-%m-%d %H:%M"), (Unit.DAY, "%Y-%m-%d"), (Unit.MONTH, "%Y-%m")):
            if (self.start, self.end) == span(unit, self.start):
                return f"the {unit.value} {self.start.strftime(form)} {where}"
        last = (self.end - timedelta(microseconds=1)).date()
        if (self.start, self.end) == (
            midnight(self.start.date(), _zone(self)),
            midnight(self.end.date(), _zone(self)),
        ):
            return f"the {len(list(self.days()))} days {self.start.date()} to {last} {where}"
        return f"{self.start.isoformat()} to {self.end.isoformat()} {where}"


def run_window(context: Context, *, day: str | None = None) -> Window:
    """Tell which window a run owns. The first that applies:

    1. ``day``, when the user named one;
    2. the run's partition: the hour, day, week or month that begins with it (Airflow 3.2 and later);
    3. its data interval, when that has a length, as under ``CronDataIntervalTimetable``;
    4. the windows of the imports that started it, when it was started by the asset of an Encord folder; of several
       imports from the begin of the first to the end of the last;
    5. the last whole calendar hour, day, week or month before the run, whichever the schedule has one run for each of:
       ``@daily`` and ``0 6 * * *`` own yesterday.

    :param context: the task's context.
    :param day: a day as YYYY-MM-DD, or None or empty.
    :raises EncordInputError: if ``day`` is not such a date, or is given to a backfill, all of whose runs it would make
        the same; if the partition key cannot be read; if the schedule is not by the hour, day, week or month.
    """
    run: Any = context["dag_run"]
    dag: Any = context.get("dag")
    schedule = Schedule(getattr(dag, "timetable", None))
    zone: tzinfo = schedule.zone or getattr(dag, "timezone", None) or UTC
    if day:
        return _day_named(day, run, zone)
    if key := getattr(run, "partition_key", None):
        return _partition(key, getattr(run, "partition_date", None), schedule, zone)
    start, end = getattr(run, "data_interval_start", None), getattr(run, "data_interval_end", None)
    if start is not None and end is not None and end > start:
        return Window(start=start.astimezone(zone), end=end.astimezone(zone))
    if window := _of_imports(run):
        return window
    if schedule.unit is None:
        raise EncordInputError(
            f"The run has no data interval, and its schedule, {schedule}, does not have one run for each hour, day, "
            "week or month, so that it is not known which objects belong to it. Take CronDataIntervalTimetable("
            "'<cron>', timezone='UTC') as the schedule, name a day, or leave {date} out of the prefix."
        )
    moment = (run.logical_date or run.run_after or pendulum.now("UTC")).astimezone(zone)
    running, _ = span(schedule.unit, moment, first_weekday=schedule.first_weekday)
    before = running.astimezone(UTC) - timedelta(microseconds=1)
    start, end = span(schedule.unit, before.astimezone(zone), first_weekday=schedule.first_weekday)
    return Window(start=start, end=end)


def prefixes_of(pattern: str, window: Callable[[], Window]) -> list[str]:
    """Fill the days or hours of a window into a prefix pattern.

    :param pattern: a prefix in which ``{date}`` stands for the day as YYYY-MM-DD and ``{date:%Y/%m/%d}`` for the day in
        that ``strftime`` form; with ``%H`` for each hour of the window. A ``*`` is left as it is.
    :param window: gives the window; it is asked for only where the pattern needs it.
    :returns: one prefix for each day or hour; a single one if the pattern names none.
    :raises EncordInputError: if the pattern has any other placeholder, a brace that is not closed, or ``**``.
    """
    _check_pattern(pattern)
    forms = [found.group(1) or "%Y-%m-%d" for found in _PLACEHOLDER.finditer(pattern)]
    if not forms:
        return [pattern]
    hourly = any(_HOURS & _directives(form) for form in forms)
    moments: Iterator[date] = window().hours() if hourly else window().days()

    def filled(moment: date) -> str:
        return _PLACEHOLDER.sub(lambda found: moment.strftime(found.group(1) or "%Y-%m-%d"), pattern)

    return list(dict.fromkeys(filled(moment) for moment in moments))


def _of_imports(run: Any) -> Window | None:
    """Give the window of the imports whose events started a run; None where there are none, or they had no window."""
    events = getattr(run, "consumed_asset_events", None) or ()
    extras = [event.extra or {} for event in events if str(event.asset.uri).startswith("encord://")]
    windows = [Window.from_json(extra["window"]) for extra in extras if extra.get("window")]
    if not windows:
        return None
    first = min(windows, key=lambda one: one.start)
    end = max(one.end for one in windows).astimezone(_zone(first))
    return Window(start=first.start, end=end)


def _day_named(day: str, run: Any, zone: tzinfo) -> Window:
    if getattr(run, "run_type", None) == "backfill":
        raise EncordInputError(
            f"The date {day!r} was given to a backfill, whose runs would then all import that one day. Leave it "
            "empty: each run of a backfill takes its own day."
        )
    try:
        return Window.of_day(date.fromisoformat(day), zone)
    except ValueError:
        raise EncordInputError(f"The date {day!r} is not a day of the form YYYY-MM-DD.") from None


_KEY_FORMS = (
    ("%Y-%m-%dT%H:%M:%S", None),
    ("%Y-%m-%dT%H:%M", Unit.HOUR),
    ("%Y-%m-%dT%H", Unit.HOUR),
    ("%Y-%m-%d %H:%M:%S", None),
    ("%Y/%m/%d/%H", Unit.HOUR),
    ("%Y-%m-%d", Unit.DAY),
    ("%Y/%m/%d", Unit.DAY),
    ("%Y%m%d", Unit.DAY),
    ("%Y-%m", Unit.MONTH),
    ("%Y/%m", Unit.MONTH),
)
"""Forms of partition keys that can be read in one way only, and what they are about where the schedule does not say."""

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T")
_WEEK_KEY = re.compile(r"(\d{4}-\d{2}-\d{2}) \(W\d{2}\)")
"""What Airflow's StartOfWeekMapper writes by default."""


def _partition(key: str, partition_date: datetime | None, schedule: Schedule, zone: tzinfo) -> Window:
    moment, unit = _read_key(key, schedule.key_format)
    if partition_date is not None:
        moment = partition_date.astimezone(zone).replace(tzinfo=None)
    if moment is None:
        known = schedule.key_format or "2026-05-01, 2026/05/01, 2026-05 or 2026-05-01T06"
        raise EncordInputError(
            f"The partition key {key!r} of the run cannot be read as a date: it should look like {known}. Name a day, "
            "or leave {date} out of the prefix."
        )
    unit = schedule.unit or unit or Unit.DAY
    begin = moment.replace(tzinfo=zone)
    # A week is the seven days that begin with the partition's own.
    start, end = span(unit, begin, first_weekday=begin.weekday() if unit is Unit.WEEK else 0)
    return Window(start=start, end=end)


def _read_key(key: str, key_format: str | None) -> tuple[datetime | None, Unit | None]:
    text = key.partition("|")[0].strip()
    if week := _WEEK_KEY.fullmatch(text):
        return datetime.strptime(week.group(1), "%Y-%m-%d"), Unit.WEEK
    forms = [(key_format, None)] if key_format else []
    for form, unit in [*forms, *_KEY_FORMS]:
        try:
            return datetime.strptime(text, form), unit
        except ValueError:
            continue
    try:
        whole = datetime.fromisoformat(text) if _MOMENT.match(text) else None
    except ValueError:
        whole = None
    return (None if whole is None else whole.replace(tzinfo=None)), None


def _check_pattern(pattern: str) -> None:
    for found in _BRACES.finditer(pattern):
        placeholder = _PLACEHOLDER.fullmatch(found.group())
        if placeholder is None:
            raise EncordInputError(
                f"The prefix pattern {pattern!r} has the placeholder {found.group()!r}; only {{date}} and "
                "{date:<strftime form>}, as in {date:%Y/%m/%d} or {date:%Y-%m-%d/%H}, are known."
            )
        form = placeholder.group(1)
        unknown = sorted(_directives(form) - _HOURS - _DAYS_AND_LONGER) if form else []
        if unknown or (form and "%" not in form):
            what = f"knows no %{unknown[0]}" if unknown else "needs a directive such as %Y"
            raise EncordInputError(
                f"The placeholder {found.group()!r} of the prefix pattern {pattern!r} {what}: days and hours are "
                "written with %Y, %m, %d, %H and their like."
            )
    if "**" in pattern:
        raise EncordInputError(
            f"The prefix pattern {pattern!r} has '**': a '*' stands for text inside one folder name. Everything below "
            "a prefix is listed anyway, so leave '**' out at the end, or write one '*' for each level."
        )


def _directives(form: str) -> set[str]:
    return {found.group(1).removeprefix("-") for found in _DIRECTIVE.finditer(form)}


def _zone(window: Window) -> tzinfo:
    return window.start.tzinfo or UTC
