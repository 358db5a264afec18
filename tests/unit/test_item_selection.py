"""Options of operators: rendered in a copy, and the outputs of other tasks in them make these upstream."""

from __future__ import annotations

import dataclasses
from typing import Any

import pendulum
import pytest
from airflow.sdk import DAG, BaseOperator

from encord_provider.exceptions import EncordInputError
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.options import ItemSelection
from tests.helpers.dags import serialized_form

NOWHERE = "0f0d0000-0000-4000-8000-00000000dead"


def patch(items: ItemSelection, **arguments: Any) -> EncordPatchMetadataOperator:
    return EncordPatchMetadataOperator(task_id="patch", for_all={"n": 1}, items=items, **arguments)


def test_templates_are_rendered_in_a_copy_of_every_run() -> None:
    given = ItemSelection(dataset="{{ params.dataset }}", uuids=["{{ params.item }}"], recursive=True)
    for number in range(2):
        task = patch(given).prepare_for_execution()
        params = {"dataset": f"dataset-{number}", "item": f"item-{number}"}
        task.render_template_fields({"params": params, "task": task})  # type: ignore[typeddict-item]
        assert task.items == ItemSelection(
            dataset=f"dataset-{number}", uuids=[f"item-{number}"], recursive=True
        )
    assert given.dataset == "{{ params.dataset }}"


def test_the_output_of_another_task_makes_it_upstream_and_is_read_when_the_task_runs() -> None:
    with DAG(dag_id="lake", schedule=None, start_date=pendulum.datetime(2026, 5, 1)):
        first = BaseOperator(task_id="first")
        second = BaseOperator(task_id="second")
        task = patch(ItemSelection(uuids=first.output, upload_spec=second.output["index"]))
        mapped = EncordPatchMetadataOperator.partial(
            task_id="mapped", for_all={"n": 1}, items=ItemSelection(uuids=first.output)
        ).expand(folder=["a", "b"])
    assert task.upstream_task_ids == {"first", "second"}
    assert mapped.upstream_task_ids == {"first"}


def test_a_dag_with_options_is_serialized_alike_every_time() -> None:
    def serialized() -> Any:
        with DAG(dag_id="lake", schedule=None, start_date=pendulum.datetime(2026, 5, 1)) as dag:
            first = BaseOperator(task_id="first")
            patch(ItemSelection(uuids=first.output, dataset=NOWHERE))
        return serialized_form().to_dict(dag)

    assert serialized() == serialized()
    assert NOWHERE in str(serialized())


def test_a_mapping_stands_for_options() -> None:
    assert ItemSelection.of({"dataset": NOWHERE, "frames": True}) == ItemSelection(
        dataset=NOWHERE, frames=True
    )
    assert ItemSelection.of(None) == ItemSelection.of({}) == ItemSelection()


@pytest.mark.parametrize(("given", "named"), [({"folders": "a"}, "'folders'"), (["a"], "list")])
def test_anything_else_is_refused_with_the_names_that_there_are(given: Any, named: str) -> None:
    with pytest.raises(EncordInputError, match=named) as caught:
        ItemSelection.of(given)
    assert all(field.name in str(caught.value) for field in dataclasses.fields(ItemSelection))


def test_options_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ItemSelection().dataset = NOWHERE  # type: ignore[misc]


def test_every_template_field_is_a_field() -> None:
    fields = {field.name for field in dataclasses.fields(ItemSelection)}
    assert set(ItemSelection.template_fields) <= fields
