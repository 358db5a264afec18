"""The application behind the page: what it lists, and the report of a run."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import FastAPI, HTTPException, Query, Response
from fastapi.responses import HTMLResponse

from encord_provider.plugin.imports import (
    ImportRun,
    dags_with_reports,
    list_imports,
    reports_of,
)
from encord_provider.report.page import CONTENT_POLICY, page_of
from encord_provider.report.run_report import read_sections
from encord_provider.report.section import Section, SectionState, TaskReport, counts_of
from encord_provider.text.secrets import redacted
from encord_provider.workspace.files import run_folder

log = logging.getLogger(__name__)

_PAGE = Path(__file__).with_name("page.html")
_MOST = 100
_STATES = frozenset(state.value for state in SectionState)


def make_app() -> FastAPI:
    """Make the application.

    :returns: the application; every answer but the empty page asks Airflow's auth manager who may see it.
    """
    app = FastAPI(title="Encord imports", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/", response_class=HTMLResponse)
    def page() -> HTMLResponse:
        return HTMLResponse(_PAGE.read_text(encoding="utf-8"))

    @app.get("/imports")
    def imports(
        user: GetUserDep,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 25,
        before: int | None = None,
    ) -> dict[str, Any]:
        authorized = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
        dag_ids = {dag_id for dag_id in dags_with_reports() & authorized if _may_read(user, dag_id)}
        runs, following = list_imports(dag_ids, limit=limit, before=before)
        return {"imports": [_shown(run) for run in runs], "next": following}

    @app.get("/report", response_class=HTMLResponse)
    def report(user: GetUserDep, dag_id: str, run_id: str) -> Response:
        if not _may_read(user, dag_id):
            raise HTTPException(403, "You may not see this DAG.")
        known = reports_of(dag_id, run_id)
        if not known:
            raise HTTPException(404, "No Encord task of this run has ended yet, or its XComs were removed.")
        sections = _written(dag_id, run_id) or [_short(*one) for one in known.items()]
        html = page_of(sections, dag_id=dag_id, run_id=run_id)
        return HTMLResponse(html, headers={"Content-Security-Policy": CONTENT_POLICY})

    return app


def _may_read(user: Any, dag_id: str) -> bool:
    return get_auth_manager().is_authorized_dag(
        method="GET", access_entity=DagAccessEntity.XCOM, details=DagDetails(id=dag_id), user=user
    )


def _shown(run: ImportRun) -> dict[str, Any]:
    return {
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "state": run.state,
        "started": _text(run.started),
        "ended": _text(run.ended),
        "tasks": [
            {"task": task, **said, "counts": counts_of(said.get("counts"))}
            for task, said in run.reports.items()
        ],
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _written(dag_id: str, run_id: str) -> list[Section]:
    """Read the whole report, if it lies where this server can read it.

    Only the default workspace is looked into: a place that a task names could be any file of this server.
    """
    try:
        return read_sections(run_folder(None, dag_id=dag_id, run_id=run_id))
    except Exception as error:
        log.warning(
            "The report of the run %s of %s cannot be read, so that its page shows only the counts: %s",
            run_id,
            dag_id,
            redacted(str(error)),
        )
        return []


def _short(task: str, said: dict[str, Any]) -> Section:
    """Make a section of what a task has left in Airflow's database, whatever that is."""
    state = said.get("state")
    return Section(
        task=task,
        state=SectionState(state) if isinstance(state, str) and state in _STATES else SectionState.RUNNING,
        try_number=1,
        started=str(said.get("started") or ""),
        ended=str(said.get("ended") or ""),
        error=None,
        report=TaskReport(
            title=str(said.get("title") or task),
            counts=counts_of(said.get("counts")),
            files={"The whole report, where the workers can read it": str(said.get("report") or "")},
        ),
    )
