"""What an upload specification may hold, in both of its forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator

A = "s3://b/a.jpg"


def register(folder: StorageFolder, aws: str, spec: Any, **arguments: Any) -> Any:
    job = folder.add_private_data_to_folder_start(aws, spec, **arguments)
    return folder.add_private_data_to_folder_get_result(job)


def test_every_type_of_the_manifest_becomes_an_item(folder: StorageFolder, aws: str) -> None:
    manifest = {
        "videos": [{"objectUrl": "s3://b/v.mp4"}],
        "images": [{"objectUrl": "s3://b/i.png"}],
        "image_groups": [
            {"title": "group", "createVideo": False, "objectUrl_0": A, "objectUrl_1": A},
            {"title": "sequence", "objectUrl_0": A, "objectUrl_1": A},
        ],
        "dicom_series": [{"title": "series", "objectUrl_0": "s3://b/0.dcm", "objectUrl_1": "s3://b/1.dcm"}],
        "audio": [{"objectUrl": "s3://b/a.wav"}],
        "pdf": [{"objectUrl": "s3://b/d.pdf"}],
        "text": [{"objectUrl": "s3://b/t.txt"}],
        "nifti": [{"objectUrl": "s3://b/n.nii.gz"}],
        "time_series": [{"objectUrl": "s3://b/t.csv"}],
        "scenes": [{"title": "scene", "scene": {"lidar": {"events": [{"uri": "s3://b/0.pcd"}]}}}],
    }

    result = register(folder, aws, manifest)

    assert [error.error for error in result.unit_errors] == []
    assert {item.name: item.item_type.value for item in folder.list_items()} == {
        "/v.mp4": "video",
        "/i.png": "image",
        "group": "imageGroup",
        "sequence": "imageSequence",
        "series": "dicomSeries",
        "/a.wav": "audio",
        "/d.pdf": "pdf",
        "/t.txt": "plainText",
        "/n.nii.gz": "nifti",
        "/t.csv": "timeseries",
        "scene": "scene",
    }


def test_every_type_of_the_structured_form_becomes_an_item(folder: StorageFolder, aws: str) -> None:
    from encord.orm import storage as orm

    images = [orm.DataUploadImageGroupImage(url=A)] * 2
    dicom = [
        orm.DataUploadDicomSeriesDicomFile(url=f"s3://b/{number}.dcm", title=None) for number in range(2)
    ]
    result = register(
        folder,
        aws,
        orm.DataUploadItems(
            videos=[orm.DataUploadVideo(object_url="s3://b/v.mp4")],
            images=[orm.DataUploadImage(object_url="s3://b/i.png")],
            image_groups=[
                orm.DataUploadImageGroup(images=images, title="group"),
                orm.DataUploadImageGroup(images=images, title="sequence", create_video=True),
            ],
            dicom_series=[orm.DataUploadDicomSeries(dicom_files=dicom, title="series")],
            audio=[orm.DataUploadAudio(object_url="s3://b/a.wav")],
            pdf=[orm.DataUploadPDF(object_url="s3://b/d.pdf")],
            text=[orm.DataUploadText(object_url="s3://b/t.txt")],
            nifti=[orm.DataUploadNifti(object_url="s3://b/n.nii.gz")],
            time_series=[orm.DataUploadTimeSeries(object_url="s3://b/t.csv")],
            scenes=[orm.DataUploadScene(title="scene", scene={"events": [{"uri": "s3://b/0.pcd"}]})],
        ),
    )

    assert result.units_done_count == 11
    assert sorted(item.item_type.value for item in folder.list_items()) == [
        "audio",
        "dicomSeries",
        "image",
        "imageGroup",
        "imageSequence",
        "nifti",
        "pdf",
        "plainText",
        "scene",
        "timeseries",
        "video",
    ]


def test_a_group_is_made_of_registered_images(folder: StorageFolder, aws: str) -> None:
    from encord.orm import storage as orm

    made = register(folder, aws, {"images": [{"objectUrl": f"s3://b/{number}.jpg"} for number in range(2)]})
    uuids = [item.item_uuid for item in made.items_with_names]
    group = orm.DataUploadImageGroupFromItems(image_items=uuids, title="rig", create_video=False)

    register(folder, aws, orm.DataUploadItems(image_groups_from_items=[group]))

    [item] = [item for item in folder.list_items() if item.name == "rig"]
    assert [child.uuid for child in item.get_child_items()] == uuids
    assert len(list(folder.list_items())) == 3


def test_urls_of_a_group_are_ordered_by_their_number(folder: StorageFolder, aws: str) -> None:
    urls = {f"objectUrl_{number}": f"s3://b/{number}.jpg" for number in (10, 2, 0)}
    register(folder, aws, {"image_groups": [{"title": "rig", "createVideo": False, **urls}]})

    [item] = folder.list_items()

    assert [child.url for child in item.get_child_items()] == [
        "s3://b/0.jpg",
        "s3://b/2.jpg",
        "s3://b/10.jpg",
    ]


def test_gaps_in_the_numbers_are_refused_if_so_set(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    from encord.exceptions import InvalidArgumentsError

    encord_emulator.change_settings(require_contiguous_urls=True)

    with pytest.raises(InvalidArgumentsError, match="without gaps"):
        register(folder, aws, {"image_groups": [{"title": "rig", "objectUrl_0": A, "objectUrl_2": A}]})


def test_a_group_is_a_duplicate_only_if_all_its_urls_are_the_same(folder: StorageFolder, aws: str) -> None:
    def group(*numbers: int) -> dict[str, Any]:
        urls = {f"objectUrl_{place}": f"s3://b/{number}.jpg" for place, number in enumerate(numbers)}
        return {"title": str(numbers), "createVideo": False, **urls}

    register(folder, aws, {"image_groups": [group(0, 1)], "images": [{"objectUrl": "s3://b/0.jpg"}]})

    register(
        folder, aws, {"image_groups": [group(0, 1), group(0), group(0, 1, 2)], "skip_duplicate_urls": True}
    )

    assert sorted(item.name for item in folder.list_items()) == ["(0, 1)", "(0, 1, 2)", "(0,)", "/0.jpg"]


@pytest.mark.parametrize(("setting", "name"), [("path", "/deep/a b.jpg"), ("name", "a b.jpg")])
def test_an_item_without_a_title_is_named_after_its_url(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str, setting: str, name: str
) -> None:
    encord_emulator.change_settings(default_title=setting)

    register(
        folder, aws, {"images": [{"objectUrl": "https://fleet.s3.eu-west-1.amazonaws.com/deep/a%20b.jpg"}]}
    )

    assert [item.name for item in folder.list_items()] == [name]


def test_media_metadata_is_believed(folder: StorageFolder, aws: str) -> None:
    video = {
        "fps": 25,
        "duration": 4.0,
        "width": 640,
        "height": 480,
        "file_size": 1000,
        "mime_type": "video/mp4",
    }

    register(folder, aws, {"videos": [{"objectUrl": "s3://b/v.mp4", "videoMetadata": video}]})

    [item] = folder.list_items()
    assert (item.fps, item.duration, item.width, item.height, item.file_size) == (25.0, 4.0, 640, 480, 1000)
    assert item.frame_count == 100


BROKEN = {
    "title has 301 characters": {"images": [{"objectUrl": A, "title": "x" * 301}]},
    "contains whitespace": {"images": [{"objectUrl": "s3://b/a b.jpg"}]},
    "longer than 16 KB": {"images": [{"objectUrl": "s3://b/" + "x" * 16_400}]},
    "larger than 10 MB": {"images": [{"objectUrl": A, "clientMetadata": {"x": "y" * 10_500_000}}]},
    "objectUrl is missing": {"images": [{"title": "a"}]},
    "a title is required": {"image_groups": [{"objectUrl_0": A}]},
    "objectUrl_0 is missing": {"image_groups": [{"title": "a"}]},
    "unknown key 'imges'": {"imges": [{"objectUrl": A}]},
    "clientMetadata must be": {"images": [{"objectUrl": A, "clientMetadata": [1]}]},
    "videoMetadata.fps is missing": {
        "videos": [{"objectUrl": "s3://b/v.mp4", "videoMetadata": {"width": 1}}]
    },
}


@pytest.mark.parametrize("complaint", BROKEN)
def test_what_breaks_a_rule_is_refused_before_anything_is_done(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str, complaint: str
) -> None:
    from encord.exceptions import InvalidArgumentsError

    with pytest.raises(InvalidArgumentsError, match=complaint):
        folder.add_private_data_to_folder_start(aws, BROKEN[complaint])

    assert encord_emulator.call(lambda store: store.jobs.all()) == []


def test_what_breaks_a_rule_is_a_failed_unit_if_so_set(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.change_settings(invalid_units="fail")
    spec = {"images": [{"objectUrl": A}, {"objectUrl": A, "title": "x" * 301}]}

    result = register(folder, aws, spec, ignore_errors=True)

    assert (result.units_done_count, result.units_error_count) == (1, 1)
    assert result.unit_errors[0].object_urls == [A]


def test_more_units_than_an_upload_may_hold_are_refused() -> None:
    from encord_provider.emulator.core.errors import ApiError
    from encord_provider.emulator.core.settings import Settings
    from encord_provider.emulator.storage.jobs.spec import parse_spec

    with pytest.raises(ApiError, match="500,000 items at most"):
        parse_spec({"externalFiles": {"images": [None] * 500_001}}, Settings())


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("s3://b/a.mp4", "Expected an image, got a file of type video/mp4"),
        ("s3://b/a.gif", "Expected an image, got a file of type image/gif"),
        ("ftp://b/a.jpg", "is not an object URL of AWS S3"),
        ("https://example.com/a.jpg", "is not an object URL of AWS S3"),
    ],
)
def test_a_url_of_the_wrong_kind_is_a_failed_unit(
    folder: StorageFolder, aws: str, url: str, complaint: str
) -> None:
    result = register(folder, aws, {"images": [{"objectUrl": url}]}, ignore_errors=True)

    assert complaint in result.unit_errors[0].error


def test_tiff_is_an_image_but_no_frame_of_a_sequence(folder: StorageFolder, aws: str) -> None:
    tiff = "s3://b/a.tiff"
    spec = {
        "images": [{"objectUrl": tiff}],
        "image_groups": [
            {"title": "g", "createVideo": False, "objectUrl_0": tiff},
            {"title": "s", "objectUrl_0": tiff},
        ],
    }

    result = register(folder, aws, spec, ignore_errors=True)

    assert (result.units_done_count, result.units_error_count) == (2, 1)


def test_the_url_of_any_integration_is_kept_as_it_was_sent(client: Any, folder: StorageFolder) -> None:
    urls = {
        "AWS S3": "arn:aws:s3::123456789012:accesspoint/abc123.mrap/a.jpg",
        "Google Cloud Storage": "gs://bucket/a.jpg",
        "Azure Blob Storage": "https://account.blob.core.windows.net/box/a.jpg",
        "Open Telekom Cloud": "https://bucket.obs.eu-de.otc.t-systems.com/a.jpg",
        "S3 compatible": "https://minio.example.com/bucket/a.jpg",
    }
    for integration in client.get_cloud_integrations():
        register(folder, integration.id, {"images": [{"objectUrl": urls[integration.title]}]})
    register(folder, None, {"images": [{"objectUrl": "https://example.com/a.jpg"}]})

    assert {item.url: item.storage_location.value for item in folder.list_items()} == {
        urls["AWS S3"]: "s3",
        urls["Google Cloud Storage"]: "gcp",
        urls["Azure Blob Storage"]: "azure",
        urls["Open Telekom Cloud"]: "openTelekom",
        urls["S3 compatible"]: "s3Compatible",
        "https://example.com/a.jpg": "directAccess",
    }
