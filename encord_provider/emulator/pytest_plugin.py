"""Fixtures for tests against an emulated Encord. Registered as a pytest plugin, so cheap to import.

``encord_emulator`` gives a clean emulator and an Airflow connection ``encord_default`` to it. Override
``encord_emulator_options`` in a ``conftest.py`` to start it with other arguments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


@pytest.fixture(scope="session")
def encord_emulator_options() -> dict[str, Any]:
    """Arguments of :class:`encord_provider.emulator.server.EncordEmulator` for the session's emulator."""
    return {}


@pytest.fixture(scope="session")
def encord_emulator_server(encord_emulator_options: dict[str, Any]) -> Iterator[EncordEmulator]:
    """The emulator of the session, whose state the tests share."""
    from encord_provider.emulator.extra import missing_extra

    if missing := missing_extra():
        pytest.fail(missing, pytrace=False)
    from encord_provider.emulator.server import EncordEmulator

    with EncordEmulator(**encord_emulator_options) as emulator:
        yield emulator


@pytest.fixture
def encord_emulator(
    encord_emulator_server: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EncordEmulator]:
    """An emulated Encord with an empty state, and the Airflow connection ``encord_default`` to it."""
    encord_emulator_server.reset()
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(encord_emulator_server.connection_json()))
    yield encord_emulator_server
    encord_emulator_server.clear_faults()
