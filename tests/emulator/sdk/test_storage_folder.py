"""StorageFolder: listing, changing, moving, deleting."""

from __future__ import annotations

import pytest

from tests.emulator.sdk.conftest import Service


@pytest.mark.cloud_data
@pytest.mark.sdk_method("StorageFolder.list_items", evidence="documented")
def test_items_are_listed_in_pages_sorted_and_filtered(service: Service, top) -> None:
    from encord.orm.storage import FoldersSortBy, StorageItemType

    service.register(top, service.images(5))

    names = [item.name for item in top.list_items(page_size=2)]
    backwards = [item.name for item in top.list_items(page_size=2, desc=True)]
    by_time = [item.name for item in top.list_items(page_size=2, order=FoldersSortBy.CREATED_AT)]

    assert names == sorted(names)
    assert len(names) == 5
    assert backwards == names[::-1]
    assert sorted(by_time) == names
    assert [item.name for item in top.list_items(search="IMAGE 3")] == ["image 3.jpg"]
    assert list(top.list_items(item_types=[StorageItemType.VIDEO])) == []
    assert len(list(top.list_items(item_types=[StorageItemType.VIDEO, StorageItemType.IMAGE]))) == 5
    assert list(top.list_items(is_in_dataset=True)) == []


@pytest.mark.cloud_data
def test_metadata_comes_with_the_listing_or_by_signed_url_or_not_at_all(service: Service, top) -> None:
    service.register(top, service.images(2))

    assert [item.client_metadata for item in top.list_items()] == [{"n": 0}, {"n": 1}]
    assert [item.client_metadata for item in top.list_items(resolve_client_metadata_locally=True)] == [
        {"n": 0},
        {"n": 1},
    ]
    assert [item.client_metadata for item in top.list_items(include_client_metadata=False)] == [{}, {}]


@pytest.mark.cloud_data
@pytest.mark.sdk_method("StorageFolder.find_items", evidence="documented")
def test_find_items_looks_into_subfolders(service: Service, top) -> None:
    service.register(top, service.images(1))
    service.register(top.create_subfolder("below"), service.images(2))

    assert [item.name for item in top.find_items(search="image", page_size=2)] == [
        "image 0.jpg",
        "image 0.jpg",
        "image 1.jpg",
    ]


@pytest.mark.sdk_method(
    "StorageFolder.create_subfolder",
    "StorageFolder.list_subfolders",
    "StorageFolder.find_subfolders",
    evidence="documented",
)
def test_subfolders_are_listed_one_level_or_found_at_all(top) -> None:
    b = top.create_subfolder("b", description="second", client_metadata={"x": 1})
    top.create_subfolder("a")
    b.create_subfolder("b below")

    assert [folder.name for folder in top.list_subfolders(page_size=1)] == ["a", "b"]
    assert [folder.name for folder in top.list_subfolders(desc=True)] == ["b", "a"]
    assert {folder.name for folder in top.find_subfolders(search="b")} == {"b", "b below"}
    assert (b.description, b.client_metadata) == ("second", {"x": 1})


@pytest.mark.sdk_method("StorageFolder.update", "StorageFolder.refetch_data", evidence="documented")
def test_a_folder_is_changed_and_metadata_replaced_as_a_whole(service: Service, top) -> None:
    same = service.client.get_storage_folder(top.uuid)
    top.update(client_metadata={"a": 1, "b": 2})

    top.update(name=top.name + " renamed", description="new", client_metadata={"c": 3})
    same.refetch_data()

    assert same.name.endswith(" renamed")
    assert (same.description, same.client_metadata) == ("new", {"c": 3})


def test_folders_are_changed_in_a_bundle(service: Service, top) -> None:
    from encord.http.bundle import Bundle

    folders = [top.create_subfolder(name) for name in ("a", "b")]
    with Bundle() as bundle:
        for folder in folders:
            folder.update(client_metadata={"for": folder.name}, bundle=bundle)

    assert [folder.client_metadata for folder in top.list_subfolders()] == [{"for": "a"}, {"for": "b"}]


@pytest.mark.sdk_method("StorageFolder.move_to_folder", evidence="documented")
def test_a_folder_is_moved_but_not_into_itself(top) -> None:
    from encord.exceptions import InvalidArgumentsError

    a, b = top.create_subfolder("a"), top.create_subfolder("b")

    b.move_to_folder(a)

    assert b.parent_uuid == a.uuid
    assert [folder.name for folder in a.list_subfolders()] == ["b"]
    with pytest.raises(InvalidArgumentsError):
        a.move_to_folder(b)


@pytest.mark.sdk_method("StorageFolder.delete", evidence="inferred", note="removes everything in the folder")
def test_a_deleted_folder_is_gone_with_its_subfolders(service: Service, top) -> None:
    from encord.exceptions import AuthorisationError

    folder = top.create_subfolder("doomed")
    below = folder.create_subfolder("below")

    folder.delete()

    assert list(top.list_subfolders()) == []
    with pytest.raises(AuthorisationError):
        service.client.get_storage_folder(below.uuid)


@pytest.mark.cloud_data
@pytest.mark.sdk_method("StorageFolder.get_summary", evidence="inferred")
def test_summary_counts_by_type(service: Service, top) -> None:
    service.register(top, service.images(3))
    top.create_subfolder("below")

    summary = top.get_summary()

    assert (summary.files, summary.images, summary.folders, summary.videos) == (3, 3, 1, 0)


@pytest.mark.cloud_data
@pytest.mark.sdk_method("StorageFolder.move_items_to_folder", evidence="documented")
def test_items_are_moved(service: Service, top) -> None:
    result = service.register(top, service.images(3))
    other = top.create_subfolder("other")

    top.move_items_to_folder(other, [item.item_uuid for item in result.items_with_names[:2]])

    assert [item.name for item in top.list_items()] == ["image 2.jpg"]
    assert [item.name for item in other.list_items()] == ["image 0.jpg", "image 1.jpg"]


@pytest.mark.cloud_data
@pytest.mark.sdk_method("StorageFolder.delete_storage_items", evidence="documented")
def test_items_are_deleted(service: Service, top) -> None:
    result = service.register(top, service.images(3))

    top.delete_storage_items([item.item_uuid for item in result.items_with_names[1:]])

    assert [item.name for item in top.list_items()] == ["image 0.jpg"]


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "StorageFolder.create_data_group", "StorageFolder.create_data_groups", evidence="documented"
)
def test_data_groups_are_made_of_items(service: Service, top) -> None:
    from encord.orm.storage import DataGroupGrid, StorageItemType

    uuids = [item.item_uuid for item in service.register(top, service.images(3)).items_with_names]

    carousel = top.create_data_group(uuids[:2])
    [grid] = top.create_data_groups(
        [DataGroupGrid(name="rig", layout_contents=uuids, client_metadata={"a": 1})]
    )

    group = service.client.get_storage_item(grid)
    assert (group.item_type, group.name, group.client_metadata) == (StorageItemType.GROUP, "rig", {"a": 1})
    assert {child.uuid for child in group.get_child_items()} == set(uuids)
    contents = group.get_summary().data_group.layout_contents
    assert {child.uuid for child in contents.values()} == set(uuids)
    assert service.client.get_storage_item(carousel).item_type is StorageItemType.GROUP
