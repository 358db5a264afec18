"""EncordUserClient: login, integrations, folders and items."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.emulator.sdk.conftest import Service


@pytest.mark.sdk_method("EncordUserClient.create_with_ssh_private_key", evidence="documented")
@pytest.mark.sdk_method("EncordUserClient.get_cloud_integrations", evidence="documented")
def test_a_signed_client_lists_the_integrations(service: Service) -> None:
    integrations = service.client.get_cloud_integrations()

    by_title = service.client.get_cloud_integrations(filter_integration_titles=[integrations[0].title])
    by_uuid = service.client.get_cloud_integrations(filter_integration_uuids=[integrations[0].id])
    both = service.client.get_cloud_integrations(
        filter_integration_uuids=[integrations[0].id], filter_integration_titles=["no such title"]
    )

    assert integrations[0] in by_title
    assert by_uuid == [integrations[0]]
    assert both == []


@pytest.mark.sdk_method(
    "EncordUserClient.create_with_bearer_token", "EncordUserClient.get_bearer_token", evidence="inferred"
)
def test_a_bearer_token_stands_for_its_user(service: Service) -> None:
    from encord import EncordUserClient

    token = service.client.get_bearer_token()
    domain = service.client.user_config.domain

    other = EncordUserClient.create_with_bearer_token(token, domain=domain)

    assert other.get_cloud_integrations() == service.client.get_cloud_integrations()


@pytest.mark.sdk_method(
    "EncordUserClient.create_storage_folder", "EncordUserClient.get_storage_folder", evidence="documented"
)
def test_a_folder_is_made_and_found_again(service: Service, top) -> None:
    made = service.client.create_storage_folder(
        "Trucks", description="of oslo", client_metadata={"a": [1, None]}, parent_folder=top
    )

    found = service.client.get_storage_folder(made.uuid)

    assert (found.name, found.description, found.client_metadata) == ("Trucks", "of oslo", {"a": [1, None]})
    assert found.parent_uuid == top.uuid
    assert [step.uuid for step in found.path_to_root] == [found.uuid, top.uuid]
    assert not found.is_cloud_synced


def test_a_folder_that_does_not_exist_is_forbidden(service: Service) -> None:
    from encord.exceptions import AuthorisationError

    with pytest.raises(AuthorisationError):
        service.client.get_storage_folder(uuid4())


@pytest.mark.sdk_method("EncordUserClient.list_storage_folders", evidence="documented")
def test_root_folders_are_listed_without_those_below(service: Service, top) -> None:
    below = top.create_subfolder("below")

    names = {folder.uuid for folder in service.client.list_storage_folders(search=top.name)}

    assert top.uuid in names
    assert below.uuid not in names


@pytest.mark.sdk_method("EncordUserClient.find_storage_folders", evidence="documented")
def test_folders_are_searched_at_every_depth_and_in_any_case(service: Service, top) -> None:
    name = f"Needle {uuid4()}"
    below = top.create_subfolder("middle").create_subfolder(name)

    assert [folder.uuid for folder in service.client.find_storage_folders(search=name.upper())] == [
        below.uuid
    ]


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "EncordUserClient.get_storage_item", "EncordUserClient.get_storage_items", evidence="documented"
)
def test_items_are_read_by_uuid(service: Service, top) -> None:
    result = service.register(top, service.images(3))
    uuids = [item.item_uuid for item in result.items_with_names]

    one = service.client.get_storage_item(uuids[0])
    many = service.client.get_storage_items(uuids)

    assert one.name == "image 0.jpg"
    assert [item.uuid for item in many] == uuids
    assert [item.url for item in many] == service.image_urls[:3]
    assert [item.uuid for item in service.client.get_storage_items(uuids[::-1])] == uuids[::-1]


@pytest.mark.cloud_data
def test_of_many_items_one_that_does_not_exist_is_an_error(service: Service, top) -> None:
    from encord.exceptions import AuthorisationError

    [item] = service.register(top, service.images(1)).items_with_names

    with pytest.raises(AuthorisationError):
        service.client.get_storage_items([item.item_uuid, uuid4()])


@pytest.mark.cloud_data
@pytest.mark.sdk_method(
    "EncordUserClient.find_storage_items", evidence="documented", note="deprecated by the SDK"
)
def test_items_are_searched_everywhere(service: Service, top) -> None:
    name = f"needle {uuid4()}"
    items = service.images(1)
    items.images[0].title = name
    service.register(top.create_subfolder("deep"), items)

    assert [item.name for item in service.client.find_storage_items(search=name)] == [name]
