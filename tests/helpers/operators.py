"""Run one operator as Airflow's task runner does: a copy of the task, its templates rendered, then execute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

# Reading many items at once is a POST, and so is every call of the older API.
_READS = frozenset({"get_items", "get_dataset", "list_data_rows", "list_label_rows"})


def run(
    operator: Any, *, day: str = "2025-03-01", run_id: str | None = None, params: dict[str, Any] | None = None
) -> Any:
    """What the operator returns in a scheduled run whose window is one day."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    run_id = run_id or f"scheduled-{day}"
    task = operator.prepare_for_execution()
    dag_run = SimpleNamespace(
        run_id=run_id,
        partition_key=None,
        data_interval_start=start,
        data_interval_end=start + timedelta(days=1),
        logical_date=start,
        run_after=start + timedelta(days=1),
    )
    instance = SimpleNamespace(
        dag_id="lake", run_id=run_id, task_id=operator.task_id, map_index=-1, try_number=1, max_tries=0
    )
    context = {"ti": instance, "dag_run": dag_run, "task": task, "params": params or {}, "day": day}
    task.render_template_fields(context)
    return task.execute(context)


def writes(emulator: EncordEmulator) -> list[str]:
    """The calls since the last reset that may have changed something, by the names of their routes."""
    return [
        str(entry["route"])
        for entry in emulator.requests()
        if entry["method"] != "GET" and entry["route"] not in _READS
    ]
