"""Runs of the bundled DAG through Airflow itself: its task runner, its connections, its triggers.

``python -m demo.runs`` reads ``{"days": [...], "params": {...}}`` from standard input, in an environment made by
:func:`demo.services.airflow_environment`, and writes one JSON line for each run to the file named as its argument.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from demo.services import DAG_ID, ROOT

_SECONDS = 240


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


def run_days(
    days: Sequence[date], params: Mapping[str, Any], *, environment: Mapping[str, str], home: Path
) -> Iterator[DagRunResult]:
    """Run the DAG for each day, one after the other, in a process with an Airflow of its own.

    :param environment: the whole environment of that process
    :param home: where its log (``airflow.log``) goes
    :return: the results in the order of ``days``
    :raises RuntimeError: when the process fails, with the end of its log
    :raises subprocess.TimeoutExpired: when it takes more than four minutes
    """
    results, log_path = home / "runs.jsonl", home / "airflow.log"
    request = json.dumps({"days": [day.isoformat() for day in days], "params": params})
    with log_path.open("ab") as log:
        process = subprocess.run(
            [sys.executable, "-m", "demo.runs", str(results)],
            input=request.encode(),
            cwd=ROOT,
            env=dict(environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=_SECONDS,
        )
    if process.returncode:
        tail = "\n".join(log_path.read_text(errors="replace").splitlines()[-40:])
        raise RuntimeError(f"Airflow ended with {process.returncode}; the end of {log_path}:\n{tail}")
    for line in results.read_text().splitlines():
        fields = json.loads(line)
        yield DagRunResult(**{**fields, "day": date.fromisoformat(fields["day"])})


def _run_all(request: Mapping[str, Any], results: Path) -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    initdb()
    (bundle,) = DagBundlesManager().get_all_dag_bundles()
    bundle.initialize()
    bag = DagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    if bag.import_errors:
        raise RuntimeError(f"The bundled DAGs do not import: {bag.import_errors}")
    dag = bag.dags[DAG_ID]
    with results.open("w") as stream:
        for day in request["days"]:
            logical_date = datetime.combine(date.fromisoformat(day), time(), tzinfo=UTC)
            # A manual run with a logical date owns the day before it, as ever in Airflow; so the day is named.
            run = dag.test(logical_date=logical_date, run_conf={**request["params"], "date": day})
            instances = {ti.task_id.rpartition(".")[2]: ti for ti in run.get_task_instances()}
            fields = {
                "day": day,
                "state": str(run.state),
                "tasks": {name: str(ti.state) for name, ti in instances.items()},
                "returned": {name: ti.xcom_pull(task_ids=ti.task_id) for name, ti in instances.items()},
            }
            stream.write(json.dumps(fields) + "\n")
            stream.flush()


if __name__ == "__main__":
    _run_all(json.load(sys.stdin), Path(sys.argv[1]))
