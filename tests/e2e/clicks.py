"""What a user clicks in Airflow's web UI."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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


def choose_days(page: Page, form: Locator, days: Sequence[date], *, reprocess: str = "Missing Runs") -> None:
    """Choose a backfill in a DAG's form, from the first to the last of some days.

    :param reprocess: the choice of which days are run that were run before.
    """
    form.get_by_text(BACKFILL, exact=True).click()
    form.get_by_text("Date Range").wait_for()
    form.get_by_text(reprocess, exact=True).click()
    for day in (days[0], days[-1]):
        form.get_by_text("Select date and time").first.click()
        page.get_by_placeholder("YYYY/MM/DD").last.fill(f"{day:%Y/%m/%d}")
        page.keyboard.press("Enter")
        form.get_by_text("Date Range").click()
    form.get_by_text(f"{len(days)} runs will be triggered").wait_for()


def run_backfill(
    page: Page, airflow: Airflow, days: Sequence[date], *, reprocess: str = "Missing Runs"
) -> None:
    """Backfill some days with the bundled DAG, two at a time, as ``make ui`` tells; nothing else is filled in.

    :param reprocess: the choice of which days are run that were run before.
    """
    airflow.wait_for(
        lambda: all(one["completed_at"] for one in _backfills(airflow)),
        "the last backfill to be over",
        seconds=90,
    )
    form = open_form(page, airflow, DAG_ID)
    choose_days(page, form, days, reprocess=reprocess)
    form.get_by_text(MAX_ACTIVE_RUNS).wait_for()
    form.get_by_role("spinbutton").fill("2")
    button = form.get_by_role("button", name=RUN_BACKFILL)
    wait_until_enabled(page, button)
    press(page, button, lambda call: call.url.endswith("/api/v2/backfills"))
    form.wait_for(state="hidden")


def _backfills(airflow: Airflow) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = airflow.call("GET", "backfills", params={"dag_id": DAG_ID})["backfills"]
    return listed


def open_task(page: Page, airflow: Airflow, task: str) -> None:
    """Open the page of a task instance.

    :param task: its path in the REST API.
    """
    _, dag_id, _, run_id, _, task_id = task.split("/")
    page.goto(f"{airflow.url}/dags/{dag_id}/runs/{quote(run_id, safe='')}/tasks/{task_id}")


def mark_failed(page: Page, airflow: Airflow, task: str) -> None:
    """Mark a task instance as failed, on its page."""
    open_task(page, airflow, task)
    page.get_by_role("button", name="Mark Task Instance as").click()
    page.get_by_role("menuitem", name="Failed").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("row").filter(has_text=task.rpartition("/")[2]).wait_for()
    confirm = dialog.get_by_role("button", name="Confirm")
    press(page, confirm, lambda call: call.method == "PATCH" and "/taskInstances/" in call.url)
    dialog.wait_for(state="hidden")


def clear(page: Page, airflow: Airflow, task: str) -> None:
    """Clear a task instance, on its page."""
    open_task(page, airflow, task)
    page.get_by_role("button", name="to clear").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("row").filter(has_text=task.rpartition("/")[2]).wait_for()
    confirm = dialog.get_by_role("button", name="Confirm")
    press(
        page,
        confirm,
        lambda call: call.url.endswith("/clearTaskInstances") and '"dry_run":false' in (call.post_data or ""),
    )
    dialog.wait_for(state="hidden")
