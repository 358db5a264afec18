"""StorageItem."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.emulator.sdk.conftest import Service

pytestmark = pytest.mark.cloud_data


@pytest.mark.sdk_method("StorageItem.update", "StorageItem.refetch_data", evidence="documented")
def test_metadata_is_replaced_as_a_whole_and_the_rest_stays(service: Service, top) -> None:
    service.register(top, service.images(1))
    [item] = top.list_items()

    item.update(client_metadata={"b": None, "nested": {"c": [1.5]}})
    again = service.client.get_storage_item(item.uuid)
    again.update(name="renamed.jpg")
    item.refetch_data()

    assert item.client_metadata == {"b": None, "nested": {"c": [1.5]}}
    assert item.name == "renamed.jpg"
    assert item.last_edited_at > item.created_at
    item.update(client_metadata={})
    assert service.client.get_storage_item(item.uuid).client_metadata == {}


def test_items_are_changed_in_a_bundle_of_one_call_per_thousand(service: Service, top) -> None:
    from encord.http.bundle import Bundle

    service.register(top, service.images(4))
    with Bundle() as bundle:
        for item in top.list_items():
            item.update(client_metadata={"name": item.name}, bundle=bundle)

    assert all(item.client_metadata == {"name": item.name} for item in top.list_items())


def test_a_bundle_with_an_item_that_does_not_exist_changes_nothing(service: Service, top) -> None:
    from encord.exceptions import AuthorisationError
    from encord.orm.storage import PatchItemPayload
    from encord.storage import StorageItem

    service.register(top, service.images(1))
    [item] = top.list_items()
    patch = PatchItemPayload(client_metadata={"changed": True})

    with pytest.raises(AuthorisationError):
        StorageItem._patch_multiple_items(
            api_client=item._api_client, item_patches={str(item.uuid): patch, str(uuid4()): patch}
        )

    assert service.client.get_storage_item(item.uuid).client_metadata == {"n": 0}


@pytest.mark.sdk_method("StorageItem.get_child_items", "StorageItem.get_summary", evidence="documented")
def test_a_group_knows_its_frames_and_each_frame_its_group(service: Service, top) -> None:
    from encord.orm.storage import DataUploadImageGroup, DataUploadImageGroupImage, DataUploadItems

    frames = [DataUploadImageGroupImage(url=url) for url in service.image_urls[:3]]
    service.register(top, DataUploadItems(image_groups=[DataUploadImageGroup(images=frames, title="rig")]))
    [group] = top.list_items()

    children = list(group.get_child_items())

    assert [child.url for child in children] == service.image_urls[:3]
    summary = children[0].get_summary()
    assert summary.frame_in_groups == 1
    assert [info.uuid for info in summary.accessible_group_items] == [group.uuid]
    children[1].update(client_metadata={"frame": 1})
    assert [child.client_metadata for child in group.get_child_items()] == [{}, {"frame": 1}, {}]


@pytest.mark.sdk_method("StorageItem.get_signed_url", evidence="documented")
def test_signed_url_is_made_on_demand(service: Service, top) -> None:
    service.register(top, service.images(1))
    [item] = top.list_items()

    assert item._orm_item.signed_url is None
    assert item.get_signed_url().startswith("http")


@pytest.mark.sdk_method("StorageItem.move_to_folder", "StorageItem.parent_folder", evidence="documented")
def test_an_item_is_moved(service: Service, top) -> None:
    service.register(top, service.images(1))
    other = top.create_subfolder("other")
    [item] = top.list_items()

    item.move_to_folder(other)

    assert item.parent_folder_uuid == other.uuid
    assert item.parent_folder().name == "other"
    assert list(top.list_items()) == []


def test_a_moved_item_takes_its_url_along(service: Service, top) -> None:
    service.register(top, service.images(1))
    other = top.create_subfolder("other")
    [item] = top.list_items()
    item.move_to_folder(other)

    for folder in (top, other):
        service.register(folder, service.images(1, skip_duplicate_urls=True))

    assert (len(list(top.list_items())), len(list(other.list_items()))) == (1, 1)


@pytest.mark.sdk_method("StorageItem.delete", evidence="documented")
def test_a_deleted_item_is_gone_and_its_url_can_be_registered_again(service: Service, top) -> None:
    from encord.exceptions import AuthorisationError

    service.register(top, service.images(1))
    [item] = top.list_items()

    item.delete()

    with pytest.raises(AuthorisationError):
        service.client.get_storage_item(item.uuid)
    assert len(service.register(top, service.images(1, skip_duplicate_urls=True)).items_with_names) == 1
