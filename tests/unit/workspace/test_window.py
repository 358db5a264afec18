"""Which window of time a run owns, and the prefixes that belong to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace.window import Window, prefixes_of, run_window

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
    )
    return {"dag_run": run, "dag": SimpleNamespace(timezone=zone)}


def days(context: Any, day: str | None = None) -> list[str]:
    return [one.isoformat() for one in run_window(context, day=day).days()]


INTERVAL = ("2026-05-01", "2026-05-02")


def test_a_scheduled_run_owns_its_data_interval() -> None:
    context = run_of(logical_date="2026-05-01", interval=INTERVAL)
    assert run_window(context) == Window(start=moment("2026-05-01"), end=moment("2026-05-02"))
    assert days(context) == ["2026-05-01"]


def test_a_run_under_a_daily_schedule_of_airflow_3_owns_the_day_of_its_logical_date() -> None:
    no_length = ("2026-05-01", "2026-05-01")
    assert days(run_of(logical_date="2026-05-01", interval=no_length)) == ["2026-05-01"]


def test_a_run_without_a_logical_date_owns_the_last_whole_day() -> None:
    assert days(run_of(run_after="2026-05-04T06:00")) == ["2026-05-03"]
    assert days(run_of(run_after="2026-05-04T00:00")) == ["2026-05-03"]


def test_a_run_that_names_no_time_at_all_owns_yesterday() -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    found = run_window(run_of(run_after=None))
    assert found.start.date() in (yesterday, yesterday + timedelta(days=1))
    assert found.end - found.start == timedelta(days=1)


def test_a_partition_comes_before_the_interval() -> None:
    context = run_of(
        logical_date="2026-05-09", interval=("2026-05-08", "2026-05-09"), partition_key="2026-05-01"
    )
    assert days(context) == ["2026-05-01"]


def test_a_partition_key_may_say_more_than_the_day() -> None:
    assert days(run_of(partition_key="2026-05-01T00:00:00")) == ["2026-05-01"]
    assert days(run_of(partition_key="2026-05-01|site-a")) == ["2026-05-01"]


def test_a_partition_key_that_is_no_day_does_not_count() -> None:
    assert days(run_of(partition_key="site-a", interval=INTERVAL, logical_date="2026-05-01")) == [
        "2026-05-01"
    ]


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


def test_days_are_those_of_the_dags_time_zone() -> None:
    # Midnight to midnight in Berlin, in summer.
    interval = ("2026-04-30T22:00", "2026-05-01T22:00")
    context = run_of(logical_date="2026-04-30T22:00", interval=interval, zone=BERLIN)
    assert days(context) == ["2026-05-01"]
    assert days(run_of(logical_date="2026-04-30T22:30", zone=BERLIN)) == ["2026-05-01"]
    assert days(run_of(run_after="2026-04-30T22:30", zone=BERLIN)) == ["2026-04-30"]


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
    assert str(window) == "2026-05-01T00:00:00+00:00 to 2026-05-02T00:00:00+00:00"


WINDOW = Window(start=moment("2026-05-01"), end=moment("2026-05-03"))


@pytest.mark.parametrize(
    ("pattern", "prefixes"),
    [
        ("site=*/dt={date}/", ["site=*/dt=2026-05-01/", "site=*/dt=2026-05-02/"]),
        ("{date:%Y/%m/%d}/", ["2026/05/01/", "2026/05/02/"]),
        ("{date:%Y}/{date:%j}/", ["2026/121/", "2026/122/"]),
        ("month={date:%Y-%m}/", ["month=2026-05/"]),
        ("everything/", ["everything/"]),
        ("", [""]),
        ("a literal { brace", ["a literal { brace"]),
    ],
)
def test_a_pattern_gives_one_prefix_for_each_day(pattern: str, prefixes: list[str]) -> None:
    assert prefixes_of(pattern, WINDOW) == prefixes


@pytest.mark.parametrize("pattern", ["dt={ds}/", "{day}/", "{date}/{site}/", "{data_interval_start}/"])
def test_another_placeholder_is_refused_with_those_that_are_known(pattern: str) -> None:
    with pytest.raises(EncordInputError, match=r"has the placeholder '\{.*only \{date\} and"):
        prefixes_of(pattern, WINDOW)


def test_a_backfill_refuses_a_day_that_all_its_runs_would_share() -> None:
    context = run_of(logical_date="2026-05-02", interval=INTERVAL, run_type="backfill")
    with pytest.raises(EncordInputError, match=r"'2026-04-30'.*backfill"):
        run_window(context, day="2026-04-30")
    assert days(context) == ["2026-05-01"]
