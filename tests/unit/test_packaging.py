"""What is in the distribution, and what importing it costs."""

from __future__ import annotations

import ast
import configparser
import os
import pkgutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import encord_provider

ROOT = Path(__file__).parents[2]


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def modules_outside_the_emulator() -> list[str]:
    found = pkgutil.walk_packages(encord_provider.__path__, "encord_provider.")
    names = [one.name for one in found if not one.name.endswith(".__main__")]
    return [name for name in names if not name.startswith("encord_provider.emulator")]


def own_modules() -> set[str]:
    """The modules and packages right below the package."""
    return {f"encord_provider.{one.name}" for one in pkgutil.iter_modules(encord_provider.__path__)}


def contracts(kind: str) -> list[dict[str, Any]]:
    """The contracts of a kind that import-linter holds."""
    return [one for one in pyproject()["tool"]["importlinter"]["contracts"] if one["type"] == kind]


def imported_by(path: Path) -> Iterator[str]:
    """Every module of the tests that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("tests."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tests":
            yield str(node.module)
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_helpers_import_no_tests() -> None:
    files = sorted((ROOT / "tests" / "helpers").rglob("*.py"))
    assert len(files) > 5
    found = {(path.name, name) for path in files for name in imported_by(path)}
    assert [one for one in found if not f"{one[1]}.".startswith("tests.helpers.")] == []


def test_no_test_imports_another() -> None:
    """What several tests use is a helper; what a folder's tests use may be in its ``conftest.py``."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 100
    wrong = set()
    for path in files:
        folder = ".".join(path.parent.relative_to(ROOT).parts)
        for name in imported_by(path):
            parts = name.split(".")
            if any(part.startswith("test_") for part in parts) or (
                "conftest" in parts and not f"{folder}.".startswith(name.partition("conftest")[0])
            ):
                wrong.add(f"{path.relative_to(ROOT)}: {name}")
    assert sorted(wrong) == []


def test_every_module_has_its_place_among_the_layers() -> None:
    (layers,) = contracts("layers")
    assert layers["exhaustive"] is True
    assert layers["containers"] == ["encord_provider"]
    assert "exhaustive_ignores" not in layers
    placed = [f"encord_provider.{name.strip()}" for layer in layers["layers"] for name in layer.split(":")]
    assert sorted(placed) == sorted(own_modules()), "every module once"


def test_the_emulator_may_use_no_other_module() -> None:
    (contract,) = (
        one for one in contracts("forbidden") if one["source_modules"] == ["encord_provider.emulator"]
    )
    named = {name for name in contract["forbidden_modules"] if name.startswith("encord_provider")}
    assert named == own_modules() - {"encord_provider.emulator"}
    assert "ignore_imports" not in contract


def test_setup_cfg_says_what_goes_into_the_wheel_and_nothing_else() -> None:
    cfg = setup_cfg()
    # An unpacked source distribution has one more, which setuptools writes.
    assert [one for one in cfg.sections() if one != "egg_info"] == ["options", "options.package_data"]
    assert set(cfg["options"]) == {"packages", "package_dir", "include_package_data"}


def test_pyproject_does_not_say_it_again() -> None:
    tool = pyproject()["tool"]["setuptools"]
    assert set(tool) == {"dynamic"}
    assert pyproject()["project"]["dynamic"] == ["version", "readme"]


def test_every_package_is_listed() -> None:
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "encord_provider").rglob("*.py")}
    expected = {".".join(folder.parts) for folder in folders} | {"airflow_provider_encord.example_dags"}
    assert set(setup_cfg()["options"]["packages"].split()) == expected


def test_every_file_that_is_no_module_is_package_data() -> None:
    data = dict(setup_cfg()["options.package_data"])
    listed = {
        file
        for package, patterns in data.items()
        for pattern in patterns.split()
        for file in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    others = {
        file
        for file in (ROOT / "encord_provider").rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc")
    }
    assert listed == others


def test_the_version_is_a_constant_in_one_place() -> None:
    assert pyproject()["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "encord_provider.__version__"}
    assert run("import encord_provider; print(encord_provider.__version__)") == encord_provider.__version__


def test_what_airflow_imports_while_it_starts_imports_only_the_standard_library() -> None:
    loaded = run(
        "import sys; before = set(sys.modules)\n"
        "import encord_provider.get_provider_info\n"
        "ours = {name for name in set(sys.modules) - before if name.split('.')[0] not in sys.stdlib_module_names}\n"
        "print(sorted(ours))"
    )
    assert loaded == "['encord_provider', 'encord_provider.get_provider_info']"


def test_no_module_pulls_in_the_sdk_or_boto3() -> None:
    names = modules_outside_the_emulator()
    assert len(names) > 40
    loaded = run(
        f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\n"
        "print([name for name in ('encord', 'boto3', 'botocore') if name in sys.modules])"
    )
    assert loaded.splitlines()[-1] == "[]"


def test_aiohttp_is_imported_only_to_wait() -> None:
    """It takes as long as all the rest of an operator."""
    rooms = ("bundles", "decorators", "hooks", "operators", "pipelines", "sensors", "sources", "triggers")
    # Every process of Airflow loads the plugin; only its API server loads the page's app, and the whole of Airflow's.
    names = ["encord_provider.plugin"]
    names += [one for one in modules_outside_the_emulator() if one.split(".")[1] in rooms]
    assert len(names) > 25
    loaded = run(
        f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\nprint('aiohttp' in sys.modules)"
    )
    assert loaded.splitlines()[-1] == "False"


def test_parsing_the_bundled_dags_pulls_in_none_of_them() -> None:
    loaded = run(
        "import sys\nfrom pathlib import Path\nfrom tests.helpers.dags import read_dags\n"
        "print('encord_s3_import' in read_dags(Path('dags')))\n"
        "print([name for name in ('encord', 'boto3', 'botocore', 'aiohttp') if name in sys.modules])"
    )
    assert loaded.splitlines()[-2:] == ["True", "[]"]


class TestEnvironment:
    """``.ci/make-venv`` takes the Pythons that ``constraints/`` has for an Airflow."""

    def made_with(self, python: Path | str, airflow: str, tmp_path: Path) -> str:
        done = subprocess.run(
            [ROOT / ".ci" / "make-venv", tmp_path / "venv"],
            env={**os.environ, "PYTHON": str(python), "AIRFLOW": airflow},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0
        return done.stdout + done.stderr

    def a_python(self, version: str, tmp_path: Path) -> Path:
        """An interpreter that says its version, and makes no environment."""
        python = tmp_path / "python"
        python.write_text(
            '#!/bin/sh\ncase "$*" in\n'
            f"*%d.%d*) echo {version} ;;\n"
            f"--version) echo Python {version}.0 ;;\n"
            "*'-m venv'*) exit 1 ;;\nesac\n"
        )
        python.chmod(0o755)
        return python

    def test_python_3_14_where_airflow_has_it(self, tmp_path: Path) -> None:
        said = self.made_with(self.a_python("3.14", tmp_path), "3.3.2", tmp_path)
        assert "with Python 3.14.0" in said

    def test_a_python_that_an_airflow_does_not_have_is_refused(self, tmp_path: Path) -> None:
        said = self.made_with(self.a_python("3.14", tmp_path), "3.1.8", tmp_path)
        assert "none of Python 3.11, 3.12, 3.13," in said

    def test_the_error_says_which_pythons_there_are(self, tmp_path: Path) -> None:
        assert "3.11, 3.12, 3.13, 3.14" in self.made_with("/bin/false", "3.3.2", tmp_path)
