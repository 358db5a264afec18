"""A headless Chromium for the tests that click what the pages tell a user to click."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SIZE = {"width": 1400, "height": 1600}
_PICTURE_WIDTH = 1200


@contextmanager
def browser_page() -> Iterator[Page]:
    """Open a page in a browser of its own.

    :raises LookupError: if no Chromium is installed.
    """
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, _NAMES)), None)
    if chromium is None:
        raise LookupError("Chromium is needed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        try:
            yield browser.new_page(viewport=_SIZE)
        finally:
            browser.close()


def wait_until(page: Page, expression: str, *, seconds: float = 20) -> None:
    """Wait until JavaScript is true on a page whose policy forbids it to evaluate text, as Playwright's own wait does.

    :param expression: what is to be true.
    """
    give_up = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < give_up, f"never true: {expression}"
        page.wait_for_timeout(50)


def picture(page: Page, name: str, *, height: int = 800) -> None:
    """Leave a picture of what is clicked for the documentation, in the folder ``PICTURES`` if there is one.

    :param name: the name of the file, without its ending.
    :param height: in pixels.
    """
    if folder := os.environ.get("PICTURES"):
        page.set_viewport_size({"width": _PICTURE_WIDTH, "height": height})
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")
        page.set_viewport_size(_SIZE)
