"""Collections and filter presets through the SDK."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.emulator.sdk.conftest import Service


@pytest.fixture
def collection(service: Service, top: Any) -> Any:
    """An empty collection on the test's folder."""
    collection = service.client.create_collection(top.uuid, "night drives", "for the demo")
    yield collection
    if service.is_live:
        service.client.delete_collection(collection.uuid)


def registered(service: Service, folder: Any, count: int) -> list[Any]:
    return [item.item_uuid for item in service.register(folder, service.images(count)).items_with_names]


def even_preset(service: Service) -> Any:
    return service.client.create_preset(
        f"even {uuid.uuid4()}",
        description="every second image",
        filter_preset_json={
            "global_filters": {
                "filters": [{"key": "n", "include": True, "values": [0, 2, 4], "type": "number"}]
            }
        },
    )


@pytest.mark.sdk_method(
    "EncordUserClient.create_collection",
    "EncordUserClient.get_collection",
    "EncordUserClient.list_collections",
    evidence="documented",
)
def test_a_collection_is_made_and_listed(service: Service, top, collection) -> None:
    other = service.client.create_collection(top.uuid, "day drives")

    listed = list(service.client.list_collections(top.uuid, page_size=1))
    by_uuid = list(service.client.list_collections(collection_uuids=[collection.uuid]))

    assert (collection.name, collection.description) == ("night drives", "for the demo")
    assert collection.top_level_folder_uuid == top.uuid
    assert [entry.uuid for entry in listed] == [collection.uuid, other.uuid]
    assert [entry.uuid for entry in by_uuid] == [collection.uuid]
    assert service.client.get_collection(str(other.uuid)).name == "day drives"
    service.client.delete_collection(other.uuid)


@pytest.mark.sdk_method("Collection.update_collection", evidence="documented")
def test_a_collection_is_renamed(service: Service, collection) -> None:
    collection.update_collection(name="dusk")
    collection.update_collection(description="between")

    again = service.client.get_collection(collection.uuid)
    assert (again.name, again.description) == ("dusk", "between")


@pytest.mark.sdk_method(
    "EncordUserClient.delete_collection", evidence="documented", note="one that does not exist is no error"
)
def test_a_deleted_collection_is_gone(service: Service, top) -> None:
    from encord.exceptions import AuthorisationError

    collection = service.client.create_collection(top.uuid, "short-lived")

    service.client.delete_collection(collection.uuid)
    service.client.delete_collection(collection.uuid)

    with pytest.raises(AuthorisationError):
        service.client.get_collection(collection.uuid)


@pytest.mark.cloud_data
@pytest.mark.sdk_method("Collection.list_items", "Collection.add_items", evidence="documented")
def test_items_below_the_folder_are_added_and_listed_in_pages(service: Service, top, collection) -> None:
    items = registered(service, top, 3) + registered(service, top.create_subfolder("below"), 1)

    response = collection.add_items(items)
    again = collection.add_items([str(items[0])])

    assert (response.failed_items, again.failed_items) == ([], [])
    assert [item.uuid for item in collection.list_items(page_size=2)] == items
    assert [item.client_metadata for item in collection.list_items(include_client_metadata=True)] == [
        {"n": 0},
        {"n": 1},
        {"n": 2},
        {"n": 0},
    ]


@pytest.mark.cloud_data
def test_items_that_cannot_be_added_are_named(service: Service, top, collection) -> None:
    elsewhere = service.client.create_storage_folder(f"elsewhere {uuid.uuid4()}")
    [foreign] = registered(service, elsewhere, 1)
    missing = uuid.uuid4()
    [good] = registered(service, top, 1)

    response = collection.add_items([foreign, good, missing])

    assert response.failed_items == [foreign, missing]
    assert [item.uuid for item in collection.list_items()] == [good]
    elsewhere.delete()


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "Collection.remove_items", evidence="inferred", note="items not in it count as failed"
)
def test_items_are_removed(service: Service, top, collection) -> None:
    items = registered(service, top, 3)
    collection.add_items(items)
    missing = uuid.uuid4()

    response = collection.remove_items([items[0], missing])

    assert response.failed_items == [missing]
    assert [item.uuid for item in collection.list_items()] == items[1:]
    assert len(list(top.list_items())) == 3


@pytest.mark.cloud_data
def test_deleted_items_leave_the_collection(service: Service, top, collection) -> None:
    items = registered(service, top, 2)
    collection.add_items(items)

    top.delete_storage_items(items[:1])

    assert [item.uuid for item in collection.list_items()] == items[1:]


@pytest.mark.emulator_only
@pytest.mark.sdk_method("Collection.list_items_include_inaccessible", evidence="documented")
def test_items_that_may_not_be_seen_are_listed_by_uuid_only(
    service: Service, top, collection, encord_emulator
) -> None:
    from encord.storage import StorageItem, StorageItemInaccessible

    items = registered(service, top, 2)
    collection.add_items(items)
    private = service.client.create_storage_folder("private")
    top.move_items_to_folder(private, items[:1])
    encord_emulator.call(lambda store: setattr(store.folders.get(str(private.uuid)), "owner", "x@y.z"))

    everything = list(collection.list_items_include_inaccessible())

    assert [(type(item), item.uuid) for item in everything] == [
        (StorageItemInaccessible, items[0]),
        (StorageItem, items[1]),
    ]
    assert [item.uuid for item in collection.list_items()] == items[1:]


@pytest.mark.cloud_data
@pytest.mark.sdk_method("Collection.add_items_by_title", evidence="documented")
def test_titles_are_counted_as_matched_ambiguous_or_unmatched(service: Service, top, collection) -> None:
    registered(service, top, 3)
    registered(service, top.create_subfolder("below"), 1)

    outcome = collection.add_items_by_title(
        ["image 0.jpg", "image 1.jpg", "image 2.jpg", "image 1.jpg", "image", "IMAGE 1.JPG"]
    )
    again = collection.add_items_by_title(["image 1.jpg"])

    assert (outcome.requested, outcome.matched_titles, outcome.items_added) == (5, 2, 2)
    assert outcome.ambiguous_titles == ["image 0.jpg"]
    assert outcome.unmatched_titles == ["image", "IMAGE 1.JPG"]
    assert [item.name for item in collection.list_items()] == ["image 1.jpg", "image 2.jpg"]
    assert (again.matched_titles, again.items_added) == (1, 0)


def test_many_titles_go_in_several_calls(service: Service, collection) -> None:
    outcome = collection.add_items_by_title(f"no such title {number}" for number in range(2500))

    assert (outcome.requested, len(outcome.unmatched_titles)) == (2500, 2500)


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "Collection.add_preset_items",
    "Collection.remove_preset_items",
    evidence="inferred",
    note="conditions on metadata keys; when it happens is a setting",
)
def test_a_preset_adds_and_removes_items_some_time_later(
    service: Service, top, collection, encord_emulator
) -> None:
    registered(service, top, 5)
    encord_emulator.change_settings(preset_items_seconds=60)
    encord_emulator.set_clock_speed(0)
    preset = even_preset(service)

    collection.add_preset_items(preset)
    assert list(collection.list_items()) == []
    encord_emulator.advance_clock(60)
    assert [item.name for item in collection.list_items()] == ["image 0.jpg", "image 2.jpg", "image 4.jpg"]

    preset.update_preset(
        filter_preset_json={
            "global_filters": {"filters": [{"key": "n", "include": False, "values": [2], "type": "number"}]}
        }
    )
    collection.remove_preset_items(str(preset.uuid))
    encord_emulator.advance_clock(60)
    assert [item.name for item in collection.list_items()] == ["image 2.jpg"]


@pytest.mark.emulator_only
def test_a_preset_with_conditions_of_another_form_is_not_applied(service: Service, collection) -> None:
    from encord.exceptions import InvalidArgumentsError

    preset = service.client.create_preset(
        "bright", filter_preset_json={"global_filters": {"filters": [{"metric": "brightness", "min": 0.5}]}}
    )

    with pytest.raises(InvalidArgumentsError, match="brightness"):
        collection.add_preset_items(preset.uuid)


@pytest.mark.emulator_only
def test_conditions_of_a_folder_concern_only_its_items(service: Service, top, collection) -> None:
    below = top.create_subfolder("below")
    registered(service, top, 2)
    registered(service, below, 2)
    preset = service.client.create_preset(
        "first below",
        filter_preset_json={
            "local_filters": {str(below.uuid): {"filters": [{"key": "n", "values": [0], "type": "number"}]}}
        },
    )

    collection.add_preset_items(preset)

    assert [item.name for item in collection.list_items()] == ["image 0.jpg", "image 1.jpg", "image 0.jpg"]


@pytest.mark.sdk_method(
    "EncordUserClient.create_preset",
    "EncordUserClient.get_filter_preset",
    "EncordUserClient.get_filter_presets",
    "EncordUserClient.list_presets",
    "EncordUserClient.delete_preset",
    "FilterPreset.get_filter_preset_json",
    evidence="documented",
)
def test_presets_are_made_read_listed_and_deleted(service: Service) -> None:
    from encord.exceptions import AuthorisationError, EncordException

    preset, other = even_preset(service), even_preset(service)
    client = service.client

    filters = client.get_filter_preset(str(preset.uuid)).get_filter_preset_json()
    by_uuid = list(client.get_filter_presets([other.uuid]))
    listed = [entry.uuid for entry in client.list_presets(page_size=1)]

    assert preset.description == "every second image"
    assert filters.global_filters.filters[0]["values"] == [0, 2, 4]
    assert [entry.uuid for entry in by_uuid] == [other.uuid]
    assert {preset.uuid, other.uuid} <= set(listed)
    for entry in (preset, other):
        client.delete_preset(entry.uuid)
    with pytest.raises(AuthorisationError):
        client.get_filter_preset(preset.uuid)
    with pytest.raises(EncordException, match="filter"):
        client.create_preset("empty", filter_preset_json={"global_filters": {"filters": []}})


@pytest.mark.sdk_method("FilterPreset.update_preset", evidence="documented")
def test_a_preset_is_changed(service: Service) -> None:
    preset = even_preset(service)
    name = f"odd {uuid.uuid4()}"

    preset.update_preset(
        name=name,
        description="the others",
        filter_preset_json={"global_filters": {"filters": [{"key": "n", "values": [1]}]}},
    )

    again = service.client.get_filter_preset(preset.uuid)
    assert (again.name, again.description) == (name, "the others")
    assert again.get_filter_preset_json().global_filters.filters == [{"key": "n", "values": [1]}]
    service.client.delete_preset(preset.uuid)
