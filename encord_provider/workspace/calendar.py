"""Calendar hours, days, weeks and months, and which of them a DAG's schedule runs by."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

_MONDAY, _SUNDAY = 0, 6
_FIXED = re.compile(r"\d+")
_WEEKDAY_NAMES = {"sun": 6, "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5}
_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""Source: Airflow's documentation, "Cron presets"."""


class Unit(StrEnum):
    """A stretch of the calendar."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def midnight(day: date, zone: tzinfo) -> datetime:
    """Give the first moment of a day.

    :param day: the day.
    :param zone: the time zone.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def span(unit: Unit, moment: datetime, *, first_weekday: int = _MONDAY) -> tuple[datetime, datetime]:
    """Give the calendar unit that holds a moment.

    :param unit: the unit.
    :param moment: a moment in the time zone whose calendar counts.
    :param first_weekday: the day that begins a week, 0 for Monday.
    :returns: its first moment, and the first one after it.
    """
    zone = moment.tzinfo
    if zone is None:
        raise ValueError("the moment needs a time zone")
    if unit is Unit.HOUR:
        start = moment.replace(minute=0, second=0, microsecond=0)
        # Counted in absolute time: where the clock is put back, an hour comes twice.
        return start, (start.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)
    day = moment.date()
    if unit is Unit.MONTH:
        first = day.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    elif unit is Unit.WEEK:
        first = day - timedelta(days=(day.weekday() - first_weekday) % 7)
        following = first + timedelta(days=7)
    else:
        first, following = day, day + timedelta(days=1)
    return midnight(first, zone), midnight(following, zone)


class Schedule:
    """What a DAG's timetable says about the calendar.

    :param timetable: the timetable of the DAG, of whatever class; None for none.
    """

    def __init__(self, timetable: Any) -> None:
        # A schedule by assets or time holds the one by time.
        inner = getattr(timetable, "timetable", None)
        self._timetable = timetable if inner is None else inner
        several = getattr(self._timetable, "timetables", None) or getattr(
            self._timetable, "_timetables", None
        )
        if several and len(several) == 1:
            self._timetable = several[0]

    @property
    def unit(self) -> Unit | None:
        """The calendar unit of which the schedule has one run for each; None where it is not one of them."""
        if self._cron is not None:
            return _unit_of_cron(self._cron)
        delta = getattr(self._timetable, "delta", None) or getattr(self._timetable, "_delta", None)
        units = {timedelta(hours=1): Unit.HOUR, timedelta(days=1): Unit.DAY, timedelta(days=7): Unit.WEEK}
        return units.get(delta) if isinstance(delta, timedelta) else None

    @property
    def first_weekday(self) -> int:
        """The day that begins a week: Monday (ISO 8601); under a schedule of Sundays, as ``@weekly``, Sunday."""
        weekdays = _weekdays(self._cron.split()[4]) if self._cron is not None else None
        return _SUNDAY if weekdays == {_SUNDAY} else _MONDAY

    @property
    def zone(self) -> tzinfo | None:
        """The time zone of the timetable; None where it has none of its own."""
        zone = getattr(self._timetable, "timezone", None) or getattr(self._timetable, "_timezone", None)
        if isinstance(zone, str):
            import pendulum

            return pendulum.timezone(zone)
        return zone if isinstance(zone, tzinfo) else None

    @property
    def key_format(self) -> str | None:
        """How the timetable writes partition keys, in ``strftime`` form; None where it writes none."""
        found = getattr(self._timetable, "key_format", None) or getattr(self._timetable, "_key_format", None)
        return found if isinstance(found, str) else None

    def __str__(self) -> str:
        if self._timetable is None:
            return "no schedule"
        name = type(self._timetable).__name__
        return f"{name} ({self._cron})" if self._cron is not None else name

    @property
    def _cron(self) -> str | None:
        text = getattr(self._timetable, "expression", None) or getattr(self._timetable, "_expression", None)
        if not isinstance(text, str):
            return None
        text = _PRESETS.get(text, text)
        return text if len(text.split()) == 5 else None


def _unit_of_cron(expression: str) -> Unit | None:
    """The unit of which a cron expression has exactly one run for each; None for any other expression."""
    minute, hour, day, month, weekday = expression.split()
    if not _FIXED.fullmatch(minute) or month not in ("*", "*/1"):
        return None
    every_day, every_weekday = day in ("*", "*/1", "?"), _weekdays(weekday) is None
    if hour in ("*", "*/1"):
        return Unit.HOUR if every_day and every_weekday else None
    if not _FIXED.fullmatch(hour):
        return None
    if every_day and every_weekday:
        return Unit.DAY
    if every_day:
        return Unit.WEEK if len(_weekdays(weekday) or ()) == 1 else None
    # Not the 29th and later, which some months do not have.
    return Unit.MONTH if every_weekday and _FIXED.fullmatch(day) and 1 <= int(day) <= 28 else None


def _weekdays(field: str) -> set[int] | None:
    """The weekdays of a cron field, 0 for Monday; None for all of them, an empty set for what is not a plain list."""
    if field in ("*", "*/1", "?"):
        return None
    days = set()
    for one in field.lower().split(","):
        if one in _WEEKDAY_NAMES:
            days.add(_WEEKDAY_NAMES[one])
        elif _FIXED.fullmatch(one) and int(one) <= 7:
            days.add((int(one) - 1) % 7)
        else:
            return set()
    return days
