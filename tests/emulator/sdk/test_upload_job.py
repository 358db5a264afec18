"""Upload jobs through the SDK."""

from __future__ import annotations

import pytest

from tests.emulator.sdk.conftest import Service

pytestmark = pytest.mark.cloud_data


@pytest.mark.sdk_method(
    "StorageFolder.add_private_data_to_folder_start",
    "StorageFolder.add_private_data_to_folder_get_result",
    evidence="documented",
)
def test_a_job_registers_its_units_and_says_what_it_made(service: Service, top) -> None:
    from encord.orm.dataset import LongPollingStatus

    result = service.register(top, service.images(3))

    assert result.status is LongPollingStatus.DONE
    assert (result.units_done_count, result.units_error_count, result.units_pending_count) == (3, 0, 0)
    assert [item.name for item in result.items_with_names] == ["image 0.jpg", "image 1.jpg", "image 2.jpg"]


def test_a_manifest_registers_the_same_as_the_structured_form(service: Service, top) -> None:
    manifest = {
        "images": [{"objectUrl": service.image_urls[0], "title": "one.jpg", "clientMetadata": {"a": 1}}],
        "image_groups": [
            {
                "title": "rig",
                "createVideo": False,
                "objectUrl_0": service.image_urls[1],
                "objectUrl_1": service.image_urls[2],
                "clientMetadata": {"b": 2},
            }
        ],
        "skip_duplicate_urls": True,
    }

    service.register(top, manifest)

    assert [(item.name, item.item_type.value, item.client_metadata) for item in top.list_items()] == [
        ("one.jpg", "image", {"a": 1}),
        ("rig", "imageGroup", {"b": 2}),
    ]


def test_a_second_registration_makes_duplicates_unless_they_are_skipped(service: Service, top) -> None:
    service.register(top, service.images(2))
    service.register(top, service.images(2))
    assert len(list(top.list_items())) == 4

    service.register(top, service.images(3, skip_duplicate_urls=True))

    assert len(list(top.list_items())) == 5


def test_upsert_refreshes_the_metadata_of_skipped_items(service: Service, top) -> None:
    service.register(top, service.images(1))
    again = service.images(1, skip_duplicate_urls=True, upsert_metadata=True)
    again.images[0].client_metadata = {"new": True}

    service.register(top, again)

    assert [item.client_metadata["new"] for item in top.list_items()] == [True]


@pytest.mark.emulator_only
@pytest.mark.sdk_method("StorageFolder.add_data_to_folder_job_cancel", evidence="documented")
def test_a_cancelled_job_keeps_what_is_done(service: Service, top, encord_emulator) -> None:
    encord_emulator.set_clock_speed(0)
    encord_emulator.change_settings(units_per_second=1)
    job = top.add_private_data_to_folder_start(service.integration, service.images(5))
    encord_emulator.advance_clock(2)
    while top.add_private_data_to_folder_get_result(job, timeout_seconds=0).units_done_count < 2:
        pass

    cancelled = top.add_data_to_folder_job_cancel(job)

    result = top.add_private_data_to_folder_get_result(job)
    assert cancelled.units_cancelled_count == 3
    assert (result.status.value, result.units_done_count, result.units_cancelled_count) == ("CANCELLED", 2, 3)
    assert len(list(top.list_items())) == 2
    assert top.add_data_to_folder_job_cancel(job).units_cancelled_count == 0
