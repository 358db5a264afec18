"""The page "Encord imports", asked over HTTP as a browser does, with Airflow's own database and auth manager."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from encord_provider.plugin import run_note
from encord_provider.plugin.run_note import on_dag_run_success
from encord_provider.report.run_report import RunReport
from encord_provider.report.section import Section, SectionState, TaskReport
from encord_provider.workspace.files import run_folder

AddRun = Callable[..., None]


@pytest.fixture
def add_run(airflow_database: None) -> Iterator[AddRun]:
    """Put a run with a report of its task into Airflow's database."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType

    def clear() -> None:
        with create_session() as session:
            session.query(XComModel).delete()
            session.query(DagRun).filter(DagRun.dag_id.like("plugin_%")).delete(synchronize_session=False)
            session.query(DagModel).filter(DagModel.dag_id.like("plugin_%")).delete(synchronize_session=False)

    def add(dag_id: str, run_id: str, *, value: Any, task_id: str = "load", state: str = "success") -> None:
        begun = datetime(2026, 5, 1, tzinfo=UTC)
        with create_session() as session:
            session.merge(DagBundleModel(name="plugin-tests"))
            session.flush()
            session.merge(DagModel(dag_id=dag_id, bundle_name="plugin-tests"))
            run = session.query(DagRun).filter_by(dag_id=dag_id, run_id=run_id).one_or_none()
            if run is None:
                run = DagRun(dag_id=dag_id, run_id=run_id, run_type=DagRunType.MANUAL, state=state)
                run.start_date, run.end_date = begun, begun + timedelta(seconds=90)
                session.add(run)
                session.flush()
            number = run.id
        _leave(number, dag_id, run_id, task_id, json.dumps(value))

    clear()
    yield add
    clear()


def _leave(number: int, dag_id: str, run_id: str, task_id: str, value: str) -> None:
    """Write an XCom past Airflow's models, which want a serialised DAG and a task instance for it."""
    from airflow import settings

    assert settings.engine is not None
    with closing(sqlite3.connect(str(settings.engine.url.database))) as database, database:
        database.execute(
            "INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp) "
            "VALUES (?, ?, -1, 'encord_report', ?, ?, ?, '2026-05-01 00:00:00.000000')",
            (number, task_id, dag_id, run_id, value),
        )


@pytest.fixture
def client(airflow_database: None) -> Any:
    """A browser that is signed in as an admin."""
    from fastapi.testclient import TestClient

    from encord_provider.plugin.app import make_app

    browser = TestClient(make_app())
    browser.cookies.set("_token", _token("admin"))
    return browser


def _token(role: str) -> str:
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    manager = create_auth_manager()
    manager.init()
    return str(manager.generate_jwt(SimpleAuthManagerUser(username="ada", role=role)))


def _said(**changes: Any) -> dict[str, Any]:
    counts = [["data units", 3], ["registered", 2], ["failed", 1]]
    return {"title": "Import", "state": "failed", "counts": counts, "report": "file:///elsewhere", **changes}


def test_the_newest_imports_come_first_and_older_ones_on_request(client: Any, add_run: AddRun) -> None:
    for number in range(5):
        add_run("plugin_a", f"run-{number}", value=_said())
    first = client.get("/imports", params={"limit": 2}).json()
    assert [one["run_id"] for one in first["imports"]] == ["run-4", "run-3"]
    second = client.get("/imports", params={"limit": 2, "before": first["next"]}).json()
    assert [one["run_id"] for one in second["imports"]] == ["run-2", "run-1"]
    last = client.get("/imports", params={"limit": 2, "before": second["next"]}).json()
    assert ([one["run_id"] for one in last["imports"]], last["next"]) == (["run-0"], None)


def test_dags_without_a_report_cost_no_question_to_the_auth_manager(
    client: Any, add_run: AddRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    add_run("plugin_a", "run", value=_said())
    known = {"plugin_a", *(f"plugin_other_{number}" for number in range(50))}
    asked: list[str] = []

    def may(self: Any, *, method: str, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        asked.append(details.id)
        return True

    monkeypatch.setattr(SimpleAuthManager, "get_authorized_dag_ids", lambda *_, **__: known)
    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", may)
    assert [one["dag_id"] for one in client.get("/imports").json()["imports"]] == ["plugin_a"]
    assert asked == ["plugin_a"]


def test_a_report_that_cannot_be_read_is_named_in_the_servers_log(
    client: Any,
    add_run: AddRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", "unknown-scheme://somewhere")
    add_run("plugin_a", "run", value=_said())
    assert "registered" in client.get("/report", params={"dag_id": "plugin_a", "run_id": "run"}).text
    assert "plugin_a" in caplog.text


def test_an_import_has_its_state_its_duration_and_its_counts(client: Any, add_run: AddRun) -> None:
    add_run("plugin_a", "run", value=_said(), state="failed")
    (one,) = client.get("/imports").json()["imports"]
    assert one["state"] == "failed"
    assert (one["started"], one["ended"]) == ("2026-05-01T00:00:00+00:00", "2026-05-01T00:01:30+00:00")
    assert one["tasks"][0]["counts"] == {"data units": 3, "registered": 2, "failed": 1}


def test_nobody_who_is_not_signed_in_sees_anything(client: Any, add_run: AddRun) -> None:
    add_run("plugin_a", "run", value=_said())
    client.cookies.clear()
    assert client.get("/imports").status_code == 401
    assert client.get("/report", params={"dag_id": "plugin_a", "run_id": "run"}).status_code == 401
    client.cookies.set("_token", "forged")
    assert client.get("/imports").status_code == 403


def test_a_user_sees_only_the_dags_that_the_auth_manager_lets_him_see(
    client: Any, add_run: AddRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    add_run("plugin_a", "run", value=_said())
    add_run("plugin_b", "run", value=_said())

    def may(self: Any, *, method: str, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        return details is not None and details.id == "plugin_b"

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", may)
    assert [one["dag_id"] for one in client.get("/imports").json()["imports"]] == ["plugin_b"]
    assert client.get("/report", params={"dag_id": "plugin_a", "run_id": "run"}).status_code == 403


def test_the_whole_report_is_shown_where_the_server_reads_the_workspace(
    client: Any, add_run: AddRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", tmp_path.as_uri())
    add_run("plugin_a", "run", value=_said())
    report = TaskReport(title="Import", counts={"registered": 77})
    section = Section(
        task="load",
        state=SectionState.SUCCESS,
        try_number=1,
        started="2026-05-01T00:00:00+00:00",
        ended="2026-05-01T00:00:01+00:00",
        error=None,
        report=report,
    )
    RunReport(run_folder(None, dag_id="plugin_a", run_id="run"), dag_id="plugin_a", run_id="run").add(section)
    page = client.get("/report", params={"dag_id": "plugin_a", "run_id": "run"})
    assert "77" in page.text
    assert "script-src 'sha256-" in page.headers["content-security-policy"]


def test_a_part_of_a_report_that_somebody_has_spoiled_breaks_no_page(
    client: Any, add_run: AddRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", tmp_path.as_uri())
    add_run("plugin_a", "run", value=_said())
    report = TaskReport(title="Import", counts={}, progress=((datetime(2026, 5, 1, tzinfo=UTC), 3),) * 2)
    said = {"started": "", "ended": "", "error": None, "report": report}
    section = Section(task="load", state=SectionState.SUCCESS, try_number=1, **said)  # type: ignore[arg-type]
    folder = run_folder(None, dag_id="plugin_a", run_id="run")
    RunReport(folder, dag_id="plugin_a", run_id="run").add(section)
    (part,) = tmp_path.rglob("tasks/*.json")
    part.write_text(part.read_text().replace("2026-05-01T", "some day, "))
    page = client.get("/report", params={"dag_id": "plugin_a", "run_id": "run"})
    assert page.status_code == 200
    assert "registered" in page.text


@pytest.mark.parametrize("left", [_said(), json.dumps(_said())])
def test_the_counts_are_shown_where_the_workspace_is_a_workers_disk(
    client: Any, add_run: AddRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: Any
) -> None:
    monkeypatch.setenv("AIRFLOW__ENCORD__WORKSPACE", (tmp_path / "not here").as_uri())
    add_run("plugin_a", "run", value=left)
    page = client.get("/report", params={"dag_id": "plugin_a", "run_id": "run"}).text
    places = [page.index(name) for name in ("data units", "registered", "failed</li>", "file:///elsewhere")]
    assert places == sorted(places), "in the order in which the task left them"


@pytest.mark.parametrize(
    "left",
    [
        "text",
        [1],
        {"state": ["odd"], "counts": "many"},
        {"counts": {"a": "b"}},
        {"counts": [1, ["a"], ["a", "b"], [1, 2]]},
    ],
)
def test_what_something_else_left_breaks_no_page(client: Any, add_run: AddRun, left: Any) -> None:
    add_run("plugin_a", "run", value=left)
    assert client.get("/imports").status_code == 200
    assert client.get("/report", params={"dag_id": "plugin_a", "run_id": "run"}).status_code in (200, 404)


def test_no_file_that_a_task_names_is_read(client: Any, add_run: AddRun, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2")
    add_run("plugin_a", "run", value=_said(report=secret.as_uri()))
    assert "hunter2" not in client.get("/report", params={"dag_id": "plugin_a", "run_id": "run"}).text
    outside = client.get("/report", params={"dag_id": "../..", "run_id": "etc/passwd"})
    assert outside.status_code == 404


def test_a_run_without_a_report_is_not_found(client: Any) -> None:
    assert client.get("/report", params={"dag_id": "plugin_a", "run_id": "none"}).status_code == 404


def test_the_page_itself_holds_no_data(client: Any, add_run: AddRun) -> None:
    add_run("plugin_a", "run", value=_said())
    client.cookies.clear()
    page = client.get("/")
    assert page.status_code == 200
    assert "plugin_a" not in page.text


class TestNote:
    """What Airflow shows beside a run that has ended."""

    @staticmethod
    def noted(run_id: str, *, before: str | None = None) -> str | None:
        from airflow.models.dagrun import DagRun
        from airflow.utils.session import create_session

        with create_session() as session:
            run = session.query(DagRun).filter_by(dag_id="plugin_a", run_id=run_id).one()
            if before is not None:
                run.note = before
            on_dag_run_success(dag_run=run, msg="success")
        with create_session() as session:
            found = session.query(DagRun).filter_by(dag_id="plugin_a", run_id=run_id).one().note
        return None if found is None else str(found)

    def test_it_says_what_the_tasks_have_done(self, add_run: AddRun) -> None:
        add_run("plugin_a", "run", value=_said())
        assert self.noted("run") == "Encord: Import failed: 3 data units, 2 registered, 1 failed"

    def test_it_is_written_anew_when_the_run_ends_again(self, add_run: AddRun) -> None:
        add_run("plugin_a", "run", value=_said())
        assert "2 registered" in str(self.noted("run", before="Encord: Import failed: nothing"))

    def test_a_note_of_a_user_stays(self, add_run: AddRun) -> None:
        add_run("plugin_a", "run", value=_said())
        assert self.noted("run", before="ask Ada") == "ask Ada"

    def test_a_run_without_encord_tasks_gets_none(self, add_run: AddRun) -> None:
        add_run("plugin_a", "run", value=[1])
        assert self.noted("run") is None

    def test_whatever_a_task_left_it_is_a_note_that_airflow_takes(self, add_run: AddRun) -> None:
        add_run("plugin_a", "run", value=_said(title="a\0b\ud800" + "x" * 5_000))
        note = str(self.noted("run"))
        assert len(note) == 1_000
        assert note.startswith("Encord: abxxx")


def test_airflow_loads_the_plugin() -> None:
    from airflow.plugins_manager import AirflowPlugin

    from encord_provider.plugin import EncordPlugin

    assert issubclass(EncordPlugin, AirflowPlugin)
    (app,) = EncordPlugin.fastapi_apps
    assert app["url_prefix"] == "/encord"
    (view,) = EncordPlugin.external_views
    assert EncordPlugin.listeners == [run_note]
    assert (view["href"], view["destination"]) == ("/encord/", "nav")
