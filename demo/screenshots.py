"""The two pictures of the README: the emulator's page and the DAG's grid, after three days were imported."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from demo.backfill import backfill
from demo.bucket import DAYS
from demo.services import DAG_ID, ROOT
from demo.ui import open_demo

if TYPE_CHECKING:
    from playwright.sync_api import Page

_IMAGES = ROOT / "docs" / "images"
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
        _save(page, "emulator.png")
        page.set_viewport_size({"width": 1400, "height": 800})
        page.goto(f"{airflow.url}/dags/{DAG_ID}/runs/{runs[-1]['dag_run_id']}")
        _save(page, "grid.png")
        browser.close()
    return 0


def _save(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=_IMAGES / name)
    print(f"docs/images/{name}")
