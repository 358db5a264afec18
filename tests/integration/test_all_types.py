"""Every data type in one upload spec, from the operators through the emulator, read back with the official SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.read_upload_spec import EncordReadUploadSpecOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.options import ClientMetadata, Filters, Frames
from encord_provider.upload_spec.media_metadata import DICOM_TAGS
from tests.helpers.operators import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

HOST = "https://lake.s3.eu-west-1.amazonaws.com"
METADATA = {
    "site": "oslo",
    "score": 1.5,
    "checked": True,
    "at": "2025-03-01T10:00:00.123Z",
    "id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
}
SCHEMA = {"site": "varchar", "score": "number", "checked": "boolean", "at": "datetime", "id": "uuid"}
VIDEO = {
    "fps": 25.0,
    "duration": 4.0,
    "width": 640,
    "height": 480,
    "file_size": 900,
    "mime_type": "video/mp4",
}
IMAGE = {"width": 64, "height": 48, "file_size": 90, "mime_type": "image/jpeg"}
AUDIO = {
    "duration": 2.5,
    "file_size": 80,
    "mime_type": "audio/flac",
    "sample_rate": 44100,
    "bit_depth": 16,
    "codec": "flac",
    "num_channels": 2,
}
TAGS = {"tags": dict.fromkeys(sorted(DICOM_TAGS))}


def files(name: str, count: int, ending: str) -> dict[str, str]:
    return {f"objectUrl_{n}": f"{HOST}/{name}/{n}.{ending}" for n in range(count)}


def item(name: str, **more: Any) -> dict[str, Any]:
    return {"objectUrl": f"{HOST}/{name}", "title": f"the {name}", "clientMetadata": METADATA, **more}


SPEC = {
    "videos": [item("v.mp4", videoMetadata=VIDEO)],
    "images": [item("i.jpg", imageMetadata=IMAGE)],
    "image_groups": [
        {"title": "the group", "createVideo": False, "clientMetadata": METADATA, **files("g", 11, "jpg")},
        {"title": "the sequence", "createVideo": True, "clientMetadata": METADATA, **files("s", 3, "jpg")},
    ],
    "dicom_series": [
        {"title": "the series", "clientMetadata": METADATA, "dicomMetadata_0": TAGS, **files("d", 2, "dcm")}
    ],
    "audio": [item("a.flac", audioMetadata=AUDIO)],
    "pdfs": [item("p.pdf", pdfMetadata={"file_size": 70, "num_pages": 3})],
    "text": [item("t.txt", textMetadata={"file_size": 60, "mime_type": "text/plain"}), item("t.html")],
    "nifti": [item("n.nii.gz")],
    "scenes": [
        {
            "title": "the scene",
            "clientMetadata": METADATA,
            "scene": {"cloud": {"type": "point_cloud", "events": [{"uri": f"{HOST}/c.pcd"}]}},
        }
    ],
    "time_series": [item("ts.csv")],
}


@pytest.fixture
def items(encord_emulator: EncordEmulator, tmp_path: Path) -> dict[str, Any]:
    """The registered items by name."""
    run(EncordSetSchemaOperator(task_id="set_schema", schema=SCHEMA))
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    workspace = f"file://{tmp_path}/workspace"
    spec = run(
        EncordReadUploadSpecOperator(
            task_id="read_spec", spec=f"file://{tmp_path}/spec.json", workspace=workspace
        )
    )
    assert spec["counts"] == {
        "audio": 1,
        "dicom_series": 1,
        "image": 1,
        "image_group": 1,
        "image_sequence": 1,
        "nifti": 1,
        "pdf": 1,
        "scene": 1,
        "text": 2,
        "time_series": 1,
        "video": 1,
    }
    done = import_spec(spec, workspace)
    assert (done["units"]["done"], done["units"]["failed"]) == (12, 0)
    return items_of(done["folder"])


def import_spec(spec: Any, workspace: str) -> Any:
    return run(
        EncordImportDataOperator(
            task_id="import_data",
            spec=spec,
            folder="lake",
            create_folder=True,
            integration="AWS S3",
            workspace=workspace,
        )
    )


def items_of(folder: str) -> dict[str, Any]:
    client = EncordHook().client
    listed = client.get_storage_folder(folder).list_items(include_client_metadata=True)
    return {one.name: one for one in listed}


def test_each_type_is_registered_as_that_type_under_its_title(items: dict[str, Any]) -> None:
    assert {name: one.item_type.name for name, one in items.items()} == {
        "the v.mp4": "VIDEO",
        "the i.jpg": "IMAGE",
        "the group": "IMAGE_GROUP",
        "the sequence": "IMAGE_SEQUENCE",
        "the series": "DICOM_SERIES",
        "the a.flac": "AUDIO",
        "the p.pdf": "PDF",
        "the t.txt": "PLAIN_TEXT",
        "the t.html": "PLAIN_TEXT",
        "the n.nii.gz": "NIFTI",
        "the scene": "SCENE",
        "the ts.csv": "TIMESERIES",
    }


def test_each_has_its_client_metadata(items: dict[str, Any]) -> None:
    assert {name: one.client_metadata for name, one in items.items()} == dict.fromkeys(items, METADATA)


def test_single_files_have_their_object_url(items: dict[str, Any]) -> None:
    for name in ("v.mp4", "i.jpg", "a.flac", "p.pdf", "t.txt", "t.html", "n.nii.gz", "ts.csv"):
        assert items[f"the {name}"].url == f"{HOST}/{name}"


@pytest.mark.parametrize(
    ("title", "count", "wanted"),
    [
        ("the group", 11, [f"{HOST}/g/{n}.jpg" for n in range(11)]),
        ("the series", 2, [f"{HOST}/d/{n}.dcm" for n in range(2)]),
        ("the sequence", 3, [f"{HOST}/s/{n}.jpg" for n in range(3)]),
    ],
)
def test_the_files_of_groups_are_in_order(
    items: dict[str, Any], title: str, count: int, wanted: list[str]
) -> None:
    children = list(items[title].get_child_items())
    assert (len(children), [str(child.url) for child in children]) == (count, wanted)


def test_media_metadata_is_taken_over(items: dict[str, Any]) -> None:
    video, image, audio = items["the v.mp4"], items["the i.jpg"], items["the a.flac"]
    assert (video.fps, video.duration, video.width, video.height) == (25.0, 4.0, 640, 480)
    assert (video.file_size, video.mime_type) == (900, "video/mp4")
    assert (image.width, image.height, image.file_size) == (64, 48, 90)
    assert (audio.audio_sample_rate, audio.audio_bit_depth, audio.audio_codec, audio.audio_num_channels) == (
        44100,
        16,
        "flac",
        2,
    )
    assert (items["the p.pdf"].file_size, items["the t.txt"].file_size) == (70, 60)


def test_the_same_from_a_bucket_that_holds_files_of_all_types(
    encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
) -> None:
    keys = {
        "v/clip 1.mp4": "VIDEO",
        "i/a+b.png": "IMAGE",
        "d/1.dcm": "DICOM_SERIES",
        "d/2.dcm": "DICOM_SERIES",
        "a/s.wav": "AUDIO",
        "p/r.pdf": "PDF",
        "t/ü.txt": "PLAIN_TEXT",
        "n/b.nii.gz": "NIFTI",
    }
    for key in (*keys, "x/unknown.xyz", *(f"frames/{kind}/{n}.jpg" for kind in ("g", "s") for n in (2, 10))):
        s3.put_object(Bucket=bucket, Key=key, Body=b"content")
    found: dict[str, Any] = {}
    for number, (prefix, media) in enumerate(
        [("", "auto"), ("frames/g/", "image_group"), ("frames/s/", "image_sequence")]
    ):
        workspace = f"file://{tmp_path}/{number}"
        spec = run(
            EncordBuildUploadSpecOperator(
                task_id="build_spec",
                bucket=bucket,
                prefix=prefix,
                media=media,
                filters=Filters(exclude=["frames/*"] if media == "auto" else []),
                metadata=ClientMetadata(key_pattern=r"^(?P<top>[a-z]+)/"),
                frames=Frames(sampling_rate=0),
                workspace=workspace,
            )
        )
        found.update(items_of(import_spec(spec, workspace)["folder"]))
    kinds = {name: one.item_type.name for name, one in found.items()}
    assert kinds == {
        **{key: kind for key, kind in keys.items() if kind != "DICOM_SERIES"},
        "d": "DICOM_SERIES",
        "frames/g": "IMAGE_GROUP",
        "frames/s": "IMAGE_SEQUENCE",
    }
    assert found["frames/g"].client_metadata == {"top": "frames"}
    assert found["v/clip 1.mp4"].client_metadata == {"top": "v", "$encord": {"config": {"sampling_rate": 0}}}
    order = [str(one.url).rpartition("/")[2] for one in found["frames/g"].get_child_items()]
    assert order == ["2.jpg", "10.jpg"]


@pytest.mark.parametrize(
    ("media", "kind"), [("image_group", "IMAGE_GROUP"), ("image_sequence", "IMAGE_SEQUENCE")]
)
def test_the_bundled_import_takes_the_images_of_a_folder_together(
    run_dag: Any, s3: Any, bucket: str, media: str, kind: str
) -> None:
    for number in (1, 2, 10):
        s3.put_object(Bucket=bucket, Key=f"dt=2025-03-01/view/{number}.jpg", Body=b"content")
    state, states, returned = run_dag(
        "encord_s3_import",
        bucket=bucket,
        prefix="dt={date}/",
        folder="lake",
        integration="AWS S3",
        media=media,
        date="2025-03-01",
    )
    assert state == "success", states
    ((name, item),) = items_of(returned["import_data"]["folder"]).items()
    assert (name, item.item_type.name) == ("dt=2025-03-01/view", kind)
    assert [str(child.url).rpartition("/")[2] for child in item.get_child_items()] == [
        "1.jpg",
        "2.jpg",
        "10.jpg",
    ]
