"""The connection form in Airflow's web UI: what the README promises, and a connection that a user adds and edits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import airflow
import pytest
import requests
from packaging.version import Version

from demo.services import ROOT
from tests.e2e.clicks import press
from tests.e2e.conftest import Stack
from tests.helpers.browser import browser_page, picture

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ADDED = "encord_clicked"
CALLED = f"/api/v2/connections/{ADDED}"


def test_the_form_shows_the_fields_of_the_readme(stack: Stack) -> None:
    answer = requests.get(f"{stack.airflow.url}/ui/connections/hook_meta", timeout=30)
    answer.raise_for_status()
    (form,) = [each for each in answer.json() if each["connection_type"] == "encord"]
    shown = {name: field["schema"]["title"] for name, field in form["extra_fields"].items()}
    rows = re.findall(r"^\| ([^|]+?) \| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {name: label for label, name in rows} == shown
    assert form["hook_name"] == "Encord"


class TestAddedConnection:
    """The tests of this class follow one another, as the clicks of a user do."""

    @pytest.fixture(scope="class")
    def page(self, stack: Stack) -> Iterator[Page]:
        """The page of the connections, with one that was added there."""
        with browser_page() as page:
            page.goto(f"{stack.airflow.url}/connections")
            page.get_by_role("button", name="Add Connection").click()
            form = page.get_by_role("dialog")
            form.get_by_label("Connection ID").fill(ADDED)
            form.get_by_role("combobox", name="Connection Type").click()
            page.keyboard.type("Encord")
            page.get_by_role("option", name="Encord", exact=True).click()
            _open_extra_fields(form)
            _field(form, "private_key").fill(stack.second.connection["extra"]["private_key"])
            _field(form, "domain").fill(stack.second.url)
            _field(form, "integration").fill("AWS S3")
            save = form.get_by_role("button", name="Save")
            press(page, save, lambda call: call.method == "POST" and call.url.endswith("/connections"))
            form.wait_for(state="hidden")
            try:
                yield page
            finally:
                stack.airflow.call("DELETE", f"connections/{ADDED}")

    def test_it_connects(self, page: Page, stack: Stack) -> None:
        assert "with the Ed25519 key" in _tested(stack)

    def test_its_secrets_are_shown_masked_and_survive_an_edit(self, page: Page, stack: Stack) -> None:
        _row(page).get_by_role("button", name="Edit Connection").click()
        form = page.get_by_role("dialog")
        _open_extra_fields(form)
        assert _field(form, "private_key").input_value() == "***"
        picture(page, "connection", height=1000)
        assert _field(form, "domain").input_value() == stack.second.url
        lines = stack.second.connection["extra"]["private_key"].splitlines()
        assert [line for line in lines[1:-1] if line in page.content()] == []
        _field(form, "integration").fill("Google Cloud Storage")
        save = form.get_by_role("button", name="Save")
        press(page, save, lambda call: call.method == "PATCH" and CALLED in call.url)
        form.wait_for(state="hidden")
        assert "Google Cloud Storage" in stack.airflow.call("GET", f"connections/{ADDED}")["extra"]
        assert "with the Ed25519 key" in _tested(stack)

    @pytest.mark.xfail(
        Version(airflow.__version__) <= Version("3.3.2"),
        reason="Airflow's button sends port 0 for a connection without a port, and refuses that",
        strict=True,
    )
    def test_the_button_tests_it(self, page: Page) -> None:
        test = _row(page).get_by_role("button", name="Test Connection")
        answer = press(page, test, lambda call: call.url.endswith("/connections/test"))
        assert "with the Ed25519 key" in answer.json()["message"]


def _row(page: Page) -> Locator:
    return page.get_by_role("row").filter(has_text=ADDED)


def _field(form: Locator, name: str) -> Locator:
    return form.locator(f'[name="element_{name}"]')


def _open_extra_fields(form: Locator) -> None:
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    _field(form, "domain").wait_for()


def _tested(stack: Stack) -> str:
    """What the test of the stored connection says; the call is that of the button, without its port."""
    answer = stack.airflow.call(
        "POST", "connections/test", json={"connection_id": ADDED, "conn_type": "encord"}
    )
    return str(answer["message"])
