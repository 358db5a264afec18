#!/usr/bin/env python3
"""Run the unit, docs and integration tests on every tested combination of versions, each in its own environment.

A file of ``constraints/`` is a cell: ``airflow-3.1.8-py3.11.txt`` is the cell ``3.1.8-3.11``, ``lowest-py3.11.txt``
(the lowest versions that ``pyproject.toml`` allows) is ``lowest``. The environments lie below ``.matrix/``, and so
does what the tests said. It ends with 1 if a test failed, or if a cell that was asked for by name could not be run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".matrix"
TESTS = ("tests/unit", "tests/docs", "tests/integration")
COLUMNS = ("cell", "passed", "failed", "skipped", "seconds", "day", "remark")
BEGIN, END = "<!-- make matrix: begin -->", "<!-- make matrix: end -->"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A combination of versions, as its constraints pin them."""

    name: str
    python: str
    constraints: Path

    @property
    def airflow(self) -> str:
        """The pinned version of Airflow."""
        found = re.search(r"^apache-airflow==(\S+)$", self.constraints.read_text(), re.MULTILINE)
        if not found:
            raise SystemExit(f"{self.constraints} pins no apache-airflow")
        return found.group(1)

    def fingerprint(self) -> str:
        """Tell one state of what an environment is made from from another."""
        made_from = self.constraints.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
        return hashlib.sha256(made_from).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A row of the table; without figures if the tests did not run."""

    passed: str = ""
    failed: str = ""
    skipped: str = ""
    seconds: str = ""
    day: str = ""
    remark: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the tests ran and all of them held."""
        return self.failed == "0" and self.passed not in ("", "0")


def cells(folder: Path) -> list[Cell]:
    """Give a cell for each file of constraints."""
    found = []
    for path in folder.glob("*.txt"):
        name = re.fullmatch(r"(?:airflow-(?P<airflow>.+)|(?P<word>\w+))-py(?P<python>[\d.]+)", path.stem)
        if not name:
            raise SystemExit(f"{path} is named neither airflow-VERSION-pyVERSION.txt nor WORD-pyVERSION.txt")
        airflow, word, python = name.group("airflow", "word", "python")
        found.append(Cell(name=word or f"{airflow}-{python}", python=python, constraints=path))
    return sorted(found, key=lambda cell: [int(part) for part in re.findall(r"\d+", cell.name)])


def interpreter(version: str) -> str | None:
    """Find a Python of this version: on PATH, or among pyenv's, whose names on PATH work only for some of them."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = shutil.which(f"python{version}")
    candidates = [*([on_path] if on_path else []), *map(str, pyenv.glob(f"versions/{version}.*/bin/python"))]
    for candidate in candidates:
        asked = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.strip() == version:
            return candidate
    return None


def make_environment(cell: Cell, python: str, uv: str) -> str:
    """Make the cell's environment, or keep one that was made from the same; give its Python."""
    home = HOME / cell.name
    ready, inside = home / "ready", str(home / "bin" / "python")
    if ready.exists() and ready.read_text() == cell.fingerprint():
        return inside
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([uv, "venv", "--quiet", "--python", python, home], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", inside, "--compile-bytecode"]
    wanted = [f"apache-airflow=={cell.airflow}", "--editable", ".[emulator]", "--group", "test"]
    subprocess.run([*install, "--constraint", str(cell.constraints), *wanted], cwd=ROOT, check=True)
    ready.write_text(cell.fingerprint())
    return inside


def run(cell: Cell, *, uv: str, workers: str) -> Outcome:
    """Run the tests in the cell's environment."""
    python = interpreter(cell.python)
    if not python:
        return Outcome(remark=f"not run: no Python {cell.python} here")
    report, log = HOME / f"{cell.name}.xml", HOME / f"{cell.name}.log"
    report.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    try:
        inside = make_environment(cell, python, uv)
    except subprocess.CalledProcessError as error:
        return Outcome(failed="all", remark=f"no environment: {uv} ended with {error.returncode}")
    command = [inside, "-m", "pytest", "--verbose", "--numprocesses", workers, "--dist", "loadfile"]
    began = time.monotonic()
    with log.open("wb") as said:
        ended = subprocess.run(
            [*command, f"--junitxml={report}", *TESTS],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{Path(inside).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,
        )
    seconds = round(time.monotonic() - began)
    outcome = outcome_of(report, seconds=seconds, day=datetime.now(UTC).date().isoformat())
    # 1 is "some tests failed"; anything else is an end before the end, whose figures are not those of the cell.
    if ended.returncode not in (0, 1) or (ended.returncode and outcome.is_good):
        return Outcome(
            failed="all", remark=f"pytest ended with {ended.returncode}: see {log.relative_to(ROOT)}"
        )
    return outcome


def outcome_of(report: Path, *, seconds: int, day: str) -> Outcome:
    """Read the figures from pytest's report (JUnit XML); the remark says what was left out."""
    try:
        root = ElementTree.parse(report).getroot()
    except (FileNotFoundError, ElementTree.ParseError):
        return Outcome(failed="all", remark=f"pytest wrote no whole report: see .matrix/{report.stem}.log")
    count = {
        name: sum(int(suite.attrib[name]) for suite in root.iter("testsuite"))
        for name in ("tests", "failures", "errors", "skipped")
    }
    failed = count["failures"] + count["errors"]
    reasons = sorted({skip.attrib.get("message", "") for skip in root.iter("skipped")})
    return Outcome(
        passed=str(count["tests"] - failed - count["skipped"]),
        failed=str(failed),
        skipped=str(count["skipped"]),
        seconds=str(seconds),
        day=day,
        remark="; ".join(reasons),
    )


def table(rows: Sequence[tuple[Cell, Outcome]]) -> str:
    """Write the outcomes as a Markdown table."""
    lines = [" | ".join(COLUMNS), "---|---|---|---|---|---|---"]
    for cell, outcome in rows:
        remark = outcome.remark.replace("|", "/")
        figures = (outcome.passed, outcome.failed, outcome.skipped, outcome.seconds, outcome.day)
        lines.append(" | ".join((cell.name, *figures, remark)))
    return "\n".join(f"| {line} |" if " | " in line else f"|{line}|" for line in lines)


def known_rows(text: str) -> dict[str, Outcome]:
    """Read the table of a page back: the name of a cell -> its row."""
    rows = {}
    for line in text.partition(BEGIN)[2].partition(END)[0].splitlines():
        values = [value.strip() for value in line.strip().strip("|").split("|")]
        if len(values) == len(COLUMNS) and values[0] != COLUMNS[0] and set(values[0]) != {"-"}:
            name, passed, failed, skipped, seconds, day, remark = values
            rows[name] = Outcome(
                passed=passed, failed=failed, skipped=skipped, seconds=seconds, day=day, remark=remark
            )
    return rows


def write(page: Path, every: Sequence[Cell], outcomes: dict[str, Outcome]) -> None:
    """Put the outcomes into the page, beside those that it has of the cells that did not run now."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{page} has no lines {BEGIN} and {END}")
    known = known_rows(text)
    rows = []
    for cell in every:
        outcome = outcomes.get(cell.name, Outcome(remark="not run yet"))
        rows.append((cell, outcome if outcome.failed else known.get(cell.name, outcome)))
    page.write_text(f"{before}{begin}\n{table(rows)}\n{end}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cells that were asked for, one after the other."""
    every = cells(ROOT / "constraints")
    names = [cell.name for cell in every]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", help=f"some of: {','.join(names)}", metavar="CELL,...")
    parser.add_argument("--list", action="store_true", help="only say which cells there are")
    parser.add_argument("--workers", default="auto", help="how many tests run at a time in a cell")
    parser.add_argument("--write", type=Path, help="put the table into this page, between its marks")
    given = parser.parse_args(arguments)
    if given.list:
        print("\n".join(names))
        return 0
    asked = given.cells.split(",") if given.cells else names
    if unknown := sorted(set(asked) - set(names)):
        parser.error(f"no cell {', '.join(unknown)}; there are {', '.join(names)}")
    uv = shutil.which("uv")
    if not uv:
        parser.error("uv is not on PATH; `make matrix` brings it along")

    HOME.mkdir(exist_ok=True)
    outcomes: dict[str, Outcome] = {}
    chosen = [cell for cell in every if cell.name in asked]
    for cell in chosen:
        print(f"{cell.name}: Airflow {cell.airflow} on Python {cell.python}", flush=True)
        outcome = outcomes[cell.name] = run(cell, uv=uv, workers=given.workers)
        if outcome.failed not in ("", "0"):
            said = HOME / f"{cell.name}.log"
            print(said.read_text(errors="replace")[-4000:] if said.exists() else outcome.remark, flush=True)
        if given.write:
            write(given.write, every, outcomes)
    print(table([(cell, outcomes[cell.name]) for cell in chosen]))

    ran = [outcome for outcome in outcomes.values() if outcome.failed]
    must_run = len(asked) if given.cells else 1
    return 0 if len(ran) >= must_run and all(outcome.is_good for outcome in ran) else 1


if __name__ == "__main__":
    sys.exit(main())
