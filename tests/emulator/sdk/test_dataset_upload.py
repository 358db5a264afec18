"""Uploads into datasets through the SDK: cloud data and local files."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.sdk.conftest import Service
from tests.emulator.sdk.things import add_colleague, new_dataset

pytestmark = pytest.mark.changes_organisation


def manifest(service: Service, count: int, **fields: Any) -> dict[str, Any]:
    return {"images": [{"objectUrl": url} for url in service.image_urls[:count]], **fields}


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "Dataset.add_private_data_to_dataset", evidence="documented", note="mirrored datasets only"
)
def test_cloud_data_go_into_a_mirrored_dataset_and_its_folder(service: Service) -> None:
    dataset = new_dataset(service, mirrored=True)

    response = dataset.add_private_data_to_dataset(service.integration, manifest(service, 3))

    rows = dataset.list_data_rows()
    folder = service.client.get_storage_folder(dataset.backing_folder_uuid)
    added = response.dataset_data_list
    assert {entry.data_hash for entry in added} == {row.uid for row in rows}
    assert {entry.backing_item_uuid for entry in added} == {item.uuid for item in folder.list_items()}
    assert len(rows) == 3


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "Dataset.add_private_data_to_dataset_start",
    "Dataset.add_private_data_to_dataset_get_result",
    evidence="documented",
)
def test_cloud_data_go_into_a_folder_and_a_dataset(service: Service, top, tmp_path: Path) -> None:
    import json

    dataset = new_dataset(service)
    file = tmp_path / "trucks.json"
    file.write_text(json.dumps(manifest(service, 2)))

    job = dataset.add_private_data_to_dataset_start(service.integration, file, folder=top)
    result = dataset.add_private_data_to_dataset_get_result(job)

    assert (result.status.value, result.units_done_count, result.units_pending_count) == ("DONE", 2, 0)
    items = {item.uuid for item in top.list_items()}
    assert {row.backing_item_uuid for row in dataset.list_data_rows()} == items
    assert {entry.backing_item_uuid for entry in result.data_hashes_with_titles} == items


@pytest.mark.cloud_data
def test_only_mirrored_datasets_know_the_folder_themselves(service: Service, top) -> None:
    from encord.exceptions import InvalidArgumentsError

    plain, mirrored = new_dataset(service), new_dataset(service, mirrored=True)

    with pytest.raises(InvalidArgumentsError, match="folder"):
        plain.add_private_data_to_dataset_start(service.integration, manifest(service, 1))
    with pytest.raises(InvalidArgumentsError, match="folder"):
        mirrored.add_private_data_to_dataset_start(service.integration, manifest(service, 1), folder=top)


@pytest.mark.emulator_only
def test_errors_end_the_job_or_are_listed(service: Service, top) -> None:
    from encord.exceptions import EncordException

    dataset = new_dataset(service, mirrored=True)
    files = manifest(service, 1)
    files["images"].append({"objectUrl": "https://fleet.s3.eu-west-1.amazonaws.com/camera/clip.mp4"})

    with pytest.raises(EncordException, match=r"Expected an image"):
        dataset.add_private_data_to_dataset(service.integration, files)
    assert dataset.list_data_rows() == []

    job = dataset.add_private_data_to_dataset_start(service.integration, files, ignore_errors=True)
    result = dataset.add_private_data_to_dataset_get_result(job)
    assert (result.status.value, result.units_done_count, result.units_error_count) == ("DONE", 1, 1)
    assert result.data_unit_errors[0].object_urls == [files["images"][1]["objectUrl"]]
    assert len(dataset.list_data_rows()) == 1


@pytest.mark.emulator_only
def test_a_poll_is_held_until_the_job_ends_or_the_cap_is_reached(service: Service, encord_emulator) -> None:
    encord_emulator.change_settings(units_per_second=0, long_poll_cap_seconds=0.3)
    dataset = new_dataset(service, mirrored=True)
    job = dataset.add_private_data_to_dataset_start(service.integration, manifest(service, 2))

    began = time.monotonic()
    pending = dataset.add_private_data_to_dataset_get_result(job, timeout_seconds=2)
    waited = time.monotonic() - began
    at_once = dataset.add_private_data_to_dataset_get_result(job, timeout_seconds=0)

    assert (pending.status.value, pending.units_pending_count) == ("PENDING", 2)
    assert at_once.status.value == "PENDING"
    assert waited >= 0.9
    polls = encord_emulator.requests("poll_dataset_upload")
    assert 300 <= polls[0]["milliseconds"] < 5000

    encord_emulator.change_settings(units_per_second=500)
    assert dataset.add_private_data_to_dataset_get_result(job).status.value == "DONE"


@pytest.mark.emulator_only
def test_a_snapshot_keeps_datasets_and_goes_on_with_their_uploads(
    service: Service, top, encord_emulator
) -> None:
    encord_emulator.change_settings(units_per_second=0)
    dataset, mirrored = new_dataset(service), new_dataset(service, mirrored=True)
    top.add_private_data_to_folder_start(service.integration, manifest(service, 1))
    job = dataset.add_private_data_to_dataset_start(service.integration, manifest(service, 2), folder=top)
    other = mirrored.add_private_data_to_dataset_start(service.integration, manifest(service, 3))

    encord_emulator.restore(encord_emulator.snapshot())
    encord_emulator.change_settings(units_per_second=500)

    assert dataset.add_private_data_to_dataset_get_result(job).status.value == "DONE"
    assert mirrored.add_private_data_to_dataset_get_result(other).status.value == "DONE"
    assert len(dataset.list_data_rows()) == 2
    assert len(mirrored.list_data_rows()) == 3
    encord_emulator.restore(encord_emulator.snapshot())
    assert len(dataset.list_data_rows()) == 2
    assert len(mirrored.list_data_rows()) == 3
    item = next(iter(top.list_items(is_in_dataset=True)))
    assert item.backed_data_units_count == 1


@pytest.mark.sdk_method("Dataset.upload_image", "Dataset.upload_video", evidence="documented")
def test_files_are_uploaded(service: Service, top, image_file: Path, tmp_path: Path) -> None:
    dataset = new_dataset(service)

    image = dataset.upload_image(image_file, title="truck.png", folder=top)

    assert image["title"] == "truck.png"
    [row] = dataset.list_data_rows()
    assert (row.uid, row.title, row.data_type.value) == (image["data_hash"], "truck.png", "image")
    assert [item.name for item in top.list_items()] == ["truck.png"]


@pytest.mark.emulator_only
def test_a_video_is_uploaded_to_a_mirrored_dataset(service: Service, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"not much of a video")
    dataset = new_dataset(service, mirrored=True)

    video = dataset.upload_video(clip)

    [row] = dataset.list_data_rows()
    assert (row.uid, row.title, row.data_type.value) == (video["data_hash"], "clip.mp4", "video")


@pytest.mark.sdk_method("Dataset.create_image_group", evidence="documented")
def test_an_image_group_or_sequence_is_uploaded(service: Service, top, image_file: Path) -> None:
    dataset = new_dataset(service)

    [sequence] = dataset.create_image_group([image_file, image_file], title="drive", folder=top)
    [group] = dataset.create_image_group([image_file], title="rig", create_video=False, folder=top.uuid)

    rows = {row.uid: row for row in dataset.list_data_rows()}
    assert rows[sequence["data_hash"]].is_image_sequence is True
    assert rows[group["data_hash"]].is_image_sequence is False
    assert {row.data_type.value for row in rows.values()} == {"img_group"}


@pytest.mark.emulator_only
@pytest.mark.sdk_method("Dataset.create_dicom_series", evidence="documented")
def test_a_dicom_series_is_uploaded(service: Service, top, tmp_path: Path) -> None:
    files = []
    for number in range(2):
        files.append(tmp_path / f"{number}.dcm")
        files[-1].write_bytes(b"DICM")
    dataset = new_dataset(service)

    series = dataset.create_dicom_series(files, title="chest", folder=top)

    [row] = dataset.list_data_rows()
    assert (row.uid, row.title, row.data_type.value) == (series["data_hash"], "chest", "dicom")


@pytest.mark.cloud_data
def test_an_upload_of_another_dataset_is_not_found(service: Service, top) -> None:
    from encord.exceptions import ResourceNotFoundError

    dataset, other = new_dataset(service), new_dataset(service)
    job = dataset.add_private_data_to_dataset_start(service.integration, manifest(service, 1), folder=top)

    with pytest.raises(ResourceNotFoundError):
        other.add_private_data_to_dataset_get_result(job)
    with pytest.raises(ResourceNotFoundError):
        dataset.add_private_data_to_dataset_get_result(str(uuid.uuid4()))
    dataset.add_private_data_to_dataset_get_result(job)


@pytest.mark.emulator_only
def test_what_a_cancelled_job_has_done_stays_in_the_dataset(service: Service, top, encord_emulator) -> None:
    encord_emulator.inject_fault("job_cancelled", after_units=2)
    dataset = new_dataset(service)
    job = dataset.add_private_data_to_dataset_start(service.integration, manifest(service, 5), folder=top)

    result = dataset.add_private_data_to_dataset_get_result(job)

    assert (result.status.value, result.units_done_count, result.units_cancelled_count) == ("CANCELLED", 2, 3)
    assert len(result.data_hashes_with_titles) == len(dataset.list_data_rows()) == 2


@pytest.mark.emulator_only
def test_the_same_upload_again_adds_nothing_if_it_skips_duplicates(service: Service, top) -> None:
    dataset = new_dataset(service)
    files = manifest(service, 2, skip_duplicate_urls=True)

    for _ in range(2):
        job = dataset.add_private_data_to_dataset_start(service.integration, files, folder=top)
        result = dataset.add_private_data_to_dataset_get_result(job)

    assert (result.status.value, result.units_done_count) == ("DONE", 2)
    assert len(dataset.list_data_rows()) == len(list(top.list_items())) == 2


@pytest.mark.emulator_only
def test_a_mirrored_dataset_without_its_folder_is_empty_and_plain(service: Service, top) -> None:
    dataset = new_dataset(service, mirrored=True)
    dataset.add_private_data_to_dataset(service.integration, manifest(service, 2))

    service.client.get_storage_folder(dataset.backing_folder_uuid).delete()
    dataset.refetch_data()

    assert (dataset.backing_folder_uuid, dataset.data_rows) == (None, [])
    job = dataset.add_private_data_to_dataset_start(service.integration, manifest(service, 1), folder=top)
    assert dataset.add_private_data_to_dataset_get_result(job).status.value == "DONE"


@pytest.mark.emulator_only
def test_an_upload_needs_the_admin_role_in_dataset_and_folder(service: Service, top, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError
    from encord.orm.dataset import DatasetUserRole
    from encord.orm.storage import StorageUserRole

    colleague = add_colleague(encord_emulator)
    group = service.client.create_group("importers")
    group.add_users(["colleague@example.com"])
    dataset = new_dataset(service)

    def upload() -> None:
        theirs = colleague.get_dataset(dataset.dataset_hash)
        theirs.add_private_data_to_dataset_start(service.integration, manifest(service, 1), folder=top.uuid)

    dataset.add_group(group.group_hash, DatasetUserRole.USER)
    top.add_group(group.group_hash, StorageUserRole.ADMIN)
    with pytest.raises(AuthorisationError):
        upload()
    dataset.add_group(group.group_hash, DatasetUserRole.ADMIN)
    top.add_group(group.group_hash, StorageUserRole.USER)
    with pytest.raises(AuthorisationError):
        upload()
    top.add_group(group.group_hash, StorageUserRole.ADMIN)
    upload()
