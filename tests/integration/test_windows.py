"""Which objects a run of a DAG takes, under each kind of schedule: what is imported, not only what is worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.dags import planned_runs, run
from tests.helpers.folders import metadata_in
from tests.helpers.versions import requires_airflow

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

DAYS = [f"2026-05-{day:02d}" for day in range(1, 6)]

DAG = """
import pendulum
from airflow.sdk import DAG
{imports}
from encord_provider.pipelines import import_from_s3

with DAG(dag_id="lake", schedule={schedule}, start_date=pendulum.datetime(2026, 1, 1), catchup=False):
    import_from_s3(bucket="{bucket}", prefix="{prefix}", folder="lake", integration="AWS S3", deferrable=False)
"""


@pytest.fixture
def lake(s3: Any, bucket: str) -> str:
    """One image for each of some days."""
    for day in DAYS:
        s3.put_object(Bucket=bucket, Key=f"dt={day}/{day}.jpg", Body=b"x")
    return bucket


@pytest.fixture
def dag(serve: Any, lake: str) -> Any:
    def served(schedule: str, *, prefix: str = "dt={date}/", imports: str = "") -> Any:
        text = DAG.format(schedule=schedule, prefix=prefix, imports=imports, bucket=lake)
        return serve("lake", text)

    return served


def imported() -> list[str]:
    """The days whose images the folder holds."""
    from encord_provider.hooks.encord import EncordHook

    hook = EncordHook()
    folder = hook.client.get_storage_folder(hook.find_folder("lake", create=True))
    return sorted(name.rpartition("/")[2].removesuffix(".jpg") for name in metadata_in(folder))


INTERVALS = "from airflow.timetables.interval import CronDataIntervalTimetable"


@pytest.mark.parametrize(
    ("schedule", "imports", "taken"),
    [
        ('"@daily"', "", DAYS[:3]),
        ('"0 6 * * *"', "", DAYS[:3]),
        ('CronDataIntervalTimetable("@daily", timezone="UTC")', INTERVALS, DAYS[1:4]),
        pytest.param(
            'CronPartitionTimetable("@daily", timezone="UTC")',
            "from airflow.sdk import CronPartitionTimetable",
            DAYS[1:4],
            marks=requires_airflow("3.2", "partitions"),
        ),
        pytest.param(
            'CronPartitionTimetable("0 6 * * *", timezone="UTC", key_format="%Y-%m-%d")',
            "from airflow.sdk import CronPartitionTimetable",
            DAYS[1:4],
            marks=requires_airflow("3.2", "partitions"),
        ),
    ],
    ids=["daily", "six o'clock", "interval", "partitions", "partitions at six"],
)
def test_a_backfill_takes_the_day_of_the_partition_or_the_interval_and_else_the_day_before(
    encord: EncordEmulator, dag: Any, schedule: str, imports: str, taken: list[str]
) -> None:
    made = dag(schedule, imports=imports)
    runs = list(planned_runs(made, DAYS[1], "2026-05-04T23:00"))
    assert len(runs) == 3
    for one, day in zip(runs, taken, strict=True):
        before = imported()
        assert run(made, planned=one, run_type="backfill")[0] == "success"
        assert imported() == sorted({*before, day})


def test_the_run_that_the_scheduler_makes_at_six_takes_the_day_before(
    encord: EncordEmulator, dag: Any
) -> None:
    made = dag('"0 6 * * *"')
    (planned,) = planned_runs(made, DAYS[3], "2026-05-04T23:00")
    assert planned.run_after.isoformat().startswith("2026-05-04T06:00")
    assert run(made, planned=planned)[0] == "success"
    assert imported() == [DAYS[2]]


@pytest.mark.parametrize("schedule", ["None", '[Asset("recordings")]'], ids=["manual", "asset"])
def test_a_run_without_a_date_needs_none_when_the_prefix_names_none(
    encord: EncordEmulator, dag: Any, schedule: str
) -> None:
    made = dag(schedule, prefix="dt=2026-05-0", imports="from airflow.sdk import Asset")
    assert run(made, logical_date=None)[0] == "success"
    assert imported() == DAYS


def test_a_schedule_whose_day_cannot_be_told_fails_and_says_what_to_do(
    encord: EncordEmulator, dag: Any, caplog: pytest.LogCaptureFixture
) -> None:
    made = dag('"15 */5 * * *"')
    state, states, _ = run(made, planned=planned_runs(made, DAYS[1], "2026-05-02T01:00")[0])
    assert (state, states["import_from_s3.build_spec"]) == ("failed", "failed")
    assert imported() == []
