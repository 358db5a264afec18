"""The forms of the bundled DAGs in a real browser, as they open, with nothing optional filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from demo.services import DAG_ID
from tests.e2e.conftest import Stack
from tests.helpers.browser import browser_page

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

BUNDLED = ("encord_s3_import", "encord_spec_import", "encord_metadata_sync")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser_page() as page:
        yield page


def open_form(page: Page, stack: Stack, dag_id: str) -> Locator:
    stack.airflow.wait_for_dag(dag_id)
    page.goto(f"{stack.airflow.url}/dags/{dag_id}")
    page.get_by_test_id("trigger-dag-button").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Run Parameters").wait_for()
    return form


@pytest.mark.parametrize("dag_id", BUNDLED)
def test_a_bundled_dag_starts_from_its_form_as_it_opens(page: Page, stack: Stack, dag_id: str) -> None:
    form = open_form(page, stack, dag_id)
    trigger = form.get_by_role("button", name="Trigger", exact=True)
    page.wait_for_function("button => !button.disabled", arg=trigger.element_handle(), timeout=10_000)
    with page.expect_response(lambda answer: answer.url.endswith(f"/dags/{dag_id}/dagRuns")) as answered:
        trigger.click()
    answer = answered.value
    assert answer.ok, answer.text()
    run = answer.json()
    # Nothing was filled in, so that every parameter with a fallback is absent: it comes from the Variable.
    given = {name: value for name, value in run["conf"].items() if value not in (None, {})}
    assert set(given) <= {"media", "encord_conn_id", "aws_conn_id"}
    stack.airflow.call("DELETE", f"dags/{dag_id}/dagRuns/{run['dag_run_id']}")


def test_the_backfill_dialog_takes_a_range_of_days_and_nothing_else(page: Page, stack: Stack) -> None:
    form = open_form(page, stack, DAG_ID)
    form.get_by_text("Backfill", exact=True).click()
    form.get_by_text("Date Range").wait_for()
    for day in ("2025/01/01", "2025/01/02"):
        form.get_by_text("Select date and time").first.click()
        page.get_by_placeholder("YYYY/MM/DD").last.fill(day)
        page.keyboard.press("Enter")
        form.get_by_text("Date Range").click()
    form.get_by_text("2 runs will be triggered").wait_for()
    page.wait_for_function(
        "button => !button.disabled",
        arg=form.get_by_role("button", name="Run Backfill").element_handle(),
        timeout=10_000,
    )
