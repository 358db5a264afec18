"""What a user clicks when a run has ended: the buttons of its tasks, the import report, the page "Encord imports"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from demo.services import DAG_ID
from tests.e2e.conftest import Backfill, Stack
from tests.helpers.browser import browser_page, picture

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def page(stack: Stack) -> Iterator[Page]:
    with browser_page() as page:
        page.goto(stack.airflow.url)
        page.get_by_role("button", name="Browse").wait_for()
        yield page


@pytest.fixture
def run(first_backfill: Backfill) -> dict[str, Any]:
    return first_backfill.runs[0]


def _task(stack: Stack, run: dict[str, Any], task_id: str) -> str:
    return f"{stack.airflow.url}/dags/{DAG_ID}/runs/{quote(run['dag_run_id'], safe='')}/tasks/import.{task_id}/details"


def test_the_buttons_of_the_import_lead_to_what_it_did(page: Page, stack: Stack, run: dict[str, Any]) -> None:
    page.goto(_task(stack, run, "import_data"))
    with page.expect_popup() as folder:
        page.get_by_role("link", name="Encord folder").click()
    folder.value.locator("#folder-info", has_text=re.compile(r"[1-9][0-9]* items")).wait_for()
    with page.expect_popup() as jobs:
        page.get_by_role("link", name="Upload jobs").click()
    jobs.value.get_by_text(re.compile(r"[0-9]+ done, 0 failed")).first.wait_for()
    folder.value.close()
    jobs.value.close()


def test_the_note_of_the_run_says_what_was_done(run: dict[str, Any]) -> None:
    assert "23 registered" in run["note"]
    assert run["note"].count("\n") == 3, "a line for each task"


def test_the_report_opens_from_the_task_and_holds_the_whole_run(
    page: Page, stack: Stack, run: dict[str, Any]
) -> None:
    page.goto(_task(stack, run, "import_data"))
    page.get_by_role("link", name="Import report").click()
    page.wait_for_url("**/encord/report?**")
    report = page
    for title in ("Upload spec", "Import", "Client metadata"):
        report.get_by_role("heading", name=title, exact=False).first.wait_for()
    picture(report, "report", height=912)
    search = report.get_by_label("Search Objects left out")
    search.fill("no object is called like this")
    assert report.locator("section", has=search).locator("tbody tr:visible").count() == 0


def test_the_page_lists_the_runs_newest_first_and_leads_to_their_reports(
    page: Page, stack: Stack, first_backfill: Backfill
) -> None:
    page.goto(f"{stack.airflow.url}/encord/")
    page.get_by_role("link", name="Import report").first.wait_for()
    listed = page.locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert {run["dag_run_id"] for run in first_backfill.runs} <= set(listed)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Import report").first.click()
    opened.value.get_by_role("heading", name="Import report").wait_for()
    opened.value.close()


def test_the_page_stands_in_airflows_navigation(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.airflow.url}/plugin/encord-imports")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Import report").first.wait_for()
    picture(page, "imports", height=420)
    page.goto(stack.airflow.url)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Encord imports").or_(
        page.get_by_role("link", name="Encord imports")
    ).first.wait_for()
