"""Folders, datasets and projects with items, prepared with the official SDK, and their metadata as it shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from encord_provider.hooks.encord import EncordHook

HOST = "https://lake.s3.eu-west-1.amazonaws.com"


def url(name: str) -> str:
    return f"{HOST}/{name}"


def register(folder: Any, spec: Mapping[str, Any]) -> dict[str, str]:
    """Register a spec in Encord's JSON form; gives the items' UUIDs by name."""
    client = EncordHook().client
    integration = client.get_cloud_integrations()[0].id
    job = folder.add_private_data_to_folder_start(integration, dict(spec))
    result = folder.add_private_data_to_folder_get_result(job)
    assert not result.unit_errors, result.unit_errors
    return {item.name: str(item.item_uuid) for item in result.items_with_names}


def images(*names: str, **metadata: Any) -> dict[str, Any]:
    return {"images": [{"objectUrl": url(name), "title": name, "clientMetadata": metadata} for name in names]}


def new_folder(name: str = "lake", parent: Any = None) -> Any:
    if parent is not None:
        return parent.create_subfolder(name)
    return EncordHook().client.create_storage_folder(name)


def new_dataset(*item_uuids: str) -> Any:
    """A dataset whose data rows are links to the items."""
    from encord.orm.dataset import StorageLocation

    client = EncordHook().client
    created = client.create_dataset("trucks", StorageLocation.AWS, create_backing_folder=False)
    dataset = client.get_dataset(created.dataset_hash)
    dataset.link_items([UUID(uuid) for uuid in item_uuids])
    return dataset


def new_project(dataset: Any) -> Any:
    client = EncordHook().client
    return client.get_project(client.create_project("labels", [dataset.dataset_hash], "of trucks"))


def metadata_in(folder: Any) -> dict[str, Any]:
    """The client metadata of the items of a folder by name, as the official SDK shows it."""
    fresh = EncordHook().client.get_storage_folder(folder.uuid)
    return {item.name: item.client_metadata or {} for item in fresh.list_items(include_client_metadata=True)}


def metadata_of(item_uuid: str) -> dict[str, Any]:
    return EncordHook().client.get_storage_item(UUID(item_uuid)).client_metadata or {}


def metadata_of_files(item_uuid: str) -> dict[str, Any]:
    """The client metadata of the files of a group, by the last part of their URLs."""
    group = EncordHook().client.get_storage_item(UUID(item_uuid))
    return {
        str(child.url).rpartition("/")[2]: child.client_metadata or {} for child in group.get_child_items()
    }
