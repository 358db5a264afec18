"""Upload jobs take time, polls are held, the clock can be steered."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator


def images(count: int, **flags: Any) -> dict[str, Any]:
    return {"images": [{"objectUrl": f"s3://b/{number:04}.jpg"} for number in range(count)], **flags}


def counts(folder: StorageFolder, job: Any, done: int) -> tuple[str, int, int]:
    """Status, done and pending as soon as ``done`` units are done (the server's thread needs a moment)."""
    while (
        state := folder.add_private_data_to_folder_get_result(job, timeout_seconds=0)
    ).units_done_count < done:
        pass
    return state.status.value, state.units_done_count, state.units_pending_count


def test_counters_move_with_the_clock(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.set_clock_speed(0)
    encord_emulator.change_settings(units_per_second=10, finishing_seconds=5)
    job = folder.add_private_data_to_folder_start(aws, images(30))
    seen = [counts(folder, job, 0)]
    for seconds, done in ((1, 10), (1.5, 25), (10, 30)):
        encord_emulator.advance_clock(seconds)
        seen.append(counts(folder, job, done))
    encord_emulator.advance_clock(5)

    assert seen == [("PENDING", 0, 30), ("PENDING", 10, 20), ("PENDING", 25, 5), ("PENDING", 30, 0)]
    assert folder.add_private_data_to_folder_get_result(job).status.value == "DONE"


def test_a_fast_clock_makes_a_long_job_short(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.change_settings(units_per_second=1)
    encord_emulator.set_clock_speed(600)
    began = time.monotonic()
    job = folder.add_private_data_to_folder_start(aws, images(300))

    result = folder.add_private_data_to_folder_get_result(job)

    assert result.units_done_count == 300
    assert time.monotonic() - began < 5


def test_a_poll_is_held_and_answered_at_once_when_the_job_ends(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.set_clock_speed(0)
    job = folder.add_private_data_to_folder_start(aws, images(1))
    answers: list[tuple[str, float]] = []

    def poll() -> None:
        state = folder.add_private_data_to_folder_get_result(job, timeout_seconds=30)
        answers.append((state.status.value, time.monotonic()))

    thread = threading.Thread(target=poll)
    thread.start()
    thread.join(0.3)
    held = thread.is_alive()
    moved = time.monotonic()
    encord_emulator.advance_clock(1)
    thread.join(10)

    assert held
    assert answers[0][0] == "DONE"
    assert answers[0][1] - moved < 2


def test_a_poll_is_held_for_as_long_as_asked_and_no_longer_than_the_cap(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.inject_fault("job_stuck")
    encord_emulator.change_settings(long_poll_cap_seconds=0.5)
    job = folder.add_private_data_to_folder_start(aws, images(1))
    path = f"storage/folders/{folder.uuid}/data-upload-jobs/{job}"

    def held(seconds: int) -> float:
        from encord.orm.storage import GetUploadJobParams, UploadLongPollingState

        began = time.monotonic()
        folder._api_client.get(path, GetUploadJobParams(timeout_seconds=seconds), UploadLongPollingState)
        return time.monotonic() - began

    assert held(0) < 0.3
    assert 0.5 <= held(604_800) < 2


def test_with_ignore_errors_the_job_ends_done_and_lists_what_failed(folder: StorageFolder, aws: str) -> None:
    spec = {**images(2), "videos": [{"objectUrl": "s3://b/not-a-video.jpg"}]}

    job = folder.add_private_data_to_folder_start(aws, spec, ignore_errors=True)
    result = folder.add_private_data_to_folder_get_result(job)

    assert (result.status.value, result.units_done_count, result.units_error_count) == ("DONE", 2, 1)
    [error] = result.unit_errors
    assert error.object_urls == ["s3://b/not-a-video.jpg"]
    assert error.error == "Expected a video, got a file of type image/jpeg"
    assert error.action_description == "Uploading video"
    assert result.errors == [error.error]


@pytest.mark.parametrize(("setting", "left"), [("drop", 0), ("keep", 2)])
def test_without_ignore_errors_one_failed_unit_fails_the_job(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str, setting: str, left: int
) -> None:
    encord_emulator.change_settings(failed_job_items=setting)
    spec = {**images(2), "videos": [{"objectUrl": "s3://b/not-a-video.jpg"}]}

    result = folder.add_private_data_to_folder_get_result(folder.add_private_data_to_folder_start(aws, spec))

    assert (result.status.value, result.units_error_count) == ("ERROR", 1)
    assert len(list(folder.list_items())) == left


@pytest.mark.parametrize(("reported", "names"), [(False, 1), (True, 3)])
def test_skipped_duplicates_count_as_done_and_are_reported_if_so_set(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str, reported: bool, names: int
) -> None:
    encord_emulator.change_settings(skipped_units_in_result=reported)
    folder.add_private_data_to_folder_get_result(folder.add_private_data_to_folder_start(aws, images(2)))

    job = folder.add_private_data_to_folder_start(aws, images(3, skip_duplicate_urls=True))
    result = folder.add_private_data_to_folder_get_result(job)

    assert (result.units_done_count, len(result.items_with_names)) == (3, names)
    assert len(list(folder.list_items())) == 3


@pytest.mark.parametrize(("setting", "metadata"), [("replace", {"b": 2}), ("merge", {"a": 1, "b": 2})])
def test_upsert_replaces_or_merges_as_set(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str, setting: str, metadata: dict[str, int]
) -> None:
    encord_emulator.change_settings(upsert=setting)

    for values in ({"a": 1}, {"b": 2}):
        spec = {
            "images": [{"objectUrl": "s3://b/0.jpg", "clientMetadata": values}],
            "skip_duplicate_urls": True,
            "upsert_metadata": True,
        }
        folder.add_private_data_to_folder_get_result(folder.add_private_data_to_folder_start(aws, spec))

    assert [item.client_metadata for item in folder.list_items()] == [metadata]


def test_listings_lag_behind_registration(
    encord_emulator: EncordEmulator, client: Any, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.change_settings(listing_lag_seconds=3600)
    job = folder.add_private_data_to_folder_start(aws, images(2))
    uuid = folder.add_private_data_to_folder_get_result(job).items_with_names[0].item_uuid

    before = list(folder.list_items())
    client.get_storage_item(uuid).update(name="zzz.jpg")
    encord_emulator.advance_clock(3601)

    assert before == []
    assert [item.name for item in folder.list_items()] == ["/0001.jpg", "zzz.jpg"]


def test_a_job_of_another_folder_is_not_found(client: Any, folder: StorageFolder, aws: str) -> None:
    from encord.exceptions import ResourceNotFoundError

    job = folder.add_private_data_to_folder_start(aws, images(1))

    with pytest.raises(ResourceNotFoundError):
        client.create_storage_folder("other").add_private_data_to_folder_get_result(job, timeout_seconds=0)


def test_a_job_stops_when_its_folder_is_deleted(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.set_clock_speed(0)
    encord_emulator.change_settings(units_per_second=1)
    job = folder.add_private_data_to_folder_start(aws, images(5))
    encord_emulator.advance_clock(2)
    counts(folder, job, 2)

    folder.delete()
    encord_emulator.advance_clock(1)

    [running] = encord_emulator.call(lambda store: store.jobs.all())
    while running.pending_count:
        time.sleep(0.01)
    assert running.status == "CANCELLED"
    assert encord_emulator.call(lambda store: len(store.items)) == 0


def test_the_clock_is_steered_over_http(encord_emulator: EncordEmulator) -> None:
    control = encord_emulator.url + "/_emulator/clock"
    stopped = requests.post(control, json={"speed": 0}, timeout=10).json()
    moved = requests.post(control, json={"advance": 90}, timeout=10).json()

    assert moved["time"] == pytest.approx(stopped["time"] + 90, abs=1e-3)
    assert requests.get(control, timeout=10).json() == moved
    assert requests.post(control, json={"advance": -1}, timeout=10).status_code == 400
    assert requests.post(control, json={"backwards": 1}, timeout=10).status_code == 400
