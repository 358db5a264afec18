"""Collections of frames and filter presets of a project, through the SDK."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.emulator.sdk.conftest import Service
from tests.emulator.sdk.things import new_dataset, new_project, registered

pytestmark = pytest.mark.changes_organisation


@pytest.fixture
def project(service: Service, top: Any) -> Any:
    """A project on three images."""
    dataset = new_dataset(service)
    dataset.link_items(registered(service, top, 3))
    return new_project(service, dataset)


def condition(*values: int, include: bool = True) -> Any:
    from encord.orm.filter_preset import ActiveFilterPresetDefinition, FilterDefinition

    filters = [{"key": "n", "include": include, "values": list(values), "type": "number"}]
    return ActiveFilterPresetDefinition(global_filters=FilterDefinition(filters=filters))


def frames_of(collection: Any) -> list[tuple[str, list[int]]]:
    return [
        (row.data_title, [instance.frame for instance in instances])
        for row, instances in collection.list_frames(page_size=1)
    ]


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "Project.create_collection",
    "Project.get_collection",
    "Project.list_collections",
    "Project.delete_collection",
    "ProjectCollection.update_collection",
    evidence="documented",
    note="collections of frames only",
)
def test_collections_of_a_project(service: Service, project) -> None:
    from encord.collection import ProjectCollectionType
    from encord.exceptions import AuthorisationError, UnknownException

    collection, other = project.create_collection("night", "dark ones"), project.create_collection("day")
    collection.update_collection(name="dusk")

    assert [entry.name for entry in project.list_collections(page_size=1)] == ["dusk", "day"]
    assert [entry.uuid for entry in project.list_collections([other.uuid])] == [other.uuid]
    assert project.get_collection(str(collection.uuid)).description == "dark ones"
    assert str(collection.project_hash) == project.project_hash

    project.delete_collection(collection.uuid)
    project.delete_collection(collection.uuid)
    with pytest.raises(AuthorisationError):
        project.get_collection(collection.uuid)
    if not service.is_live:
        with pytest.raises(UnknownException, match="not labels"):
            project.create_collection("labels", collection_type=ProjectCollectionType.LABEL)


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "ProjectCollection.add_items",
    "ProjectCollection.list_frames",
    "ProjectCollection.remove_items",
    evidence="inferred",
    note="frames only",
)
def test_frames_are_added_listed_and_removed(service: Service, project) -> None:
    from encord.orm.collection import ProjectDataCollectionItemRequest

    rows = project.list_label_rows_v2()
    collection = project.create_collection("night")

    def frame(data_hash: Any, number: int = 0) -> Any:
        return ProjectDataCollectionItemRequest(data_uuid=data_hash, frame=number)

    response = collection.add_items([frame(row.data_hash) for row in rows[:2]] + [frame(uuid.uuid4())])

    assert len(response.failed_items) == 1
    assert frames_of(collection) == [("image 0.jpg", [0]), ("image 1.jpg", [0])]

    again = collection.remove_items([frame(rows[0].data_hash), frame(rows[2].data_hash)])
    assert [str(entry.data_uuid) for entry in again.failed_items] == [rows[2].data_hash]
    assert frames_of(collection) == [("image 1.jpg", [0])]


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "Project.create_filter_preset",
    "Project.get_filter_preset",
    "Project.list_filter_presets",
    "Project.delete_filter_preset",
    "ProjectFilterPreset.get_filter_preset_json",
    "ProjectFilterPreset.update_preset",
    evidence="documented",
)
@pytest.mark.sdk_method(
    "ProjectCollection.add_preset_items",
    "ProjectCollection.remove_preset_items",
    evidence="inferred",
    note="conditions on metadata keys",
)
def test_presets_of_a_project_fill_its_collections(service: Service, project) -> None:
    from encord.exceptions import AuthorisationError

    preset = project.create_filter_preset("even", condition(0, 2))
    other = project.create_filter_preset("odd", condition(1))
    collection = project.create_collection("night")

    collection.add_preset_items(preset.uuid)
    assert frames_of(collection) == [("image 0.jpg", [0]), ("image 2.jpg", [0])]

    preset.update_preset(name="first", filter_preset=condition(0))
    again = project.get_filter_preset(str(preset.uuid))
    assert again.name == "first"
    assert again.get_filter_preset_json().global_filters.filters[0]["values"] == [0]
    collection.remove_preset_items(str(again.uuid))
    assert frames_of(collection) == [("image 2.jpg", [0])]

    assert [entry.name for entry in project.list_filter_presets(page_size=1)] == ["first", "odd"]
    project.delete_filter_preset(preset.uuid)
    assert [entry.uuid for entry in project.list_filter_presets()] == [other.uuid]
    with pytest.raises(AuthorisationError):
        project.get_filter_preset(preset.uuid)
    assert list(service.client.list_presets()) == []


@pytest.mark.emulator_only
def test_a_snapshot_keeps_collections_and_presets_of_projects(project, encord_emulator) -> None:
    preset = project.create_filter_preset("even", condition(0, 2))
    collection = project.create_collection("night")
    collection.add_preset_items(preset.uuid)

    encord_emulator.restore(encord_emulator.snapshot())

    assert frames_of(collection) == [("image 0.jpg", [0]), ("image 2.jpg", [0])]
    assert [entry.uuid for entry in project.list_filter_presets()] == [preset.uuid]
