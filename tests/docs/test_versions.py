"""The page of versions agrees with what is declared and with what is tested."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.helpers.matrix import ROOT, load_matrix

PAGE = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def matrix() -> Any:
    return load_matrix()


def test_each_combination_has_its_row_and_none_of_them_has_failures(matrix: Any) -> None:
    cells = matrix.cells(ROOT / "constraints")
    rows = matrix.known_rows(PAGE)
    assert list(rows) == [cell.name for cell in cells]
    for name, row in rows.items():
        assert row.is_good or (row.passed, row.failed) == ("", ""), name
        assert row.is_good or row.remark, name


def test_the_lowest_versions_on_the_page_are_those_that_the_package_declares(matrix: Any) -> None:
    shown = dict(re.findall(r"^\| `?([\w ]+?)`? \| ([\d.]+) \|", PAGE, re.MULTILINE))
    declared = dict(
        re.findall(r"^([\w-]+)(?:\[\w+\])?>=([\d.]+)$", "\n".join(PROJECT["dependencies"]), re.MULTILINE)
    )
    assert shown["Airflow"] == declared["apache-airflow"]
    assert shown["encord"] == declared["encord"]
    assert PROJECT["requires-python"].startswith(f">={shown['Python']},")
    (lowest,) = [cell for cell in matrix.cells(ROOT / "constraints") if cell.name == "lowest"]
    pinned = dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)$", lowest.constraints.read_text(), re.MULTILINE))
    # More than one thing may name a library; then the lowest is the highest of what they declare.
    assert {name: pinned[name] for name in ("apache-airflow", "encord", "pyyaml")} == {
        name: declared[name] for name in ("apache-airflow", "encord", "pyyaml")
    }
    for name, version in declared.items():
        assert Version(pinned[name]) >= Version(version), name


def test_every_python_of_the_matrix_is_one_that_the_package_allows(matrix: Any) -> None:
    allowed = SpecifierSet(PROJECT["requires-python"])
    pythons = {cell.python for cell in matrix.cells(ROOT / "constraints")}
    assert all(f"{python}.0" in allowed for python in pythons)
    named = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: Python :: 3." in line}
    assert named == pythons
