"""Projects, as far as they concern data, through the SDK."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.emulator.sdk.conftest import Service
from tests.emulator.sdk.things import add_colleague, new_dataset, new_project, registered

pytestmark = [
    pytest.mark.changes_organisation,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.mark.sdk_method(
    "EncordUserClient.create_project",
    "EncordUserClient.get_project",
    "Project.list_datasets",
    evidence="documented",
    note="the ontology is empty",
)
def test_a_project_is_made_of_datasets(service: Service) -> None:
    from encord.exceptions import ResourceNotFoundError

    first, second = new_dataset(service), new_dataset(service)

    project = new_project(service, first, second)

    assert (project.title[:6], project.description) == ("Trucks", "of oslo")
    assert [str(entry.dataset_hash) for entry in project.list_datasets()] == [
        first.dataset_hash,
        second.dataset_hash,
    ]
    with pytest.raises(ResourceNotFoundError):
        service.client.create_project("none", [str(uuid.uuid4())])
    with pytest.raises(ResourceNotFoundError):
        service.client.get_project(uuid.uuid4())


@pytest.mark.sdk_method("EncordUserClient.list_projects", evidence="documented")
@pytest.mark.sdk_method("EncordUserClient.get_projects", evidence="documented", note="deprecated by the SDK")
def test_projects_are_listed_by_title_description_and_time(service: Service) -> None:
    project = new_project(service)
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    def found(**filters: Any) -> bool:
        new = [entry.project_hash for entry in service.client.list_projects(**filters)]
        old = [entry["project"].project_hash for entry in service.client.get_projects(**filters)]
        assert (project.project_hash in new) == (project.project_hash in old)
        return project.project_hash in new

    assert found()
    assert found(title_eq=project.title, desc_like="of%", created_before=tomorrow)
    assert not found(title_like="Truck")
    assert not found(desc_eq="of bergen")
    assert not found(edited_after=tomorrow)


@pytest.mark.sdk_method(
    "Project.add_organisation_tag",
    "Project.get_organisation_tags",
    "Project.remove_organisation_tag",
    evidence="documented",
)
@pytest.mark.sdk_method("Project.get_tags", evidence="documented", note="deprecated by the SDK")
def test_projects_are_tagged_and_found_by_tags(service: Service) -> None:
    project, other = new_project(service), new_project(service)
    tag = service.client.create_organisation_tag(f"tag {uuid.uuid4()}")

    project.add_organisation_tag(tag)
    project.add_organisation_tag(tag_name=tag.name)

    assert project.get_organisation_tags() == project.get_tags() == [tag]
    tagged = [entry.project_hash for entry in service.client.list_projects(tags_anyof=[tag])]
    assert tagged == [project.project_hash]
    assert other.get_organisation_tags() == []

    project.remove_organisation_tag(tag_uuid=tag.uuid)
    assert project.get_organisation_tags(use_cache=False) == []
    service.client.delete_organisation_tag(tag)


@pytest.mark.sdk_method("Project.add_datasets", "Project.remove_datasets", evidence="documented")
def test_datasets_are_added_and_removed(service: Service) -> None:
    from encord.exceptions import ResourceNotFoundError

    first, second = new_dataset(service), new_dataset(service)
    project = new_project(service, first)

    assert project.add_datasets([second.dataset_hash])
    assert project.remove_datasets([first.dataset_hash])

    assert [entry.title for entry in project.list_datasets()] == [second.title]
    with pytest.raises(ResourceNotFoundError):
        project.remove_datasets([first.dataset_hash])


@pytest.mark.cloud_data
@pytest.mark.sdk_method("Project.list_label_rows_v2", evidence="documented", note="rows without labels")
def test_label_rows_show_metadata_and_write_through_to_the_items(service: Service, top) -> None:
    dataset = new_dataset(service)
    items = registered(service, top, 3)
    rows = dataset.link_items(items)
    project = new_project(service, dataset)

    label_rows = project.list_label_rows_v2(include_client_metadata=True)
    by_url = project.list_label_rows_v2(include_client_metadata=True, resolve_client_metadata_locally=True)

    assert [row.data_hash for row in label_rows] == [row.uid for row in rows]
    assert [row.backing_item_uuid for row in label_rows] == items
    assert [row.client_metadata for row in label_rows] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [row.client_metadata for row in by_url] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [row.client_metadata for row in project.list_label_rows_v2()] == [None] * 3

    for row in label_rows:
        service.client.get_storage_item(row.backing_item_uuid).update(client_metadata={"seen": True})

    again = project.list_label_rows_v2(include_client_metadata=True)
    assert [row.client_metadata for row in again] == [{"seen": True}] * 3


@pytest.mark.cloud_data
def test_label_rows_are_filtered(service: Service, top) -> None:
    dataset, other = new_dataset(service), new_dataset(service)
    rows = dataset.link_items(registered(service, top, 3))
    project = new_project(service, dataset, other)

    def titles(**filters: Any) -> list[str]:
        return [row.data_title for row in project.list_label_rows_v2(**filters)]

    assert titles(data_hashes=[rows[1].uid]) == ["image 1.jpg"]
    assert titles(data_title_eq="image 2.jpg") == ["image 2.jpg"]
    assert titles(data_title_like="image%") == ["image 0.jpg", "image 1.jpg", "image 2.jpg"]
    assert titles(label_hashes=[str(uuid.uuid4())]) == []
    assert {row.dataset_title for row in project.list_label_rows_v2()} == {dataset.title}


def test_label_rows_of_every_type_can_be_read(service: Service, top, image_file, tmp_path) -> None:
    for method, name in (("upload_video", "a.mp4"), ("upload_audio", "b.wav"), ("upload_text", "c.txt")):
        (tmp_path / name).write_bytes(b"x")
        getattr(top, method)(tmp_path / name)
    top.create_image_group([image_file, image_file], title="d")
    top.create_image_sequence([image_file, image_file], title="e")
    dataset = new_dataset(service)
    dataset.link_items([item.uuid for item in top.list_items()])

    rows = new_project(service, dataset).list_label_rows_v2(include_images_data=True)

    assert [(row.data_title, row.data_type.value) for row in rows] == [
        ("a.mp4", "video"),
        ("b.wav", "audio"),
        ("c.txt", "plain_text"),
        ("d", "img_group"),
        ("e", "img_group"),
    ]
    assert rows[3].number_of_frames == 2


@pytest.mark.cloud_data
@pytest.mark.sdk_method("Project.get_data", evidence="inferred")
def test_the_files_of_a_data_row_are_found(service: Service, top, tmp_path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    dataset = new_dataset(service)
    [image] = dataset.link_items(registered(service, top, 1))
    [clip] = dataset.link_items([top.upload_video(tmp_path / "clip.mp4")])
    project = new_project(service, dataset)

    video, images = project.get_data(image.uid)
    assert video is None
    assert [entry["file_link"] for entry in images] == [service.image_urls[0]]

    video, images = project.get_data(clip.uid, get_signed_url=True)
    assert images is None
    assert video["file_link"].startswith("http")


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "Project.get_project", "Project.refetch_data", "Project.set_status", evidence="documented"
)
def test_a_project_is_read_again(service: Service, top) -> None:
    from encord.orm.project import ProjectStatus

    dataset = new_dataset(service)
    dataset.link_items(registered(service, top, 2))
    project = new_project(service, dataset)

    project.set_status(ProjectStatus.IN_PROGRESS)
    project.refetch_data()

    assert project.status is ProjectStatus.IN_PROGRESS
    legacy = project.get_project()
    assert legacy.project_hash == project.project_hash
    assert [row["data_title"] for row in legacy.label_rows] == ["image 0.jpg", "image 1.jpg"]
    assert [entry["dataset_hash"] for entry in legacy.datasets] == [dataset.dataset_hash]


@pytest.mark.sdk_method(
    "EncordUserClient.get_ontology", evidence="inferred", note="only the empty ontologies of projects"
)
@pytest.mark.sdk_method("Project.refetch_ontology", evidence="inferred")
def test_a_project_has_an_empty_ontology_of_its_own(service: Service) -> None:
    project = new_project(service)

    ontology = service.client.get_ontology(project.ontology_hash)
    project.refetch_ontology()

    assert ontology.structure.objects == ontology.structure.classifications == []
    assert project.ontology_structure.objects == []
    shared = service.client.create_project("same labels", [], ontology_hash=project.ontology_hash)
    assert service.client.get_project(shared).ontology_hash == project.ontology_hash


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "Project.add_users", "Project.list_users", "Project.remove_users", evidence="documented"
)
def test_users_of_a_project(service: Service, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError
    from encord.utilities.project_user import ProjectUserRole

    colleague = add_colleague(encord_emulator)
    project = new_project(service)
    with pytest.raises(AuthorisationError):
        colleague.get_project(project.project_hash)

    [added] = project.add_users(["colleague@example.com"], ProjectUserRole.ANNOTATOR)

    assert added.user_role is ProjectUserRole.ANNOTATOR
    assert {user.user_email: user.user_role for user in project.list_users()} == {
        "emulator@example.com": ProjectUserRole.ADMIN,
        "colleague@example.com": ProjectUserRole.ANNOTATOR,
    }
    theirs = colleague.get_project(project.project_hash)
    assert theirs.user_role is ProjectUserRole.ANNOTATOR
    with pytest.raises(AuthorisationError):
        theirs.add_datasets([])

    project.remove_users(["colleague@example.com"])
    with pytest.raises(AuthorisationError):
        colleague.get_project(project.project_hash)


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "Project.add_group", "Project.list_groups", "Project.remove_group", evidence="documented"
)
def test_groups_of_a_project(service: Service, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError
    from encord.utilities.project_user import ProjectUserRole

    colleague = add_colleague(encord_emulator)
    group = service.client.create_group("labellers")
    group.add_users(["colleague@example.com"])
    project = new_project(service)

    project.add_group(group.group_hash, ProjectUserRole.REVIEWER)

    assert [entry.user_role for entry in project.list_groups()] == [ProjectUserRole.REVIEWER]
    assert colleague.get_project(project.project_hash).user_role is ProjectUserRole.REVIEWER
    project.remove_group(group.group_hash)
    assert list(project.list_groups()) == []
    with pytest.raises(AuthorisationError):
        colleague.get_project(project.project_hash)


@pytest.mark.sdk_method("Project.get_cloud_integrations", evidence="documented", note="deprecated by the SDK")
@pytest.mark.sdk_method(
    "EncordUserClient.get_project_client", evidence="documented", note="deprecated by the SDK"
)
def test_deprecated_ways_to_the_same(service: Service) -> None:
    project = new_project(service)

    assert project.get_cloud_integrations() == service.client.get_cloud_integrations()
    assert service.client.get_project_client(project.project_hash).get_project().title == project.title


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "Project.active_import", "Project.active_sync", evidence="inferred", note="accepted, nothing happens"
)
def test_the_project_explorer_is_told(service: Service, encord_emulator) -> None:
    from encord.orm.active import ActiveProjectMode

    project = new_project(service)

    project.active_import(ActiveProjectMode.DATA)
    project.active_sync()

    routes = [entry["route"] for entry in encord_emulator.requests()]
    assert routes[-2:] == ["import_into_explorer", "sync_with_explorer"]


@pytest.mark.emulator_only
def test_a_snapshot_keeps_everything_made_of_items(service: Service, top, encord_emulator) -> None:
    from encord.orm.dataset import DatasetUserRole
    from encord.orm.storage import StorageUserRole

    client = service.client
    dataset = new_dataset(service)
    dataset.link_items(registered(service, top, 2))
    project = new_project(service, dataset)
    tag = client.create_organisation_tag("night")
    project.add_organisation_tag(tag)
    group = client.create_group("labellers")
    top.add_group(group.group_hash, StorageUserRole.USER)
    dataset.add_group(group.group_hash, DatasetUserRole.ADMIN)
    collection = client.create_collection(top.uuid, "pair")
    preset = client.create_preset(
        "first", filter_preset_json={"global_filters": {"filters": [{"key": "n", "values": [0]}]}}
    )
    encord_emulator.change_settings(preset_items_seconds=60)
    collection.add_preset_items(preset)
    before = encord_emulator.snapshot().splitlines()

    encord_emulator.reset()
    encord_emulator.restore(b"\n".join(before))

    assert [row.data_title for row in client.get_project(project.project_hash).list_label_rows_v2()] == [
        "image 0.jpg",
        "image 1.jpg",
    ]
    assert client.list_organisation_tags() == [tag]
    assert [entry.name for entry in top.list_groups()] == ["labellers"]
    encord_emulator.advance_clock(60)
    assert [item.name for item in collection.list_items()] == ["image 0.jpg"]
    # The first line after the heading holds the time and the random generator, which have moved on.
    assert encord_emulator.snapshot().splitlines()[2:-1] == before[2:-1]
