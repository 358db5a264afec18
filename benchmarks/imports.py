"""What it costs to import the operators and to parse a bundled DAG, beside the providers of dbt Cloud and Databricks.

``python benchmarks/imports.py [--alternatives .venv-bench/bin/python]`` imports in fresh processes, ours in this
environment and the others in one that has them, after what every DAG file imports anyway; then it parses a DAG file of
each, and prints one table in Markdown with the medians of the seconds of CPU and how many modules were loaded. Exits
with 1 if ours costs more than the lighter of the others.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
TIMES = 5
OURS = "airflow-provider-encord"
OPERATORS = {
    OURS: [
        f"encord_provider.operators.{one}"
        for one in ("build_upload_spec", "import_data", "patch_metadata", "set_schema", "check_metadata")
    ],
    "dbt Cloud": ["airflow.providers.dbt.cloud.operators.dbt"],
    "Databricks": ["airflow.providers.databricks.operators.databricks"],
}
DAGS = {
    "dbt Cloud": """
from airflow.providers.dbt.cloud.operators.dbt import DbtCloudRunJobOperator
from airflow.sdk import DAG
with DAG("other"):
    DbtCloudRunJobOperator(task_id="run", job_id=1)
""",
    "Databricks": """
from airflow.providers.databricks.operators.databricks import DatabricksRunNowOperator
from airflow.sdk import DAG
with DAG("other"):
    DatabricksRunNowOperator(task_id="run", job_id=1)
""",
}
PROGRAM = """
import importlib, json, sys, time
import airflow.sdk
import airflow.providers.common.compat.sdk
began, before = time.process_time(), len(sys.modules)
for name in {names!r}:
    importlib.import_module(name)
imported = time.process_time() - began
modules = len(sys.modules) - before
import runpy
began = time.process_time()
runpy.run_path({dag!r})
parsed = time.process_time() - began
print(json.dumps([imported, modules, imported + parsed]))
"""


def measure(python: str, names: list[str], dag: str) -> list[float]:
    """Seconds of CPU of the imports, how many modules they load, and seconds of a first parse."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        command = [python, "-c", PROGRAM.format(names=names, dag=dag)]
        # The first time compiles.
        runs = [
            json.loads(
                subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
                .stdout.splitlines()[-1]
            )
            for _ in range(TIMES + 1)
        ][1:]  # fmt: skip
    return [statistics.median(column) for column in zip(*runs, strict=True)]


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--alternatives", default=str(ROOT / ".venv-bench" / "bin" / "python"))
    # What the runner tells all benchmarks has no meaning here: there is one size.
    asked, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        files = {OURS: str(ROOT / "dags" / "encord_s3_import.py")}
        for name, text in DAGS.items():
            path = Path(folder, f"{name.split()[0].lower()}.py")
            path.write_text(text)
            files[name] = str(path)
        found = {
            name: measure(sys.executable if name == OURS else asked.alternatives, modules, files[name])
            for name, modules in OPERATORS.items()
        }
    print("| provider | operators, s of CPU | modules loaded | operators and a DAG, s of CPU |")
    print("|---|---:|---:|---:|")
    for name, (imported, modules, parsed) in found.items():
        print(f"| {name} | {imported:.2f} | {modules:.0f} | {parsed:.2f} |")
    lightest = [min(found[name][column] for name in DAGS) for column in (0, 2)]
    print(
        f"\nOurs to the lighter of the others: {found[OURS][0] / lightest[0]:.2f}, {found[OURS][2] / lightest[1]:.2f}."
    )
    return int(found[OURS][0] > lightest[0] or found[OURS][2] > lightest[1])


if __name__ == "__main__":
    raise SystemExit(main())
