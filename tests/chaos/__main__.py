"""``python -m tests.chaos``: run schedules, print the table, end with 1 if anything is lost, doubled, left or wrong."""

from __future__ import annotations

import os
import shutil
import tempfile

# Airflow reads its home once, when it is imported.
_HOME = tempfile.mkdtemp(prefix="chaos-airflow-")
os.environ["AIRFLOW_HOME"] = _HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"

from tests.chaos.table import main  # noqa: E402

if __name__ == "__main__":
    try:
        code = main()
    finally:
        shutil.rmtree(_HOME, ignore_errors=True)
    raise SystemExit(code)
