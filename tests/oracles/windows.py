"""Windows of runs: what a clock on the wall shows, quarter of an hour by quarter of an hour."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from encord_provider.workspace.window import prefixes_of, run_window
from tests.oracles.running import Oracle, same

_STEP = timedelta(minutes=15)
_ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Africa/Cairo", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Pacific/Chatham", "America/Santiago"),
)
_CHANGES = tuple(
    datetime(year, month, day, tzinfo=UTC)
    for year in (2023, 2024, 2026)
    for month, days in (
        (3, range(8, 32)),
        (4, range(1, 27)),
        (9, range(1, 30)),
        (10, range(1, 32)),
        (11, range(1, 6)),
    )
    for day in days
)


def _moment(random: Random) -> datetime:
    """A moment, often one near a change of the clock."""
    near = random.choice(_CHANGES) if random.random() < 0.5 else datetime(2020, 1, 1, tzinfo=UTC)
    near += timedelta(days=0 if near.year > 2020 else random.randrange(3000))
    return near + timedelta(minutes=random.choice((15 * random.randrange(96), random.randrange(1440))))


def _cron(random: Random) -> tuple[str, str]:
    """A schedule by cron, and the unit of which it has one run for each."""
    minute, hour = random.randrange(60), random.randrange(24)
    return random.choice(
        (
            ("@hourly", "hour"),
            (f"{minute} * * * *", "hour"),
            ("@daily", "day"),
            (f"{minute} {hour} * * *", "day"),
            ("@monthly", "month"),
            (f"{minute} {hour} {random.randint(1, 28)} * *", "month"),
            ("@weekly", "sunday week"),
            (f"{minute} {hour} * * SUN", "sunday week"),
            (f"{minute} {hour} * * {random.choice('12345')}", "week"),
        )
    )


def _context(zone: str, cron: str | None, **run: Any) -> Any:
    timetable = None if cron is None else SimpleNamespace(expression=cron, timezone=ZoneInfo(zone))
    names = ("logical_date", "data_interval_start", "data_interval_end", "run_after", "partition_key")
    dag_run = SimpleNamespace(**{**dict.fromkeys(names), "run_type": "manual", "partition_date": None, **run})
    return {"dag_run": dag_run, "dag": SimpleNamespace(timezone=ZoneInfo(zone), timetable=timetable)}


def _label(moment: datetime, zone: ZoneInfo, unit: str) -> Any:
    """What the clock on the wall shows, as far as the unit goes; an hour that comes twice is two hours."""
    local = moment.astimezone(zone)
    return (local.date(), local.hour, local.utcoffset()) if unit == "hour" else local.date()


def _walked(moment: datetime, zone: ZoneInfo, unit: str) -> tuple[datetime, datetime]:
    """The last whole hour or day before a moment, found by walking back."""
    at = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
    running = _label(at, zone, unit)
    while _label(at - _STEP, zone, unit) == running:
        at -= _STEP
    end, before = at, _label(at - _STEP, zone, unit)
    while _label(at - _STEP, zone, unit) == before:
        at -= _STEP
    return at, end


def _first_moment(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins: the first quarter of an hour that the wall shows it."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(zone).date() < day:
        at += _STEP
    return at


def _whole(moment: datetime, zone: ZoneInfo, unit: str) -> tuple[datetime, datetime]:
    """The last whole week or month before a moment, from the calendar."""
    today = moment.astimezone(zone).date()
    if unit == "month":
        year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
        last = calendar.monthrange(year, month)[1]
        first, following = date(year, month, 1), date(year, month, last) + timedelta(days=1)
    else:
        begins = calendar.SUNDAY if unit == "sunday week" else calendar.MONDAY
        following = today
        while following.weekday() != begins:
            following -= timedelta(days=1)
        first = following - timedelta(days=7)
    return _first_moment(first, zone), _first_moment(following, zone)


def last_whole(random: Random) -> None:
    """A run without an interval owns the last whole unit before it."""
    zone, (cron, unit), moment = random.choice(_ZONES), _cron(random), _moment(random)
    asked = random.choice(("logical_date", "run_after"))
    window = run_window(_context(zone, cron, **{asked: moment}))
    found = (window.start.astimezone(UTC), window.end.astimezone(UTC))
    expected = (_walked if unit in ("hour", "day") else _whole)(moment, ZoneInfo(zone), unit)
    same(found, expected, zone, cron, moment)


def prefixes(random: Random) -> None:
    """The prefixes of a window are those that the wall shows in it, each once, in order."""
    zone = random.choice(_ZONES)
    start = _moment(random)
    start = start.replace(minute=start.minute // 15 * 15)
    hourly = random.random() < 0.5
    end = start + timedelta(minutes=15 * random.randint(1, 300 if hourly else 900))
    context = _context(zone, None, data_interval_start=start, data_interval_end=end)
    form = (
        random.choice(("%Y-%m-%d/%H", "%Y%m%dT%H"))
        if hourly
        else random.choice(("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%y"))
    )
    shown, at = [], start
    while at < end:
        shown.append(at.astimezone(ZoneInfo(zone)).strftime(f"dt={form}/"))
        at += _STEP
    found = prefixes_of(f"dt={{date:{form}}}/", lambda: run_window(context))
    same(found, list(dict.fromkeys(shown)), zone, start, end)


def partitions(random: Random) -> None:
    """A partition key of any usual form owns the day, hour or month that it names."""
    zone = random.choice(_ZONES)
    local = _moment(random).astimezone(ZoneInfo(zone))
    form, unit = random.choice(
        (("%Y-%m-%d", "day"), ("%Y/%m/%d", "day"), ("%Y%m%d", "day"), ("%Y-%m", "month"))
    )
    window = run_window(_context(zone, None, partition_key=local.strftime(form)))
    day = local.date() if unit == "day" else local.date().replace(day=1)
    length = 1 if unit == "day" else calendar.monthrange(day.year, day.month)[1]
    expected = tuple(_first_moment(one, ZoneInfo(zone)) for one in (day, day + timedelta(days=length)))
    same((window.start.astimezone(UTC), window.end.astimezone(UTC)), expected, zone, local.strftime(form))


ORACLES = (
    Oracle(name="windows: the last whole unit", check=last_whole, share=15),
    Oracle(name="windows: prefixes", check=prefixes, share=10),
    Oracle(name="windows: partitions", check=partitions, share=10),
)
