"""What OpenLineage's own extractor gets from the tasks that move data, after Airflow's task runner has run them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.assets import encord_folder_asset
from encord_provider.lineage import Place
from encord_provider.operators.attach_dataset import EncordAttachDatasetOperator
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.export_data_rows import EncordExportDataRowsOperator
from encord_provider.operators.export_metadata import EncordExportMetadataOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.link_items import EncordLinkItemsOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from tests.helpers.airflow_task import TaskRecord, in_dag
from tests.helpers.folders import images, new_dataset, new_folder, new_project, register
from tests.helpers.imports import ImportTask, url

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


def extracted(task: Any, *, failed: bool = False) -> Any:
    """What the provider of OpenLineage makes of a task that has ended."""
    base = pytest.importorskip("airflow.providers.openlineage.extractors.base")
    extractor = base.DefaultExtractor(task)
    return extractor.extract_on_failure(None) if failed else extractor.extract_on_complete(None)


def named(datasets: Any) -> list[tuple[str, str]]:
    return [(one.namespace, one.name) for one in datasets]


def rows_of(lineage: Any) -> int:
    (output,) = lineage.outputs
    return int(output.outputFacets["outputStatistics"].rowCount)


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run an operator through Airflow's task runner; gives the task that has run, and what it returned."""

    def run(operator: Any, *, state: str = "success") -> tuple[Any, Any]:
        record = TaskRecord(tmp_path / f"{operator.task_id}.json", task_id=operator.task_id)
        result = record.run(operator)
        assert record.state == state
        return result.ti.task, record.returned

    return run


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("s3://lake/site=oslo/", "s3://lake", "site=oslo"),
        ("s3://aws_default@lake/labels.csv?versionId=7", "s3://lake", "labels.csv"),
        ("s3://lake", "s3://lake", "/"),
        ("gs://google@lake/raw", "gs://lake", "raw"),
        ("file:///data/labels.csv", "file", "/data/labels.csv"),
        ("/data/labels.csv", "file", "/data/labels.csv"),
    ],
)
def test_a_place_is_named_without_what_only_a_connection_knows(uri: str, namespace: str, name: str) -> None:
    place = Place.of_uri(uri)
    assert (place.namespace, place.name) == (namespace, name)
    assert Place.of_uri(place.uri) == place


def test_from_bucket_to_folder_and_table(
    encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path, run: Any
) -> None:
    for name in ("one.png", "two.png"):
        s3.put_object(Bucket=bucket, Key=f"site=oslo/dt=2026-05-01/{name}", Body=b"image")
    workspace = f"file://{tmp_path}/workspace"
    encord_namespace = encord.url.replace("http://", "encord://")

    def build() -> Any:
        return EncordBuildUploadSpecOperator(
            task_id="build_spec",
            bucket=bucket,
            prefix="site=*/dt={date}/",
            day="2026-05-01",
            workspace=workspace,
        )

    built, spec = run(in_dag(build))
    assert named(extracted(built).inputs) == [(f"s3://{bucket}", "/")]

    def load() -> Any:
        return EncordImportDataOperator(
            task_id="import_data", spec=spec, folder="lake/daily", create_folder=True,
            integration="AWS S3", workspace=workspace,
        )  # fmt: skip

    loaded, summary = run(in_dag(load))
    lineage = extracted(loaded)
    assert named(lineage.inputs) == [(f"s3://{bucket}", "/")]
    assert named(lineage.outputs) == [(encord_namespace, f"folder/{summary['folder']}")]
    assert rows_of(lineage) == 2
    (folder,) = lineage.outputs
    (alias,) = folder.facets["symlinks"].identifiers
    assert alias.name == "folder/lake/daily"

    table = tmp_path / "labels.csv"
    table.write_text(f"object_url,weather\n{url_of(spec)},rain\n")

    def patch() -> Any:
        return EncordPatchMetadataOperator(
            task_id="patch_metadata",
            metadata=f"file://{table}",
            folder=summary["folder"],
            workspace=workspace,
        )

    patched, _ = run(in_dag(patch))
    lineage = extracted(patched)
    assert named(lineage.inputs) == [("file", str(table))]
    # However the tasks name the folder, it is the same dataset.
    assert named(lineage.outputs) == [(encord_namespace, f"folder/{summary['folder']}")]
    assert rows_of(lineage) == 1

    def export() -> Any:
        return EncordExportMetadataOperator(task_id="export", folder="lake/daily", workspace=workspace)

    exported, written = run(in_dag(export))
    lineage = extracted(exported)
    assert named(lineage.inputs) == [(encord_namespace, f"folder/{summary['folder']}")]
    assert named(lineage.outputs) == [("file", written["uri"].removeprefix("file://"))]
    assert rows_of(lineage) == 2


def test_from_folder_to_dataset_and_project(
    encord_emulator: EncordEmulator, tmp_path: Path, run: Any
) -> None:
    folder = new_folder("lake")
    register(folder, images("a.jpg", "b.jpg"))
    dataset = new_dataset()
    project = new_project(dataset)
    namespace = encord_emulator.url.replace("http://", "encord://")
    in_encord = (namespace, f"dataset/{dataset.dataset_hash}")

    def link() -> Any:
        return EncordLinkItemsOperator(
            task_id="link", dataset="trucks", folder="lake", workspace=tmp_path.as_uri()
        )

    linked, summary = run(in_dag(link))
    assert summary["linked"] == 2
    lineage = extracted(linked)
    assert named(lineage.inputs) == [(namespace, f"folder/{folder.uuid}")]
    assert (named(lineage.outputs), rows_of(lineage)) == ([in_encord], 2)

    def attach() -> Any:
        return EncordAttachDatasetOperator(
            task_id="attach", dataset="trucks", project="labels", workspace=tmp_path.as_uri()
        )

    attached, _ = run(in_dag(attach))
    lineage = extracted(attached)
    assert named(lineage.inputs) == [in_encord]
    assert named(lineage.outputs) == [(namespace, f"project/{project.project_hash}")]

    def export() -> Any:
        return EncordExportDataRowsOperator(task_id="rows", dataset="trucks", workspace=tmp_path.as_uri())

    exported, written = run(in_dag(export))
    lineage = extracted(exported)
    assert named(lineage.inputs) == [in_encord]
    assert named(lineage.outputs) == [("file", written["uri"].removeprefix("file://"))]


def url_of(spec: dict[str, Any]) -> str:
    from encord_provider.upload_spec import read_part
    from encord_provider.workspace.files import path_of

    return str(read_part(path_of(spec["parts"][0])).units[0].urls[0])


def test_an_import_that_failed_says_where_it_had_got_to(
    encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(1), message="no such object")
    task = ImportTask(encord_emulator, tmp_path)
    result = task.run()
    assert task.record.state == "failed"
    lineage = extracted(result.ti.task, failed=True)
    assert [name.partition("/")[0] for _, name in named(lineage.outputs)] == ["folder"]
    assert rows_of(lineage) == 5


def test_an_import_that_was_refused_has_gone_nowhere(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    task = ImportTask(encord_emulator, tmp_path, create_folder=False)
    result = task.run()
    assert task.record.state == "failed"
    assert named(extracted(result.ti.task, failed=True).outputs) == []


def test_a_task_that_moves_no_data_leaves_it_to_its_inlets_and_outlets() -> None:
    operator = EncordSetSchemaOperator(task_id="set_schema", schema={"weather": "text"})
    lineage = extracted(operator)
    assert (lineage.inputs, lineage.outputs) == ([], [])


def test_the_asset_of_a_folder_is_the_same_dataset(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    utils = pytest.importorskip("airflow.providers.openlineage.utils.utils")
    task = ImportTask(encord_emulator, tmp_path)
    result = task.run()
    dataset = utils.translate_airflow_asset(encord_folder_asset("lake/daily"), None)
    assert named([dataset]) == named(extracted(result.ti.task).outputs)


def test_what_a_task_knows_needs_no_openlineage(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    task = ImportTask(encord_emulator, tmp_path)
    result = task.run()
    assert task.record.state == "success"
    (folder,) = result.ti.task.lineage().outputs
    assert folder.alias == "folder/lake/daily"
