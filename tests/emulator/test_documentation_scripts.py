"""Scripts in the style of Encord's documentation, run with nothing filled in but their placeholders."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS
from tests.emulator.conftest import sdk_client

if TYPE_CHECKING:
    from encord.dataset import Dataset
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator

SCRIPTS = Path(__file__).with_name("documentation_scripts")
AWS, AWS_TITLE, _ = DEFAULT_INTEGRATIONS[0]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RunScript = Callable[..., list[str]]


def run(
    script: str, emulator: EncordEmulator, capsys: pytest.CaptureFixture[str], **placeholders: Any
) -> list[str]:
    """Fill in a script's placeholders, run it, and give the lines that it prints."""
    text = (SCRIPTS / script).read_text(encoding="utf-8")
    values = {"private_key_path": emulator.private_key_path, "domain": emulator.url, **placeholders}
    for name, value in values.items():
        text = text.replace(f'"<{name}>"', repr(str(value)))
    assert '"<' not in text, "a placeholder was left"
    capsys.readouterr()
    exec(compile(text, script, "exec"), {"__name__": "__main__"})
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def run_script(encord_emulator: EncordEmulator, capsys: pytest.CaptureFixture[str]) -> RunScript:
    return lambda script, **placeholders: run(script, encord_emulator, capsys, **placeholders)


def add_images(folder: StorageFolder, count: int = 3) -> list[uuid.UUID]:
    files = {
        "images": [
            {
                "objectUrl": f"https://fleet.s3.eu-west-1.amazonaws.com/camera/{number}.jpg",
                "title": f"image {number}.jpg",
                "clientMetadata": {"n": number},
            }
            for number in range(count)
        ]
    }
    result = folder.add_private_data_to_folder_get_result(folder.add_private_data_to_folder_start(AWS, files))
    return [item.item_uuid for item in result.items_with_names]


def metadata_of(folder: StorageFolder) -> list[dict[str, Any]]:
    return [item.client_metadata for item in folder.list_items()]


@pytest.fixture
def dataset(client: Any, folder: StorageFolder) -> Dataset:
    """A dataset of the three images of a folder."""
    from encord.orm.dataset import StorageLocation

    created = client.create_dataset("Trucks", StorageLocation.AWS, create_backing_folder=False)
    dataset = client.get_dataset(created.dataset_hash)
    dataset.link_items(add_images(folder))
    return dataset


def test_metadata_of_a_dataset_is_read(run_script: RunScript, dataset: Dataset) -> None:
    printed = run_script("read_dataset_metadata.py", dataset_hash=dataset.dataset_hash)

    assert printed == ["0 image 0.jpg {'n': 0}", "1 image 1.jpg {'n': 1}", "2 image 2.jpg {'n': 2}"]


def test_metadata_of_one_data_unit_is_replaced(
    run_script: RunScript, dataset: Dataset, folder: StorageFolder
) -> None:
    printed = run_script("set_metadata_of_one_data_unit.py", dataset_hash=dataset.dataset_hash)

    assert printed == ["{'weather': 'rain'}"]
    assert metadata_of(folder) == [{"n": 0}, {"weather": "rain"}, {"n": 2}]


def test_metadata_of_a_whole_dataset_is_replaced(
    run_script: RunScript, dataset: Dataset, folder: StorageFolder
) -> None:
    printed = run_script("set_metadata_of_a_dataset.py", dataset_hash=dataset.dataset_hash)

    assert len(printed) == 3
    assert metadata_of(folder) == [{"site": "Algiers", "phase": "foundation"}] * 3


def test_metadata_are_matched_by_file_name(
    run_script: RunScript, dataset: Dataset, folder: StorageFolder
) -> None:
    printed = run_script("set_metadata_by_file_name.py", dataset_hash=dataset.dataset_hash)

    assert printed == ["nothing known of image 1.jpg"]
    assert metadata_of(folder) == [{"lens": "wide"}, {"n": 1}, {"lens": "tele"}]


def test_metadata_of_a_folder_is_overwritten_in_one_call(
    run_script: RunScript, folder: StorageFolder, encord_emulator: EncordEmulator
) -> None:
    add_images(folder)

    run_script("overwrite_folder_metadata.py", folder_uuid=folder.uuid)

    assert metadata_of(folder) == [{"checked": True}] * 3
    assert len(encord_emulator.requests("patch_items")) == 1


def test_metadata_of_a_folder_is_merged(run_script: RunScript, folder: StorageFolder) -> None:
    add_images(folder)

    run_script("merge_folder_metadata.py", folder_uuid=folder.uuid)

    assert metadata_of(folder) == [{"n": 100, "weather": "rain"}, {"n": 1, "weather": "snow"}, {"n": 2}]


def test_metadata_of_a_project_is_updated(
    run_script: RunScript, client: Any, dataset: Dataset, folder: StorageFolder
) -> None:
    project_hash = client.create_project("Wipers", [dataset.dataset_hash])

    run_script("update_project_metadata.py", project_hash=project_hash)

    assert metadata_of(folder) == [{"n": number, "campaign": "winter"} for number in range(3)]


def test_key_frames_are_added_to_videos_only(run_script: RunScript, folder: StorageFolder) -> None:
    add_images(folder, 1)
    files = {
        "videos": [
            {
                "objectUrl": "s3://fleet/drive.mp4",
                "title": "drive.mp4",
                "clientMetadata": {"route": 7},
            }
        ]
    }
    job = folder.add_private_data_to_folder_start(AWS, files)
    folder.add_private_data_to_folder_get_result(job)

    run_script("add_key_frames.py", folder_uuid=folder.uuid)

    assert metadata_of(folder) == [{"keyframes": [0, 25, 50], "route": 7}, {"n": 0}]


def test_frames_of_an_image_group_get_metadata(run_script: RunScript, folder: StorageFolder) -> None:
    files = {
        "image_groups": [
            {
                "title": "rig",
                "createVideo": False,
                "objectUrl_0": "s3://fleet/left.jpg",
                "objectUrl_1": "s3://fleet/right.jpg",
            }
        ]
    }
    job = folder.add_private_data_to_folder_start(AWS, files)
    folder.add_private_data_to_folder_get_result(job)
    [group] = folder.list_items()

    run_script("describe_image_group_frames.py", image_group_uuid=group.uuid)

    frames = list(group.get_child_items())
    assert [frame.client_metadata for frame in frames] == [
        {"position": 0, "file": frames[0].name},
        {"position": 1, "file": frames[1].name},
    ]
    assert metadata_of(folder) == [{}]


def test_a_metadata_schema_is_imported_and_verified(run_script: RunScript, client: Any) -> None:
    printed = "\n".join(run_script("import_metadata_schema.py"))

    for key in ("captured_at", "speed", "dark", "weather", "clip"):
        assert key in printed
    schema = client.metadata_schema()
    assert list(schema.get_enum_options("weather")) == ["rain", "snow", "sun"]
    assert schema.get_embedding_size("clip") == 512


def test_a_metadata_schema_is_imported_the_old_way(run_script: RunScript) -> None:
    [printed] = run_script("import_metadata_schema_old.py")

    assert "captured_at" in printed
    assert "speed" in printed


def test_a_bucket_is_listed_as_spec_and_imported(
    s3_emulator: EncordEmulator,
    s3: Any,
    s3_endpoint: str,
    bucket: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("front.jpg", "front (2).jpg", "rear+left.jpg"):
        s3.put_object(Bucket=bucket, Key=f"drives/monday/{name}", Body=b"jpeg", ContentType="image/jpeg")
    s3.put_object(Bucket=bucket, Key="drives/tuesday/front.jpg", Body=b"jpeg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    folder = sdk_client(s3_emulator).create_storage_folder("Monday")

    run("list_bucket_as_spec.py", s3_emulator, capsys, bucket=bucket)
    spec = json.loads((tmp_path / "upload_images.json").read_text())
    spec["images"].append(
        {"objectUrl": f"https://s3.eu-west-2.amazonaws.com/{bucket}/drives/monday/gone.jpg"}
    )
    # A blank is the one thing that Encord forbids in a URL, and the documented script does not encode it.
    spec["images"] = [image for image in spec["images"] if " " not in image["objectUrl"]]
    (tmp_path / "upload_images.json").write_text(json.dumps(spec))
    placeholders = {"folder_uuid": folder.uuid, "integration_title": AWS_TITLE}
    first = run("import_spec.py", s3_emulator, capsys, **placeholders)
    again = run("import_spec.py", s3_emulator, capsys, **placeholders)

    assert first[0] == "DONE 2 1"
    assert "gone.jpg" in first[1]
    assert again[0] == "DONE 2 1"
    assert len(list(folder.list_items())) == 2


def test_a_dataset_and_a_project_are_made_of_a_collection(
    run_script: RunScript, folder: StorageFolder
) -> None:
    add_images(folder, 4)

    printed = run_script("curate_a_dataset.py", folder_uuid=folder.uuid)

    assert printed == ["Rainy drives image 2.jpg", "Rainy drives image 3.jpg"]
