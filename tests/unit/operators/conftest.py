"""The import as a task, on Airflow's own runner, in both of its modes and with both of its memories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from tests.helpers.imports import ImportTask
from tests.helpers.kills import forget_the_state_store
from tests.helpers.versions import requires_airflow

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

Make = Callable[..., ImportTask]


@pytest.fixture(
    params=[
        pytest.param("task state store", marks=requires_airflow("3.3", "the task state store")),
        "journal file",
    ]
)
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where an import remembers: on Airflow 3.3, and below."""
    if request.param == "journal file":
        # Put back after the test what the helper replaces.
        original = RuntimeTaskInstance.get_template_context
        monkeypatch.setattr(RuntimeTaskInstance, "get_template_context", original)
        forget_the_state_store()
    return str(request.param)


@pytest.fixture(params=["waiting", "deferred"])
def deferrable(request: pytest.FixtureRequest) -> bool:
    return request.param == "deferred"


@pytest.fixture
def make(encord_emulator: EncordEmulator, tmp_path: Path) -> Make:
    """Make an import of six images in three parts, unless told otherwise."""

    def make(**arguments: Any) -> ImportTask:
        return ImportTask(encord_emulator, tmp_path, **arguments)

    return make
