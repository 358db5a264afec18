"""Uploads into a dataset: upload jobs of a folder whose items become data rows."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.errors import bad_request, not_found
from encord_provider.emulator.core.legacy_gateway import LegacyCall, LegacyRoute
from encord_provider.emulator.core.params import snake
from encord_provider.emulator.datasets.models import Dataset, DatasetRole, Datasets, dataset_of
from encord_provider.emulator.storage.folders.models import Folder, Folders, Role, upload_folder
from encord_provider.emulator.storage.jobs.models import Jobs
from encord_provider.emulator.storage.jobs.routes import new_job
from encord_provider.emulator.storage.jobs.runner import JobRunner

_SHARED = (
    "status",
    "errors",
    "unitsPendingCount",
    "unitsDoneCount",
    "unitsErrorCount",
    "unitsCancelledCount",
)
"""What a poll answers in both APIs, but for the spelling."""


async def start_dataset_upload(call: LegacyCall) -> Any:
    """Begin to register the data of an upload spec and link them; answers the job's UUID."""
    dataset = dataset_of(call, DatasetRole.ADMIN)
    folder = _target(call, dataset)
    given = {"externalFiles": call.body.mapping("files"), "dataItems": call.body.mapping("dataItems")}
    document = {name: value for name, value in given.items() if value is not None}
    job = new_job(call, folder, document, integration_name="integrationId")
    call.store[Datasets].follow(dataset, job)
    call.store[JobRunner].start(job)
    return {"process_hash": job.uuid}


async def poll_dataset_upload(call: LegacyCall) -> Any:
    """An upload's state; held until it ends or the time is up."""
    dataset = dataset_of(call)
    job = call.store[Jobs].get(call.body.uuid("process_hash") or "")
    if job is None or job.uuid not in dataset.uploads:
        raise not_found(f"dataset {dataset.uuid} has no upload job {call.body.text('process_hash')}")
    await call.hold(job.finished, call.body.number("timeout_seconds", minimum=0, maximum=2**31))
    rows = [row for item in job.items for row in call.store[Datasets].rows_of(item) if row.dataset is dataset]
    state = job.as_json(with_items=False)
    errors = [{snake(name): value for name, value in error.items()} for error in state["unitErrors"]]
    return {
        **{snake(name): state[name] for name in _SHARED},
        "data_hashes_with_titles": [
            {"data_hash": row.uuid, "title": row.item.name, "backing_item_uuid": row.item.uuid}
            for row in rows
        ],
        "data_unit_errors": errors,
    }


def _target(call: LegacyCall, dataset: Dataset) -> Folder:
    uuid = call.body.uuid("folderUuid")
    if dataset.backing_folder is not None:
        if uuid is not None:
            raise bad_request(
                f"dataset {dataset.title!r} mirrors a folder, into which its data go; name no other folder"
            )
        return call.store[Folders].require(dataset.backing_folder.uuid, call.user, Role.ADMIN)
    if uuid is None:
        raise bad_request(f"dataset {dataset.title!r} does not mirror a folder: name one for its data")
    return upload_folder(call.store[Folders].require(uuid, call.user, Role.ADMIN))


ROUTES = [
    LegacyRoute("datasetdatalongpolling", "POST", "dataset", start_dataset_upload),
    LegacyRoute("datasetdatalongpolling", "GET", "dataset", poll_dataset_upload),
]
