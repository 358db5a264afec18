"""What a user clicks in Airflow's web UI."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from demo.services import DAG_ID
from demo.standalone import Airflow
from demo.ui import HOW_TO_BACKFILL

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request, Response

_ENABLED_MS = 10_000
_TRIES = 3
TRIGGER, BACKFILL, MAX_ACTIVE_RUNS, RUN_BACKFILL = re.findall(r'"([^"]+)"', HOW_TO_BACKFILL)


def open_form(page: Page, airflow: Airflow, dag_id: str) -> Locator:
    """Open the form of a DAG from its page."""
    airflow.wait_for_dag(dag_id)
    page.goto(f"{airflow.url}/dags/{dag_id}")
    page.get_by_test_id("trigger-dag-button").filter(has_text=TRIGGER).click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Run Parameters").wait_for()
    return form


def press(page: Page, button: Locator, calls: Callable[[Request], bool]) -> Response:
    """Press a button that calls Airflow, and give Airflow's answer.

    It is pressed again when nothing came of it, because the page was drawn anew at that moment.

    :param calls: whether a request is the one that the button makes.
    """
    from playwright.sync_api import TimeoutError as TooLate

    for _ in range(_TRIES):
        try:
            with page.expect_request(calls, timeout=_ENABLED_MS) as called:
                button.click()
        except TooLate:
            continue
        answer = called.value.response()
        assert answer is not None
        assert answer.ok, answer.text()
        return answer
    raise AssertionError(f"pressed {_TRIES} times, and nothing came of it")


def wait_until_enabled(page: Page, button: Locator) -> None:
    """Wait until a button can be clicked."""
    page.wait_for_function("button => !button.disabled", arg=button.element_handle(), timeout=_ENABLED_MS)


def choose_days(page: Page, form: Locator, days: Sequence[date]) -> None:
    """Choose a backfill in a DAG's form, from the first to the last of some days."""
    form.get_by_text(BACKFILL, exact=True).click()
    form.get_by_text("Date Range").wait_for()
    for day in (days[0], days[-1]):
        form.get_by_text("Select date and time").first.click()
        page.get_by_placeholder("YYYY/MM/DD").last.fill(f"{day:%Y/%m/%d}")
        page.keyboard.press("Enter")
        form.get_by_text("Date Range").click()
    form.get_by_text(f"{len(days)} runs will be triggered").wait_for()


def run_backfill(page: Page, airflow: Airflow, days: Sequence[date]) -> None:
    """Backfill some days with the bundled DAG, two at a time, as ``make ui`` tells; nothing else is filled in."""
    form = open_form(page, airflow, DAG_ID)
    choose_days(page, form, days)
    form.get_by_text(MAX_ACTIVE_RUNS).wait_for()
    form.get_by_role("spinbutton").fill("2")
    button = form.get_by_role("button", name=RUN_BACKFILL)
    wait_until_enabled(page, button)
    press(page, button, lambda call: call.url.endswith("/api/v2/backfills"))
    form.wait_for(state="hidden")
