"""Draws mutants of each group of modules, lets mutmut run the tests against them, and says which survived."""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.mutation.groups import GROUPS, Group
from tests.mutation.texts import changes_only_text

ROOT = Path(__file__).parents[2]
_HOME = ROOT / ".mutants"
_NOT_COPIED = frozenset({"pyproject.toml", "build", "dist", "site"})
_SURVIVED = frozenset({0, 5, 33})
"""mutmut's codes for: the tests passed, no test was found, no test calls the function."""
_TIMED_OUT = frozenset({24, -24, 36, 152, 255})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the mutants of one group.

    :param group: its name.
    :param codes: mutmut's code for each mutant, by name.
    :param seconds: how long it took.
    :param diffs: what each survivor changes, by name.
    """

    group: str
    codes: dict[str, int]
    seconds: float
    diffs: dict[str, str]

    @property
    def survived(self) -> list[str]:
        """The mutants that no test noticed."""
        return [name for name, code in self.codes.items() if code in _SURVIVED]

    @property
    def timed_out(self) -> int:
        """How many were noticed because the tests did not come to an end."""
        return sum(code in _TIMED_OUT for code in self.codes.values())


def mutants_of(path: Path) -> list[str]:
    """Give the names of all mutants of a module, but for those that only change what an error or a log line says.

    :param path: the module, relative to the root of the checkout.
    """
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name, mangled_name_from_mutant_name

    mutated = mutate_file_contents(str(path), (ROOT / path).read_text(encoding="utf-8"))
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(mutated.code))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return [
        get_mutant_name(path, name)
        for name in mutated.mutant_names
        if not changes_only_text(
            functions[f"{mangled_name_from_mutant_name(name)}__mutmut_orig"], functions[name]
        )
    ]


def drawn(group: Group, *, seed: int, most: int) -> list[str]:
    """Draw mutants of a group, the same for the same seed and the same code.

    :param group: the group.
    :param seed: what they are drawn from.
    :param most: how many at most.
    """
    from mutmut.configuration import reset_config

    reset_config()
    with contextlib.chdir(_home(group)):
        names = sorted(name for path in _modules(group) for name in mutants_of(path))
    return sorted(Random(f"{seed}/{group.name}").sample(names, min(most, len(names))))


def prepare(group: Group) -> Path:
    """Make the folder in which mutmut works: links to the checkout, and a configuration of its own."""
    home = _home(group)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    names = [one for one in ROOT.iterdir() if not one.name.startswith(".") and one.name not in _NOT_COPIED]
    for one in names:
        (home / one.name).symlink_to(one)
    settings = {
        "source_paths": ["encord_provider"],
        "only_mutate": [str(path) for path in _modules(group)],
        "also_copy": sorted(one.name for one in names if one.name != "encord_provider"),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "tests.mutation.fastest_first", "-n", "0"]
        + [argument for test in group.but for argument in ("--deselect", f"tests/{test}")],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in group.tests],
        "timeout_multiplier": 2.0,
        "timeout_constant": 15.0,
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (home / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]), encoding="utf-8")
    return home


def run(group: Group, names: Sequence[str], *, children: int) -> Outcome:
    """Run the tests of a group against mutants.

    :param group: the group, prepared.
    :param names: its mutants.
    :param children: how many at a time.
    :raises RuntimeError: if the tests fail without any mutation, or some mutant was not run.
    """
    home, began = _home(group), time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [_mutmut(), "run", "--max-children", str(children), *names]
    with (home / "mutmut.log").open("wb") as log:
        done = subprocess.run(command, cwd=home, env=environment, stdout=log, stderr=log, check=False)
    codes: dict[str, int | None] = {}
    for meta in sorted((home / "mutants").rglob("*.meta")):
        codes |= json.loads(meta.read_bytes())["exit_code_by_key"]
    found = {name: code for name in names if (code := codes.get(name)) is not None}
    if done.returncode or len(found) < len(names):
        tail = (home / "mutmut.log").read_text(encoding="utf-8", errors="replace")[-3000:]
        raise RuntimeError(
            f"mutmut has tried {len(found)} of {len(names)} mutants of {group.name}; its output ends: {tail}"
        )
    seconds = time.monotonic() - began
    diffs = {name: _diff(home, name) for name, code in found.items() if code in _SURVIVED}
    return Outcome(group=group.name, codes=found, seconds=seconds, diffs=diffs)


def print_table(outcomes: Sequence[Outcome]) -> None:
    """Print the survivors, then a line for each group."""
    for outcome in outcomes:
        for name, diff in outcome.diffs.items():
            print(f"{name}: {'no test calls it' if outcome.codes[name] == 33 else 'survived'}\n{diff}\n")
    print(
        f"{'group':<10}{'mutants':>9}{'killed':>8}{'timed out':>11}{'survived':>10}{'killed %':>10}{'seconds':>9}"
    )
    for one in outcomes:
        mutants, survived = len(one.codes), len(one.survived)
        print(
            f"{one.group:<10}{mutants:>9}{mutants - survived:>8}{one.timed_out:>11}{survived:>10}"
            f"{100 * (mutants - survived) / max(1, mutants):>10.1f}{one.seconds:>9.0f}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw and run mutants.

    :param arguments: the command line; by default that of the process.
    :returns: 0 where at least nine of ten mutants of each group were noticed, otherwise 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description="Mutants that tests must kill."
    )
    parser.add_argument("--seed", type=int, default=1, help="what the mutants are drawn from (1)")
    parser.add_argument("--most", type=int, default=200, help="how many of each group (200)")
    parser.add_argument("--module", choices=[one.name for one in GROUPS], help="only this group of modules")
    parser.add_argument("--children", type=int, default=2, help="how many at a time (2)")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    outcomes = []
    for group in GROUPS:
        if options.module in (None, group.name):
            prepare(group)
            names = drawn(group, seed=options.seed, most=options.most)
            outcomes.append(run(group, names, children=options.children))
    print_table(outcomes)
    return int(any(10 * len(one.survived) > len(one.codes) for one in outcomes))


def _home(group: Group) -> Path:
    return _HOME / group.name


def _modules(group: Group) -> list[Path]:
    found = [path for module in group.modules for path in (ROOT / "encord_provider").glob(module)]
    return sorted(path.relative_to(ROOT) for path in found)


def _diff(home: Path, name: str) -> str:
    command = [_mutmut(), "show", name]
    shown = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True).stdout
    changed = [
        line for line in shown.splitlines() if line.startswith(("+", "-")) and line[:3] not in ("+++", "---")
    ]
    return "\n".join(changed)


def _mutmut() -> str:
    return str(Path(sys.executable).parent / "mutmut")
