"""The two pictures of the README: the emulator's page and the DAG's grid, after three days were imported."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from demo.backfill import backfill
from demo.bucket import DAYS, expected_items, plan
from demo.services import DAG_ID, ROOT
from demo.ui import open_demo

if TYPE_CHECKING:
    from playwright.sync_api import Page

_IMAGES = ROOT / "docs" / "images"
# Airflow marks a backfill complete up to half a minute after its last run.
_BACKFILL_MARKED_MS = 60_000
_GRID_WIDTH = 480
_CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")


def take() -> int:
    """Import the three days with the whole of Airflow and take both pictures into ``docs/images/``."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("Chromium is needed: apt-get install chromium")
        return 1
    _IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        open_demo(ROOT / ".demo" / "screenshots") as (running, airflow, params),
        sync_playwright() as playwright,
    ):
        runs = backfill(airflow, DAG_ID, DAYS[0], DAYS[-1], params=params)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 1330})
        page.goto(running.encord_url)
        page.get_by_placeholder("part of a name").fill(f"dt={DAYS[0]}")
        expected = sum(item.day == DAYS[0] for item in expected_items(plan()))
        page.wait_for_function("n => document.querySelectorAll('#items > *').length === n", arg=expected)
        page.wait_for_function(
            "document.images.length && [...document.images].every(image => image.complete && image.naturalWidth)"
        )
        _save(page, "emulator.png")

        page.set_viewport_size({"width": 1400, "height": 720})
        page.goto(f"{airflow.url}/dags/{DAG_ID}/runs/{runs[-1]['dag_run_id']}")
        page.get_by_text("Backfill in progress").wait_for(state="hidden", timeout=_BACKFILL_MARKED_MS)
        page.get_by_test_id("expand-all-button").click()
        page.get_by_text("patch_metadata", exact=True).wait_for()
        _widen_grid(page)
        _save(page, "grid.png")
        browser.close()
    return 0


def _widen_grid(page: Page) -> None:
    box = page.locator("[data-panel-resize-handle-id]").first.bounding_box()
    if box is None:
        raise LookupError("Airflow's page has no handle between the grid and the details")
    page.mouse.move(box["x"] + 1, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(_GRID_WIDTH, box["y"] + 40, steps=5)
    page.mouse.up()


def _save(page: Page, name: str) -> None:
    page.screenshot(path=_IMAGES / name)
    print(f"docs/images/{name}")
