"""What Airflow's database knows of imports: the runs whose tasks have left a report."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

from encord_provider.report.address import REPORT_KEY


@dataclass(frozen=True, kw_only=True)
class ImportRun:
    """A run of a DAG in which Encord tasks have run.

    :param dag_id: the DAG.
    :param run_id: its run.
    :param state: the run's state.
    :param started: when it began.
    :param ended: when it ended.
    :param reports: task id -> what it has left.
    """

    dag_id: str
    run_id: str
    state: str
    started: datetime | None
    ended: datetime | None
    reports: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def dags_with_reports() -> set[str]:
    """Give the DAGs whose tasks have left a report."""
    with create_session() as session:
        return set(session.scalars(select(XComModel.dag_id).where(XComModel.key == REPORT_KEY).distinct()))


def list_imports(
    dag_ids: Collection[str], *, limit: int, before: int | None = None
) -> tuple[list[ImportRun], int | None]:
    """List the newest runs.

    :param dag_ids: the DAGs whose runs may be seen.
    :param limit: how many runs.
    :param before: what this function gave with the page before, for the next page.
    :returns: the runs, newest first; and what to ask the next page with, None after the last.
    """
    chosen = (
        select(XComModel.dag_run_id)
        .where(XComModel.key == REPORT_KEY, XComModel.dag_id.in_(dag_ids))
        .group_by(XComModel.dag_run_id)
        .order_by(XComModel.dag_run_id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        chosen = chosen.where(XComModel.dag_run_id < before)
    with create_session() as session:
        numbers = list(session.scalars(chosen))
        shown = numbers[:limit]
        runs = {run.id: run for run in session.scalars(select(DagRun).where(DagRun.id.in_(shown)))}
        reports: dict[int, dict[str, dict[str, Any]]] = {}
        for number, *said in session.execute(
            select(XComModel.dag_run_id, XComModel.task_id, XComModel.map_index, XComModel.value)
            .where(XComModel.key == REPORT_KEY, XComModel.dag_run_id.in_(shown))
            .order_by(XComModel.timestamp)
        ):
            _take(reports.setdefault(number, {}), *said)
        found = [
            ImportRun(
                dag_id=runs[number].dag_id,
                run_id=runs[number].run_id,
                state=str(runs[number].state),
                started=runs[number].start_date,
                ended=runs[number].end_date,
                reports=reports.get(number, {}),
            )
            for number in shown
            if number in runs
        ]
    return found, shown[-1] if len(numbers) > limit else None


def reports_of(dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
    """Read what the tasks of one run have left.

    :param dag_id: the DAG.
    :param run_id: its run.
    :returns: task id -> what it has left, in the order in which they did.
    """
    with create_session() as session:
        number = session.scalar(select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        return reports_in(session, number)


def reports_in(session: Any, number: int | None) -> dict[str, dict[str, Any]]:
    """Read what the tasks of one run have left, by the first column of the key of Airflow's XComs.

    :param session: a session of Airflow's database.
    :param number: the run's id in the database; None for no run.
    :returns: as :func:`reports_of`.
    """
    reports: dict[str, dict[str, Any]] = {}
    for said in session.execute(
        select(XComModel.task_id, XComModel.map_index, XComModel.value)
        .where(XComModel.dag_run_id == number, XComModel.key == REPORT_KEY)
        .order_by(XComModel.timestamp)
    ):
        _take(reports, *said)
    return reports


def _take(reports: dict[str, dict[str, Any]], task_id: str, map_index: int, value: Any) -> None:
    """Take an XCom; Airflow stores it as JSON or as the text of JSON, and anybody may have written one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, dict):
        reports[f"{task_id}[{map_index}]" if map_index >= 0 else task_id] = value
