"""The examples in docs/emulator.md run, and its tables name what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from encord_provider.emulator.core.faults import FaultKind
from encord_provider.emulator.core.settings import Settings
from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(tmp_path: Path, number: int) -> None:
    is_test = "def test_" in EXAMPLES[number]
    path = tmp_path / "test_pipeline.py"
    path.write_text(EXAMPLES[number], encoding="utf-8")
    command = [sys.executable, *(["-m", "pytest", "-q"] if is_test else []), str(path)]

    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_is_on_the_page_with_its_default() -> None:
    for name, default in Settings().as_dict().items():
        text = (
            str(default).lower()
            if isinstance(default, bool)
            else f"{default:g}"
            if isinstance(default, float)
            else default
        )
        assert re.search(rf"^\| `{name}` \| `?{text}`? \|", PAGE, re.MULTILINE), name


def test_every_kind_of_fault_is_on_the_page() -> None:
    for kind in FaultKind:
        assert f"| `{kind}` |" in PAGE


def test_every_integration_is_on_the_page() -> None:
    for uuid, title, _ in DEFAULT_INTEGRATIONS:
        assert f"| {title} | `{uuid}` |" in PAGE
