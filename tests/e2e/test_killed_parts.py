"""An import of 20 parts while parts of a whole Airflow are killed: worker, triggerer, and the task by its user.

Afterwards everything that Airflow, the provider and the emulator have written is searched for the private key.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from demo.services import Services, airflow_environment
from demo.standalone import Airflow, standalone
from encord_provider.hooks.credentials import Credentials
from tests.helpers.emulator_process import Encord, emulator
from tests.helpers.imports import url, write_spec
from tests.helpers.leaks import findings

PARTS, PER_PART = 20, 3
ALL = dict.fromkeys(map(url, range(PARTS * PER_PART)), 1)


@dataclass
class Stack:
    """A whole Airflow, the emulator, and a spec of 20 parts."""

    airflow: Airflow
    encord: Encord
    environment: dict[str, str]
    home: Path
    spec: str
    cleanup: ExitStack

    def start(self, mode: str) -> str:
        """Start a run of the import with nothing registered yet; give the path of its task instance."""
        self.encord.control("POST", "reset")
        self.encord.control("PATCH", "settings", {"units_per_second": 2})
        conf = {"spec": self.spec, "workspace": f"file://{self.home}/workspace"}
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
            pending = set(self.encord.pending())
            held = [
                entry["target"]
                for entry in self.encord.control("GET", "requests")
                if entry["route"] == "poll_upload_job" and "timeoutSeconds=0" not in entry["target"]
            ]
            polled = {job for job in pending if any(job in target for target in held)}
            return self.task(path)["state"] == "deferred" and len(pending) == 4 and polled == pending

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
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("killed")
    with emulator(units_per_second=40) as encord:
        key_path = home.parent / f"{home.name}-key"
        key_path.write_text(encord.connection["extra"]["private_key"])
        services = Services(s3_url="http://127.0.0.1:9", encord_url=encord.url, private_key_path=key_path)
        bundle = {
            "name": "killed",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(Path(__file__).parent / "dags")},
        }
        environment = {
            **airflow_environment(home / "airflow", services, {}),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "12",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        }
        (home / "airflow").mkdir()
        with standalone(home, environment) as airflow, ExitStack() as cleanup:
            for mode in ("waiting", "deferred"):
                airflow.wait_for_dag(f"import_{mode}")
                airflow.pause(f"import_{mode}", False)
            spec = write_spec(home / "spec", PARTS * PER_PART, per_part=PER_PART)
            yield Stack(
                airflow=airflow,
                encord=encord,
                environment=environment,
                home=home,
                spec=spec,
                cleanup=cleanup,
            )


def test_a_killed_worker_is_followed_by_a_retry_that_registers_every_object_once(stack: Stack) -> None:
    path = stack.start("waiting")
    stack.wait_until_half_way(path, "running")
    before = {job["uuid"] for job in stack.encord.jobs()}
    (task,) = [one for one in _parts_of_airflow() if one.pid == stack.task(path)["pid"]]
    supervisor = task.parent()
    assert supervisor is not None
    supervisor.kill()
    task.kill()
    stack.hurry()
    assert stack.finish(path)["state"] == "success"
    assert stack.task(path)["try_number"] == 2
    assert stack.encord.registered() == ALL
    jobs = {job["uuid"] for job in stack.encord.jobs()}
    assert before < jobs
    assert len(jobs) == PARTS, "the retry rejoined what was under way"
    assert stack.returned(path)["units"]["done"] == len(ALL)


def test_a_killed_scheduler_is_followed_by_one_that_goes_on(stack: Stack) -> None:
    path = stack.start("deferred")
    stack.wait_until_half_way(path, "deferred")
    _kill(_parts_of_airflow("airflow", "scheduler"))
    stack.hurry()
    stack.cleanup.enter_context(_started(stack, "scheduler", "--skip-serve-logs"))
    assert stack.finish(path)["state"] == "success", stack.airflow.log_tail()
    assert stack.encord.registered() == ALL
    assert stack.encord.pending() == []
    _a_user_fails_the_whole_run(stack)


def _a_user_fails_the_whole_run(stack: Stack) -> None:
    """The jobs of its deferred import are cancelled."""
    path = stack.start("deferred")
    stack.wait_until_half_way(path, "deferred")
    stack.wait_until_watched(path)
    stack.airflow.call("PATCH", path.partition("/taskInstances")[0], json={"state": "failed"})
    stack.airflow.wait_for(lambda: not stack.encord.pending(), "the jobs to be cancelled", seconds=40)
    assert stack.task(path)["state"] == "failed"
    assert [job["status"] for job in stack.encord.jobs()].count("CANCELLED") == 4


@contextmanager
def _started(stack: Stack, *command: str) -> Iterator[None]:
    """Run a part of Airflow in the place of one that was killed."""
    with (stack.home / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            ["airflow", *command],
            env={**stack.environment, "AIRFLOW__API__BASE_URL": stack.airflow.url},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_a_killed_triggerer_is_followed_by_one_that_goes_on(stack: Stack) -> None:
    path = stack.start("deferred")
    stack.wait_until_half_way(path, "deferred")
    _kill(_parts_of_airflow("triggerer"))
    stack.hurry()
    stack.cleanup.enter_context(_started(stack, "triggerer", "--skip-serve-logs"))
    assert stack.finish(path)["state"] == "success", stack.airflow.log_tail()
    assert stack.encord.registered() == ALL
    assert len(stack.encord.jobs()) == PARTS
    _a_user_marks_the_deferred_task_failed(stack)


def _a_user_marks_the_deferred_task_failed(stack: Stack) -> None:
    """Its jobs are cancelled, what they had done is kept, and clearing the task imports the rest."""
    path = stack.start("deferred")
    stack.wait_until_half_way(path, "deferred")
    run = path.partition("/taskInstances")[0]
    stack.wait_until_watched(path)
    stack.airflow.call("PATCH", path, json={"new_state": "failed"})
    stack.airflow.wait_for(lambda: not stack.encord.pending(), "the jobs to be cancelled", seconds=40)
    statuses = [job["status"] for job in stack.encord.jobs()]
    assert statuses.count("CANCELLED") == 4
    assert len(statuses) < PARTS

    def cancelled_receipts() -> int:
        found = (stack.home / "workspace").rglob(f"{_folder_of(run)}/**/part-*.json")
        return sum(json.loads(receipt.read_bytes())["state"] == "cancelled" for receipt in found)

    stack.airflow.wait_for(lambda: cancelled_receipts() == 4, "their receipts", seconds=10)
    stack.hurry()
    dag = run.partition("/dagRuns")[0]
    stack.airflow.call(
        "POST",
        f"{dag}/clearTaskInstances",
        json={
            "dry_run": False,
            "task_ids": ["import_data"],
            "dag_run_id": run.rpartition("/")[2],
            "only_failed": True,
        },
    )
    stack.airflow.wait_for(lambda: stack.task(path)["state"] == "success", "the cleared task", seconds=90)
    assert stack.encord.registered() == ALL


def _folder_of(run: str) -> str:
    from encord_provider.workspace.files import safe_name

    return safe_name(run.rpartition("/")[2])


def test_the_private_key_is_nowhere_in_what_was_written(stack: Stack) -> None:
    extra = stack.encord.connection["extra"]
    credentials = Credentials.from_connection(conn_id="encord_default", password=None, extra=extra)
    assert list((stack.home / "airflow" / "logs").rglob("*.log"))
    assert (stack.home / "airflow" / "airflow.db").is_file()
    assert findings(stack.home, credentials) == []
