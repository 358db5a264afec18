"""The README's examples do what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from demo.services import ROOT
from tests.helpers.dags import read_dags

_README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", _README, re.MULTILINE | re.DOTALL)


def test_the_first_dag_imports_and_has_the_four_steps(tmp_path: Path) -> None:
    (example,) = _blocks("python")
    (tmp_path / "harbour_cameras.py").write_text(example)
    dags = read_dags(tmp_path, bundle_name="readme")
    steps = ["import_data", "build_spec", "patch_metadata", "set_schema"]
    assert sorted(dags["harbour_cameras"].task_ids) == sorted(f"import_from_s3.{step}" for step in steps)


def test_the_connection_without_the_web_ui_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import Connection

    (setting,) = re.findall(r"^export (AIRFLOW_CONN_\w+)='(.*)'$", _README, re.MULTILINE)
    monkeypatch.setenv(*setting)
    connection = Connection.get("encord_default")
    assert (connection.conn_type, connection.extra_dejson) == ("encord", json.loads(setting[1])["extra"])


def test_pictures_and_pages_that_it_links_to_exist() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", _README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
