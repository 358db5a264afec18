"""Labels, ontologies and models are not emulated: the SDK's exception says so."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.sdk.conftest import Service
from tests.emulator.sdk.things import new_dataset, new_project, registered

pytestmark = [
    pytest.mark.emulator_only,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

HASH = str(uuid.UUID(int=7))
CVAT = (
    "<annotations><meta><task><name>cvat</name></task></meta>"
    '<image id="0" name="a.jpg" width="1" height="1"/></annotations>'
)


def cvat_result(client: Any) -> Any:
    return client.create_project_from_cvat_get_result(uuid.UUID(HASH), timeout_seconds=1)


def deidentified(client: Any) -> Any:
    return client.deidentify_dicom_files(["s3://fleet/0.dcm"], HASH, redact_dicom_tags=True)


def cvat_import(method: str) -> Callable[[Any], Any]:
    """Starts the import of a directory in CVAT's form, which is made first."""

    def call(client: Any) -> Any:
        import tempfile
        from pathlib import Path

        from encord.orm.project import ReviewMode
        from encord.utilities.client_utilities import LocalImport

        with tempfile.TemporaryDirectory() as directory:
            Path(directory, "images").mkdir()
            Path(directory, "images", "a.jpg").write_bytes(b"jpeg")
            Path(directory, "annotations.xml").write_text(CVAT, encoding="utf-8")
            arguments: dict[str, Any] = {
                "import_method": LocalImport(directory),
                "dataset_name": "cvat",
                "review_mode": ReviewMode.LABELLED,
                "transform_bounding_boxes_to_polygons": False,
            }
            return getattr(client, method)(**arguments)

    return call


CLIENT_CALLS: dict[str, Callable[[Any], Any]] = {
    "create_ontology": lambda client: client.create_ontology("signs"),
    "get_ontologies": lambda client: client.get_ontologies(),
    "create_project_from_cvat": cvat_import("create_project_from_cvat"),
    "create_project_from_cvat_start": cvat_import("create_project_from_cvat_start"),
    "create_project_from_cvat_get_result": cvat_result,
    "deidentify_dicom_files": deidentified,
    "deidentify_dicom_files_start": lambda client: client.deidentify_dicom_files_start(
        ["s3://fleet/0.dcm"], HASH
    ),
    "deidentify_dicom_files_get_result": lambda client: client.deidentify_dicom_files_get_result(
        uuid.UUID(HASH), timeout_seconds=1
    ),
}


def _classification(project: Any) -> Any:
    from encord.project_ontology.classification_type import ClassificationType

    return project.add_classification("night", ClassificationType.TEXT, required=False)


def _coco_import(project: Any) -> Any:
    from encord.utilities.coco.datastructure import FrameIndex

    [row] = project.list_label_rows_v2()
    labels: dict[str, Any] = {"categories": [], "images": [], "annotations": []}
    return project.import_coco_labels(labels, {}, {1: FrameIndex(row.data_hash, 0)})


def _object(project: Any) -> Any:
    from encord.project_ontology.object_type import ObjectShape

    return project.add_object("truck", ObjectShape.BOUNDING_BOX)


PROJECT_CALLS: dict[str, Callable[[Any], Any]] = {
    "add_classification": _classification,
    "add_issue_tags": lambda project: project.add_issue_tags(["blurred"]),
    "add_object": _object,
    "copy_project": lambda project: project.copy_project(),
    "create_label_row": lambda project: project.create_label_row(HASH),
    "get_editor_logs": lambda project: list(project.get_editor_logs(*_last_week())),
    "get_label_classifications": lambda project: list(project.get_label_classifications([HASH])),
    "get_issue_tags": lambda project: list(project.get_issue_tags()),
    "get_label_logs": lambda project: project.get_label_logs(),
    "get_label_row": lambda project: project.get_label_row(HASH),
    "get_label_rows": lambda project: project.get_label_rows([HASH]),
    "get_task_actions": lambda project: list(project.get_task_actions(after=_last_week()[0])),
    "import_coco_labels": _coco_import,
    "list_collaborator_timers": lambda project: list(project.list_collaborator_timers(_last_week()[0])),
    "list_time_spent": lambda project: list(project.list_time_spent(_last_week()[0])),
    "object_interpolation": lambda project: project.object_interpolation({"0": {}}, ["a"]),
    "save_label_row": lambda project: project.save_label_row(HASH, {}),
}


def _last_week() -> tuple[Any, Any]:
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    return now - timedelta(days=7), now


@pytest.mark.sdk_method(
    *(f"EncordUserClient.{name}" for name in CLIENT_CALLS),
    evidence="documented",
    works=False,
    note="answered with 501",
)
@pytest.mark.parametrize("name", CLIENT_CALLS)
def test_calls_of_the_client_that_are_not_about_data(service: Service, name: str) -> None:
    from encord.exceptions import EncordException

    with pytest.raises(EncordException, match="emulator covers data"):
        CLIENT_CALLS[name](service.client)


@pytest.mark.sdk_method(
    *(f"Project.{name}" for name in PROJECT_CALLS),
    evidence="documented",
    works=False,
    note="answered with 501",
)
@pytest.mark.parametrize("name", PROJECT_CALLS)
def test_calls_of_a_project_that_are_not_about_data(service: Service, top, name: str) -> None:
    from encord.exceptions import EncordException

    dataset = new_dataset(service)
    dataset.link_items(registered(service, top, 1))
    project = new_project(service, dataset)

    with pytest.raises(EncordException, match="emulator covers data"):
        PROJECT_CALLS[name](project)


@pytest.mark.sdk_method(
    "ProjectCollection.list_annotations",
    evidence="documented",
    works=False,
    note="answered with 501",
)
def test_collections_hold_no_annotations(service: Service) -> None:
    from encord.exceptions import EncordException

    collection = new_project(service).create_collection("night")

    with pytest.raises(EncordException, match="emulator covers data"):
        list(collection.list_annotations())


@pytest.mark.sdk_method(
    "Project.list_label_rows",
    "Project.get_project_ontology",
    evidence="inferred",
    note="deprecated by the SDK; without labels",
)
@pytest.mark.sdk_method("Project.list_branches", evidence="inferred", note="only the main branch")
@pytest.mark.sdk_method("Project.create_bundle", evidence="documented", note="sends nothing by itself")
@pytest.mark.sdk_method(
    "Project.copy_labels_to_branch",
    evidence="inferred",
    note="there are no labels to work on",
)
def test_what_remains_of_a_project_without_labels(service: Service) -> None:
    project = new_project(service)

    assert project.list_label_rows() == []
    assert project.get_project_ontology().ontology_objects == []
    assert list(project.list_branches()) == ["main"]
    with project.create_bundle():
        pass
    assert project.copy_labels_to_branch("other") == 0
