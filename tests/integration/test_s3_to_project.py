"""The bundled DAG encord_s3_to_project, and its task group in the DAGs of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.hooks.encord import EncordHook
from tests.helpers.dags import run
from tests.helpers.operators import writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
DAY = "2026-05-01"


@pytest.fixture
def lake(s3: Any, bucket: str) -> str:
    for name in ("quay.jpg", "gate.jpg", "notes.docx"):
        s3.put_object(Bucket=bucket, Key=f"site=oslo/dt={DAY}/{name}", Body=b"x")
    s3.put_object(Bucket=bucket, Key="site=oslo/dt=2026-05-02/later.jpg", Body=b"x")
    return bucket


@pytest.fixture
def project(encord: EncordEmulator) -> str:
    """A project without data."""
    return str(EncordHook().client.create_project("labels", []))


@pytest.fixture
def given(lake: str) -> dict[str, Any]:
    return {
        "bucket": lake,
        "prefix": "site=*/dt={date}/",
        "date": DAY,
        "folder": "lake/daily",
        "integration": "AWS S3",
        "dataset": "trucks",
        "project": "labels",
        "metadata": {"key_pattern": "site=(?P<site>[^/]+)/"},
        "schema": {"site": "varchar"},
    }


def label_rows(project: str) -> list[tuple[str, Any]]:
    """The rows that people label, with the metadata that they see, as the official SDK lists them."""
    rows = EncordHook().client.get_project(project).list_label_rows_v2(include_client_metadata=True)
    return sorted((row.data_title.rpartition("/")[2], row.client_metadata) for row in rows)


TWO = [("gate.jpg", {"site": "oslo"}), ("quay.jpg", {"site": "oslo"})]


def test_from_a_bucket_to_a_project_and_a_second_run_changes_nothing(
    encord: EncordEmulator, run_dag: Callable[..., Any], given: dict[str, Any], project: str
) -> None:
    state, states, returned = run_dag("encord_s3_to_project", **given)
    assert (state, set(states.values())) == ("success", {"success"}), states
    assert label_rows(project) == TWO
    assert (returned["create_dataset"]["created"], returned["attach_dataset"]["attached"]) == (True, True)
    assert (returned["link_items"]["linked"], returned["link_items"]["unmatched"]) == (2, 0)

    encord.call(lambda store: store.requests.clear())
    state, states, returned = run_dag("encord_s3_to_project", **given)
    assert (state, set(states.values())) == ("success", {"success"}), states
    assert (returned["create_dataset"]["created"], returned["attach_dataset"]["attached"]) == (False, False)
    assert (returned["link_items"]["linked"], returned["link_items"]["already_there"]) == (0, 2)
    # The job registers nothing: it skips what is there.
    assert set(writes(encord)) <= {"start_upload_job"}
    assert label_rows(project) == TWO

    # Another day adds its own.
    state, _, returned = run_dag("encord_s3_to_project", **{**given, "date": "2026-05-02"})
    assert (state, returned["link_items"]["selected"]) == ("success", 1)
    assert len(label_rows(project)) == 3


def test_without_a_project_the_last_task_is_skipped(
    encord: EncordEmulator, run_dag: Callable[..., Any], given: dict[str, Any]
) -> None:
    state, states, returned = run_dag("encord_s3_to_project", **{**given, "project": None})
    assert (state, states.pop("attach_dataset"), set(states.values())) == ("success", "skipped", {"success"})
    assert returned["link_items"]["linked"] == 2


def test_a_day_without_objects_creates_nothing(
    encord: EncordEmulator, run_dag: Callable[..., Any], given: dict[str, Any], project: str
) -> None:
    state, states, _ = run_dag("encord_s3_to_project", **{**given, "date": "2026-01-01", "schema": None})
    assert state == "success"
    assert states["create_dataset"] == states["attach_dataset"] == "skipped"
    assert list(EncordHook().client.get_datasets()) == []


@pytest.mark.parametrize("wrong", ["dataset", "project", "integration"])
def test_a_name_that_is_wrong_changes_nothing(
    encord: EncordEmulator, run_dag: Callable[..., Any], given: dict[str, Any], project: str, wrong: str
) -> None:
    client = EncordHook().client
    if wrong == "dataset":
        from encord.orm.dataset import StorageLocation

        for _ in range(2):
            client.create_dataset("trucks", StorageLocation.AWS, create_backing_folder=False)
    elif wrong == "project":
        client.create_project("labels", [])
    else:
        given["integration"] = "Aws S3"
    del given["schema"]  # it is declared before anything is listed
    encord.call(lambda store: store.requests.clear())
    state, states, _ = run_dag("encord_s3_to_project", **given)
    assert state == "failed"
    assert [name for name, one in states.items() if one == "failed"] == [
        "import_data" if wrong == "integration" else "check_dataset"
    ]
    assert writes(encord) == []
    assert list(client.list_storage_folders()) == []


def test_a_data_unit_that_failed_is_missing_only_where_that_is_allowed(
    encord: EncordEmulator, run_dag: Callable[..., Any], given: dict[str, Any], project: str
) -> None:
    encord.inject_fault("unit_error", url="*gate.jpg", message="cannot be read")
    state, states, _ = run_dag("encord_s3_to_project", **given)
    assert (state, states["import_data"], states["link_items"]) == ("failed", "failed", "upstream_failed")
    state, states, returned = run_dag("encord_s3_to_project", **{**given, "max_failed_units": "1"})
    assert (state, states["link_items"]) == ("success", "success")
    assert (returned["link_items"]["linked"], returned["link_items"]["unmatched"]) == (1, 1)
    assert label_rows(project) == [("quay.jpg", {"site": "oslo"})]


MAPPED = """
import pendulum
from airflow.sdk import DAG, task_group
from encord_provider.pipelines import import_from_s3, to_dataset

with DAG(dag_id="mapped", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    @task_group
    def day(name):
        imported = import_from_s3(
            bucket="{bucket}", prefix="site=oslo/dt={{date}}/", day=name, folder="lake", integration="AWS S3",
            deferrable=False,
        )
        to_dataset(imported, dataset=name)

    day.expand(name=["2026-05-01", "2026-05-02"])
"""


def test_mapped_over_days_each_into_its_own_dataset(encord: EncordEmulator, serve: Any, lake: str) -> None:
    dag = serve("mapped", MAPPED.format(bucket=lake))
    state, states, _ = run(dag, logical_date=None)
    assert (state, set(states.values())) == ("success", {"success"}), states
    assert not any(task.task_id.endswith("attach_dataset") for task in dag.tasks)
    hook = EncordHook()
    found = {
        day: len(hook.client.get_dataset(hook.find_dataset(day)).list_data_rows())
        for day in ("2026-05-01", "2026-05-02")
    }
    assert found == {"2026-05-01": 2, "2026-05-02": 1}
