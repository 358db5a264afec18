"""What is sent for each call of the data plane, and how its answer is read.

Both clients perform these definitions, so that there is one place that knows a path, a body or a field.
Paths are those of the official SDK, relative to ``/v2/public/``. A call is named as the SDK's method for it, such as
``StorageFolder.list_items``; upload jobs and bulk patches, for which the SDK has no such method, as their endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from encord_provider.api.cloud_sync import CloudSync
from encord_provider.api.items import ItemPage, StorageItem
from encord_provider.api.upload_job import UploadJob
from encord_provider.text.json_values import dumps

T = TypeVar("T")

PAGE_SIZE = 1000
"""Items per page; 1 to 1000 are allowed (Encord SDK, ``ListItemsParams``)."""

BULK_SIZE = 1000
"""Items per bulk call (Encord SDK, ``http/limits.py``)."""

LONG_POLL_MAX = 60
"""Seconds that one poll of an upload job may be held (Encord SDK, ``GetUploadJobParams``)."""


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T]):
    """One request and the way to read its answer.

    :param name: a short identifier, the name of the function that defines the call.
    :param method: the HTTP method.
    :param path: the path below ``/v2/public/``.
    :param what: what the call does, in words for log lines and errors.
    :param parse: turns the decoded JSON answer into the result.
    :param query: query parameters, in order; a list parameter repeats its key.
    :param body: the JSON body, or None for no body.
    :param repeatable: whether performing it twice does what performing it once does, so that it may be
        sent again when an answer was lost.
    :param hold: seconds that the server may hold the call before it answers.
    :param leaves: whether the call leaves something at work that only its answer names, so that the answer is waited
        for beyond the deadline of a task.
    :param paused: puts the seconds into the result for which Encord asks to be left alone in an answer that is good.
    """

    name: str
    method: str
    path: str
    what: str
    parse: Callable[[Any], T]
    query: Sequence[tuple[str, str]] = ()
    body: Any = None
    repeatable: bool = True
    hold: float = 0.0
    leaves: bool = False
    paused: Callable[[T, float], T] | None = None

    def read(self, document: Any, retry_after: float | None) -> T:
        """Read a good answer.

        :param document: the decoded JSON.
        :param retry_after: seconds for which Encord asks to be left alone, or None.
        """
        result = self.parse(document)
        return result if self.paused is None or not retry_after else self.paused(result, retry_after)

    def url(self, domain: str) -> str:
        """Give the full URL on ``domain``, query included."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"{domain}/v2/public/{self.path}{query}"

    def content(self) -> bytes | None:
        """Give the body as JSON bytes, or None."""
        return None if self.body is None else dumps(self.body)


@dataclass(frozen=True, kw_only=True)
class UploadRequest:
    """What starts an upload job.

    :param folder: UUID of the storage folder to register into.
    :param data_items: the structured ``dataItems`` body, or None where ``external_files`` is given.
    :param external_files: Encord's JSON upload spec, sent as it is.
    :param integration: UUID of the cloud integration, or None for URLs that need none.
    :param ignore_errors: whether the job goes on when a data unit fails.
    :param file_name: a name by which the job can be recognised later.
    :param skips_duplicates: whether the spec asks Encord to skip URLs that the folder already has.
    """

    folder: str
    data_items: Mapping[str, Any] | None = None
    external_files: Mapping[str, Any] | None = None
    integration: str | None = None
    ignore_errors: bool = True
    file_name: str | None = None
    skips_duplicates: bool = False

    def body(self) -> dict[str, Any]:
        """Give the request body; keys without a value are left out."""
        body = {
            "dataItems": self.data_items,
            "externalFiles": self.external_files,
            "integrationHash": self.integration,
            "ignoreErrors": self.ignore_errors,
            "fileName": self.file_name,
        }
        return {key: value for key, value in body.items() if value is not None}


def start_upload_job(request: UploadRequest) -> Call[str]:
    """Start an upload job; the result is the job's UUID.

    It is repeatable only where the spec skips duplicate URLs: Encord has no idempotency key, and a second
    job that skips what the first one registered is the one safe repair of a lost answer.
    """
    return Call(
        name="start_upload_job",
        method="POST",
        path=f"storage/folders/{request.folder}/data-upload-jobs",
        what=f"start an upload job in folder {request.folder}",
        parse=_job_id,
        body=request.body(),
        repeatable=request.skips_duplicates,
        leaves=True,
    )


def _job_id(answer: Any) -> str:
    # Anything but a UUID is no answer to build on: the job could never be asked for again.
    if not isinstance(answer, str):
        raise TypeError(f"the job's UUID is a {type(answer).__name__}")
    return str(UUID(answer))


def get_upload_job(folder: str, job_id: str, *, hold: float = 0.0) -> Call[UploadJob]:
    """Read the state of an upload job.

    :param hold: seconds that Encord may hold the answer while the job is pending, at most 60.
    """
    seconds = int(min(max(hold, 0), LONG_POLL_MAX))
    return Call(
        name="get_upload_job",
        method="GET",
        path=f"storage/folders/{folder}/data-upload-jobs/{job_id}",
        what=f"read upload job {job_id}",
        query=(("timeoutSeconds", str(seconds)),),
        parse=lambda answer: UploadJob.from_wire(job_id, answer),
        hold=float(seconds),
        paused=lambda job, pause: replace(job, poll_after=pause),
    )


def start_cloud_sync(folder: str) -> Call[str]:
    """Start to bring a cloud-synced folder up to date with its bucket; the result is the UUID of the synchronisation.

    Doing it twice is harmless: what the first one has brought, the second finds.
    """
    return Call(
        name="start_cloud_sync",
        method="POST",
        path=f"storage/folders/{folder}/cloud-synced-folder-syncs",
        what=f"start to synchronise folder {folder}",
        parse=_job_id,
    )


def get_cloud_sync(folder: str, sync: str, *, hold: float = 0.0) -> Call[CloudSync]:
    """Read the state of a synchronisation.

    :param hold: seconds that Encord may hold the answer while it is under way, at most 60.
    """
    seconds = int(min(max(hold, 0), LONG_POLL_MAX))
    return Call(
        name="get_cloud_sync",
        method="GET",
        path=f"storage/folders/{folder}/cloud-linked-folder-syncs/{sync}/long-polling",
        what=f"read the synchronisation {sync}",
        query=(("timeoutSeconds", str(seconds)),),
        parse=CloudSync.from_wire,
        hold=float(seconds),
        paused=lambda seen, pause: replace(seen, poll_after=pause),
    )


def cancel_upload_job(folder: str, job_id: str) -> Call[int]:
    """Cancel an upload job; the result is the number of data units that were cancelled."""
    return Call(
        name="cancel_upload_job",
        method="POST",
        path=f"storage/folders/{folder}/data-upload-jobs/{job_id}/cancel",
        what=f"cancel upload job {job_id}",
        parse=lambda answer: int((answer or {}).get("unitsCancelledCount", 0)),
    )


def list_items(
    folder: str,
    *,
    page_token: str | None = None,
    search: str | None = None,
    page_size: int = PAGE_SIZE,
    newest_first: bool = False,
) -> Call[ItemPage]:
    """Read one page of the items of a folder, with their client metadata, sub-folders excluded."""
    query = [
        ("isRecursive", "False"),
        ("order", "createdAt"),
        ("desc", str(newest_first)),
        ("pageSize", str(page_size)),
        ("signUrls", "False"),
        ("includeClientMetadata", "True"),
    ]
    if search is not None:
        query.append(("search", search))
    if page_token is not None:
        query.append(("pageToken", page_token))
    return Call(
        name="list_items",
        method="GET",
        path=f"storage/folders/{folder}/items",
        what=f"list the items of folder {folder}",
        query=tuple(query),
        parse=ItemPage.from_wire,
    )


def get_folder_summary(folder: str) -> Call[dict[str, float]]:
    """Count what a folder holds, sub-folders excluded."""
    return Call(
        name="get_folder_summary",
        method="GET",
        path=f"storage/folders/{folder}/summary",
        what=f"read the summary of folder {folder}",
        parse=lambda answer: {name: float(count) for name, count in answer.items() if count is not None},
    )


def get_folder(folder: str) -> Call[dict[str, Any]]:
    """Read what a folder is: ``folderType``, ``remoteUrl`` and ``integrationHash`` among others."""
    return Call(
        name="get_folder",
        method="GET",
        path=f"storage/folders/{folder}",
        what=f"read the folder {folder}",
        parse=dict,
    )


def get_folder_config(folder: str) -> Call[dict[str, Any]]:
    """Read the settings of a folder, among which ``metadataIngestion`` says what becomes of sidecar files."""
    return Call(
        name="get_folder_config",
        method="GET",
        path=f"storage/folders/{folder}/folder-config",
        what=f"read the settings of folder {folder}",
        parse=dict,
    )


def save_folder_config(folder: str, config: Mapping[str, Any]) -> Call[None]:
    """Replace the settings of a folder, whole."""
    return Call(
        name="save_folder_config",
        method="POST",
        path=f"storage/folders/{folder}/folder-config",
        what=f"save the settings of folder {folder}",
        body=dict(config),
        parse=lambda _answer: None,
    )


def get_child_items(folder: str, item: str) -> Call[list[StorageItem]]:
    """Read the files behind an image group or DICOM series."""
    return Call(
        name="get_child_items",
        method="GET",
        path=f"storage/folders/{folder}/items/{item}/child-items",
        what=f"list the files behind item {item}",
        query=(("signUrls", "False"),),
        parse=lambda answer: [StorageItem.from_wire(row) for row in answer["results"]],
    )


def get_storage_items(item_uuids: Sequence[str]) -> Call[list[StorageItem]]:
    """Read up to 1,000 items by UUID."""
    return Call(
        name="get_storage_items",
        method="POST",
        path="storage/items/get-bulk",
        what=f"read {len(item_uuids)} items",
        body={"itemUuids": list(item_uuids), "signUrls": False},
        parse=lambda answer: [StorageItem.from_wire(row) for row in answer["results"]],
    )


def patch_storage_items(patches: Mapping[str, Mapping[str, Any]]) -> Call[None]:
    """Replace the client metadata of up to 1,000 items, each by a whole object.

    :param patches: item UUID -> the new client metadata.
    """
    return Call(
        name="patch_storage_items",
        method="PATCH",
        path="storage/items/patch-bulk",
        what=f"patch the client metadata of {len(patches)} items",
        body={"itemPatches": {uuid: {"clientMetadata": metadata} for uuid, metadata in patches.items()}},
        parse=lambda _answer: None,
    )


def get_cloud_integrations() -> Call[dict[str, str]]:
    """Read the cloud integrations that the user may use: UUID -> title."""
    return Call(
        name="get_cloud_integrations",
        method="GET",
        path="cloud-integrations",
        what="list the cloud integrations",
        query=(("includeOrgAccess", "False"),),
        parse=lambda answer: {str(row["integrationUuid"]): str(row["title"]) for row in answer["result"]},
    )


def get_metadata_schema() -> Call[dict[str, Any]]:
    """Read the organisation's metadata schema, in Encord's own form; empty if there is none."""
    return Call(
        name="get_metadata_schema",
        method="GET",
        path="organisation/client-metadata-schema-v2",
        what="read the metadata schema",
        parse=lambda answer: dict(answer or {}),
    )


def save_metadata_schema(schema: Mapping[str, Any]) -> Call[None]:
    """Replace the organisation's metadata schema by ``schema``, whole."""
    return Call(
        name="save_metadata_schema",
        method="POST",
        path="organisation/client-metadata-schema-v2",
        what="save the metadata schema",
        body=dict(schema),
        parse=lambda _answer: None,
    )
