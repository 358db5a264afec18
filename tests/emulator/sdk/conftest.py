"""One service to test, the emulator or the real Encord, behind the same fixtures.

The tests of this folder run against the emulator, and a second time against the real service when
``ENCORD_LIVE_KEY_FILE`` names a private key (``-m live`` selects those; without the key they are skipped).
Everything they make lies under one folder, which is removed afterwards. More environment variables:
``ENCORD_LIVE_DOMAIN`` (default: the EU), ``ENCORD_LIVE_INTEGRATION`` (UUID) with ``ENCORD_LIVE_IMAGE_URLS`` (at least
six image URLs, separated by blanks) for tests that register cloud data, and ``ENCORD_LIVE_ORGANISATION=1`` to permit
tests that change what the whole organisation shares.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS
from tests.emulator.conftest import sdk_client

if TYPE_CHECKING:
    from encord import EncordUserClient
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator

_LIVE_KEY_FILE = "ENCORD_LIVE_KEY_FILE"


@dataclass
class Service:
    """The service under test.

    :param client: the official SDK's client.
    :param image_urls: object URLs of at least six images that the integration can read.
    :param is_live: whether it is the real Encord.
    """

    client: EncordUserClient
    integration: str
    image_urls: list[str]
    is_live: bool

    def images(self, count: int, **fields: Any) -> Any:
        """The first images as the SDK's structured upload."""
        from encord.orm.storage import DataUploadImage, DataUploadItems

        return DataUploadItems(
            images=[
                DataUploadImage(
                    object_url=url, title=f"image {position}.jpg", client_metadata={"n": position}
                )
                for position, url in enumerate(self.image_urls[:count])
            ],
            **fields,
        )

    def register(self, folder: StorageFolder, items: Any, **arguments: Any) -> Any:
        """Register data and wait for the job."""
        job = folder.add_private_data_to_folder_start(self.integration, items, **arguments)
        return folder.add_private_data_to_folder_get_result(job)


def _live_service(request: pytest.FixtureRequest) -> Service:
    key_file = os.environ.get(_LIVE_KEY_FILE)
    if not key_file:
        pytest.skip(f"{_LIVE_KEY_FILE} names no key of the real service")
    if request.node.get_closest_marker("emulator_only"):
        pytest.skip("needs the emulator's S3 endpoint or control")
    organisation = request.node.get_closest_marker("changes_organisation")
    if organisation and os.environ.get("ENCORD_LIVE_ORGANISATION") != "1":
        pytest.skip("changes what the whole organisation shares; ENCORD_LIVE_ORGANISATION=1 permits it")
    cloud = request.node.get_closest_marker("cloud_data")
    if cloud and not os.environ.get("ENCORD_LIVE_INTEGRATION"):
        pytest.skip("ENCORD_LIVE_INTEGRATION and ENCORD_LIVE_IMAGE_URLS name no cloud data")
    from encord import EncordUserClient

    return Service(
        client=EncordUserClient.create_with_ssh_private_key(
            Path(key_file).read_text(encoding="ascii"),
            domain=os.environ.get("ENCORD_LIVE_DOMAIN", "https://api.encord.com"),
        ),
        integration=os.environ.get("ENCORD_LIVE_INTEGRATION", ""),
        image_urls=os.environ.get("ENCORD_LIVE_IMAGE_URLS", "").split(),
        is_live=True,
    )


@pytest.fixture(params=["emulator", pytest.param("encord", marks=pytest.mark.live)])
def service(request: pytest.FixtureRequest) -> Service:
    """The service under test."""
    if request.param == "encord":
        return _live_service(request)
    emulator: EncordEmulator = request.getfixturevalue("encord_emulator")
    return Service(
        client=sdk_client(emulator),
        integration=DEFAULT_INTEGRATIONS[0][0],
        image_urls=[f"https://fleet.s3.eu-west-1.amazonaws.com/camera/{number}.jpg" for number in range(10)],
        is_live=False,
    )


@pytest.fixture
def top(service: Service) -> Iterator[StorageFolder]:
    """A folder of the test's own, removed with everything in it."""
    folder = service.client.create_storage_folder(f"emulator tests {uuid.uuid4()}")
    yield folder
    if service.is_live:
        folder.delete()


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    """A real PNG of one pixel."""
    import base64

    path = tmp_path / "pixel.png"
    path.write_bytes(
        base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        )
    )
    return path
