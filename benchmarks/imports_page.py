"""How fast the page "Encord imports" is when there are many imports: the newest, a page of old ones, one report.

``python benchmarks/imports_page.py [--sizes 100,10000]`` fills an Airflow database on PostgreSQL for each size, with
four reports a run and ten times as many XComs of others, asks the application as a browser does, and prints one table
in Markdown with the ratio of the largest size to the smallest. Exits with 1 if an answer takes more than a second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

TASKS = ("set_schema", "build_spec", "import_data", "patch_metadata")
DAGS, OTHERS, ASKED = 100, 10, 20
MOST_MS = 1_000.0


@contextmanager
def airflow() -> Iterator[None]:
    """An Airflow database of its own; Airflow reads where it is when it is imported."""
    from demo.database import database

    with tempfile.TemporaryDirectory() as home, database() as address:
        os.environ.update(
            AIRFLOW_HOME=home,
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=address,
            AIRFLOW__ENCORD__WORKSPACE=Path(home, "workspace").as_uri(),
            AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        )
        from airflow.utils.db import initdb

        initdb()
        yield


def fill(runs: int) -> None:
    """Leave so many imports, and nothing else, in the database."""
    from airflow import settings
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType
    from sqlalchemy import insert, text

    begun = datetime(2026, 1, 1, tzinfo=UTC)
    with create_session() as session:
        # What an XCom hangs from is not needed here: a task instance and the serialised DAG.
        session.execute(text("SET session_replication_role = replica"))
        for table in ("xcom", "dag_run", "dag"):
            session.execute(text(f"DELETE FROM {table}"))
        session.merge(DagBundleModel(name="benchmark"))
        session.add_all(DagModel(dag_id=f"lake_{number}", bundle_name="benchmark") for number in range(DAGS))
        session.flush()
        for number in range(runs):
            run = DagRun(
                dag_id=f"lake_{number % DAGS}",
                run_id=f"r{number}",
                run_type=DagRunType.MANUAL,
                state="success",
            )
            run.start_date = begun + timedelta(minutes=number)
            run.end_date = run.start_date + timedelta(seconds=90)
            session.add(run)
        session.flush()
        counts = [["data units", 1000], ["registered", 998], ["failed", 2]]
        said = {
            "title": "Import",
            "state": "success",
            "counts": counts,
            "report": "s3://lake-workspace/report.html",
        }
        rows: list[dict[str, Any]] = []
        for run_number, dag_id, run_id in session.query(DagRun.id, DagRun.dag_id, DagRun.run_id):
            row = {"dag_run_id": run_number, "dag_id": dag_id, "run_id": run_id, "map_index": -1}
            rows += [{**row, "task_id": task, "key": "encord_report", "value": said} for task in TASKS]
            rows += [
                {**row, "task_id": f"other_{one}", "key": "return_value", "value": one}
                for one in range(OTHERS * len(TASKS))
            ]
        for start in range(0, len(rows), 10_000):
            session.execute(insert(XComModel), rows[start : start + 10_000])
        session.execute(text("SET session_replication_role = DEFAULT"))
    assert settings.engine is not None
    with settings.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def asked(runs: int) -> dict[str, float]:
    """Ask for each page, and give the median in milliseconds."""
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    from encord_provider.plugin.app import make_app

    manager = create_auth_manager()
    manager.init()
    browser = TestClient(make_app())
    browser.cookies.set("_token", manager.generate_jwt(SimpleAuthManagerUser(username="ada", role="admin")))
    newest = browser.get("/imports").json()
    assert [one["run_id"] for one in newest["imports"]] == [f"r{runs - 1 - one}" for one in range(25)]
    assert len(newest["imports"][0]["tasks"]) == len(TASKS)
    old = newest["next"] - runs // 2
    report = {"dag_id": newest["imports"][0]["dag_id"], "run_id": newest["imports"][0]["run_id"]}

    def median(ask: Callable[[], Any]) -> float:
        taken = []
        for _ in range(ASKED):
            began = time.perf_counter()
            answer = ask()
            taken.append(1_000 * (time.perf_counter() - began))
            assert answer.status_code == 200, answer.text
        return statistics.median(taken)

    return {
        "the newest 25": median(lambda: browser.get("/imports")),
        "25 from the middle": median(lambda: browser.get("/imports", params={"before": old})),
        "one report": median(lambda: browser.get("/report", params=report)),
    }


def main() -> int:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="100,10000", help="how many imports")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    with airflow():
        found = {}
        for size in sizes:
            fill(size)
            found[size] = asked(size)
    print("| median, ms | " + " | ".join(f"{size:,} imports" for size in sizes) + " | ratio |")
    print("|---|" + "---:|" * (len(sizes) + 1))
    for name in found[sizes[0]]:
        figures = [found[size][name] for size in sizes]
        print(
            f"| {name} | "
            + " | ".join(f"{one:.0f}" for one in figures)
            + f" | {figures[-1] / figures[0]:.1f} |"
        )
    return int(any(one > MOST_MS for answers in found.values() for one in answers.values()))


if __name__ == "__main__":
    raise SystemExit(main())
