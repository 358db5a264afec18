"""What a DAG's schedule says about the calendar: of which unit it has one run for each, and in which zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk import Asset
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable, MultipleCronTriggerTimetable

from encord_provider.workspace.calendar import Schedule, Unit, midnight, span

SUNDAY, MONDAY = 6, 0


def cron(expression: str, zone: str = "UTC") -> CronTriggerTimetable:
    return CronTriggerTimetable(expression, timezone=zone)


@pytest.mark.parametrize(
    ("expression", "unit"),
    [
        ("@hourly", Unit.HOUR),
        ("15 * * * *", Unit.HOUR),
        ("15 */1 */1 */1 *", Unit.HOUR),
        ("0 * * * 1", None),
        ("0 * 1 * *", None),
        ("*/15 * * * *", None),
        ("0,30 * * * *", None),
        ("@daily", Unit.DAY),
        ("@midnight", Unit.DAY),
        ("0 6 * * *", Unit.DAY),
        ("0 6 */1 * */1", Unit.DAY),
        ("0 6 ? * *", Unit.DAY),
        ("0 6 * * ?", Unit.DAY),
        ("0 6,18 * * *", None),
        ("0 */2 * * *", None),
        ("0 6 * 5 *", None),
        ("@weekly", Unit.WEEK),
        ("0 6 * * 0", Unit.WEEK),
        ("0 6 * * 7", Unit.WEEK),
        ("0 6 * * 0,7", Unit.WEEK),
        ("0 6 * * MON", Unit.WEEK),
        ("0 6 * * 1,2", None),
        ("0 6 * * sat,sun", None),
        ("0 6 * * 1-5", None),
        ("0 6 * * 1,1-5", None),
        ("@monthly", Unit.MONTH),
        ("0 6 1 * *", Unit.MONTH),
        ("0 6 28 * *", Unit.MONTH),
        ("0 6 29 * *", None),
        ("0 6 1 * 1", None),
        ("0 6 1,15 * *", None),
        ("@quarterly", None),
        ("@yearly", None),
    ],
)
def test_the_unit_of_a_cron_expression(expression: str, unit: Unit | None) -> None:
    assert Schedule(cron(expression)).unit is unit


@pytest.mark.parametrize(
    ("delta", "unit"),
    [
        (timedelta(hours=1), Unit.HOUR),
        (timedelta(days=1), Unit.DAY),
        (timedelta(days=7), Unit.WEEK),
        (timedelta(days=30), None),
        (timedelta(minutes=30), None),
    ],
)
def test_the_unit_of_a_length_of_time(delta: timedelta, unit: Unit | None) -> None:
    assert Schedule(DeltaDataIntervalTimetable(delta)).unit is unit


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("@weekly", SUNDAY),
        ("0 6 * * 0", SUNDAY),
        ("0 6 * * 7", SUNDAY),
        ("0 6 * * sun", SUNDAY),
        ("0 6 * * 0,SUN", SUNDAY),
        ("0 6 * * 1", MONDAY),
        ("0 6 * * wed", MONDAY),
        ("0 6 * * sat,sun", MONDAY),
        ("@daily", MONDAY),
    ],
)
def test_the_day_that_begins_a_week(expression: str, first: int) -> None:
    assert Schedule(cron(expression)).first_weekday == first


def test_a_schedule_by_assets_or_time_is_that_of_its_time() -> None:
    both = AssetOrTimeSchedule(timetable=cron("0 6 * * *", "Europe/Oslo"), assets=[Asset("x")])
    schedule = Schedule(both)
    assert schedule.unit is Unit.DAY
    assert str(schedule.zone) in ("Europe/Oslo", "Timezone('Europe/Oslo')")


def test_one_of_several_crons_is_a_cron_and_two_are_not() -> None:
    one = MultipleCronTriggerTimetable("0 6 * * *", timezone="UTC")
    two = MultipleCronTriggerTimetable("0 6 * * *", "0 18 * * *", timezone="UTC")
    assert (Schedule(one).unit, Schedule(two).unit) == (Unit.DAY, None)
    in_the_sdk = SimpleNamespace(timetables=[cron("@weekly")])
    assert (Schedule(in_the_sdk).unit, Schedule(in_the_sdk).first_weekday) == (Unit.WEEK, SUNDAY)


@pytest.mark.parametrize(
    ("timetable", "text"),
    [
        (None, "no schedule"),
        (cron("0 6 * * *"), "CronTriggerTimetable (0 6 * * *)"),
        (CronDataIntervalTimetable("@daily", timezone="UTC"), "CronDataIntervalTimetable (0 0 * * *)"),
        (DeltaDataIntervalTimetable(timedelta(days=1)), "DeltaDataIntervalTimetable"),
    ],
)
def test_a_schedule_is_named_in_messages(timetable: Any, text: str) -> None:
    assert str(Schedule(timetable)) == text


def test_what_has_no_schedule_has_neither_unit_nor_zone() -> None:
    schedule = Schedule(None)
    assert (schedule.unit, schedule.zone, schedule.key_format) == (None, None, None)


@pytest.mark.parametrize("named", ["timezone", "_timezone"])
def test_the_zone_may_be_a_name(named: str) -> None:
    zone = Schedule(SimpleNamespace(**{named: "Europe/Oslo"})).zone
    assert zone is not None
    assert datetime(2026, 7, 1, tzinfo=zone).utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("named", ["key_format", "_key_format"])
def test_the_form_of_partition_keys_is_the_timetables(named: str) -> None:
    assert Schedule(SimpleNamespace(**{named: "%Y/%m/%d"})).key_format == "%Y/%m/%d"


@pytest.mark.parametrize(
    ("unit", "moment", "expected"),
    [
        (Unit.DAY, (2026, 3, 29, 23, 59), ((2026, 3, 29), (2026, 3, 30))),
        (Unit.WEEK, (2026, 3, 29, 12), ((2026, 3, 23), (2026, 3, 30))),
        (Unit.MONTH, (2026, 1, 31, 12), ((2026, 1, 1), (2026, 2, 1))),
        (Unit.MONTH, (2026, 12, 31, 12), ((2026, 12, 1), (2027, 1, 1))),
        (Unit.MONTH, (2028, 2, 29, 12), ((2028, 2, 1), (2028, 3, 1))),
    ],
)
def test_the_unit_around_a_moment(unit: Unit, moment: Any, expected: Any) -> None:
    zone = ZoneInfo("Europe/Oslo")
    start, end = span(unit, datetime(*moment, tzinfo=zone))
    assert (start, end) == tuple(datetime(*day, tzinfo=zone) for day in expected)


def test_the_hour_comes_twice_where_the_clock_is_put_back() -> None:
    zone = ZoneInfo("Europe/Oslo")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(zone)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC).astimezone(zone)
    spans = [span(Unit.HOUR, moment) for moment in (first, second)]
    hours = [[one.astimezone(UTC).hour for one in each] for each in spans]
    assert hours == [[0, 1], [1, 2]]
    assert {one.tzinfo for each in spans for one in each} == {zone}


@pytest.mark.parametrize(
    ("zone", "moment", "hour"),
    [
        # The clock goes back from 02:00 to 01:30, and later forward from 02:00 to 02:30.
        ("Australia/Lord_Howe", "2026-04-04T14:45", ("14:00", "15:00")),
        ("Australia/Lord_Howe", "2026-04-04T15:15", ("15:00", "15:30")),
        ("Australia/Lord_Howe", "2026-10-03T15:15", ("14:30", "15:30")),
        ("Australia/Lord_Howe", "2026-10-03T15:45", ("15:30", "16:00")),
        # The clock goes back from 03:45 to 02:45, and forward from 02:45 to 03:45.
        ("Pacific/Chatham", "2026-04-04T13:20", ("13:15", "14:00")),
        ("Pacific/Chatham", "2026-04-04T14:05", ("14:00", "14:15")),
        ("Pacific/Chatham", "2026-09-26T13:30", ("13:15", "14:00")),
        ("Pacific/Chatham", "2026-09-26T14:10", ("14:00", "14:15")),
    ],
)
def test_an_hour_ends_where_the_clock_is_changed_inside_it(
    zone: str, moment: str, hour: tuple[str, str]
) -> None:
    within = datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert tuple(f"{one.astimezone(UTC):%H:%M}" for one in span(Unit.HOUR, within)) == hour


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        span(Unit.DAY, datetime(2026, 1, 1))


def test_a_day_without_a_midnight_begins_when_it_begins() -> None:
    zone = ZoneInfo("America/Santiago")
    start = midnight(datetime(2025, 9, 7).date(), zone)
    assert start.astimezone(UTC) == datetime(2025, 9, 7, 4, tzinfo=UTC)
