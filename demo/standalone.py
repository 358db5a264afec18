"""The whole of Airflow (scheduler, triggerer, API server, DAG processor) on PostgreSQL, started and ended cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from demo.database import database

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """A running Airflow, open to everybody on this machine.

    :param url: where its web UI and its REST API are
    :param log_path: the log of all its processes
    :param environment: the environment of its processes; it holds keys, so that it is not shown
    """

    url: str
    log_path: Path
    environment: Mapping[str, str] = field(repr=False)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """One call of the REST API that the web UI uses.

        :param path: below ``/api/v2/``
        :param arguments: further arguments of :func:`requests.request`
        :returns: the decoded answer
        :raises requests.HTTPError: with Airflow's own words
        """
        response = requests.request(method, f"{self.url}/api/v2/{path}", timeout=30, **arguments)
        if not response.ok:
            raise requests.HTTPError(
                f"{method} {path}: {response.status_code} {response.text}", response=response
            )
        return response.json() if response.content else None

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until Airflow has read a DAG."""
        self.wait_for(lambda: self._dag_is_known(dag_id), f"Airflow to read the DAG {dag_id}", seconds=60)

    def pause(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG or let it run."""
        self.call("PATCH", f"dags/{dag_id}", json={"is_paused": paused})

    def _dag_is_known(self, dag_id: str) -> bool:
        listed = self.call("GET", "dags", params={"dag_id_pattern": dag_id})
        return any(dag["dag_id"] == dag_id for dag in listed["dags"])

    def log_tail(self, lines: int = 60) -> str:
        """The end of the log, without the API server's line for each of our calls."""
        text = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join([line for line in text if "[http.access]" not in line][-lines:])

    def wait_for(self, condition: Any, what: str, *, seconds: float) -> Any:
        """Ask until the answer is true, and return it.

        :raises TimeoutError: after ``seconds``, with the end of the log
        """
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Waited {seconds:g} s for {what}. Airflow's log ends:\n{self.log_tail()}")
            time.sleep(_POLL_SECONDS)
        return answer


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def standalone(home: Path, environment: Mapping[str, str]) -> Iterator[Airflow]:
    """Run ``airflow standalone`` with a database of its own for the length of the block.

    The database is PostgreSQL, because on sqlite Airflow may refuse to create a backfill while another of its parts
    writes.

    :param home: folder for its log; AIRFLOW_HOME is in ``environment``
    :param environment: see :func:`demo.services.airflow_environment`
    :raises TimeoutError: when it is not healthy in time, with the end of its log
    """
    api_port, worker_log_port, trigger_log_port = _free_ports(3)
    url = f"http://127.0.0.1:{api_port}"
    settings = {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api_port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_log_port),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_log_port),
    }
    with database() as address:
        settings = {**environment, **settings, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address}
        airflow = Airflow(url=url, log_path=home / "standalone.log", environment=settings)
        with airflow.log_path.open("wb") as log:
            # A session of its own, so that a Ctrl-C at the terminal reaches Airflow once and from here.
            process = subprocess.Popen(
                ["airflow", "standalone"],
                env=settings,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            airflow.wait_for(lambda: _healthy(process, url), "Airflow to be healthy", seconds=_START_SECONDS)
            yield airflow
        finally:
            _stop(process)


def _healthy(process: subprocess.Popen[bytes], url: str) -> bool:
    if process.poll() is not None:
        # Not a wait any longer: it has ended by itself.
        raise RuntimeError(f"airflow standalone ended with {process.returncode}")
    try:
        parts = requests.get(f"{url}/api/v2/monitor/health", timeout=5).json()
        if any(part["status"] != "healthy" for part in parts.values()):
            return False
        # The first call of the workers' API takes it seconds, in which the first tasks would time out and wait.
        return requests.get(f"{url}/execution/health", timeout=_START_SECONDS).ok
    except requests.RequestException:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupt Airflow and wait; SIGTERM would end only the parent and leave its parts behind."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
