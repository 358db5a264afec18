"""Uploads into a dataset: upload jobs of a folder whose items become data rows."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.errors import bad_request, not_found
from encord_provider.emulator.core.legacy_gateway import LegacyCall, LegacyRoute
from encord_provider.emulator.datasets.models import Dataset, DatasetRole
from encord_provider.emulator.datasets.wire import upload_json
from encord_provider.emulator.storage.folders.models import Folder, Role
from encord_provider.emulator.storage.jobs.spec import parse_spec


async def start_dataset_upload(call: LegacyCall) -> Any:
    """Begin to register the data of an upload spec and link them; answers the job's UUID."""
    dataset = call.dataset(DatasetRole.ADMIN)
    folder = _target(call, dataset)
    integration_uuid = call.body.uuid("integrationId")
    integration = None
    if integration_uuid is not None:
        integration = call.store.integrations.require_admin(integration_uuid, call.user)
    document = {
        "externalFiles": call.body.mapping("files"),
        "dataItems": call.body.mapping("dataItems"),
    }
    job = call.store.jobs.create(
        folder=folder,
        integration=integration,
        spec=parse_spec(
            {name: value for name, value in document.items() if value is not None}, call.store.settings
        ),
        ignore_errors=call.body.flag("ignoreErrors"),
        file_name=call.body.text("fileName"),
        owner=call.user.email,
    )
    call.store.datasets.follow(dataset, job)
    call.store.runner.start(job)
    return {"process_hash": job.uuid}


async def poll_dataset_upload(call: LegacyCall) -> Any:
    """An upload's state; held until it ends or the time is up."""
    dataset = call.dataset()
    job = call.store.jobs.get(call.body.uuid("process_hash") or "")
    if job is None or call.store.datasets.upload_target(job) is not dataset:
        raise not_found(f"dataset {dataset.uuid} has no upload job {call.body.text('process_hash')}")
    cap = call.store.settings.long_poll_cap_seconds
    timeout = min(call.body.number("timeout_seconds", minimum=0, maximum=2**31), cap)
    if timeout > 0:
        await call.store.clock.wait(job.finished, timeout, real_limit=cap)
    rows = [row for item in job.items for row in call.store.datasets.rows_of(item) if row.dataset is dataset]
    return upload_json(job, rows)


def _target(call: LegacyCall, dataset: Dataset) -> Folder:
    uuid = call.body.uuid("folderUuid")
    if dataset.backing_folder is not None:
        if uuid is not None:
            raise bad_request(
                f"dataset {dataset.title!r} mirrors a folder, into which its data go; name no other folder"
            )
        return call.store.folders.require(dataset.backing_folder.uuid, call.user, Role.ADMIN)
    if uuid is None:
        raise bad_request(f"dataset {dataset.title!r} does not mirror a folder: name one for its data")
    folder = call.store.folders.require(uuid, call.user, Role.ADMIN)
    if folder.remote_url is not None:
        raise bad_request(f"folder {folder.name!r} is synced with {folder.remote_url} and takes no uploads")
    return folder


LEGACY_ROUTES = [
    LegacyRoute("datasetdatalongpolling", "POST", "dataset", start_dataset_upload),
    LegacyRoute("datasetdatalongpolling", "GET", "dataset", poll_dataset_upload),
]
