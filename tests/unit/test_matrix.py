"""``make matrix``: what it reads from pytest, what it writes into the page, and when it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.matrix import load_matrix

TESTS = """
import pytest

def test_good(): pass
def test_bad(): assert False
@pytest.mark.skip(reason="Airflow 9 is the first with wings")
def test_left_out(): pass
@pytest.fixture
def broken(): raise OSError
def test_error(broken): pass
"""


@pytest.fixture
def matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script on a machine that has uv and no Python."""
    module = load_matrix()
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\nexit 1\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(uv.parent))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(module, "HOME", tmp_path / "matrix")
    return module


@pytest.fixture
def page(matrix: Any, tmp_path: Path) -> Path:
    path = tmp_path / "versions.md"
    path.write_text(f"# Versions\n\n{matrix.BEGIN}\n{matrix.END}\n\nThe end.\n")
    return path


def test_the_figures_and_what_was_left_out_are_read_from_pytest(matrix: Any, tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    report = tmp_path / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
        "test_some.py",
    ]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    outcome = matrix.outcome_of(report, seconds=3, day="2026-05-01")
    assert (outcome.passed, outcome.failed, outcome.skipped) == ("1", "2", "1")
    assert (outcome.seconds, outcome.remark) == ("3", "Airflow 9 is the first with wings")
    assert not outcome.is_good


@pytest.mark.parametrize("text", [None, "", "<testsuites><testsuite tests='1'"])
def test_tests_that_ended_without_a_whole_report_have_failed(
    matrix: Any, tmp_path: Path, text: str | None
) -> None:
    report = tmp_path / "cell.xml"
    if text is not None:
        report.write_text(text)
    outcome = matrix.outcome_of(report, seconds=3, day="2026-05-01")
    assert not outcome.is_good
    assert "cell.log" in outcome.remark


def test_no_tests_at_all_are_not_good(matrix: Any) -> None:
    assert not matrix.Outcome(passed="0", failed="0").is_good


def test_what_ran_goes_into_the_page_beside_what_is_there(matrix: Any, page: Path) -> None:
    cells = [matrix.Cell(name=name, python="3.11", constraints=page) for name in ("a", "b", "c")]
    good = matrix.Outcome(passed="5", failed="0", skipped="1", seconds="9", day="2026-05-01", remark="x | y")
    not_here = matrix.Outcome(remark="not run: no Python 3.11 here")
    matrix.write(page, cells, {"a": good, "b": not_here})
    # A machine without that Python takes no figures away.
    matrix.write(page, cells[:2], {"a": not_here})
    rows = matrix.known_rows(page.read_text())
    assert list(rows) == ["a", "b"]
    assert rows["a"] == matrix.Outcome(**{**vars(good), "remark": "x / y"})
    assert rows["b"].remark == "not run: no Python 3.11 here"
    # What failed before it had figures does.
    matrix.write(page, cells[:2], {"a": matrix.Outcome(failed="all", remark="no environment")})
    assert matrix.known_rows(page.read_text())["a"].failed == "all"
    assert page.read_text().startswith("# Versions\n")
    assert page.read_text().endswith("\n\nThe end.\n")


def test_a_cell_asked_for_by_name_has_to_run(matrix: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix.main(["--cells", "3.1.8-3.11"]) == 1
    assert "no Python 3.11 here" in capsys.readouterr().out
    assert matrix.main([]) == 1


def test_a_cell_that_there_is_not_is_named(matrix: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        matrix.main(["--cells", "3.1.8-3.11,2.9-3.8"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "2.9-3.8" in said
    assert "lowest" in said


@pytest.mark.parametrize(("failed", "code"), [("0", 0), ("1", 1), ("all", 1)])
def test_a_failure_in_one_cell_is_a_failure(
    matrix: Any, monkeypatch: pytest.MonkeyPatch, failed: str, code: int
) -> None:
    bad = matrix.Outcome(passed="5", failed=failed, day="2026-05-01")
    good = matrix.Outcome(passed="5", failed="0", day="2026-05-01")
    monkeypatch.setattr(matrix, "run", lambda cell, **rest: bad if cell.name == "lowest" else good)
    assert matrix.main([]) == code


def test_an_environment_that_cannot_be_made_is_a_failure(
    matrix: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "interpreter", lambda version: sys.executable)
    assert matrix.main(["--cells", "lowest"]) == 1
    assert "no environment" in capsys.readouterr().out
