"""Datasets and data rows on the wire, in the camelCase of the v2 API and the snake_case of the older one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.datasets.models import DataRow, Dataset, DatasetRole
from encord_provider.emulator.storage.items.item import Item, UrlSigner
from encord_provider.emulator.storage.objects.urls import StorageLocation

_LOCATIONS = {
    StorageLocation.ENCORD: 0,
    StorageLocation.S3: 1,
    StorageLocation.GCP: 2,
    StorageLocation.AZURE: 3,
    StorageLocation.S3_COMPATIBLE: 4,
}
_OTHER_LOCATION = -99


def legacy_time(seconds: float) -> str:
    """Seconds since the epoch in the form of the older API: UTC without an offset."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def dataset_json(dataset: Dataset, role: DatasetRole | None) -> dict[str, Any]:
    """One dataset in the listing of the v2 API."""
    return {
        "datasetUuid": dataset.uuid,
        "title": dataset.title,
        "description": dataset.description,
        "createdAt": iso(dataset.created_at),
        "lastEditedAt": iso(dataset.edited_at),
        "userRole": None if role is None else role.name.lower(),
        "storageLocation": _LOCATIONS[StorageLocation.ENCORD],
        "backingFolderUuid": dataset.backing_folder.uuid if dataset.backing_folder else None,
    }


def legacy_dataset_json(dataset: Dataset, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One dataset in the older API."""
    return {
        "dataset_hash": dataset.uuid,
        "title": dataset.title,
        "description": dataset.description,
        "dataset_type": "CORD_STORAGE",
        "backing_folder_uuid": dataset.backing_folder.uuid if dataset.backing_folder else None,
        "data_rows": rows,
    }


def data_row_json(
    row: DataRow,
    *,
    with_metadata: bool = False,
    sign: UrlSigner | None = None,
    with_images: bool = False,
    sign_images: UrlSigner | None = None,
) -> dict[str, Any]:
    """One data row.

    :param with_metadata: put the custom metadata in; else it is null.
    :param sign: makes the signed URL, or ``None`` to leave it out.
    :param with_images: describe the images of an image group.
    :param sign_images: makes the signed URLs of these images.
    """
    item = row.item
    media = item.media or {}
    # Images of a group may differ in size.
    size = {} if item.type.optimised is False else media
    return {
        "data_hash": row.uuid,
        "data_title": item.name,
        "data_type": item.type.older_name,
        "created_at": legacy_time(row.created_at),
        "last_edited_at": legacy_time(max(item.edited_at, row.created_at)),
        "width": size.get("width"),
        "height": size.get("height"),
        "file_link": item.url,
        "file_size": item.file_size,
        "file_type": item.mime_type,
        "storage_location": _LOCATIONS.get(item.location, _OTHER_LOCATION),
        "frames_per_second": media.get("fps"),
        "duration": media.get("duration"),
        "client_metadata": orjson.loads(item.metadata) if with_metadata else None,
        "signed_url": sign(item) if sign is not None else None,
        "is_optimised_image_group": item.type.optimised,
        "backing_item_uuid": item.uuid,
        "images_data": [image_json(child, sign_images) for child in item.children or ()]
        if with_images and item.type.optimised is not None
        else None,
    }


def dataset_uses_json(rows: list[DataRow]) -> list[dict[str, Any]]:
    """The datasets that hold an item, each with the item's data rows in it."""
    by_dataset: dict[str, list[DataRow]] = {}
    for row in rows:
        by_dataset.setdefault(row.dataset.uuid, []).append(row)
    return [
        {
            "datasetHash": uuid,
            "backingFolderUuid": folder.uuid if (folder := uses[0].dataset.backing_folder) else None,
            "title": uses[0].dataset.title,
            "dataHashes": [row.uuid for row in uses],
            "dataUnitsCreatedAt": iso(uses[0].created_at),
        }
        for uuid, uses in by_dataset.items()
    ]


def image_json(image: Item, sign: UrlSigner | None) -> dict[str, Any]:
    """One image of a group in the older API."""
    media = image.media or {}
    return {
        "image_hash": image.uuid,
        "title": image.name,
        "file_link": image.url,
        "file_type": image.mime_type,
        "file_size": image.file_size,
        "storage_location": _LOCATIONS.get(image.location, _OTHER_LOCATION),
        "created_at": legacy_time(image.created_at),
        "last_edited_at": legacy_time(image.edited_at),
        "width": media.get("width"),
        "height": media.get("height"),
        "signed_url": sign(image) if sign is not None else None,
    }
