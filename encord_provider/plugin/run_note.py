"""The short form of the import report as the note of a run, which Airflow shows beside it.

A task cannot write it: Airflow's API for tasks takes a note only where a run is triggered. So Airflow writes it itself
when the run ends: this is a listener, called in the scheduler, and in the API server where a user ends a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow.listeners import hookimpl

_BEGIN = "Encord: "
_MOST = 1_000
"""Characters of a note. Source: Airflow's table of notes and its API."""


@hookimpl  # type: ignore[untyped-decorator, unused-ignore]
def on_dag_run_success(dag_run: Any, msg: str) -> None:  # noqa: ARG001
    """Write the note of a run that has succeeded.

    :param dag_run: the run, in the session of whoever has ended it.
    :param msg: how.
    """
    write_note(dag_run)


@hookimpl  # type: ignore[untyped-decorator, unused-ignore]
def on_dag_run_failed(dag_run: Any, msg: str) -> None:  # noqa: ARG001
    """Write the note of a run that has failed.

    :param dag_run: the run, in the session of whoever has ended it.
    :param msg: how.
    """
    write_note(dag_run)


def write_note(dag_run: Any) -> None:
    """Say in the note what the Encord tasks of a run have done; a note that a user wrote stays.

    It is part of the change that ends the run: nothing is committed here, and for a run without Encord tasks it costs
    one look into the table of XComs by its key.

    :param dag_run: Airflow's run.
    """
    from sqlalchemy.orm import object_session

    from encord_provider.plugin.imports import reports_in

    session = object_session(dag_run)
    if session is None:
        return
    with session.no_autoflush:
        reports = reports_in(session, dag_run.id)
    if reports and (not dag_run.note or dag_run.note.startswith(_BEGIN)):
        dag_run.note = note_of(reports)


def note_of(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what tasks have done.

    :param reports: task id -> what it has left; anybody may have written it.
    :returns: a text that Airflow takes as a note.
    """
    text = _BEGIN + "\n".join(_lines(reports))
    # PostgreSQL refuses a NUL, and with it the end of the run.
    shown = "".join(one for one in text if one == "\n" or one.isprintable())
    return shown if len(shown) <= _MOST else f"{shown[: _MOST - 1]}…"


def _lines(reports: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    from encord_provider.report.section import counts_of, in_words

    for task, said in reports.items():
        told = in_words(counts_of(said.get("counts")))
        yield f"{said.get('title') or task} {said.get('state') or ''}: {told}"
