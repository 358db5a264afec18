"""Run one operator as Airflow's task runner does: a copy of the task, its templates rendered, then execute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any


def context_for(operator: Any, *, day: str = "2025-03-01", params: dict[str, Any] | None = None) -> Any:
    """The context of a scheduled run whose window is one day."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    instance = SimpleNamespace(
        dag_id="lake", run_id=f"scheduled-{day}", task_id=operator.task_id, map_index=-1
    )
    dag_run = SimpleNamespace(
        partition_key=None,
        data_interval_start=start,
        data_interval_end=start + timedelta(days=1),
        logical_date=start,
        run_after=start + timedelta(days=1),
    )
    return {"ti": instance, "dag_run": dag_run, "task": operator, "params": params or {}, "day": day}


def run(operator: Any, *, day: str = "2025-03-01", params: dict[str, Any] | None = None) -> Any:
    """What the operator returns."""
    task = operator.prepare_for_execution()
    context = context_for(task, day=day, params=params)
    task.render_template_fields(context)
    return task.execute(context)
