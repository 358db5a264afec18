"""The state is kept: snapshots over HTTP and in-process, and a state file across restarts."""

from __future__ import annotations

import re
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from encord_provider.emulator.core.errors import ApiError
from encord_provider.emulator.server import EncordEmulator
from tests.emulator.conftest import sdk_client

if TYPE_CHECKING:
    from encord import EncordUserClient

SPEC = {
    "images": [{"objectUrl": f"s3://b/{number}.jpg", "clientMetadata": {"n": number}} for number in range(3)],
    "image_groups": [
        {"title": "rig", "createVideo": False, "objectUrl_0": "s3://b/0.jpg", "objectUrl_1": "s3://b/1.jpg"}
    ],
    "videos": [{"objectUrl": "s3://b/wrong.jpg"}],
}


def fill(client: EncordUserClient, image_file: Path) -> None:
    """Something of everything."""
    folder = client.create_storage_folder("Trucks", client_metadata={"a": 1}).create_subfolder("Oslo")
    aws = client.get_cloud_integrations()[0].id
    job = folder.add_private_data_to_folder_start(aws, SPEC, ignore_errors=True)
    folder.add_private_data_to_folder_get_result(job)
    folder.upload_image(image_file)
    schema = client.metadata_schema()
    if not schema.has_key("weather"):
        schema.add_enum("weather", values=["rain"])
        schema.save()


def described(client: EncordUserClient) -> list[Any]:
    """All that the SDK sees."""
    seen: list[Any] = [str(client.metadata_schema()), client.get_cloud_integrations()]
    for folder in sorted(client.find_storage_folders(), key=lambda found: found.name):
        seen += [folder._orm_folder, folder.get_summary()]
        for item in folder.list_items():
            seen += [item._orm_item, [child._orm_item for child in item.get_child_items()]]
    return seen


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    path = tmp_path / "pixel.png"
    path.write_bytes(b"pixels")
    return path


def test_a_snapshot_is_restored_over_http(
    encord_emulator: EncordEmulator, client: Any, image_file: Path
) -> None:
    fill(client, image_file)
    before = described(client)
    control = encord_emulator.url + "/_emulator/"
    snapshot = requests.get(control + "snapshot", timeout=10).content
    requests.post(control + "reset", timeout=10).raise_for_status()
    emptied = list(client.find_storage_folders())

    requests.post(control + "restore", data=snapshot, timeout=10).raise_for_status()

    assert emptied == []
    assert described(client) == before
    [uploaded] = [item for item in _items(client) if item.name == "pixel.png"]
    assert requests.get(uploaded.get_signed_url(), timeout=10).content == b"pixels"


def test_a_restored_emulator_gives_out_no_uuid_twice(
    encord_emulator: EncordEmulator, client: Any, image_file: Path
) -> None:
    fill(client, image_file)
    known = {str(item.uuid) for item in _items(client)}
    encord_emulator.restore(encord_emulator.snapshot())

    fill(client, image_file)

    assert len(known) * 2 == len({str(item.uuid) for item in _items(client)})


@pytest.mark.parametrize(
    "text", [b"", b"nonsense", b'{"format": "other"}', b'{"format":"encord-emulator-2"}\n["x",{}]']
)
def test_what_is_no_snapshot_is_refused_and_the_state_left_alone(
    encord_emulator: EncordEmulator, client: Any, text: bytes
) -> None:
    client.create_storage_folder("kept")

    got = requests.post(encord_emulator.url + "/_emulator/restore", data=text, timeout=10)

    assert got.status_code == 400
    assert "snapshot" in got.json()["message"]
    assert [folder.name for folder in client.list_storage_folders()] == ["kept"]


def test_a_state_file_survives_a_restart_and_a_job_goes_on(tmp_path: Path, image_file: Path) -> None:
    where = {"state_file": tmp_path / "state.jsonl", "key_file": tmp_path / "key"}
    with EncordEmulator(**where) as first:
        client = sdk_client(first)
        fill(client, image_file)
        before = described(client)
        first.set_clock_speed(0)
        folder = client.create_storage_folder("pending")
        job = folder.add_private_data_to_folder_start(
            client.get_cloud_integrations()[0].id, SPEC, ignore_errors=True
        )
        token = client.get_bearer_token()

    with EncordEmulator(**where) as second:
        client = sdk_client(second)
        folder = client.get_storage_folder(folder.uuid)
        waiting = folder.add_private_data_to_folder_get_result(job, timeout_seconds=0)
        second.set_clock_speed(1)
        done = folder.add_private_data_to_folder_get_result(job)
        folder.delete()
        after = described(client)
        same_token = client.get_bearer_token()

    assert (waiting.status.value, waiting.units_pending_count) == ("PENDING", 5)
    assert (done.status.value, done.units_done_count, done.units_error_count) == ("DONE", 4, 1)
    assert after == before
    assert same_token == token
    assert (tmp_path / "state.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_snapshot_is_a_state_to_begin_with(tmp_path: Path, image_file: Path) -> None:
    where = {"state_file": tmp_path / "state", "key_file": tmp_path / "key"}
    with EncordEmulator(key_file=tmp_path / "key") as first:
        client = sdk_client(first)
        fill(client, image_file)
        before = described(client)
        (tmp_path / "state").write_bytes(first.snapshot())

    with EncordEmulator(**where) as second:
        begun = described(sdk_client(second))
        sdk_client(second).create_storage_folder("More")
    with EncordEmulator(**where) as third:
        names = {folder.name for folder in sdk_client(third).list_storage_folders()}

    assert begun == before
    assert names == {"Trucks", "More"}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_two_emulators_do_not_share_a_state_file(tmp_path: Path) -> None:
    with (
        EncordEmulator(state_file=tmp_path / "state"),
        pytest.raises(OSError, match=re.escape(str(tmp_path / "state"))),
    ):
        EncordEmulator(state_file=tmp_path / "state").start()


@pytest.mark.parametrize("content", [b"no state", b"SQLite format 3\0 and no more"])
def test_what_is_no_state_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)

    with pytest.raises((OSError, ApiError), match=re.escape(str(path))):
        EncordEmulator(state_file=path).start()

    assert path.read_bytes() == content


def test_a_call_whose_outcome_cannot_be_kept_is_not_answered_as_done(tmp_path: Path) -> None:
    from encord.exceptions import EncordException

    where = {"state_file": tmp_path / "state", "key_file": tmp_path / "key"}
    with EncordEmulator(**where) as emulator:
        client = sdk_client(emulator)
        client.create_storage_folder("kept")
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        # What a full disk does: no file may become larger than it is.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, limit[1]))
        try:
            with pytest.raises(EncordException, match=re.escape(str(tmp_path / "state"))):
                client.create_storage_folder("no room")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        client.create_storage_folder("room again")
    with EncordEmulator(**where) as again:
        names = {folder.name for folder in sdk_client(again).list_storage_folders()}

    assert {"kept", "room again"} <= names


def test_the_same_seed_gives_the_same_uuids_and_keys() -> None:
    def uuids(seed: int) -> tuple[str, str]:
        with EncordEmulator(seed=seed) as emulator:
            return emulator.private_key, str(sdk_client(emulator).create_storage_folder("a").uuid)

    assert uuids(7)[1] == uuids(7)[1]
    assert uuids(7)[1] != uuids(8)[1]


def _items(client: Any) -> list[Any]:
    return [item for folder in client.find_storage_folders() for item in folder.list_items()]
