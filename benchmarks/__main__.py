"""Run the benchmarks one by one and write what they print into a page of the documentation.

``python -m benchmarks [--only listing,imports_page] [--write docs/benchmarks.md] [--sizes 1000,10000]``. Every module
beside this one is a benchmark: it can be run alone, its first lines say what it measures, it takes ``--sizes``, prints
tables in Markdown, and exits with 1 if a result is wrong or a target is missed. Other options go to the benchmarks.
"""

from __future__ import annotations

import argparse
import ast
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent
VERSIONS = (
    "apache-airflow",
    "apache-airflow-providers-amazon",
    "boto3",
    "encord",
    "lxml",
    "orjson",
    "pyarrow",
)


def names() -> list[str]:
    """The benchmarks, in the order of their names."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def section(name: str, arguments: list[str]) -> tuple[str, bool]:
    """Run a benchmark; gives its section of the page, and whether all was as it must be."""
    about = (ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text())) or "").split("\n\n")[0]
    began = datetime.now(UTC)
    command = [sys.executable, str(FOLDER / f"{name}.py"), *arguments]
    done = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert done.stdout is not None
    lines = []
    for line in done.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    done.wait()
    seconds = (datetime.now(UTC) - began).total_seconds()
    verdict = "" if done.returncode == 0 else "\n**Not all was as it must be, see the figures.**\n"
    text = f"## {name}\n\n{about}\n\n{''.join(lines).strip()}\n{verdict}\nTook {seconds:.0f} s.\n"
    return text, done.returncode == 0


def machine() -> str:
    """Date, machine and versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = ", ".join(f"{one} {version(one)}" for one in VERSIONS)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({model or platform.machine()}), {memory:.0f} GB, "
        f"Python {platform.python_version()}; {versions}.\n"
    )


def main() -> int:
    """Run them and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(names()), help="names, by default all: %(default)s")
    parser.add_argument("--write", type=Path, help="the page whose figures are replaced")
    asked, arguments = parser.parse_known_args()
    sections, good = [f"## Machine\n\n{machine()}"], True
    for name in asked.only.split(","):
        print(f"{name} ...", file=sys.stderr, flush=True)
        text, as_it_must_be = section(name, arguments)
        sections.append(text)
        good &= as_it_must_be
    if asked.write:
        head = asked.write.read_text(encoding="utf-8").partition("## Machine")[0]
        asked.write.write_text(head + "\n".join(sections), encoding="utf-8")
    return int(not good)


if __name__ == "__main__":
    raise SystemExit(main())
