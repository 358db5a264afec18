"""The summary of a run in the message of a notifier, which Airflow's task runner sends when the task has ended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseNotifier

from encord_provider.report.summary import import_summary
from tests.helpers.airflow_task import DAG_ID
from tests.helpers.imports import ImportTask, url

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

SENT: list[str] = []


class Mail(BaseNotifier):
    """A notifier as those of other providers are: its text is a template."""

    template_fields = ("text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def notify(self, context: Any) -> None:
        SENT.append(self.text)


@pytest.fixture
def sent() -> list[str]:
    SENT.clear()
    return SENT


TEXT = "{{ macros.encord.import_summary(ti) }}"


def test_a_failed_import_says_what_failed_and_where_to_read_on(
    encord_emulator: EncordEmulator, tmp_path: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team")
    for number in range(6):
        encord_emulator.inject_fault("unit_error", url=url(number), message=f"no such object {number}")
    task = ImportTask(encord_emulator, tmp_path, on_failure_callback=[Mail(TEXT)])
    task.run()
    assert task.record.state == "failed"
    (text,) = sent
    assert "import_data: failed" in text
    assert "6 failed" in text
    assert f"{url(0)}: no such object 0" in text
    # The first of them, and where all are.
    assert url(5) not in text
    assert "failures.csv" in text
    address = f"https://airflow.example.com/team/encord/report?dag_id={DAG_ID}&run_id=task"
    assert text.splitlines()[-1] == f"Report: {address}"


def test_a_successful_import_says_its_counts(
    encord_emulator: EncordEmulator, tmp_path: Path, sent: list[str]
) -> None:
    task = ImportTask(encord_emulator, tmp_path, on_success_callback=[Mail(TEXT)])
    task.run()
    (text,) = sent
    assert "import_data: success: 6 data units, 6 registered, 6 items added" in text.splitlines()


def test_a_task_of_ones_own_may_ask_too(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    task = ImportTask(encord_emulator, tmp_path)
    task.run()
    own = SimpleNamespace(dag_id=DAG_ID, run_id="task")
    assert "6 registered" in import_summary(own, workspace=f"file://{tmp_path}/workspace")
    assert "No Encord task" in import_summary(own, workspace=f"file://{tmp_path}/elsewhere")


def test_a_workspace_that_cannot_be_read_does_not_cost_the_message() -> None:
    own = SimpleNamespace(dag_id=DAG_ID, run_id="task")
    text = import_summary(own, workspace="nowhere://here")
    assert "cannot be read" in text
    assert "Report: " in text
