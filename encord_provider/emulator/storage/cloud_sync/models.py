"""Cloud-synced folders: a folder mirrors the objects under a bucket prefix."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import orjson

from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Table
from encord_provider.emulator.organisation.schema.models import MetadataSchema
from encord_provider.emulator.storage.folders.models import Folder
from encord_provider.emulator.storage.integrations.models import Integration
from encord_provider.emulator.storage.items.item import metadata_text
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.media_types import MEDIA_TYPES
from encord_provider.emulator.storage.objects.s3 import ObjectError, ObjectInfo, ObjectStore
from encord_provider.emulator.storage.objects.urls import (
    ObjectName,
    ObjectUrlError,
    StorageLocation,
    parse_object_url,
)

DEFAULT_SUFFIX = ".metadata.json"
_Page = list[tuple[str, ObjectInfo]]


class SyncStatus(StrEnum):
    """Status of a sync, spelled as on the wire (in lower case, unlike upload jobs)."""

    PENDING = "pending"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"


@dataclass(eq=False, slots=True)
class Sync:
    """One run of a cloud-synced folder's synchronisation.

    :ivar pages_done: pages of the bucket listing that were read.
    :ivar uploads_done: pages that held something new or changed.
    :ivar units_done: files added, changed, revived or turned into tombstones.
    :ivar units_error: sidecar files that could not be used.
    """

    uuid: str
    folder: Folder
    status: SyncStatus = SyncStatus.PENDING
    pages_pending: int = 1
    pages_done: int = 0
    pages_error: int = 0
    uploads_pending: int = 0
    uploads_done: int = 0
    units_pending: int = 0
    units_done: int = 0
    units_error: int = 0
    finished: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    def as_json(self) -> dict[str, Any]:
        """The sync's state, as a poll answers it."""
        return {
            "status": self.status,
            "scanPagesProcessingPending": self.pages_pending,
            "scanPagesProcessingDone": self.pages_done,
            "scanPagesProcessingError": self.pages_error,
            "scanPagesProcessingCancelled": 0,
            "uploadJobsPending": self.uploads_pending,
            "uploadJobsDone": self.uploads_done,
            "uploadJobsError": 0,
            "uploadJobsUnitsPending": self.units_pending,
            "uploadJobsUnitsDone": self.units_done,
            "uploadJobsUnitsError": self.units_error,
            "uploadJobsUnitsCancelled": 0,
        }


def sync_target(remote_url: str, location: StorageLocation) -> ObjectName:
    """Bucket and prefix that a remote URL names; the prefix is the ``key``.

    :raises ApiError: 400 if the URL does not end with ``/`` or does not fit the cloud.
    """
    if not remote_url.endswith("/"):
        raise bad_request(f"the remote URL of a cloud-synced folder must end with '/', not {remote_url!r}")
    try:
        name = parse_object_url(remote_url + "x", location)
    except ObjectUrlError:
        raise bad_request(
            f"{remote_url} is not a bucket or prefix of an integration of type {location}"
        ) from None
    return ObjectName(name.bucket, name.key[:-1])


class CloudSync(Table[Sync]):
    """Runs synchronisations; the S3 endpoint stands in for all clouds, and without it every sync ends with an error."""

    entry = Sync

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, folder: Folder, integration: Integration) -> Sync:
        """Begin to bring a folder up to date with its bucket."""
        sync = self.add(Sync(uuid=self._store.chance.uuid(), folder=folder))
        task = asyncio.get_running_loop().create_task(self._run(sync, integration))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return sync

    def kept(self) -> list[Sync]:
        """What a snapshot holds: nothing, because syncs end with the emulator."""
        return []

    async def stop(self) -> None:
        """Drop all running work."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for sync in self:
            sync.finished.set()

    async def _run(self, sync: Sync, integration: Integration) -> None:
        try:
            await _Pass(self._store, sync, integration).run()
            sync.status = SyncStatus.DONE
        except ObjectError:
            sync.pages_error += 1
            sync.status = SyncStatus.ERROR
        finally:
            sync.pages_pending = sync.uploads_pending = sync.units_pending = 0
            if sync.status is SyncStatus.PENDING:
                sync.status = SyncStatus.ERROR
            sync.finished.set()


class _Pass:
    """One pass over a bucket."""

    def __init__(self, store: Store, sync: Sync, integration: Integration) -> None:
        self._store = store
        self._items = store[Items]
        self._objects = store[ObjectStore]
        self._settings = store.settings
        self._sync = sync
        self._folder = sync.folder
        self._integration = integration
        self._remote_url = sync.folder.remote_url or ""
        self._target = sync_target(self._remote_url, integration.location)
        ingestion = sync.folder.config.get("metadataIngestion")
        self._suffix: str | None = None
        self._attach = False
        if isinstance(ingestion, dict):
            self._suffix = (ingestion.get("matcher") or {}).get("suffix") or DEFAULT_SUFFIX
            self._attach = not ingestion.get("paused", False)

    async def run(self) -> None:
        if not self._objects.endpoint:
            raise ObjectError("the emulator was started without an S3 endpoint", 0)
        seen: set[str] = set()
        sidecars: list[str] = []
        async for page in self._objects.list_pages(self._target.bucket, self._target.key):
            await self._take_page(page, seen, sidecars)
            self._sync.pages_done += 1
        self._bury_missing(seen)
        for key in sidecars if self._attach else ():
            await self._attach_sidecar(key)

    async def _take_page(self, page: _Page, seen: set[str], sidecars: list[str]) -> None:
        changes: list[tuple[str, ObjectInfo]] = []
        for key, info in page:
            if self._suffix is not None and key.endswith(self._suffix):
                sidecars.append(key)
                continue
            if MEDIA_TYPES.of_file(key) is None:
                continue
            url = self._url(key)
            seen.add(url)
            known = self._items.contents(self._folder).find_url(url)
            if known is None or known.tombstone or (known.extra or {}).get("etag") != info.etag:
                changes.append((key, info))
        if not changes:
            return
        self._sync.uploads_pending, self._sync.units_pending = 1, len(changes)
        for key, info in changes:
            if self._settings.units_per_second > 0:
                await self._store.clock.sleep(1 / self._settings.units_per_second)
            self._take_object(key, info)
            self._sync.units_pending -= 1
            self._sync.units_done += 1
        self._sync.uploads_pending, self._sync.uploads_done = 0, self._sync.uploads_done + 1

    def _take_object(self, key: str, info: ObjectInfo) -> None:
        item_type = MEDIA_TYPES.of_file(key)
        assert item_type is not None  # noqa: S101
        url = self._url(key)
        known = self._items.contents(self._folder).find_url(url)
        if known is not None:
            known.tombstone = False
            known.file_size = info.size
            known.extra = {**(known.extra or {}), "etag": info.etag}
            self._items.touch(known)
            return
        self._items.register(
            self._items.make(
                type=item_type,
                name=key[len(self._target.key) :],
                folder=self._folder,
                owner=self._folder.owner,
                url=url,
                url_key=url,
                integration=self._integration.uuid,
                location=self._integration.location,
                mime_type=MEDIA_TYPES.mime_type_of(key),
                file_size=info.size,
                extra={"etag": info.etag},
            )
        )

    def _bury_missing(self, seen: set[str]) -> None:
        self._items.settle_listings(everything=True)
        for item in list(self._items.contents(self._folder)):
            if item.url not in seen and not item.tombstone:
                item.tombstone = True
                self._items.touch(item)
                self._sync.units_done += 1

    async def _attach_sidecar(self, key: str) -> None:
        item = self._items.contents(self._folder).find_url(self._url(key[: -len(self._suffix or "")]))
        if item is None:
            return
        content, _ = await self._objects.read(ObjectName(self._target.bucket, key))
        metadata: Any = None
        with contextlib.suppress(orjson.JSONDecodeError):
            metadata = orjson.loads(content)
        if not isinstance(metadata, dict):
            self._sync.units_error += 1
            return
        text = metadata_text(metadata)
        if self._store[MetadataSchema].problem(text):
            self._sync.units_error += 1
            return
        if item.metadata != text:
            item.metadata = text
            self._items.touch(item)

    def _url(self, key: str) -> str:
        relative = key[len(self._target.key) :]
        by_protocol = self._remote_url.startswith(("s3://", "gs://"))
        return self._remote_url + (relative if by_protocol else quote(relative))
