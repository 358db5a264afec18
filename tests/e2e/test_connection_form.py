"""The connection form as Airflow's web UI gets it, compared with what the README promises."""

from __future__ import annotations

import re

import requests

from demo.services import ROOT
from tests.e2e.conftest import Stack


def test_the_form_shows_the_fields_of_the_readme(stack: Stack) -> None:
    answer = requests.get(f"{stack.airflow.url}/ui/connections/hook_meta", timeout=30)
    answer.raise_for_status()
    (form,) = [each for each in answer.json() if each["connection_type"] == "encord"]
    shown = {name: field["schema"]["title"] for name, field in form["extra_fields"].items()}
    rows = re.findall(r"^\| ([^|]+?) \| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {name: label for label, name in rows} == shown
    assert form["hook_name"] == "Encord"
