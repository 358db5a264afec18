"""StorageFolder.upload_* and create_*: files of this computer."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.emulator.sdk.conftest import Service
from tests.emulator.sdk.things import new_dataset

SINGLE_FILES = {
    "upload_image": ("image.png", "image"),
    "upload_video": ("clip.mp4", "video"),
    "upload_audio": ("sound.wav", "audio"),
    "upload_nifti": ("brain.nii.gz", "nifti"),
    "upload_text": ("note.txt", "plainText"),
    "upload_pdf": ("report.pdf", "pdf"),
    "upload_time_series": ("imu.csv", "timeseries"),
    "upload_scene_file": ("cloud.pcd", "scene"),
}


@pytest.mark.emulator_only
@pytest.mark.sdk_method(*(f"StorageFolder.{method}" for method in SINGLE_FILES), evidence="documented")
@pytest.mark.parametrize("method", SINGLE_FILES)
def test_a_file_is_uploaded_and_becomes_an_item(service: Service, top, tmp_path: Path, method: str) -> None:
    name, item_type = SINGLE_FILES[method]
    path = tmp_path / name
    path.write_bytes(b"content of " + name.encode())

    uuid = getattr(top, method)(path, client_metadata={"from": "disk"})

    item = service.client.get_storage_item(uuid)
    assert (item.name, item.item_type.value, item.client_metadata) == (name, item_type, {"from": "disk"})
    assert item.storage_location.value == "encord"
    if method != "upload_scene_file":
        assert requests.get(item.get_signed_url(), timeout=10).content == path.read_bytes()


@pytest.mark.sdk_method("StorageFolder.create_image_group", evidence="documented")
def test_an_image_group_keeps_its_images_hidden_behind_it(service: Service, top, image_file: Path) -> None:
    from encord.orm.storage import StorageItemType

    uuid = top.create_image_group([image_file, image_file], title="rig", client_metadata={"a": 1})

    [group] = top.list_items()
    assert (group.uuid, group.item_type, group.name) == (uuid, StorageItemType.IMAGE_GROUP, "rig")
    assert [child.name for child in group.get_child_items()] == ["pixel.png", "pixel.png"]
    assert group.get_signed_url() is None


@pytest.mark.emulator_only
def test_groups_without_a_title_get_one_each(service: Service, top, image_file: Path) -> None:
    top.create_image_group([image_file])
    top.create_image_sequence([image_file])

    first, second = (item.name for item in top.list_items())
    assert first != second


@pytest.mark.emulator_only
def test_a_file_that_encord_hosts_is_deleted_with_its_data_row(
    service: Service, top, image_file: Path
) -> None:
    hosted = top.upload_image(image_file)
    dataset = new_dataset(service)
    [row] = dataset.link_items([hosted])

    dataset.delete_data(row.uid)

    assert list(dataset.list_data_rows()) == []
    assert list(top.list_items()) == []


@pytest.mark.emulator_only
def test_an_item_has_no_description(service: Service, top, image_file: Path) -> None:
    item = service.client.get_storage_item(top.upload_image(image_file))

    item.update(name="pixel", description="a pixel")

    item = service.client.get_storage_item(item.uuid)
    assert (item.name, item.description) == ("pixel", "")


@pytest.mark.sdk_method("StorageFolder.create_image_sequence", evidence="documented")
def test_an_image_sequence_is_an_item_of_its_own_type(service: Service, top, image_file: Path) -> None:
    uuid = top.create_image_sequence([image_file, image_file], title="drive")

    item = service.client.get_storage_item(uuid)
    assert (item.item_type.value, item.frame_count) == ("imageSequence", 2)


@pytest.mark.emulator_only
@pytest.mark.sdk_method("StorageFolder.create_dicom_series", evidence="documented")
def test_a_dicom_series_is_shown_instead_of_its_files(service: Service, top, tmp_path: Path) -> None:
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.dcm")
        files[-1].write_bytes(b"DICM")

    top.create_dicom_series(files, title="chest")

    [series] = top.list_items()
    assert (series.item_type.value, series.name) == ("dicomSeries", "chest")
    assert [child.item_type.value for child in series.get_child_items()] == ["dicomFile"] * 3
    assert top.get_summary().dicom_files == 3


def test_a_file_that_was_never_sent_cannot_be_registered(service: Service, top) -> None:
    from encord.orm.storage import DataUploadImage, DataUploadItems, StorageItemType

    [place] = top._get_upload_signed_urls(StorageItemType.IMAGE, 1)
    image = DataUploadImage(object_url=place.object_key, placeholder_item_uuid=place.item_uuid, title="a.png")
    job = top.add_private_data_to_folder_start(None, DataUploadItems(images=[image]))

    assert top.add_private_data_to_folder_get_result(job).status.value == "ERROR"


@pytest.mark.emulator_only
@pytest.mark.sdk_method("StorageFolder.upload_scene", evidence="inferred")
def test_a_scene_of_cloud_files_is_registered(service: Service, top) -> None:
    class Builder:
        def _build(self) -> dict:
            return {"lidar": {"type": "point_cloud", "events": [{"uri": "s3://fleet/0.pcd"}]}}

    uuid = top.upload_scene(Builder(), title="drive", integration_id=service.integration)  # type: ignore[arg-type]

    assert service.client.get_storage_item(uuid).item_type.value == "scene"


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "StorageFolder.re_encode_videos", "StorageFolder.get_re_encoding_status", evidence="inferred"
)
def test_videos_are_re_encoded_over_time(service: Service, top, tmp_path: Path, encord_emulator) -> None:
    from encord.orm.storage import JobStatus

    path = tmp_path / "clip.mp4"
    path.write_bytes(b"video")
    uuid = top.upload_video(path)
    encord_emulator.set_clock_speed(0)
    process = top.re_encode_videos([uuid], "again", force_full_reencoding=True)

    assert top.get_re_encoding_status(process).status is JobStatus.SUBMITTED
    encord_emulator.advance_clock(1)
    assert top.get_re_encoding_status(process).status is JobStatus.DONE
