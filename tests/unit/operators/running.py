"""Run one operator as Airflow's task runner does: a copy of the task, its templates rendered, then execute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

# Reading many items at once is a POST; finding and creating folders is a test's preparation too.
_READS = frozenset({"get_items"})


def context_of(
    task_id: str,
    *,
    run_id: str = "scheduled__1",
    day: str = "2026-05-01",
    params: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The context of a scheduled run whose window is one day."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    instance = SimpleNamespace(dag_id="lake", run_id=run_id, task_id=task_id, map_index=-1, try_number=1)
    dag_run = SimpleNamespace(
        run_id=run_id,
        partition_key=None,
        data_interval_start=start,
        data_interval_end=start + timedelta(days=1),
        logical_date=start,
        run_after=start + timedelta(days=1),
    )
    return {"ti": instance, "dag_run": dag_run, "run_id": run_id, "params": params or {}, "day": day}


def run(operator: Any, **context: Any) -> Any:
    """What the operator returns.

    :param context: what differs from the context of :func:`context_of`.
    """
    task = operator.prepare_for_execution()
    full = {**context_of(operator.task_id), "task": task, **context}
    task.render_template_fields(full)
    return task.execute(full)


def writes(emulator: EncordEmulator) -> list[str]:
    """The calls since the last reset that may have changed something, by the names of their routes."""
    return [
        str(entry["route"])
        for entry in emulator.requests()
        if entry["method"] != "GET" and entry["route"] not in _READS
    ]
