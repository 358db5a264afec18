"""The page docs/coverage.md names a test for each statement, and every test that it names exists."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATES = ("shown", "emulated")


def rows() -> list[list[str]]:
    """The cells of every row of every table."""
    lines = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if row[0] != "Statement" and set(row[0]) != {"-"}]


@cache
def names_in(path: Path) -> set[str]:
    """The names of the tests in a file, as pytest gives them."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
    return {name for name in found if name.rpartition("::")[2].startswith("test_")}


def test_there_are_rows() -> None:
    assert len(rows()) > 50


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_each_row_names_tests_that_exist_and_a_state(row: list[str]) -> None:
    statement, named, state = row
    assert statement
    assert state.partition(";")[0] in STATES
    tests = [one.strip("`") for one in named.split("<br>")]
    for test in tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), path
        assert name in names_in(ROOT / path), test


def test_no_statement_has_two_rows() -> None:
    statements = [row[0] for row in rows()]
    assert len(set(statements)) == len(statements)
