"""A pytest plugin for mutmut: the quickest tests come first, as one that fails is enough."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by what mutmut has measured; before it has, leave them as they are."""
    measured = Path("mutmut-stats.json")  # mutmut runs pytest in the folder that has it
    if measured.is_file():
        seconds = json.loads(measured.read_bytes())["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
