"""``python -m tests.siege``: malformed input of every kind, within bounds; 1 unless all is right or refused."""

from __future__ import annotations

import os
import shutil
import tempfile

# Airflow reads its home once, when it is imported.
_HOME = tempfile.mkdtemp(prefix="siege-airflow-")
os.environ["AIRFLOW_HOME"] = _HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

from tests.siege.siege import main  # noqa: E402

if __name__ == "__main__":
    try:
        code = main()
    finally:
        shutil.rmtree(_HOME, ignore_errors=True)
    raise SystemExit(code)
