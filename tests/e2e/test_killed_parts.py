"""An import of 20 parts while parts of a whole Airflow are killed: worker, triggerer, and the task by its user.

Afterwards everything that Airflow, the provider and the emulator have written is searched for the private key.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy

from demo.standalone import Airflow
from encord_provider.hooks.credentials import Credentials
from tests.e2e.clicks import clear, mark_failed
from tests.e2e.conftest import Stack
from tests.helpers.browser import browser_page
from tests.helpers.emulator_process import Encord
from tests.helpers.imports import url, write_spec
from tests.helpers.leaks import findings

PARTS, PER_PART = 20, 3
ALL = dict.fromkeys(map(url, range(PARTS * PER_PART)), 1)


@dataclass(frozen=True, kw_only=True)
class Imports:
    """Imports of a spec of 20 parts into the second emulator, one after the other."""

    stack: Stack
    spec: str

    @property
    def airflow(self) -> Airflow:
        return self.stack.airflow

    @property
    def encord(self) -> Encord:
        return self.stack.second

    @property
    def workspace(self) -> Path:
        return self.stack.home / "killed"

    def start(self, mode: str) -> str:
        """Start a run of the import with nothing registered yet; give the path of its task instance."""
        self.encord.control("POST", "reset")
        self.encord.control("PATCH", "settings", {"units_per_second": 2})
        conf = {"spec": self.spec, "workspace": self.workspace.as_uri()}
        run = self.airflow.call(
            "POST", f"dags/import_{mode}/dagRuns", json={"logical_date": None, "conf": conf}
        )
        return f"dags/import_{mode}/dagRuns/{run['dag_run_id']}/taskInstances/import_data"

    def task(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.airflow.call("GET", path)
        return found

    def wait_until_half_way(self, path: str, state: str) -> None:
        """Wait until some parts are registered, some under way and some not sent, with the task in ``state``."""

        def half_way() -> bool:
            done = [job for job in self.encord.jobs() if job["status"] == "DONE"]
            return len(done) >= 5 and self.task(path)["state"] == state and bool(self.encord.pending())

        self.airflow.wait_for(half_way, "the import to be half way", seconds=90)

    def wait_until_watched(self, path: str) -> None:
        """Let the jobs under way go on for minutes, and wait until the deferred task's trigger watches all of them.

        A user who ends the task before its trigger has started is heard by nobody.
        """
        self.encord.control("PATCH", "settings", {"units_per_second": 0.01})

        def watched() -> bool:
            task = self.task(path)
            if task["state"] != "deferred" or not task["trigger"]:
                return False
            pending = set(self.encord.pending())
            deferred_at = datetime.fromisoformat(task["trigger"]["created_date"]).timestamp()
            held = [
                entry["target"]
                for entry in self.encord.control("GET", "requests")
                if entry["route"] == "poll_upload_job"
                and "timeoutSeconds=0" not in entry["target"]
                and entry["at"] >= deferred_at  # before, it was the worker or an earlier trigger
            ]
            polled = {job for job in pending if any(job in target for target in held)}
            return len(pending) == 4 and polled == pending

        self.airflow.wait_for(watched, "the trigger to watch all jobs", seconds=90)

    def hurry(self) -> None:
        self.encord.control("PATCH", "settings", {"units_per_second": 500})

    def finish(self, path: str) -> dict[str, Any]:
        self.airflow.wait_for(
            lambda: self.task(path)["state"] in ("success", "failed"), "the task to end", seconds=120
        )
        return self.task(path)

    def returned(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.airflow.call(
            "GET", f"{path}/xcomEntries/return_value", params={"deserialize": "true"}
        )["value"]
        return found


def _parts_of_airflow(*words: str) -> list[psutil.Process]:
    """The processes of our Airflow whose command line has all of some words."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if all(word in line for word in words):
            found.append(process)
    return found


def _kill(processes: list[psutil.Process]) -> None:
    assert processes, [" ".join(process.cmdline()) for process in psutil.Process().children(recursive=True)]
    children = [child for process in processes for child in process.children(recursive=True)]
    for each in {*processes, *children}:
        each.kill()


@pytest.fixture(scope="module")
def imports(stack: Stack) -> Imports:
    for mode in ("waiting", "deferred"):
        stack.airflow.wait_for_dag(f"import_{mode}")
        stack.airflow.pause(f"import_{mode}", False)
    spec = write_spec(stack.home / "spec", PARTS * PER_PART, per_part=PER_PART)
    return Imports(stack=stack, spec=spec)


def test_a_killed_worker_is_followed_by_a_retry_that_registers_every_object_once(imports: Imports) -> None:
    path = imports.start("waiting")
    imports.wait_until_half_way(path, "running")
    before = {job["uuid"] for job in imports.encord.jobs()}
    (task,) = [one for one in _parts_of_airflow() if one.pid == imports.task(path)["pid"]]
    supervisor = task.parent()
    assert supervisor is not None
    supervisor.kill()
    task.kill()
    imports.hurry()
    assert imports.finish(path)["state"] == "success"
    assert imports.task(path)["try_number"] == 2
    assert imports.encord.registered() == ALL
    jobs = {job["uuid"] for job in imports.encord.jobs()}
    assert before < jobs
    assert len(jobs) == PARTS, "the retry rejoined what was under way"
    assert imports.returned(path)["units"]["done"] == len(ALL)


def test_a_killed_scheduler_is_followed_by_one_that_goes_on(imports: Imports) -> None:
    path = imports.start("deferred")
    imports.wait_until_half_way(path, "deferred")
    _kill(_parts_of_airflow("airflow", "scheduler"))
    imports.hurry()
    imports.stack.cleanup.enter_context(_started(imports.stack, "scheduler", "--skip-serve-logs"))
    assert imports.finish(path)["state"] == "success", imports.airflow.log_tail()
    assert imports.encord.registered() == ALL
    assert imports.encord.pending() == []
    _a_user_fails_the_whole_run(imports)


def _a_user_fails_the_whole_run(imports: Imports) -> None:
    """The jobs of its deferred import are cancelled."""
    path = imports.start("deferred")
    imports.wait_until_half_way(path, "deferred")
    imports.wait_until_watched(path)
    imports.airflow.call("PATCH", path.partition("/taskInstances")[0], json={"state": "failed"})
    imports.airflow.wait_for(lambda: not imports.encord.pending(), "the jobs to be cancelled", seconds=90)
    assert imports.task(path)["state"] == "failed"
    assert [job["status"] for job in imports.encord.jobs()].count("CANCELLED") == 4


@contextmanager
def _started(stack: Stack, *command: str) -> Iterator[None]:
    """Run a part of Airflow in the place of one that was killed."""
    with (stack.home / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            ["airflow", *command],
            env=stack.airflow.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        # It has nothing to save, and ending in order takes it seconds.
        _kill([psutil.Process(process.pid)])
        process.wait()


def test_a_killed_triggerer_is_followed_by_one_that_goes_on(imports: Imports) -> None:
    path = imports.start("deferred")
    imports.wait_until_half_way(path, "deferred")
    _kill(_parts_of_airflow("triggerer"))
    imports.hurry()
    imports.stack.cleanup.enter_context(_started(imports.stack, "triggerer", "--skip-serve-logs"))
    assert imports.finish(path)["state"] == "success", imports.airflow.log_tail()
    assert imports.encord.registered() == ALL
    assert len(imports.encord.jobs()) == PARTS
    _a_user_marks_the_deferred_task_failed(imports)


def _a_user_marks_the_deferred_task_failed(imports: Imports) -> None:
    """In the browser: its jobs are cancelled, what they had done is kept, and clearing the task imports the rest."""
    path = imports.start("deferred")
    imports.wait_until_half_way(path, "deferred")
    run = path.partition("/taskInstances")[0]
    imports.wait_until_watched(path)
    with browser_page() as page:
        mark_failed(page, imports.airflow, path)
    imports.airflow.wait_for(lambda: not imports.encord.pending(), "the jobs to be cancelled", seconds=90)
    statuses = [job["status"] for job in imports.encord.jobs()]
    assert statuses.count("CANCELLED") == 4
    assert len(statuses) < PARTS

    def cancelled_receipts() -> int:
        found = imports.workspace.rglob(f"{_folder_of(run)}/**/part-*.json")
        return sum(json.loads(receipt.read_bytes())["state"] == "cancelled" for receipt in found)

    imports.airflow.wait_for(lambda: cancelled_receipts() == 4, "their receipts", seconds=10)
    imports.hurry()
    with browser_page() as page:
        clear(page, imports.airflow, path)
    imports.airflow.wait_for(lambda: imports.task(path)["state"] == "success", "the cleared task", seconds=90)
    assert imports.encord.registered() == ALL


def _folder_of(run: str) -> str:
    from encord_provider.workspace.files import safe_name

    return safe_name(run.rpartition("/")[2])


def _copy_of_database(airflow: Airflow, folder: Path) -> Path:
    """Write every table of Airflow's database into a file, as it is and not compressed."""
    folder.mkdir()
    engine = sqlalchemy.create_engine(airflow.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        for table in sqlalchemy.inspect(engine).get_table_names():
            with (folder / table).open("wb") as file:
                cursor.copy_expert(f'COPY "{table}" TO STDOUT (FORMAT binary)', file)
    engine.dispose()
    return folder


def test_no_private_key_is_anywhere_in_what_was_written(imports: Imports) -> None:
    home, key_file = imports.stack.home, imports.stack.services.private_key_path
    assert list((home / "airflow" / "logs").rglob("*.log"))
    assert b"import_deferred" in (_copy_of_database(imports.airflow, home / "database") / "dag").read_bytes()
    assert key_file.parent == home, "where the first emulator keeps its own key"
    for private_key in (imports.encord.connection["extra"]["private_key"], key_file.read_text()):
        extra = {"domain": imports.encord.url, "private_key": private_key}
        credentials = Credentials.from_connection(conn_id="encord_default", password=None, extra=extra)
        found = findings(home, credentials)
        assert [one for one in found if not one.startswith(f"{key_file.name}: ")] == []
