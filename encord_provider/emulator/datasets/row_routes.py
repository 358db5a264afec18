"""Datasets and their data rows in the older API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from encord_provider.emulator.core.errors import bad_request, not_found
from encord_provider.emulator.core.filters import ListingFilter
from encord_provider.emulator.core.legacy_gateway import LegacyCall, LegacyRoute
from encord_provider.emulator.core.params import Body
from encord_provider.emulator.datasets.models import (
    DataRow,
    Dataset,
    DatasetRole,
    Datasets,
    Duplicates,
    dataset_of,
)
from encord_provider.emulator.datasets.wire import data_row_json, legacy_dataset_json
from encord_provider.emulator.organisation.groups.access import add_users_route
from encord_provider.emulator.storage.items.item import Item, metadata_text, signer
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.objects.urls import StorageLocation
from encord_provider.emulator.storage.reencoding.models import Reencodings


async def get_dataset(call: LegacyCall) -> Any:
    """A dataset, with its data rows if the access settings ask for them."""
    dataset = dataset_of(call)
    settings = Body(call.body.mapping("dataset_access_settings") or {})
    rows = []
    if settings.flag("fetch_rows", True):
        with_metadata = settings.flag("fetch_client_metadata")
        rows = [
            data_row_json(row, with_metadata=with_metadata) for row in _shown(call, dataset.rows.values())
        ]
    return legacy_dataset_json(dataset, rows)


async def list_data_rows(call: LegacyCall) -> Any:
    """The data rows of a dataset that match all filters."""
    body = call.body
    settings = Body(body.mapping("dataset_access_settings") or {})
    wanted = ListingFilter.read(body, ignore_case=call.store.settings.like_ignores_case, snake=True)
    types = None if body.document.get("data_types") is None else set(body.texts("data_types"))
    hashes = None if body.document.get("data_hashes") is None else set(body.texts("data_hashes"))
    with_metadata = settings.flag("fetch_client_metadata")
    return [
        data_row_json(row, with_metadata=with_metadata)
        for row in _shown(call, dataset_of(call).rows.values())
        if (hashes is None or row.uuid in hashes)
        and (types is None or row.item.type.older_name in types)
        and wanted.matches(
            title=row.item.name, description="", created_at=row.created_at, edited_at=row.created_at
        )
    ]


async def get_data_row(call: LegacyCall) -> Any:
    """One data row, with as much of it as the caller asks for."""
    row = _row(dataset_of(call), call.uid)
    additional = Body(call.body.mapping("additional_data") or {})
    images = additional.mapping("images_data_fetch_options")
    sign_images = images is not None and Body(images).flag("fetch_signed_urls")
    return data_row_json(
        row,
        with_metadata=additional.flag("client_metadata"),
        sign=signer(call) if additional.flag("signed_url") else None,
        with_images=images is not None,
        sign_images=signer(call) if sign_images else None,
    )


async def save_data_row(call: LegacyCall) -> Any:
    """Change title or metadata of a data row, and so of its item."""
    row = _row(dataset_of(call, DatasetRole.ADMIN), call.uid)
    body = call.body
    unknown = body.document.keys() - {"client_metadata", "data_title"}
    if unknown:
        raise bad_request(f"a data row's {', '.join(sorted(unknown))} cannot be changed")
    changes: dict[str, str] = {}
    if "client_metadata" in body.document:
        changes["metadata"] = metadata_text(body.mapping("client_metadata"))
    if "data_title" in body.document:
        changes["name"] = body.required_text("data_title")
    call.store[Items].update(row.item, **changes)
    return {
        "updated_fields": list(body.document),
        "data_row": data_row_json(row, with_metadata="client_metadata" in body.document),
    }


async def rename_data_rows(call: LegacyCall) -> Any:
    """Change the titles of data rows."""
    dataset = dataset_of(call, DatasetRole.ADMIN)
    if not isinstance(call.payload, list):
        raise bad_request("expected a list of data rows and titles")
    changes = [Body(change) for change in call.payload]
    rows = [_row(dataset, change.required_text("video_hash")) for change in changes]
    for row, change in zip(rows, changes, strict=True):
        call.store[Items].update(row.item, name=change.required_text("title"))
    return {"success": True}


async def link_items(call: LegacyCall) -> Any:
    """Make data rows of storage items."""
    dataset = dataset_of(call, DatasetRole.ADMIN)
    items = [_item(call, uuid) for uuid in call.body.uuids("item_uuids")]
    duplicates = call.body.choice("duplicates_behavior", Duplicates)
    folder = dataset.backing_folder
    if folder and call.store.settings.link_to_mirrored == "refuse":
        foreign = next((item for item in items if item.folder is not folder), None)
        if foreign is not None:
            raise bad_request(
                f"dataset {dataset.title!r} mirrors a folder; move item {foreign.name!r} ({foreign.uuid}) "
                "there instead of linking it"
            )
    new, skipped = call.store[Datasets].link(dataset, items, duplicates)
    rows = [*new, *skipped] if call.store.settings.skipped_links_in_result else new
    return [data_row_json(row) for row in _shown(call, rows)]


async def delete_data_rows(call: LegacyCall) -> Any:
    """Take data rows out of a dataset.

    Source: Encord's page on removing data from datasets, by which the file of a data unit that Encord hosts is deleted.
    """
    dataset = dataset_of(call, DatasetRole.ADMIN)
    rows = [_row(dataset, uuid) for uuid in call.uid_list()]
    delete_items = dataset.backing_folder is not None and call.store.settings.mirrored_delete == "item"
    for row in {row.uuid: row for row in rows}.values():
        is_hosted = row.item.location is StorageLocation.ENCORD
        if is_hosted or (delete_items and row.item.folder is dataset.backing_folder):
            call.store[Items].delete(row.item)
        else:
            call.store[Datasets].unlink(row)
    return {"success": True}


async def start_reencoding(call: LegacyCall) -> Any:
    """Begin to re-encode videos of a dataset; answers the number of the task."""
    dataset = dataset_of(call, DatasetRole.ADMIN)
    rows = [_row(dataset, uuid) for uuid in call.body.uuids("data_hash")]
    wrong = next((row for row in rows if not row.item.type.is_video), None)
    if wrong is not None:
        raise bad_request(f"{wrong.item.name!r} is not a video")
    return call.store[Reencodings].start([row.item.uuid for row in rows], dataset=dataset.uuid).number


async def get_reencoding_task(call: LegacyCall) -> Any:
    """How far a re-encoding has come."""
    dataset = dataset_of(call)
    process = call.store[Reencodings].of_dataset(dataset.uuid, call.uid)
    if process is None:
        raise not_found(f"dataset {dataset.uuid} has no re-encoding task {call.uid}")
    if not call.store[Reencodings].is_done(process):
        return {"status": "SUBMITTED", "result": None}
    rows = [row for row in dataset.rows.values() if row.item.uuid in process.items]
    return {
        "status": "DONE",
        "result": [
            {
                "data_hash": row.uuid,
                "signed_url": signer(call)(row.item) if row.item.integration is None else None,
                "bucket_path": row.item.url,
            }
            for row in rows
        ],
    }


def _shown(call: LegacyCall, rows: Iterable[DataRow]) -> Iterator[DataRow]:
    """Those of data rows that appear already."""
    latest = call.store.clock.now() - call.store.settings.link_lag_seconds
    return (row for row in rows if row.created_at <= latest)


def _row(dataset: Dataset, uuid: Any) -> DataRow:
    row = dataset.rows.get(uuid) if isinstance(uuid, str) else None
    if row is None:
        raise not_found(f"dataset {dataset.title!r} has no data row {uuid}")
    return row


def _item(call: LegacyCall, uuid: str) -> Item:
    item = call.store[Items].require(uuid, call.user)
    if item.hidden:
        raise bad_request(
            f"item {item.name!r} ({uuid}) is part of a group or series, which is what can be linked"
        )
    return item


ROUTES = [
    LegacyRoute("dataset", "GET", "dataset", get_dataset),
    LegacyRoute("datarows", "GET", "dataset", list_data_rows),
    LegacyRoute("datarow", "GET", "dataset", get_data_row),
    LegacyRoute("datarow", "POST", "dataset", save_data_row),
    LegacyRoute("video", "POST", "dataset", rename_data_rows),
    LegacyRoute("video", "DELETE", "dataset", delete_data_rows),
    LegacyRoute("datasetlinkitems", "POST", "dataset", link_items),
    add_users_route("dataset", lambda call: dataset_of(call, DatasetRole.ADMIN), DatasetRole.ADMIN),
    LegacyRoute("reencodevideotask", "PUT", "dataset", start_reencoding),
    LegacyRoute("reencodevideotask", "GET", "dataset", get_reencoding_task),
]
