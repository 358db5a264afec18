"""The parameters of the bundled DAGs: their forms, and where a value comes from when a run is given none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.definitions._internal.templater import SandboxedEnvironment

from encord_provider.bundles import bundled_dags_folder
from encord_provider.options import ClientMetadata, Filters, Frames, Grouping, ObjectUrls, Parts
from encord_provider.settings import Settings
from encord_provider.sources import source_of
from tests.helpers.dags import read_dags

GROUPS = (Filters, Grouping, ClientMetadata, Frames, ObjectUrls, Parts)


def found(template: str, params: dict[str, Any], variable: dict[str, Any] | None) -> str:
    """What a template renders to in a run that is given parameters, beside a Variable."""
    names = dict.fromkeys(("bucket", "source", "filters"))
    variables = {} if variable is None else {"lake": variable}
    context = {"params": {**names, **params}, "var": {"json": variables}}
    return str(SandboxedEnvironment().from_string(template).render(context))


SETTINGS = Settings(variable="lake")


def test_what_a_run_is_given_comes_first_then_the_variable_then_nothing() -> None:
    template = SETTINGS.template("bucket")
    assert found(template, {"bucket": "a"}, {"bucket": "b"}) == "a"
    assert found(template, {}, {"bucket": "b"}) == "b"
    assert found(template, {"bucket": ""}, {}) == ""
    assert found(template, {}, None) == ""


@pytest.mark.parametrize("value", [0, False, "0"])
def test_zero_and_false_are_values(value: Any) -> None:
    template = SETTINGS.template("bucket")
    assert found(template, {}, {"bucket": value}) == str(value)
    assert found(template, {"bucket": value}, {"bucket": 5}) == str(value)


def test_an_object_is_rendered_as_json() -> None:
    template = SETTINGS.template("filters", as_json=True)
    given = {"include": ["it's <a> & b"]}
    assert json.loads(found(template, {"filters": given}, {})) == given
    assert json.loads(found(template, {}, {"filters": given})) == given
    assert found(template, {}, None) == "{}"


def test_a_run_that_is_given_a_source_does_not_take_the_bucket_of_the_variable() -> None:
    bucket = SETTINGS.template("bucket", instead_of=["source"])
    source = SETTINGS.template("source", as_json=True, instead_of=["bucket"])
    table = {"kind": "table", "uri": "s3://lake/t.csv"}
    assert found(bucket, {"source": table}, {"bucket": "b"}) == ""
    assert found(bucket, {}, {"bucket": "b"}) == "b"
    assert found(source, {"bucket": "a"}, {"source": table}) == "{}"
    assert json.loads(found(source, {}, {"source": table})) == table


@pytest.fixture(scope="module")
def dags() -> Any:
    return read_dags(bundled_dags_folder())


@pytest.mark.parametrize(
    "dag_id", ["encord_s3_import", "encord_spec_import", "encord_metadata_sync", "encord_s3_to_project"]
)
def test_every_form_can_be_left_as_it_opens_and_says_where_a_value_comes_from_then(
    dags: Any, dag_id: str
) -> None:
    params = dags[dag_id].params
    for name in params:
        param = params.get_param(name)
        param.resolve()
        if name.endswith("_conn_id"):
            continue
        assert (param.value, param.schema["type"][1:]) == (None, ["null"]), name
        assert None in param.schema.get("enum", [None])
        assert (f"the Variable {dag_id} says" in param.description) is (name != "date"), name
        assert "Empty for " in param.description


@pytest.mark.parametrize(
    ("dag_id", "open_at_once"),
    [
        ("encord_s3_import", {"bucket", "prefix", "source", "folder", "integration", "date"}),
        ("encord_spec_import", {"bucket", "prefix", "folder", "integration", "max_failed_units"}),
        (
            "encord_s3_to_project",
            {"bucket", "prefix", "folder", "integration", "dataset", "project", "date"},
        ),
        ("encord_metadata_sync", {"table", "folder", "dataset", "project"}),
    ],
)
def test_a_form_opens_with_what_a_run_is_usually_given(
    dags: Any, dag_id: str, open_at_once: set[str]
) -> None:
    params = dags[dag_id].params
    assert {name for name in params if "section" not in params.get_param(name).schema} == open_at_once


def test_every_group_of_options_has_a_field_with_an_example_that_it_takes(dags: Any) -> None:
    params = dags["encord_s3_import"].params
    for group in GROUPS:
        param = params.get_param(group.parameter)
        assert param.schema["type"] == ["object", "null"]
        example = json.loads(param.description.partition("Example: ")[2].partition(" Empty for")[0])
        param.resolve(example)
        assert group.of(example) != group()
    source = params.get_param("source").description
    assert source_of(source.partition("Example: ")[2].partition(" Empty for")[0]) is not None


def test_the_form_offers_every_media_type_that_the_build_operator_takes(dags: Any) -> None:
    from encord_provider.upload_spec import MEDIA_TYPES

    choices = dags["encord_s3_import"].params.get_param("media").schema["enum"]
    assert set(choices) == {None, "auto", *MEDIA_TYPES} - {"scene"}
