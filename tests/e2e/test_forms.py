"""The forms of the bundled DAGs in a real browser, as they open, with nothing optional filled in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

from demo.services import DAG_ID
from tests.e2e.clicks import RUN_BACKFILL, TRIGGER, choose_days, open_form, press, wait_until_enabled
from tests.e2e.conftest import Stack
from tests.helpers.browser import browser_page, picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

BUNDLED = ("encord_s3_import", "encord_spec_import", "encord_metadata_sync", "encord_s3_to_project")
LAST_SECTION = "Workspace and connections"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser_page() as page:
        yield page


@pytest.mark.parametrize("dag_id", BUNDLED)
def test_a_bundled_dag_starts_from_its_form_as_it_opens(page: Page, stack: Stack, dag_id: str) -> None:
    form = open_form(page, stack.airflow, dag_id)
    trigger = form.get_by_role("button", name=TRIGGER, exact=True)
    wait_until_enabled(page, trigger)
    picture(page, f"form_{dag_id}", height=1100)
    # What is rarely needed is a click away.
    connection = form.locator('[name="element_encord_conn_id"]')
    assert not connection.is_visible()
    form.get_by_role("button", name=LAST_SECTION).click()
    connection.wait_for()
    was_paused = stack.airflow.call("GET", f"dags/{dag_id}")["is_paused"]
    answer = press(page, trigger, lambda call: call.url.endswith(f"/dags/{dag_id}/dagRuns"))
    run = answer.json()
    # Nothing was filled in, so that every parameter with a fallback is absent: it comes from the Variable.
    given = {name: value for name, value in run["conf"].items() if value not in (None, {})}
    assert set(given) <= {"media", "encord_conn_id", "aws_conn_id"}
    # All is left as it was found: the run, or the DAG's schedule, would go on beside the other tests.
    stack.airflow.pause(dag_id, was_paused)
    path = f"dags/{dag_id}/dagRuns/{run['dag_run_id']}"
    stack.airflow.call("PATCH", path, json={"state": "failed"})
    stack.airflow.call("DELETE", path)


def test_the_backfill_dialog_takes_a_range_of_days_and_nothing_else(page: Page, stack: Stack) -> None:
    form = open_form(page, stack.airflow, DAG_ID)
    choose_days(page, form, [date(2025, 1, 1), date(2025, 1, 2)])
    wait_until_enabled(page, form.get_by_role("button", name=RUN_BACKFILL))
    picture(page, "backfill", height=1100)
