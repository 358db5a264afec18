"""How the emulator's package is laid out: no import cycles, nothing that the wheel forgets, an entity per folder."""

from __future__ import annotations

import ast
import configparser
from graphlib import TopologicalSorter
from pathlib import Path

from encord_provider.emulator.core.table import Kept
from encord_provider.emulator.entities import ENTITIES

ROOT = Path(__file__).parents[2]
PACKAGE = "encord_provider.emulator"
FOLDER = ROOT / "encord_provider" / "emulator"


def modules() -> dict[str, Path]:
    """Every module of the emulator, by name."""
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in FOLDER.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in files.items()}


def imported_by(path: Path, known: set[str]) -> set[str]:
    """Names of the emulator's modules that a file imports, for types only or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


def test_no_module_imports_itself_through_others() -> None:
    known = modules()
    imports = {name: imported_by(path, set(known)) - {name} for name, path in known.items()}

    order = list(TopologicalSorter(imports).static_order())

    assert len(order) == len(known)


def test_the_wheel_takes_every_folder() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = config["options"]["packages"].split()
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in FOLDER.rglob("*.py")}

    assert folders == {name for name in listed if f"{name}.".startswith(f"{PACKAGE}.")}
    patterns = config["options.package_data"][f"{PACKAGE}.page"].split()
    suffixes = {path.suffix for path in (FOLDER / "page").iterdir() if path.is_file()}
    assert suffixes == {".py", *(pattern.removeprefix("*") for pattern in patterns)}


def test_an_entity_has_a_folder_and_one_registration() -> None:
    registered = {entity.part.__module__ for entity in ENTITIES if isinstance(entity.part, type)}
    kept = [entity for entity in ENTITIES if isinstance(entity.part, type) and issubclass(entity.part, Kept)]

    assert len({entity.name for entity in ENTITIES}) == len(ENTITIES)
    assert len({entity.part for entity in ENTITIES}) == len(ENTITIES)
    for name, path in modules().items():
        if path.name == "routes.py" and "ENTITY = " in path.read_text(encoding="utf-8"):
            folder = name.removesuffix(".routes") + "."
            assert any(module.startswith(folder) for module in registered), name
    assert len(kept) > 10


def test_no_file_is_long() -> None:
    assert {path.name for path in FOLDER.rglob("*.py") if len(path.read_text().splitlines()) > 400} == set()
