"""The task group that the bundled DAG and company DAGs share: its tasks, their order, and what goes between them."""

from __future__ import annotations

import inspect
from typing import Any

import pendulum
import pytest
from airflow.sdk import DAG

from encord_provider.exceptions import EncordInputError
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.options import ClientMetadata, Frames, Grouping, Media, Parts
from encord_provider.pipelines import import_from_s3, sync_metadata, to_dataset
from encord_provider.sources import S3Inventory
from tests.helpers.dags import serialized_form


def group(**arguments: Any) -> Any:
    """The DAG that holds one group."""
    with DAG(dag_id="lake", schedule=None, start_date=pendulum.datetime(2026, 5, 1)) as dag:
        import_from_s3(**{"bucket": "lake", "folder": "lake/daily", **arguments})
    return dag


def order_of(dag: Any) -> dict[str, set[str]]:
    """The tasks that follow each task."""
    return {task_id: set(task.downstream_task_ids) for task_id, task in dag.task_dict.items()}


def test_the_chain_runs_from_schema_to_metadata() -> None:
    assert order_of(group(schema={"site": "varchar"})) == {
        "import_from_s3.set_schema": {"import_from_s3.build_spec"},
        "import_from_s3.build_spec": {"import_from_s3.import_data", "import_from_s3.patch_metadata"},
        "import_from_s3.import_data": {"import_from_s3.patch_metadata"},
        "import_from_s3.patch_metadata": set(),
    }


def test_without_a_schema_there_is_no_task_for_it() -> None:
    assert "import_from_s3.set_schema" not in group().task_dict


def test_two_groups_of_one_dag_are_told_apart() -> None:
    with DAG(dag_id="lake", schedule=None, start_date=pendulum.datetime(2026, 5, 1)) as dag:
        for site in ("oslo", "bergen"):
            import_from_s3(bucket="lake", folder=f"lake/{site}", group_id=site)
    for site in ("oslo", "bergen"):
        ((of, key),) = dag.task_dict[f"{site}.patch_metadata"].folder.iter_references()
        assert (of.task_id, key) == (f"{site}.import_data", "folder")


def test_every_task_gets_the_connections_and_the_workspace() -> None:
    dag = group(
        schema={"site": "varchar"},
        encord_conn_id="encord_lab",
        aws_conn_id="aws_lab",
        workspace="/srv/encord",
    )
    assert {task.encord_conn_id for task in dag.tasks} == {"encord_lab"}
    for label in ("set_schema", "build_spec"):
        assert dag.task_dict[f"import_from_s3.{label}"].aws_conn_id == "aws_lab"
    for label in ("build_spec", "import_data", "patch_metadata"):
        assert dag.task_dict[f"import_from_s3.{label}"].workspace == "/srv/encord"


def test_it_waits_in_the_triggerer_unless_told_otherwise() -> None:
    assert group().task_dict["import_from_s3.import_data"].deferrable is True
    assert group(deferrable=False).task_dict["import_from_s3.import_data"].deferrable is False


def test_the_folder_is_created_and_failures_count_as_said() -> None:
    task = group(max_failed_units=5).task_dict["import_from_s3.import_data"]
    assert (task.create_folder, task.max_failed_units) == (True, 5)


def test_everything_that_the_build_operator_takes_can_be_given_to_the_group() -> None:
    own = set(inspect.signature(EncordBuildUploadSpecOperator.__init__).parameters) - {"self", "kwargs"}
    groups = {
        "source": S3Inventory(manifest="s3://reports/lake/"),
        "day": "2026-05-01",
        "media": Media(type="video"),
        "filters": {"include": ["*.mp4"]},
        "grouping": Grouping(title="{name}"),
        "metadata": ClientMetadata(table="s3://lake/t.csv"),
        "frames": Frames(sampling_rate=0),
        "object_urls": "{{ params.urls | tojson }}",
        "parts": Parts(max_units_per_part=10),
    }
    assert set(groups) == own - {"bucket", "prefix"}
    task = group(bucket="", **groups).task_dict["import_from_s3.build_spec"]
    assert {name: getattr(task, name) for name in groups} == groups


def test_what_build_spec_was_told_not_to_check_is_not_checked_later() -> None:
    assert group().task_dict["import_from_s3.patch_metadata"].validate is False


def test_a_group_of_options_that_is_wrong_breaks_the_dag_and_not_its_runs() -> None:
    with pytest.raises(EncordInputError, match="filters has no 'includes'"):
        group(filters={"includes": ["*.mp4"]})


def with_dataset(**arguments: Any) -> Any:
    """The DAG that holds an import and the group behind it."""
    defaults = {"encord_conn_id": "encord_lab", "workspace": "/srv/encord"}
    with DAG(
        dag_id="lake", schedule=None, start_date=pendulum.datetime(2026, 5, 1), default_args=defaults
    ) as dag:
        imported = import_from_s3(
            bucket="lake", folder="lake/daily", schema={"a": "text"}, max_failed_units=3
        )
        to_dataset(imported, **{"dataset": "trucks", "project": "labels", **arguments})
    return dag


def test_titles_are_checked_before_an_import_and_the_dataset_is_filled_behind_it() -> None:
    dag = with_dataset()
    order = order_of(dag)
    assert order["check_to_dataset"] == {"import_from_s3.set_schema"}
    assert "to_dataset.create_dataset" in order["import_from_s3.patch_metadata"]
    assert order["to_dataset.create_dataset"] == {"to_dataset.link_items", "to_dataset.attach_dataset"}
    assert order["to_dataset.link_items"] == {"to_dataset.attach_dataset"}
    # Airflow's pages draw the groups in this order, and refuse a circle.
    drawn = serialized_form().from_dict(serialized_form().to_dict(dag)).task_group.topological_sort()
    assert [one.node_id for one in drawn] == ["check_to_dataset", "import_from_s3", "to_dataset"]


def test_without_a_project_there_is_no_task_for_it() -> None:
    assert "to_dataset.attach_dataset" not in with_dataset(project=None).task_dict


def test_the_group_behind_an_import_takes_what_the_dag_says_for_all() -> None:
    tasks = with_dataset().task_dict
    assert {tasks[f"to_dataset.{one}"].encord_conn_id for one in ("create_dataset", "link_items")} == {
        "encord_lab"
    }
    assert tasks["to_dataset.link_items"].workspace == "/srv/encord"
    assert tasks["check_to_dataset"].op_kwargs["encord_conn_id"] == "encord_lab"
    assert {tasks[one].retries for one in ("check_to_dataset", "to_dataset.link_items")} == {2}


def test_as_many_objects_may_be_missing_as_data_units_may_fail_unless_told() -> None:
    assert with_dataset().task_dict["to_dataset.link_items"].max_unmatched == 3
    assert with_dataset(max_unmatched=None).task_dict["to_dataset.link_items"].max_unmatched is None


def test_only_the_group_of_an_import_can_be_followed_by_a_dataset() -> None:
    with (
        DAG(dag_id="lake", schedule=None, start_date=pendulum.datetime(2026, 5, 1)),
        pytest.raises(EncordInputError, match="'sync_metadata' has no tasks build_spec and import_data"),
    ):
        to_dataset(sync_metadata(table="s3://lake/t.csv", folder="lake"), dataset="trucks")
