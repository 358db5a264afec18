"""Runs of the bundled DAG through Airflow itself: its task runner, its connections, its triggers.

Airflow reads its settings when it is imported, so it runs in a process of its own: ``python -m demo.runs FD``, in an
environment made by :func:`demo.services.airflow_environment`. That process reads one JSON line for each run from
standard input and writes one for its result to the file descriptor FD.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import IO, Any

from demo.services import DAG_ID, ROOT

_RUN_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class DagRunResult:
    """How one run of the DAG ended.

    :param day: the day it covered
    :param state: Airflow's state of the run
    :param tasks: Airflow's state of each task, by its name within the task group
    :param returned: what each task returned, by the same name
    """

    day: date
    state: str
    tasks: Mapping[str, str]
    returned: Mapping[str, Any]


class DagRunner:
    """A process with an Airflow of its own that runs the DAG when asked; see :func:`dag_runner`."""

    def __init__(self, requests: IO[str], results: IO[str], log_path: Path) -> None:
        self._requests = requests
        self._results = results
        self._log_path = log_path

    def run_days(self, days: Sequence[date], params: Mapping[str, Any]) -> list[DagRunResult]:
        """Run the DAG for each day, one after the other.

        :param params: the DAG's parameters, without ``date``
        :returns: the results in the order of ``days``
        :raises RuntimeError: when Airflow itself fails, with the end of its log
        """
        return [self._run_day(day, params) for day in days]

    def run(self, dag_id: str, day: date, params: Mapping[str, Any]) -> DagRunResult:
        """Run another of the bundled DAGs once.

        :param dag_id: which one
        :param day: the logical date
        :param params: its parameters
        :returns: the result; of tasks that are mapped, the last one's
        :raises RuntimeError: when Airflow itself fails, with the end of its log
        """
        return self._ask({"dag": dag_id, "day": day.isoformat(), "params": params}, day)

    def _run_day(self, day: date, params: Mapping[str, Any]) -> DagRunResult:
        # A manual run with a logical date owns the day before it, as ever in Airflow; so the day is named.
        request = {"dag": DAG_ID, "day": day.isoformat(), "params": {**params, "date": day.isoformat()}}
        return self._ask(request, day)

    def _ask(self, request: Mapping[str, Any], day: date) -> DagRunResult:
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
            answered, _, _ = select.select([self._results], [], [], _RUN_SECONDS)
            line = self._results.readline() if answered else ""
        except BrokenPipeError:
            line = ""
        if not line:
            # While a failed task waits for its retry, Airflow writes a line each second.
            lines = self._log_path.read_text(errors="replace").splitlines()
            tail = "\n".join([line for line in lines if "No tasks to run" not in line][-60:])
            raise RuntimeError(
                f"Airflow ended, or took over {_RUN_SECONDS} s; the end of {self._log_path}:\n{tail}"
            )
        return DagRunResult(**{**json.loads(line), "day": day})


@contextmanager
def dag_runner(environment: Mapping[str, str], log_path: Path) -> Iterator[DagRunner]:
    """Start the process; it ends with the block.

    :param environment: the whole environment of that process
    :param log_path: the file for its log
    """
    reading, writing = os.pipe()
    with (
        os.fdopen(reading, encoding="utf-8") as results,
        log_path.open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "demo.runs", str(writing)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=dict(environment),
            pass_fds=[writing],
            text=True,
            start_new_session=True,
        ) as process,
    ):
        os.close(writing)
        if process.stdin is None:  # only without PIPE above
            raise RuntimeError("The process has no standard input")
        try:
            yield DagRunner(process.stdin, results, log_path)
        finally:
            # It has nothing left to save: each result was read, and its database goes with the next demo.
            process.kill()


def _serve(requests: IO[str], results: IO[str]) -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.utils.db import initdb

    initdb()
    (bundle,) = DagBundlesManager().get_all_dag_bundles()
    bundle.initialize()
    try:
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag  # type: ignore[no-redef]

        bag = DagBag(dag_folder=bundle.path, bundle_path=bundle.path)
    if bag.import_errors:
        raise RuntimeError(f"The bundled DAGs do not import: {bag.import_errors}")
    for line in requests:
        request = json.loads(line)
        day, params = request["day"], request["params"]
        run = bag.dags[request["dag"]].test(
            logical_date=datetime.combine(date.fromisoformat(day), time(), tzinfo=UTC), run_conf=params
        )
        instances = {ti.task_id.rpartition(".")[2]: ti for ti in run.get_task_instances()}
        result = {
            "state": str(run.state),
            "tasks": {name: str(ti.state) for name, ti in instances.items()},
            "returned": {
                name: ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index)
                for name, ti in instances.items()
            },
        }
        results.write(json.dumps(result) + "\n")
        results.flush()


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as answers:
        _serve(sys.stdin, answers)
