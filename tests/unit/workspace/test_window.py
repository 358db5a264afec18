"""Which window of time a run owns, and the prefixes that belong to it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace.window import Window, prefixes_of, run_window


def cron(expression: str, zone: str = "UTC") -> Any:
    return CronTriggerTimetable(expression, timezone=zone)


BERLIN = ZoneInfo("Europe/Berlin")


def moment(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run_of(
    *,
    logical_date: str | None = None,
    interval: tuple[str, str] | None = None,
    run_after: str | None = "2026-05-04T06:00",
    partition_key: str | None = None,
    zone: Any = UTC,
    run_type: str = "manual",
    partition_date: str | None = None,
    timetable: Any = None,
) -> Any:
    """The context of a task, as far as windows look at it."""
    start, end = (moment(one) for one in interval) if interval else (None, None)
    run = SimpleNamespace(
        logical_date=moment(logical_date) if logical_date else None,
        data_interval_start=start,
        data_interval_end=end,
        run_after=moment(run_after) if run_after else None,
        partition_key=partition_key,
        run_type=run_type,
        partition_date=moment(partition_date) if partition_date else None,
    )
    return {"dag_run": run, "dag": SimpleNamespace(timezone=zone, timetable=timetable)}


def days(context: Any, day: str | None = None) -> list[str]:
    return [one.isoformat() for one in run_window(context, day=day).days()]


INTERVAL = ("2026-05-01", "2026-05-02")


def test_a_scheduled_run_owns_its_data_interval() -> None:
    context = run_of(logical_date="2026-05-01", interval=INTERVAL)
    assert run_window(context) == Window(start=moment("2026-05-01"), end=moment("2026-05-02"))
    assert days(context) == ["2026-05-01"]


def test_a_partition_comes_before_the_interval() -> None:
    context = run_of(
        logical_date="2026-05-09", interval=("2026-05-08", "2026-05-09"), partition_key="2026-05-01"
    )
    assert days(context) == ["2026-05-01"]


def test_a_partition_key_may_say_more_than_the_day() -> None:
    assert days(run_of(partition_key="2026-05-01T00:00:00")) == ["2026-05-01"]
    assert days(run_of(partition_key="2026-05-01|site-a")) == ["2026-05-01"]


def test_a_day_that_the_user_names_comes_first() -> None:
    context = run_of(
        logical_date="2026-05-09", interval=("2026-05-08", "2026-05-09"), partition_key="2026-05-01"
    )
    assert days(context, day="2026-04-30") == ["2026-04-30"]


@pytest.mark.parametrize("day", ["yesterday", "01.05.2026", "2026-13-01", "2026-02-30", "2026-05"])
def test_what_is_no_day_is_refused_with_the_form(day: str) -> None:
    with pytest.raises(EncordInputError, match=f"'{day}'.*YYYY-MM-DD"):
        run_window(run_of(), day=day)


def test_an_empty_day_is_none() -> None:
    assert days(run_of(logical_date="2026-05-01", interval=INTERVAL), day="") == ["2026-05-01"]


def test_an_airflow_without_partitions_has_none() -> None:
    context = run_of(logical_date="2026-05-01", interval=INTERVAL)
    del context["dag_run"].partition_key
    assert days(context) == ["2026-05-01"]


def test_a_run_that_says_less_than_airflows_is_enough() -> None:
    """What an older Airflow does not have is as if it said nothing."""
    context = run_of()
    context["dag_run"] = SimpleNamespace(logical_date=moment("2026-05-02"), run_after=None)
    context["dag"].timetable = cron("@daily")
    assert days(context) == ["2026-05-01"]
    assert days(context, day="2026-04-30") == ["2026-04-30"]
    context["dag_run"].partition_key = "2026-03-01"
    assert days(context) == ["2026-03-01"]
    context["dag_run"] = SimpleNamespace(
        data_interval_start=moment("2026-05-02"), logical_date=moment("2026-05-02")
    )
    assert days(context) == ["2026-05-01"]


def test_a_task_outside_any_dag_counts_in_utc() -> None:
    context = run_of(interval=INTERVAL)
    del context["dag"]
    assert str(run_window(context)) == "the day 2026-05-01 (UTC)"
    assert str(run_window(context, day="2026-05-03")) == "the day 2026-05-03 (UTC)"


def test_days_are_those_of_the_dags_time_zone() -> None:
    # Midnight to midnight in Berlin, in summer.
    interval = ("2026-04-30T22:00", "2026-05-01T22:00")
    context = run_of(logical_date="2026-04-30T22:00", interval=interval, zone=BERLIN)
    assert days(context) == ["2026-05-01"]
    daily = cron("@daily", "Europe/Berlin")
    assert days(run_of(logical_date="2026-04-30T22:30", timetable=daily)) == ["2026-04-30"]
    assert days(run_of(run_after="2026-04-30T22:30", timetable=daily)) == ["2026-04-30"]


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-01", 24)],
    ids=["23 h", "25 h", "24 h"],
)
def test_a_day_on_which_the_clock_changes_is_one_day(day: str, hours: int) -> None:
    window = run_window(run_of(zone=BERLIN), day=day)
    assert [one.isoformat() for one in window.days()] == [day]
    assert window.end.astimezone(UTC) - window.start.astimezone(UTC) == timedelta(hours=hours)


def test_a_week_has_seven_days_and_an_hour_touches_one() -> None:
    week = run_of(logical_date="2026-05-04", interval=("2026-05-04", "2026-05-11"))
    assert days(week) == [f"2026-05-{day:02}" for day in range(4, 11)]
    hour = run_of(logical_date="2026-05-04T13:00", interval=("2026-05-04T13:00", "2026-05-04T14:00"))
    assert days(hour) == ["2026-05-04"]
    over_midnight = run_of(logical_date="2026-05-04T23:30", interval=("2026-05-04T23:30", "2026-05-05T00:30"))
    assert days(over_midnight) == ["2026-05-04", "2026-05-05"]


def test_the_windows_of_adjacent_runs_share_no_day() -> None:
    first = run_of(logical_date="2026-05-01", interval=("2026-05-01", "2026-05-02"))
    second = run_of(logical_date="2026-05-02", interval=("2026-05-02", "2026-05-03"))
    assert not set(days(first)) & set(days(second))


def test_a_window_reads_as_text() -> None:
    window = Window.of_day(date(2026, 5, 1), UTC)
    assert str(window) == "the day 2026-05-01 (UTC)"
    hour = Window(start=moment("2026-05-01T06:00"), end=moment("2026-05-01T07:00"))
    assert str(hour) == "the hour 2026-05-01 06:00 (UTC)"
    assert str(Window(start=moment("2026-05-01"), end=moment("2026-06-01"))) == "the month 2026-05 (UTC)"
    assert str(Window(start=moment("2026-05-04"), end=moment("2026-05-11"))) == (
        "the 7 days 2026-05-04 to 2026-05-10 (UTC)"
    )
    berlin = Window.of_day(date(2026, 5, 1), ZoneInfo("Europe/Berlin"))
    assert str(berlin) == "the day 2026-05-01 (Europe/Berlin)"
    fixed = Window.of_day(date(2026, 5, 1), timezone(timedelta(hours=2)))
    assert str(fixed) == "the day 2026-05-01 (UTC+02:00)"
    days_of_berlin = Window(start=berlin.start, end=Window.of_day(date(2026, 5, 9), BERLIN).end)
    assert str(days_of_berlin) == "the 9 days 2026-05-01 to 2026-05-09 (Europe/Berlin)"
    odd = Window(start=moment("2026-05-01T06:30"), end=moment("2026-05-01T07:30"))
    assert str(odd) == "2026-05-01T06:30:00+00:00 to 2026-05-01T07:30:00+00:00 (UTC)"


WINDOW = Window(start=moment("2026-05-01"), end=moment("2026-05-03"))


@pytest.mark.parametrize(
    ("pattern", "prefixes"),
    [
        ("site=*/dt={date}/", ["site=*/dt=2026-05-01/", "site=*/dt=2026-05-02/"]),
        ("{date:%Y/%m/%d}/", ["2026/05/01/", "2026/05/02/"]),
        ("{date:%Y}/{date:%j}/", ["2026/121/", "2026/122/"]),
        ("month={date:%Y-%m}/", ["month=2026-05/"]),
        ("{date:%Y-%-m-%-d}/", ["2026-5-1/", "2026-5-2/"]),
        ("everything/", ["everything/"]),
        ("", [""]),
        (
            "{date:%Y-%m-%d}/hour={date:%H}/",
            [f"2026-05-0{day}/hour={hour:02}/" for day in (1, 2) for hour in range(24)],
        ),
    ],
)
def test_a_pattern_gives_one_prefix_for_each_day(pattern: str, prefixes: list[str]) -> None:
    assert prefixes_of(pattern, lambda: WINDOW) == prefixes


@pytest.mark.parametrize(
    "pattern",
    [
        "dt={ds}/",
        "{day}/",
        "{date}/{site}/",
        "{data_interval_start}/",
        "{Date}/",
        "{ date }/",
        "{date }/",
        "{}/",
        "a{b",
        "a}b",
        "{{date}}/",
    ],
)
def test_another_placeholder_is_refused_with_those_that_are_known(pattern: str) -> None:
    with pytest.raises(EncordInputError, match=r"has the placeholder '[{}].*only \{date\} and"):
        prefixes_of(pattern, lambda: WINDOW)


def test_a_backfill_refuses_a_day_that_all_its_runs_would_share() -> None:
    context = run_of(logical_date="2026-05-02", interval=INTERVAL, run_type="backfill")
    with pytest.raises(EncordInputError, match=r"'2026-04-30'.*backfill"):
        run_window(context, day="2026-04-30")
    assert days(context) == ["2026-05-01"]


@pytest.mark.parametrize(
    ("schedule", "logical_date", "window"),
    [
        ("@daily", "2026-05-02", "the day 2026-05-01 (UTC)"),
        ("0 6 * * *", "2026-05-02T06:00", "the day 2026-05-01 (UTC)"),
        ("30 23 * * *", "2026-05-02T23:30", "the day 2026-05-01 (UTC)"),
        ("@hourly", "2026-05-02T00:00", "the hour 2026-05-01 23:00 (UTC)"),
        ("17 * * * *", "2026-05-02T05:17", "the hour 2026-05-02 04:00 (UTC)"),
        # A schedule of Sundays has weeks from Sunday, every other one those of ISO 8601.
        ("@weekly", "2026-05-10", "the 7 days 2026-05-03 to 2026-05-09 (UTC)"),
        ("0 6 * * 1", "2026-05-11T06:00", "the 7 days 2026-05-04 to 2026-05-10 (UTC)"),
        ("0 6 * * wed", "2026-05-13T06:00", "the 7 days 2026-05-04 to 2026-05-10 (UTC)"),
        ("@monthly", "2026-05-01", "the month 2026-04 (UTC)"),
        ("0 6 15 * *", "2026-05-15T06:00", "the month 2026-04 (UTC)"),
    ],
)
def test_a_run_without_an_interval_owns_the_last_whole_calendar_unit(
    schedule: str, logical_date: str, window: str
) -> None:
    no_length = (logical_date, logical_date)
    context = run_of(logical_date=logical_date, interval=no_length, timetable=cron(schedule))
    assert str(run_window(context)) == window
    # So does a manual run without a logical date, at the same moment.
    assert str(run_window(run_of(run_after=logical_date, timetable=cron(schedule)))) == window


@pytest.mark.parametrize(
    "timetable",
    [
        None,
        cron("*/15 * * * *"),
        cron("0 6,18 * * *"),
        cron("0 */6 * * *"),
        cron("0 6 * * 1-5"),
        cron("0 0 1,15 * *"),
        cron("0 0 31 * *"),
        cron("@quarterly"),
        cron("@yearly"),
        DeltaDataIntervalTimetable(timedelta(minutes=90)),
    ],
    ids=lambda one: getattr(one, "_expression", type(one).__name__),
)
def test_where_the_unit_cannot_be_told_the_error_says_which_timetable_to_take(timetable: Any) -> None:
    with pytest.raises(EncordInputError, match=r"CronDataIntervalTimetable"):
        run_window(run_of(logical_date="2026-05-02", interval=None, timetable=timetable))


def test_a_manual_run_under_an_interval_timetable_owns_the_last_whole_interval() -> None:
    timetable = CronDataIntervalTimetable("@daily", timezone="Europe/Berlin")
    assert str(run_window(run_of(run_after="2026-05-04T21:59", timetable=timetable))) == (
        "the day 2026-05-03 (Europe/Berlin)"
    )
    assert str(run_window(run_of(run_after="2026-05-04T22:00", timetable=timetable))) == (
        "the day 2026-05-04 (Europe/Berlin)"
    )


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize(
    "schedule", ["@hourly", "@daily", "0 6 * * *", "30 2 * * *", "@weekly", "0 5 * * 3", "@monthly"]
)
def test_the_windows_of_all_runs_cover_time_without_gap_or_overlap(schedule: str, zone: str) -> None:
    """Airflow's own timetable says when runs are; every moment must belong to exactly one of them."""
    timetable = cron(schedule, zone)
    last: Window | None = None
    runs = timetable._get_next(pendulum.datetime(2026, 3, 20, tz=zone))
    for _ in range(24 * 20 if schedule == "@hourly" else 40):
        window = run_window(
            run_of(logical_date=runs.in_timezone("UTC").naive().isoformat(), timetable=timetable)
        )
        assert window.end.timestamp() <= runs.timestamp()
        if last is not None:
            assert last.end.timestamp() == window.start.timestamp()
        last, runs = window, timetable._get_next(runs)


@pytest.mark.parametrize(
    ("key_format", "schedule", "key", "window"),
    [
        ("%Y/%m/%d", "@daily", "2026/05/01", "the day 2026-05-01 (UTC)"),
        ("%d-%m-%Y", "@daily", "02-05-2026", "the day 2026-05-02 (UTC)"),
        ("%Y-%m", "@monthly", "2026-05", "the month 2026-05 (UTC)"),
        ("%Y-%m-%d", "@weekly", "2026-05-03", "the 7 days 2026-05-03 to 2026-05-09 (UTC)"),
        ("%Y-%m-%dT%H:%M:%S", "@hourly", "2026-05-01T06:00:00", "the hour 2026-05-01 06:00 (UTC)"),
        ("%Y-%m-%dT%H:%M:%S", "0 6 * * *", "2026-05-01T06:00:00", "the day 2026-05-01 (UTC)"),
    ],
)
def test_a_partition_owns_the_span_that_its_schedule_says(
    key_format: str, schedule: str, key: str, window: str
) -> None:
    timetable = SimpleNamespace(expression=cron(schedule)._expression, timezone="UTC", key_format=key_format)
    assert str(run_window(run_of(partition_key=key, timetable=timetable))) == window
    # What Airflow says of the partition comes before what its key reads as.
    told = datetime.strptime(key, key_format).isoformat()
    assert str(run_window(run_of(partition_key="opaque", partition_date=told, timetable=timetable))) == window


@pytest.mark.parametrize(
    ("key", "window"),
    [
        ("2026-05-01", "the day 2026-05-01 (UTC)"),
        ("2026/05/01", "the day 2026-05-01 (UTC)"),
        ("2026-05", "the month 2026-05 (UTC)"),
        ("2026-05-01T06", "the hour 2026-05-01 06:00 (UTC)"),
        ("2026-05-01T06:00:00+00:00", "the day 2026-05-01 (UTC)"),
        ("2026-05-01T06:00:00.000001", "the day 2026-05-01 (UTC)"),
        ("2026-05-04 (W19)", "the 7 days 2026-05-04 to 2026-05-10 (UTC)"),
    ],
)
def test_a_key_that_an_asset_brought_is_read_by_its_form(key: str, window: str) -> None:
    assert str(run_window(run_of(partition_key=key))) == window


@pytest.mark.parametrize("key", ["site-a", "01-05-2026", "2026-W19", "2026-13-01"])
def test_a_partition_key_that_cannot_be_read_is_refused(key: str) -> None:
    with pytest.raises(EncordInputError, match=key):
        run_window(run_of(partition_key=key, interval=INTERVAL, logical_date="2026-05-01"))


def test_a_pattern_without_a_date_needs_no_window() -> None:
    def no_window() -> Window:
        raise AssertionError("asked for the window")

    assert prefixes_of("raw/site=*/", no_window) == ["raw/site=*/"]


@pytest.mark.parametrize(
    "pattern", ["dt={date:%M}/", "dt={date:%s}/", "dt={date:Y-m}/", "dt={date:}/", "dt={date:%Q}/"]
)
def test_a_date_form_that_days_and_hours_do_not_have_is_refused(pattern: str) -> None:
    with pytest.raises(EncordInputError, match=r"prefix pattern"):
        prefixes_of(pattern, lambda: WINDOW)


def test_two_stars_are_refused() -> None:
    with pytest.raises(EncordInputError, match=r"\*\*"):
        prefixes_of("raw/**/dt={date}/", lambda: WINDOW)


def test_an_hourly_window_names_its_hour() -> None:
    hour = Window(start=moment("2026-05-01T06:00"), end=moment("2026-05-01T07:00"))
    assert prefixes_of("dt={date}/h={date:%H}/", lambda: hour) == ["dt=2026-05-01/h=06/"]
    assert prefixes_of("dt={date}/", lambda: hour) == ["dt=2026-05-01/"]


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        # The clock goes back from 02:00 to 01:30, and later forward from 02:00 to 02:30.
        ("2026-04-04T14:00", "2026-04-04T16:30", ["01:00+1100", "01:30+1030", "02:00+1030"]),
        ("2026-10-03T14:30", "2026-10-03T17:00", ["01:00+1030", "02:30+1100", "03:00+1100"]),
    ],
)
def test_hours_go_on_where_the_clock_is_changed_by_half_an_hour(
    start: str, end: str, hours: list[str]
) -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    window = Window(start=moment(start).astimezone(zone), end=moment(end).astimezone(zone))
    assert [one.strftime("%H:%M%z") for one in itertools.islice(window.hours(), 10)] == hours


OSLO_DAY = {"start": "2026-05-01T00:00:00+02:00", "end": "2026-05-02T00:00:00+02:00", "zone": "Europe/Oslo"}
OSLO_LATER = {"start": "2026-05-03T00:00:00+02:00", "end": "2026-05-04T00:00:00+02:00", "zone": "Europe/Oslo"}


def started_by(
    *windows: Any, uri: str = "encord://encord_default/folder/lake/daily", **arguments: Any
) -> Any:
    """The context of a task whose run was started by asset events."""
    context = run_of(**arguments)
    context["dag_run"].consumed_asset_events = [
        SimpleNamespace(asset=SimpleNamespace(uri=uri), extra={"window": one}) for one in windows
    ]
    return context


def test_a_run_that_an_import_has_started_owns_what_the_import_owned() -> None:
    assert str(run_window(started_by(OSLO_DAY))) == "the day 2026-05-01 (Europe/Oslo)"
    assert days(started_by(OSLO_DAY, timetable=cron("0 6 * * *"))) == ["2026-05-01"]


def test_a_run_that_several_imports_have_started_owns_all_of_them() -> None:
    assert days(started_by(OSLO_LATER, None, OSLO_DAY)) == ["2026-05-01", "2026-05-02", "2026-05-03"]


def test_a_partition_comes_before_the_imports() -> None:
    assert days(started_by(OSLO_DAY, partition_key="2026-05-09")) == ["2026-05-09"]


@pytest.mark.parametrize("context", [started_by(None), started_by(OSLO_DAY, uri="s3://lake/other")])
def test_events_without_a_window_and_of_other_assets_give_none(context: Any) -> None:
    with pytest.raises(EncordInputError, match="CronDataIntervalTimetable"):
        run_window(context)


@pytest.mark.parametrize(
    "broken",
    [
        "2026-05-01",
        {"start": "2026-05-01"},
        {**OSLO_DAY, "zone": "Mars/Base"},
        {**OSLO_DAY, "end": "2026-05-01"},
    ],
)
def test_a_window_of_an_event_that_cannot_be_read_is_refused(broken: Any) -> None:
    with pytest.raises(EncordInputError, match="no window of time"):
        run_window(started_by(broken))


@pytest.mark.parametrize(
    "zone", [UTC, BERLIN, timezone(timedelta(hours=2)), pendulum.timezone("Europe/Oslo")]
)
def test_a_window_comes_back_as_it_went(zone: Any) -> None:
    window = Window.of_day(date(2026, 3, 29), zone)
    back = Window.from_json(window.as_json())
    assert (back, list(back.days())) == (window, [date(2026, 3, 29)])
