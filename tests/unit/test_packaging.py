"""What is in the distribution, and what importing it costs."""

from __future__ import annotations

import configparser
import os
import pkgutil
import subprocess
import sys
import tomllib
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


def test_setup_cfg_says_what_goes_into_the_wheel_and_nothing_else() -> None:
    cfg = setup_cfg()
    assert cfg.sections() == ["options", "options.package_data"]
    assert set(cfg["options"]) == {"packages", "package_dir", "include_package_data"}


def test_pyproject_does_not_say_it_again() -> None:
    tool = pyproject()["tool"]["setuptools"]
    assert set(tool) == {"dynamic"}
    assert pyproject()["project"]["dynamic"] == ["version"]


def test_every_package_is_listed() -> None:
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "encord_provider").rglob("__init__.py")}
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
    assert loaded == "[]"


def test_aiohttp_is_imported_only_to_wait() -> None:
    loaded = run(
        "import sys\n"
        "import encord_provider.operators.import_data, encord_provider.sensors.upload_job\n"
        "import encord_provider.operators.patch_metadata, encord_provider.triggers.upload_job\n"
        "print('aiohttp' in sys.modules)"
    )
    assert loaded == "False"


def test_parsing_the_bundled_dags_pulls_in_neither() -> None:
    loaded = run(
        "import sys\nfrom airflow.dag_processing.dagbag import DagBag\n"
        "bag = DagBag(dag_folder='dags')\n"
        "print(bag.import_errors, 'encord_s3_import' in bag.dags)\n"
        "print([name for name in ('encord', 'boto3', 'botocore') if name in sys.modules])"
    )
    assert loaded.splitlines()[-2:] == ["{} True", "[]"]
