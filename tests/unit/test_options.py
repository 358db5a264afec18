"""Groups of options: as objects, as mappings and as rendered texts, with templates and upstream tasks in them."""

from __future__ import annotations

import copy
import dataclasses
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.sdk import DAG, BaseOperator

from encord_provider import options
from encord_provider.exceptions import EncordInputError, KeyPatternError, MetadataValueError
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.options import (
    ClientMetadata,
    Embeddings,
    Filters,
    Frames,
    Grouping,
    ItemSelection,
    Limits,
    Media,
    ObjectUrls,
    Parts,
)
from encord_provider.sources import ObjectStorageFolder, ObjectUrlTable, S3Bucket, S3Inventory, source_of
from encord_provider.workspace.option_groups import Options
from tests.helpers.dags import serialized_form

GIVEN: list[tuple[type[Options], dict[str, Any]]] = [
    (
        Filters,
        {
            "include": ["*.mp4"],
            "exclude": ["tmp/*"],
            "min_size": 1,
            "max_size": 2,
            "modified_from": "2026-05-01T00:00:00+00:00",
            "modified_before": "2026-05-02T00:00:00+00:00",
            "storage_classes": ["STANDARD"],
        },
    ),
    (Grouping, {"group_by": "column:car", "title": "{name}"}),
    (
        ClientMetadata,
        {
            "table": "s3://lake/t.csv",
            "key_column": "file",
            "key_pattern": "site=(?P<site>[^/]+)/",
            "sidecars": True,
            "embeddings": {"uri": "s3://lake/e.npy", "keys": ["a.jpg"], "name": "clip"},
            "validate": False,
        },
    ),
    (Frames, {"table": "s3://lake/f.csv", "sampling_rate": 0.5, "keyframe_mode": "seconds"}),
    (Media, {"type": "video", "metadata": "s3://lake/m.csv"}),
    (ObjectUrls, {"style": "path", "endpoint": "https://minio.example.com"}),
    (
        Parts,
        {
            "max_units_per_part": {"video": 10, "image": 500},
            "skip_duplicate_urls": False,
            "limits": {"max_unmatched": 0, "max_skipped": 3},
        },
    ),
]


def rendered(task: BaseOperator, **context: Any) -> Any:
    """A copy of the task with its templates rendered, as Airflow's task runner makes it."""
    running = task.prepare_for_execution()
    everything = {"task": running, "params": {}, **context}
    running.render_template_fields(everything)
    return everything["task"]


def build(**arguments: Any) -> EncordBuildUploadSpecOperator:
    return EncordBuildUploadSpecOperator(task_id="build_spec", **arguments)


class TestForms:
    @pytest.mark.parametrize(("group", "values"), GIVEN, ids=lambda one: getattr(one, "__name__", ""))
    def test_an_object_a_mapping_and_a_rendered_text_are_the_same(
        self, group: type[Options], values: dict[str, Any]
    ) -> None:
        assert set(values) == {one.name for one in dataclasses.fields(group)} == set(group.template_fields)
        one = group(**values)
        assert group.of(one) is one
        assert group.of(values) == group.of(json.dumps(values)) == group.of(str(values)) == one
        parameter = group.parameter
        task = build(**{parameter: "{{ params.given | tojson }}"})
        assert group.of(getattr(rendered(task, params={"given": values}), parameter)) == one

    @pytest.mark.parametrize(("group", "values"), GIVEN, ids=lambda one: getattr(one, "__name__", ""))
    def test_every_field_may_be_a_template_of_its_own(
        self, group: type[Options], values: dict[str, Any]
    ) -> None:
        templates = {name: f"{{{{ params.{name} }}}}" for name in values}
        for given in (group(**templates), templates):
            before = copy.deepcopy(given)
            task = build(**{group.parameter: given})
            found = getattr(rendered(task, params=values), group.parameter)
            assert group.of(found) == group(**values)
            assert getattr(task, group.parameter) is given
            assert given == before

    @pytest.mark.parametrize(("group", "values"), GIVEN, ids=lambda one: getattr(one, "__name__", ""))
    @pytest.mark.parametrize("nothing", [None, "", "None", {}, "{}"])
    def test_nothing_means_the_defaults(
        self, group: type[Options], values: dict[str, Any], nothing: Any
    ) -> None:
        assert group.of(nothing) == group()
        assert group.of(dict.fromkeys(values)) == group.of(dict.fromkeys(values, "")) == group()

    def test_values_are_read_into_their_types(self) -> None:
        filters = Filters.of({"modified_from": "2026-05-01T00:00:00Z", "min_size": "5", "include": '["a"]'})
        assert filters == Filters(modified_from=datetime(2026, 5, 1, tzinfo=UTC), min_size=5, include=["a"])
        assert Parts.of({"max_units_per_part": {"video": 10}}).max_units_per_part == {"video": 10}
        assert isinstance(ClientMetadata.of(dict(GIVEN[2][1])).embeddings, Embeddings)

    def test_a_text_alone_is_the_media_type(self) -> None:
        assert Media.of("video") == Media(type="video")
        assert Media.of('{"type": "video"}') == Media(type="video")

    @pytest.mark.parametrize(
        ("given", "source"),
        [
            ({"kind": "bucket", "bucket": "lake", "prefix": "a/"}, S3Bucket(bucket="lake", prefix="a/")),
            ({"kind": "inventory", "manifest": "s3://r/x/"}, S3Inventory(manifest="s3://r/x/")),
            ({"kind": "folder", "uri": "gs://lake/raw"}, ObjectStorageFolder(uri="gs://lake/raw")),
            (
                {"kind": "table", "uri": "file:///t.csv", "url_column": "u"},
                ObjectUrlTable(uri="file:///t.csv", url_column="u"),
            ),
        ],
    )
    def test_every_source_may_be_a_mapping(self, given: Any, source: Any) -> None:
        assert source_of(given) == source_of(json.dumps(given)) == source
        task = rendered(build(source="{{ params.source | tojson }}"), params={"source": given})
        assert source_of(task.source) == source

    @pytest.mark.parametrize("nothing", [None, "", "{}", {}])
    def test_no_source(self, nothing: Any) -> None:
        assert source_of(nothing) is None


class TestErrors:
    """They come when the DAG is parsed, where no template is in the way, and otherwise before anything is read."""

    WRONG = [
        ("filters", {"includes": ["*"]}, r"filters has no 'includes'.*include, exclude, min_size"),
        ("filters", {"min_size": "big"}, r"filters\.min_size.*whole number.*'big'.*include, exclude"),
        ("filters", {"min_size": True}, r"filters\.min_size"),
        ("filters", {"include": "*.jpg"}, r"filters\.include.*a list"),
        ("filters", {"include": [1]}, r"filters\.include"),
        ("filters", {"modified_from": "yesterday"}, r"filters\.modified_from.*'yesterday'"),
        ("filters", {"modified_from": "2026-05-01T00:00:00"}, r"modified_from.*time zone"),
        ("filters", {"min_size": 5, "max_size": 4}, "min_size 5.*max_size 4"),
        ("grouping", {"by": "folder"}, r"grouping has no 'by'.*group_by, title"),
        ("metadata", {"sidecars": "perhaps"}, r"metadata\.sidecars.*true or false.*table, key_column"),
        ("metadata", {"key_pattern": "(["}, r"'\(\['"),
        ("metadata", {"embeddings": {"uri": "x"}}, r"metadata\.embeddings needs 'keys', 'name'"),
        ("metadata", {"embeddings": {"url": "x"}}, r"metadata\.embeddings has no 'url'.*uri, keys, name"),
        ("frames", {"sampling_rate": -1}, "sampling_rate.*-1"),
        ("frames", {"keyframe_mode": "minutes"}, "keyframe_mode.*'minutes'"),
        ("media", {"kind": "video"}, r"media has no 'kind'.*type, metadata"),
        ("object_urls", ["path"], r"object_urls.*a mapping"),
        ("parts", {"max_units_per_part": {"film": 1}}, r"parts\.max_units_per_part.*'film'.*video"),
        ("parts", {"skip_duplicate_urls": 1}, r"parts\.skip_duplicate_urls"),
        ("source", {"kind": "ftp"}, r"source.*'ftp'.*bucket, inventory, folder, table"),
        ("source", {"manifest": "s3://r/x/"}, r"source.*'kind'.*inventory"),
        ("source", {"kind": "inventory", "uri": "s3://r/x/"}, r"source has no 'uri'.*manifest, prefix"),
        ("source", {"kind": "table"}, r"source needs 'uri'.*uri, url_column"),
    ]

    @pytest.mark.parametrize(("parameter", "given", "says"), WRONG, ids=lambda one: str(one)[:40])
    def test_when_the_dag_is_parsed(self, parameter: str, given: Any, says: str) -> None:
        with pytest.raises(EncordInputError, match=f"(?s){says}"):
            build(**{parameter: given})

    @pytest.mark.parametrize(("parameter", "given", "says"), WRONG, ids=lambda one: str(one)[:40])
    def test_when_the_task_runs(self, parameter: str, given: Any, says: str) -> None:
        task = rendered(build(**{parameter: "{{ params.given | tojson }}"}), params={"given": given})
        group = {one.parameter: one.of for one, _ in GIVEN} | {"source": source_of}
        with pytest.raises(EncordInputError, match=f"(?s){says}"):
            group[parameter](getattr(task, parameter))

    def test_what_is_beside_a_template_is_found_when_the_dag_is_parsed(self) -> None:
        template = "{{ params.n }}"
        with pytest.raises(EncordInputError, match=r"filters\.max_size"):
            build(filters={"min_size": template, "max_size": "big"})
        with pytest.raises(EncordInputError, match="'maximum'"):
            build(filters={"min_size": template, "maximum": 1})
        with pytest.raises(EncordInputError, match=r"filters\.max_size"):
            Filters(min_size=template, max_size="big")

    def test_a_template_that_renders_to_something_wrong_names_the_field(self) -> None:
        task = build(filters=Filters(min_size="{{ params.n }}"))
        with pytest.raises(EncordInputError, match=r"filters\.min_size.*'many'"):
            rendered(task, params={"n": "many"})

    def test_data_that_looks_like_a_template_is_not_rendered_and_not_let_through(self) -> None:
        task = rendered(
            build(filters="{{ params.given | tojson }}"), params={"given": {"min_size": "{{ 1 + 1 }}"}}
        )
        with pytest.raises(EncordInputError, match=r"filters\.min_size"):
            Filters.of(task.filters)

    def test_errors_keep_their_kind(self) -> None:
        with pytest.raises(KeyPatternError):
            ClientMetadata(key_pattern="site")
        with pytest.raises(MetadataValueError):
            Frames(sampling_rate=-1)


class TestUpstreamTasks:
    """The output of a task inside a group makes that task an upstream, and is there when the group is rendered."""

    @pytest.fixture
    def dag(self) -> Any:
        params = {"pattern": "(?P<n>[0-9])", "glob": "*.jpg"}
        with DAG("lake", schedule=None, start_date=pendulum.datetime(2026, 5, 1), params=params) as dag:
            yield dag

    def pull(self, values: dict[str, Any]) -> Any:
        class Instance:
            map_index = -1

            def xcom_pull(self, *, task_ids: str, **_: Any) -> Any:
                return values[task_ids]

        return Instance()

    @pytest.mark.parametrize("form", ["object", "mapping"])
    def test_of_a_task(self, dag: Any, form: str) -> None:
        table, keys = BaseOperator(task_id="table"), BaseOperator(task_id="keys")
        embeddings = {"uri": "s3://lake/e.npy", "keys": keys.output, "name": "clip"}
        values: dict[str, Any] = {"table": table.output}
        if form == "object":
            given: Any = ClientMetadata(**values, embeddings=Embeddings(**embeddings))
        else:
            given = {**values, "embeddings": embeddings}
        task = build(metadata=given)
        assert task.upstream_task_ids == {"table", "keys"}
        ti = self.pull({"table": "s3://lake/t.csv", "keys": ["a.jpg"]})
        found = ClientMetadata.of(rendered(task, ti=ti, task_instance=ti).metadata)
        assert found.table == "s3://lake/t.csv"
        assert found.embeddings == Embeddings(uri="s3://lake/e.npy", keys=["a.jpg"], name="clip")
        assert isinstance(task.metadata, type(given))

    def test_of_a_source(self, dag: Any) -> None:
        table = BaseOperator(task_id="table")
        task = build(source=ObjectUrlTable(uri=table.output))
        assert task.upstream_task_ids == {"table"}

    def test_of_a_mapped_task(self, dag: Any) -> None:
        table = BaseOperator(task_id="table")
        mapped = EncordBuildUploadSpecOperator.partial(
            task_id="build_spec",
            bucket="lake",
            metadata=ClientMetadata(table=table.output, key_pattern="{{ params.pattern }}"),
        ).expand(filters=[Filters(include=["{{ params.glob }}"]), {"include": ["*.mp4"]}])
        assert mapped.upstream_task_ids == {"table"}
        ti = self.pull({"table": "s3://lake/t.csv"})
        for index, include in enumerate((("*.jpg",), ("*.mp4",))):
            context = {
                "ti": ti,
                "task_instance": ti,
                "task": mapped,
                "dag": dag,
                "dag_run": SimpleNamespace(conf={}),
            }
            ti.map_index = index
            mapped.render_template_fields(context)
            task: Any = context["task"]
            assert Filters.of(task.filters).include == include
            assert task.metadata == ClientMetadata(table="s3://lake/t.csv", key_pattern="(?P<n>[0-9])")
        assert mapped.partial_kwargs["metadata"].key_pattern == "{{ params.pattern }}"

    def test_a_dag_with_groups_is_serialized_alike_each_time(self, dag: Any) -> None:
        table = BaseOperator(task_id="table")
        build(
            source=S3Inventory(manifest="s3://r/{{ ds }}/"),
            filters=Filters(include=["*.mp4"], modified_from=datetime(2026, 5, 1, tzinfo=UTC)),
            metadata=ClientMetadata(table=table.output, embeddings=Embeddings(**GIVEN[2][1]["embeddings"])),
        )
        EncordBuildUploadSpecOperator.partial(task_id="mapped", filters=Filters(include=["*"])).expand(
            bucket=["a", "b"]
        )
        first, second = (json.dumps(serialized_form().to_dict(dag), sort_keys=True) for _ in range(2))
        assert first == second
        assert '"modified_from": "2026-05-01 00:00:00+00:00"' in first


def test_two_tasks_of_one_group_do_not_disturb_each_other() -> None:
    shared = Filters(include=["{{ params.glob }}"])
    first = rendered(build(filters=shared), params={"glob": "*.jpg"})
    second = rendered(build(filters=shared), params={"glob": "*.mp4"})
    assert (first.filters.include, second.filters.include) == (("*.jpg",), ("*.mp4",))
    assert tuple(shared.include) == ("{{ params.glob }}",)


def test_every_group_of_the_module_is_tested_here() -> None:
    groups = {
        one
        for one in vars(options).values()
        if isinstance(one, type)
        and issubclass(one, Options)
        and one not in (Options, Embeddings, Limits, ItemSelection)
    }
    # ItemSelection has a file of its own.
    assert groups == {group for group, _ in GIVEN}


def test_a_limit_below_zero_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(EncordInputError, match=r"parts\.limits\.max_skipped must be at least 0, got -1"):
        build(parts={"limits": {"max_skipped": -1}})
    with pytest.raises(EncordInputError, match=r"parts\.limits has no 'max_units'"):
        build(parts={"limits": {"max_units": 1}})
