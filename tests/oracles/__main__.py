"""``python -m tests.oracles``: random cases against independent oracles; ends with 1 if any does not agree."""

from __future__ import annotations

import os
import shutil
import tempfile

# Airflow reads its home once, when it is imported.
_HOME = tempfile.mkdtemp(prefix="oracles-airflow-")
os.environ["AIRFLOW_HOME"] = _HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"

from tests.oracles.table import main  # noqa: E402

if __name__ == "__main__":
    try:
        code = main()
    finally:
        shutil.rmtree(_HOME, ignore_errors=True)
    raise SystemExit(code)
