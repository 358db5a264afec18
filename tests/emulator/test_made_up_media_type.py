"""A media type is one record: what is registered here, uploaded and read back is known to no other file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import requests

from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS
from encord_provider.emulator.storage.media_metadata import TypedMetadata
from encord_provider.emulator.storage.media_types import MEDIA_TYPES, MediaType

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

HOLOGRAM = MediaType(
    name="hologram",
    older_name="HOLOGRAM",
    phrase="a hologram",
    action="Uploading hologram",
    counted_as="holograms",
    array="holograms",
    manifest_array="hologram_files",
    files={".holo": "model/hologram", ".holo.gz": "model/hologram"},
    metadata=TypedMetadata("hologramMetadata", {"depth": (int, "depth"), "fileSize": (int, "fileSize")}),
    settings=("hologramSettings",),
    shown_settings=("hologramSettings",),
)
HOLOGRAM_ALBUM = MediaType(
    name="hologramAlbum",
    older_name="HOLOGRAM_ALBUM",
    action="Uploading hologram album",
    counted_as="hologramAlbums",
    array="hologramAlbums",
    has_file=False,
    members="hologram",
    members_key="holograms",
    from_members=("depth",),
)
AWS = DEFAULT_INTEGRATIONS[0][0]


@pytest.fixture(autouse=True)
def made_up_types() -> Iterator[None]:
    for record in (HOLOGRAM, HOLOGRAM_ALBUM):
        MEDIA_TYPES.add(record)
    yield
    for record in (HOLOGRAM, HOLOGRAM_ALBUM):
        MEDIA_TYPES.remove(record)


class Http:
    """The v2 API without the SDK, which knows no holograms."""

    def __init__(self, emulator: EncordEmulator, token: str) -> None:
        self._url = emulator.url + "/v2/public/"
        self._headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, self._url + path, headers=self._headers, json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, folder: str, **spec: Any) -> Any:
        """What became of an upload job, once it has ended."""
        path = f"storage/folders/{folder}/data-upload-jobs"
        job = self("POST", path, {"integrationHash": AWS, "ignoreErrors": True, **spec})
        return self("GET", f"{path}/{job}?timeoutSeconds=10")


@pytest.fixture
def http(encord_emulator: EncordEmulator, client: Any) -> Http:
    return Http(encord_emulator, client.get_bearer_token())


@pytest.fixture
def folder_uuid(http: Http) -> str:
    return str(http("POST", "storage/folders", {"name": "Holograms"})["uuid"])


def test_a_made_up_type_is_registered_and_read_back(http: Http, folder_uuid: str) -> None:
    media = {"depth": 7, "fileSize": 1234}
    unit = {"objectUrl": "s3://b/ship.holo", "title": "Ship", "hologramMetadata": media}

    done = http.upload(folder_uuid, dataItems={"holograms": [unit]})
    [named] = done["itemsWithNames"]
    item = http("GET", f"storage/items/{named['itemUuid']}")

    assert (done["status"], done["unitsDoneCount"]) == ("DONE", 1)
    assert (item["itemType"], item["name"], item["mimeType"]) == ("hologram", "Ship", "model/hologram")
    assert (item["depth"], item["fileSize"]) == (7, 1234)
    assert http("GET", f"storage/folders/{folder_uuid}/summary")["holograms"] == 1
    listed = http("GET", f"storage/folders/{folder_uuid}/items?itemTypes=hologram")["results"]
    assert [entry["uuid"] for entry in listed] == [item["uuid"]]


def test_its_files_are_told_by_their_extensions(http: Http, folder_uuid: str) -> None:
    spec = {
        "hologram_files": [{"objectUrl": "s3://b/ship.holo.gz"}, {"objectUrl": "s3://b/ship.jpg"}],
        "images": [{"objectUrl": "s3://b/ship.holo"}],
    }

    done = http.upload(folder_uuid, externalFiles=spec)

    assert [name["name"] for name in done["itemsWithNames"]] == ["/ship.holo.gz"]
    assert {(error["error"], error["actionDescription"]) for error in done["unitErrors"]} == {
        ("Expected a hologram, got a file of type image/jpeg", "Uploading hologram"),
        ("Expected an image, got a file of type model/hologram", "Uploading image"),
    }


def test_its_fields_are_patched_and_survive_a_snapshot(
    encord_emulator: EncordEmulator, http: Http, folder_uuid: str
) -> None:
    [named] = http.upload(folder_uuid, dataItems={"holograms": [{"objectUrl": "s3://b/a.holo"}]})[
        "itemsWithNames"
    ]
    path = f"storage/folders/{folder_uuid}/items/{named['itemUuid']}"

    patched = http("PATCH", path, {"hologramSettings": {"colour": "blue"}})
    encord_emulator.restore(encord_emulator.snapshot())

    assert patched["hologramSettings"] == {"colour": "blue"}
    assert http("GET", f"storage/items/{named['itemUuid']}") == patched


def test_a_made_up_group_hides_its_files(http: Http, folder_uuid: str) -> None:
    files = [{"url": f"s3://b/{n}.holo", "hologramMetadata": {"depth": n, "fileSize": 1}} for n in (3, 4)]

    done = http.upload(folder_uuid, dataItems={"hologramAlbums": [{"title": "Album", "holograms": files}]})
    [album] = http("GET", f"storage/folders/{folder_uuid}/items")["results"]
    members = http("GET", f"storage/folders/{folder_uuid}/items/{album['uuid']}/child-items")["results"]

    assert done["unitErrors"] == []
    assert (album["itemType"], album["depth"], album["frameCount"]) == ("hologramAlbum", 3, 2)
    assert [member["itemType"] for member in members] == ["hologram", "hologram"]


def test_the_page_shows_made_up_types(
    encord_emulator: EncordEmulator, client: Any, http: Http, folder_uuid: str
) -> None:
    [named] = http.upload(folder_uuid, dataItems={"holograms": [{"objectUrl": "s3://b/a.holo"}]})[
        "itemsWithNames"
    ]
    page = requests.get(f"{encord_emulator.url}/_emulator/folders/{folder_uuid}/items", timeout=10)

    assert [entry["type"] for entry in page.json()["items"]] == ["hologram"]
    assert orjson.loads(page.content)["items"][0]["uuid"] == named["itemUuid"]
