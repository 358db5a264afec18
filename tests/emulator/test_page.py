"""The web page, in headless Chromium."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS
from tests.helpers.browser import wait_until

if TYPE_CHECKING:
    from encord.storage import StorageFolder
    from playwright.sync_api import Browser, Page

    from encord_provider.emulator.server import EncordEmulator

AWS = DEFAULT_INTEGRATIONS[0][0]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
QUIET_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("needs chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=list(SIZES))
def page(browser: Browser, s3_emulator: EncordEmulator, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that must not report an error nor ask anybody but the emulator."""
    page = browser.new_page(viewport=SIZES[request.param])
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    strangers: list[str] = []
    page.on(
        "request",
        lambda sent: None if sent.url.startswith((s3_emulator.url, "data:")) else strangers.append(sent.url),
    )
    yield page
    page.close()
    assert complaints == []
    assert strangers == []


def put_images(s3: Any, bucket: str, folder: StorageFolder, names: list[str]) -> None:
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=PIXEL, ContentType="image/png")
    images = [
        {"objectUrl": f"s3://{bucket}/{name}", "title": name, "clientMetadata": {"site": "oslo"}}
        for name in names
    ]
    job = folder.add_private_data_to_folder_start(AWS, {"images": images}, ignore_errors=True)
    folder.add_private_data_to_folder_get_result(job)


def test_gallery_shows_thumbnails_with_metadata_and_follows_changes(
    page: Page, s3: Any, bucket: str, s3_folder: StorageFolder, s3_emulator: EncordEmulator
) -> None:
    put_images(s3, bucket, s3_folder, ["a.png", "b.png"])

    page.goto(s3_emulator.url)

    page.get_by_text("b.png").wait_for()
    assert page.locator(".chip").first.inner_text() == "site: oslo"
    wait_until(page, "[...document.querySelectorAll('.card img')].every((image) => image.naturalWidth > 0)")
    put_images(s3, bucket, s3_folder, ["c.png"])
    page.get_by_text("c.png").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_job_shows_its_progress_and_can_be_cancelled(
    page: Page, s3_folder: StorageFolder, s3_emulator: EncordEmulator
) -> None:
    s3_emulator.inject_fault("job_stuck")
    job = s3_folder.add_private_data_to_folder_start(AWS, {"images": [{"objectUrl": "s3://none/a.png"}] * 4})
    page.goto(s3_emulator.url + "/#jobs")

    page.get_by_text("0 done, 0 failed, 4 pending, 0 cancelled of 4").wait_for()
    page.get_by_role("button", name="Cancel").click()

    page.get_by_text("0 done, 0 failed, 0 pending, 4 cancelled of 4").wait_for()
    assert s3_folder.add_private_data_to_folder_get_result(job, timeout_seconds=0).status.value == "CANCELLED"


def test_names_and_metadata_are_shown_as_text_and_never_run(
    page: Page, s3_folder: StorageFolder, s3_emulator: EncordEmulator, tmp_path: Path
) -> None:
    evil = "<img src=x onerror=alert(1)>.txt"
    note = tmp_path / "note.txt"
    note.write_text("hello", encoding="utf-8")
    s3_folder.upload_text(note, title=evil, client_metadata={"<b>": "<script>alert(1)</script>"})
    page.goto(s3_emulator.url)

    page.get_by_text(evil, exact=True).first.wait_for()


def test_datasets_collections_and_projects_are_shown(
    page: Page, s3_client: Any, s3_folder: StorageFolder, s3_emulator: EncordEmulator, tmp_path: Path
) -> None:
    from encord.orm.dataset import StorageLocation

    note = tmp_path / "note.txt"
    note.write_text("hello", encoding="utf-8")
    item = s3_folder.upload_text(note)
    page.goto(s3_emulator.url + "/#curation")
    page.get_by_text("No datasets, collections or projects yet.").wait_for()

    created = s3_client.create_dataset("Wipers", StorageLocation.AWS, create_backing_folder=False)
    s3_client.get_dataset(created.dataset_hash).link_items([item])
    s3_client.create_dataset("Mirror", StorageLocation.AWS)
    s3_client.create_collection(s3_folder.uuid, "Rain").add_items([item])
    s3_client.create_project("Night", [created.dataset_hash])

    page.get_by_text("Night", exact=True).wait_for()
    rows = [row.inner_text().split("\t") for row in page.locator("#curation-rows tr").all()]
    assert rows == [
        ["dataset", "Wipers", "", "1"],
        ["mirrored dataset", "Mirror", "Mirror", "0"],
        ["collection", "Rain", "Trucks", "1"],
        ["project", "Night", "Wipers", "1"],
    ]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_schema_and_requests_are_shown(page: Page, s3_client: Any, s3_emulator: EncordEmulator) -> None:
    schema = s3_client.metadata_schema()
    schema.add_enum("weather", values=["rain", "sun"])
    schema.save()

    page.goto(s3_emulator.url + "/#schema")
    page.get_by_text("rain, sun").wait_for()
    page.get_by_role("button", name="Requests").click()
    page.get_by_role("cell", name="set_metadata_schema").wait_for()


def test_folder_job_and_dataset_have_addresses(
    page: Page, s3: Any, bucket: str, s3_folder: StorageFolder, s3_emulator: EncordEmulator, s3_client: Any
) -> None:
    put_images(s3, bucket, s3_folder, ["one.png", "two.png"])
    put_images(s3, bucket, s3_folder, ["three.png"])
    from encord.orm.dataset import StorageLocation

    other = s3_client.create_storage_folder("other")
    dataset = s3_client.create_dataset("chosen", StorageLocation.AWS, create_backing_folder=False)
    job = s3_emulator.call(lambda store: str(list(store.jobs.all())[-1].uuid))
    page.goto(f"{s3_emulator.url}/#gallery/{other.uuid}")
    page.locator("#folder-info", has_text="0 items").wait_for()
    page.goto(f"{s3_emulator.url}/#gallery/{s3_folder.uuid}")
    page.locator("#folder-info", has_text="3 items").wait_for()
    page.goto(f"{s3_emulator.url}/#jobs/{job}")
    page.get_by_text("1 done, 0 failed").first.wait_for()
    wait_until(page, "document.querySelectorAll('.job').length === 1")
    page.get_by_role("button", name="Show all jobs").click()
    page.get_by_text("2 done, 0 failed").wait_for()
    page.goto(f"{s3_emulator.url}/#curation/{dataset.dataset_hash}")
    page.locator("tr.chosen").get_by_text("chosen").wait_for()
