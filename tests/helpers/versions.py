"""What only some versions of Airflow have."""

from __future__ import annotations

import pytest
from airflow import sdk

needs_partitions = pytest.mark.skipif(
    not hasattr(sdk, "CronPartitionTimetable"), reason="Airflow 3.1 has no partitions"
)
