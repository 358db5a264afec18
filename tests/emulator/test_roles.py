"""Who may do what: roles in folders and with integrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS, Integration
from encord_provider.emulator.storage.objects.urls import StorageLocation
from tests.emulator.conftest import sdk_client

if TYPE_CHECKING:
    from encord import EncordUserClient
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator

AWS = DEFAULT_INTEGRATIONS[0][0]
OTHER = "b0000000-0000-4000-8000-000000000001"
AN_IMAGE = {"images": [{"objectUrl": "s3://b/0.jpg"}]}


@pytest.fixture
def colleague(encord_emulator: EncordEmulator) -> EncordUserClient:
    """An ordinary member of the organisation, who has no role anywhere."""
    body = {"email": "colleague@example.com", "role": "MEMBER"}
    made = requests.post(encord_emulator.url + "/_emulator/users", json=body, timeout=10).json()
    return sdk_client(encord_emulator, made["privateKey"])


def grant(emulator: EncordEmulator, folder: StorageFolder, role: str | None) -> None:
    body = {"email": "colleague@example.com", "role": role}
    requests.post(
        f"{emulator.url}/_emulator/folders/{folder.uuid}/roles", json=body, timeout=10
    ).raise_for_status()


def test_a_folder_is_closed_to_others(client: Any, folder: StorageFolder, colleague: Any) -> None:
    from encord.exceptions import AuthorisationError

    with pytest.raises(AuthorisationError):
        colleague.get_storage_folder(folder.uuid)
    assert list(colleague.list_storage_folders()) == []
    assert list(colleague.find_storage_folders(search="Trucks")) == []


def test_a_user_of_a_folder_may_read_but_not_change_it(
    encord_emulator: EncordEmulator, folder: StorageFolder, colleague: Any
) -> None:
    from encord.exceptions import AuthorisationError

    grant(encord_emulator, folder, "user")

    seen = colleague.get_storage_folder(folder.uuid)

    assert seen._orm_folder.user_role.value == "user"
    assert list(seen.list_items()) == []
    for attempt in (
        lambda: seen.update(name="mine"),
        seen.delete,
        lambda: seen.create_subfolder("mine"),
        lambda: seen.add_private_data_to_folder_start(AWS, AN_IMAGE),
    ):
        with pytest.raises(AuthorisationError, match="admin role"):
            attempt()


def test_an_admin_of_a_folder_is_admin_below_it(
    encord_emulator: EncordEmulator, folder: StorageFolder, colleague: Any
) -> None:
    below = folder.create_subfolder("below")
    grant(encord_emulator, folder, "admin")

    colleague.get_storage_folder(below.uuid).update(name="renamed")

    grant(encord_emulator, folder, None)
    assert list(colleague.find_storage_folders()) == []


def test_items_are_as_closed_as_their_folder(folder: StorageFolder, client: Any, colleague: Any) -> None:
    from encord.exceptions import AuthorisationError

    job = folder.add_private_data_to_folder_start(AWS, AN_IMAGE)
    uuid = folder.add_private_data_to_folder_get_result(job).items_with_names[0].item_uuid

    with pytest.raises(AuthorisationError):
        colleague.get_storage_item(uuid)
    with pytest.raises(AuthorisationError, match=str(uuid)):
        colleague.get_storage_items([uuid])
    assert list(colleague.find_storage_items(search="jpg")) == []


def test_only_an_admin_of_the_organisation_sees_all_of_it(
    folder: StorageFolder, client: Any, colleague: Any
) -> None:
    from encord.exceptions import AuthorisationError

    with pytest.raises(AuthorisationError):
        list(colleague.list_storage_folders(org_access=True))
    colleague.create_storage_folder("Private")

    assert {found.name for found in client.list_storage_folders(org_access=True)} == {"Trucks", "Private"}
    assert {found.name for found in client.list_storage_folders()} == {"Trucks"}


def test_only_an_admin_of_an_integration_may_register_with_it(
    encord_emulator: EncordEmulator, folder: StorageFolder, colleague: Any
) -> None:
    from encord.exceptions import AuthorisationError

    control = f"{encord_emulator.url}/_emulator/integrations/{AWS}"
    body = {"admins": ["emulator@example.com"], "users": ["colleague@example.com"]}
    requests.put(control, json=body, timeout=10).raise_for_status()
    mine = colleague.create_storage_folder("Mine")

    assert "AWS S3" in [integration.title for integration in colleague.get_cloud_integrations()]
    with pytest.raises(AuthorisationError, match="not an admin of the integration"):
        mine.add_private_data_to_folder_start(AWS, AN_IMAGE)
    folder.add_private_data_to_folder_start(AWS, AN_IMAGE)


def test_an_integration_that_does_not_exist_is_forbidden(folder: StorageFolder) -> None:
    from encord.exceptions import AuthorisationError

    with pytest.raises(AuthorisationError, match="does not exist"):
        folder.add_private_data_to_folder_start(OTHER, AN_IMAGE)


@pytest.mark.parametrize("restriction", ["can_write", "client_only"])
def test_an_image_sequence_needs_write_permission(
    encord_emulator: EncordEmulator, folder: StorageFolder, restriction: str
) -> None:
    flags = {"can_write": False} if restriction == "can_write" else {"client_only": True}
    restricted = Integration(uuid=OTHER, title="Restricted", location=StorageLocation.S3, **flags)
    encord_emulator.call(lambda store: store.integrations.add(restricted))
    media = {"mimeType": "image/jpeg", "fileSize": 1, "height": 1, "width": 1}
    spec = {
        "images": [{"objectUrl": "s3://b/0.jpg", "imageMetadata": media}],
        "image_groups": [{"title": "sequence", "objectUrl_0": "s3://b/0.jpg"}],
    }

    job = folder.add_private_data_to_folder_start(OTHER, spec, ignore_errors=True)
    result = folder.add_private_data_to_folder_get_result(job)

    assert result.units_done_count == 1
    assert "needs write access" in result.unit_errors[0].error


def test_client_only_access_needs_media_metadata(
    encord_emulator: EncordEmulator, folder: StorageFolder
) -> None:
    strict = Integration(uuid=OTHER, title="Strict", location=StorageLocation.S3, client_only=True)
    encord_emulator.call(lambda store: store.integrations.add(strict))

    job = folder.add_private_data_to_folder_start(OTHER, AN_IMAGE, ignore_errors=True)

    [error] = folder.add_private_data_to_folder_get_result(job).unit_errors
    assert "media metadata is required" in error.error
