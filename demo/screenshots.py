"""The two pictures of the README: the emulator's page and the DAG's grid, after three days were imported."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.backfill import backfill
from demo.bucket import DAYS
from demo.services import DAG_ID, ROOT
from demo.ui import open_demo

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
        backfill(airflow, DAG_ID, DAYS[0], DAYS[-1], params=params)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        for url, name in (
            (f"{running.encord_url}/", "emulator.png"),
            (f"{airflow.url}/dags/{DAG_ID}", "grid.png"),
        ):
            page.goto(url)
            page.wait_for_load_state("networkidle")
            _save(page.screenshot(), _IMAGES / name)
        browser.close()
    return 0


def _save(picture: bytes, path: Path) -> None:
    path.write_bytes(picture)
    print(path.relative_to(ROOT))
