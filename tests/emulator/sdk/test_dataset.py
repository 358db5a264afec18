"""Datasets and their data rows through the SDK."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.emulator.sdk.conftest import Service
from tests.emulator.sdk.things import new_dataset, registered

pytestmark = [
    pytest.mark.changes_organisation,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.mark.sdk_method(
    "EncordUserClient.create_dataset",
    "EncordUserClient.get_dataset",
    "Dataset.get_dataset",
    "Dataset.refetch_data",
    evidence="documented",
)
def test_a_dataset_is_made_empty_and_found_again(service: Service) -> None:
    from encord.exceptions import DatasetError

    dataset = new_dataset(service)

    assert dataset.title.startswith("Trucks ")
    assert dataset.description == "of oslo"
    assert (dataset.data_rows, dataset.backing_folder_uuid) == ([], None)
    dataset.refetch_data()
    assert dataset.get_dataset().dataset_hash == dataset.dataset_hash
    without_rows = service.client.get_dataset(dataset.dataset_hash, include_data_rows=False)
    with pytest.raises(DatasetError, match="include_data_rows"):
        _ = without_rows.data_rows


@pytest.mark.sdk_method(
    "EncordUserClient.create_private_dataset", evidence="documented", note="deprecated by the SDK; mirrored"
)
def test_the_deprecated_way_makes_a_mirrored_dataset(service: Service) -> None:
    from encord.orm.dataset import StorageLocation

    created = service.client.create_private_dataset("Old way", StorageLocation.AWS)

    assert service.client.get_storage_folder(created.backing_folder_uuid).name == "Old way"


def test_a_dataset_that_does_not_exist_is_not_found(service: Service) -> None:
    from encord.exceptions import ResourceNotFoundError

    missing = str(uuid.uuid4())
    with pytest.raises(ResourceNotFoundError, match=missing):
        service.client.get_dataset(missing)


@pytest.mark.sdk_method(
    "EncordUserClient.get_datasets", evidence="documented", note="case of the SQL patterns: a setting"
)
def test_datasets_are_listed_by_title_description_and_time(service: Service) -> None:
    dataset = new_dataset(service)
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    def found(**filters: Any) -> bool:
        listed = service.client.get_datasets(**filters)
        return dataset.dataset_hash in [entry["dataset"].dataset_hash for entry in listed]

    assert found()
    assert found(title_eq=dataset.title, desc_eq="of oslo", created_before=tomorrow)
    assert found(title_like="Truck%", desc_like="%oslo", edited_before=tomorrow.isoformat())
    assert not found(title_eq="Truck")
    assert not found(title_like="Truck")
    assert not found(created_after=tomorrow)
    assert not found(edited_after=tomorrow)


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "Dataset.link_items",
    evidence="documented",
    note="skipped rows in the answer: a setting; the error of FAIL is inferred",
)
def test_items_linked_twice_are_skipped_refused_or_doubled(service: Service, top) -> None:
    from encord.exceptions import ResourceExistsError
    from encord.orm.dataset import DataLinkDuplicatesBehavior

    dataset = new_dataset(service)
    items = registered(service, top, 3)

    rows = dataset.link_items(items[:2])
    assert [row.backing_item_uuid for row in rows] == items[:2]
    assert [row.title for row in rows] == ["image 0.jpg", "image 1.jpg"]

    [added] = dataset.link_items(items, duplicates_behavior=DataLinkDuplicatesBehavior.SKIP)
    assert added.backing_item_uuid == items[2]

    with pytest.raises(ResourceExistsError, match=r"image 0\.jpg"):
        dataset.link_items(items, duplicates_behavior=DataLinkDuplicatesBehavior.FAIL)
    assert len(dataset.list_data_rows()) == 3

    doubled = dataset.link_items(items[:1], duplicates_behavior=DataLinkDuplicatesBehavior.DUPLICATE)
    assert doubled[0].uid not in [row.uid for row in rows]
    assert len(dataset.list_data_rows()) == 4


@pytest.mark.cloud_data
def test_storage_items_know_their_datasets(service: Service, top) -> None:
    dataset = new_dataset(service)
    items = registered(service, top, 2)
    [row] = dataset.link_items(items[:1])

    item = service.client.get_storage_item(items[0])
    summary = item.get_summary()

    assert item.backed_data_units_count == 1
    assert [entry.name for entry in top.list_items(is_in_dataset=True)] == ["image 0.jpg"]
    assert [entry.name for entry in top.list_items(is_in_dataset=False)] == ["image 1.jpg"]
    assert summary.used_in_datasets == 1
    assert summary.accessible_datasets[0].dataset_hash == dataset.dataset_hash
    assert [str(entry) for entry in summary.accessible_datasets[0].data_hashes] == [row.uid]


@pytest.mark.cloud_data
@pytest.mark.sdk_method("Dataset.list_data_rows", evidence="documented")
def test_data_rows_are_filtered(service: Service, top) -> None:
    from encord.constants.enums import DataType

    dataset = new_dataset(service)
    rows = dataset.link_items(registered(service, top, 3))
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    def titles(**filters: Any) -> list[str]:
        return [row.title for row in dataset.list_data_rows(**filters)]

    assert titles() == ["image 0.jpg", "image 1.jpg", "image 2.jpg"]
    assert titles(title_eq="image 1.jpg") == ["image 1.jpg"]
    assert titles(title_like="image _.j%") == titles()
    assert titles(title_like="image") == []
    assert titles(data_types=[DataType.VIDEO]) == []
    assert titles(data_types=[DataType.VIDEO, DataType.IMAGE]) == titles()
    assert titles(data_hashes=[rows[2].uid]) == ["image 2.jpg"]
    assert titles(created_after=tomorrow) == []
    assert titles(created_before=tomorrow) == titles()


@pytest.mark.cloud_data
@pytest.mark.sdk_method("Dataset.set_access_settings", evidence="documented")
def test_metadata_comes_only_if_the_access_settings_ask_for_it(service: Service, top) -> None:
    from encord.orm.dataset import DatasetAccessSettings

    dataset = new_dataset(service)
    dataset.link_items(registered(service, top, 2))
    dataset.refetch_data()
    assert [row.client_metadata for row in dataset.data_rows] == [None, None]

    dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))

    assert [row.client_metadata for row in dataset.data_rows] == [{"n": 0}, {"n": 1}]
    assert [row.client_metadata for row in dataset.list_data_rows()] == [{"n": 0}, {"n": 1}]


@pytest.mark.cloud_data
@pytest.mark.sdk_method("DataRow.save", evidence="documented", note="deprecated by the SDK")
def test_a_saved_data_row_writes_through_to_the_item(service: Service, top) -> None:
    dataset = new_dataset(service)
    [row] = dataset.link_items(registered(service, top, 1))

    row.client_metadata = {"my": "metadata", "nested": {"a": [1, None]}}
    row.title = "renamed.jpg"
    row.save()

    assert (row.title, row.client_metadata["my"]) == ("renamed.jpg", "metadata")
    item = service.client.get_storage_item(row.backing_item_uuid)
    assert (item.name, item.client_metadata) == (
        "renamed.jpg",
        {"my": "metadata", "nested": {"a": [1, None]}},
    )


@pytest.mark.cloud_data
@pytest.mark.sdk_method("DataRow.refetch_data", evidence="documented")
def test_a_data_row_is_read_again_with_what_is_asked_for(service: Service, top) -> None:
    dataset = new_dataset(service)
    [row] = dataset.link_items(registered(service, top, 1))
    service.client.get_storage_item(row.backing_item_uuid).update(client_metadata={"new": True})

    row.refetch_data(signed_url=True, client_metadata=True)

    assert row.client_metadata == {"new": True}
    assert row.signed_url.startswith("http")


def test_the_images_of_a_group_are_described(service: Service, top, image_file) -> None:
    from encord.orm.dataset import ImagesDataFetchOptions

    dataset = new_dataset(service)
    [row] = dataset.link_items([top.create_image_group([image_file, image_file], title="rig")])
    assert (row.data_type.value, row.is_image_sequence, row.images_data) == ("img_group", False, None)

    row.refetch_data(images_data_fetch_options=ImagesDataFetchOptions(fetch_signed_urls=True))

    assert [image.title for image in row.images_data] == ["pixel.png", "pixel.png"]
    assert all(image.signed_url for image in row.images_data)


@pytest.mark.cloud_data
@pytest.mark.sdk_method("Dataset.update_data_item", evidence="documented", note="deprecated by the SDK")
def test_a_data_item_is_renamed(service: Service, top) -> None:
    dataset = new_dataset(service)
    [row] = dataset.link_items(registered(service, top, 1))

    assert dataset.update_data_item(row.uid, "other.jpg")

    assert [row.title for row in dataset.list_data_rows()] == ["other.jpg"]


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "Dataset.delete_data", evidence="inferred", note="whether a mirrored folder loses the item: a setting"
)
def test_deleted_data_leave_the_dataset_but_not_the_folder(service: Service, top) -> None:
    from encord.exceptions import ResourceNotFoundError

    dataset = new_dataset(service)
    rows = dataset.link_items(registered(service, top, 3))

    dataset.delete_data(rows[0].uid)
    dataset.delete_data([rows[1].uid])

    assert [row.title for row in dataset.list_data_rows()] == ["image 2.jpg"]
    assert len(list(top.list_items())) == 3
    assert service.client.get_storage_item(rows[0].backing_item_uuid).backed_data_units_count == 0
    with pytest.raises(ResourceNotFoundError):
        dataset.delete_data(rows[0].uid)


@pytest.mark.cloud_data
def test_a_deleted_item_leaves_its_datasets(service: Service, top) -> None:
    dataset = new_dataset(service)
    items = registered(service, top, 2)
    dataset.link_items(items)

    top.delete_storage_items(items[:1])

    assert [row.backing_item_uuid for row in dataset.list_data_rows()] == items[1:]


@pytest.mark.cloud_data
def test_a_mirrored_dataset_shows_what_its_folder_holds(service: Service, top) -> None:
    dataset = new_dataset(service, mirrored=True)
    folder = service.client.get_storage_folder(dataset.backing_folder_uuid)
    items = registered(service, folder, 3)
    assert folder.name == dataset.title
    assert [row.backing_item_uuid for row in dataset.list_data_rows()] == items

    folder.move_items_to_folder(top, items[:1], allow_mirror_dataset_changes=True)
    assert [row.backing_item_uuid for row in dataset.list_data_rows()] == items[1:]

    top.move_items_to_folder(folder, items[:1], allow_mirror_dataset_changes=True)
    assert {row.backing_item_uuid for row in dataset.list_data_rows()} == set(items)

    folder.delete_storage_items(items[1:2])
    assert {row.backing_item_uuid for row in dataset.list_data_rows()} == {items[0], items[2]}


@pytest.mark.emulator_only
def test_what_is_unknown_of_mirrored_datasets_is_a_setting(service: Service, top, encord_emulator) -> None:
    from encord.exceptions import InvalidArgumentsError

    dataset = new_dataset(service, mirrored=True)
    folder = service.client.get_storage_folder(dataset.backing_folder_uuid)
    registered(service, folder, 2)
    others = registered(service, top, 1)

    with pytest.raises(InvalidArgumentsError, match="mirrors a folder"):
        dataset.link_items(others)
    encord_emulator.change_settings(link_to_mirrored="link")
    dataset.link_items(others)
    first, second, _ = dataset.list_data_rows()

    dataset.delete_data(first.uid)
    assert [item.uuid for item in folder.list_items()] == [second.backing_item_uuid]
    encord_emulator.change_settings(mirrored_delete="row")
    dataset.delete_data(second.uid)
    assert [item.uuid for item in folder.list_items()] == [second.backing_item_uuid]
    assert [row.backing_item_uuid for row in dataset.list_data_rows()] == others


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "Dataset.re_encode_data", "Dataset.re_encode_data_status", evidence="inferred", note="names of the states"
)
def test_videos_are_re_encoded(service: Service, top, tmp_path) -> None:
    from encord.exceptions import InvalidArgumentsError

    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"not much of a video")
    dataset = new_dataset(service)
    [row] = dataset.link_items([top.upload_video(clip)])
    [image] = dataset.link_items(registered(service, top, 1))

    task = dataset.re_encode_data([row.uid])
    status = dataset.re_encode_data_status(task)
    while status.status == "SUBMITTED":
        status = dataset.re_encode_data_status(task)

    assert (status.status, [result.data_hash for result in status.result]) == ("DONE", [row.uid])
    with pytest.raises(InvalidArgumentsError, match="not a video"):
        dataset.re_encode_data([image.uid])


@pytest.mark.sdk_method("Dataset.get_cloud_integrations", evidence="documented", note="deprecated by the SDK")
def test_a_dataset_lists_the_integrations(service: Service) -> None:
    assert new_dataset(service).get_cloud_integrations() == service.client.get_cloud_integrations()


@pytest.mark.sdk_method(
    "EncordUserClient.get_dataset_client", evidence="documented", note="deprecated by the SDK"
)
def test_the_deprecated_dataset_client_reads_the_same(service: Service) -> None:
    dataset = new_dataset(service)

    assert service.client.get_dataset_client(dataset.dataset_hash).get_dataset().title == dataset.title


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "Dataset.link_items",
    "Dataset.list_data_rows",
    evidence="inferred",
    note="whether rows appear in a while is a setting",
)
def test_linked_items_appear_some_time_later(service: Service, top, encord_emulator) -> None:
    dataset = new_dataset(service)
    (item,) = registered(service, top, 1)
    encord_emulator.change_settings(link_lag_seconds=60)
    encord_emulator.set_clock_speed(0)

    assert dataset.link_items([item]) == []
    assert service.client.get_dataset(dataset.dataset_hash).data_rows == dataset.list_data_rows() == []
    encord_emulator.advance_clock(60)
    assert [row.backing_item_uuid for row in dataset.list_data_rows()] == [item]
    assert len(service.client.get_dataset(dataset.dataset_hash).data_rows) == 1
