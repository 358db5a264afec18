"""Turning one unit of a job into items, or into the reason why that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from encord_provider.emulator.core.store import Store
from encord_provider.emulator.organisation.schema.models import MetadataSchema
from encord_provider.emulator.storage.items.item import EMPTY_METADATA, Item
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.jobs.models import Job
from encord_provider.emulator.storage.jobs.units import File, Unit, UnitFailedError
from encord_provider.emulator.storage.media_types import MEDIA_TYPES
from encord_provider.emulator.storage.objects.s3 import ObjectError, ObjectInfo, ObjectStore
from encord_provider.emulator.storage.objects.urls import (
    ObjectUrlError,
    StorageLocation,
    parse_object_url,
    title_from_url,
)
from encord_provider.emulator.storage.uploads.models import Upload, Uploads

_NOTHING_KNOWN = ObjectInfo()
_LOOKED_UP = (StorageLocation.S3, StorageLocation.S3_COMPATIBLE)


class Registrar:
    """Registers units."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._items = store[Items]
        self._uploads = store[Uploads]
        self._objects = store[ObjectStore]
        self._schema = store[MetadataSchema]

    async def look_up(self, job: Job, units: Sequence[Unit]) -> list[list[ObjectInfo] | UnitFailedError]:
        """Check the files of some units: URL style, existence, type.

        :returns: for each unit what is known of its files, or why it fails.
        """
        there = job.integration is not None and job.integration.location in _LOOKED_UP
        if not self._objects.endpoint or not there:
            return [self._check(job, unit) for unit in units]
        return await asyncio.gather(*(self._look_up(job, unit) for unit in units))

    def existing(self, job: Job, unit: Unit) -> Item | None:
        """The item that the folder holds already for this unit, if the job skips duplicates."""
        url_key = unit.url_key() if job.skip_duplicate_urls else None
        return self._items.contents(job.folder).find_url(url_key) if url_key is not None else None

    def refresh(self, job: Job, unit: Unit, item: Item) -> None:
        """Give an existing item the metadata of a skipped unit, if the job asks for it."""
        if not job.upsert_metadata or unit.metadata == EMPTY_METADATA:
            return
        if self._store.settings.upsert == "merge":
            merged = {**orjson.loads(item.metadata), **orjson.loads(unit.metadata)}
            item.metadata = orjson.dumps(merged, option=orjson.OPT_SORT_KEYS).decode()
        else:
            item.metadata = unit.metadata
        self._items.touch(item)

    def create(self, job: Job, unit: Unit, infos: list[ObjectInfo]) -> Item:
        """Register a unit whose files were looked up.

        :raises UnitFailedError: the unit names items that cannot be grouped.
        """
        if unit.is_group:
            children = self._grouped_items(unit) if unit.from_items else self._frames(job, unit, infos)
            item = self._item(job, unit, None, _NOTHING_KNOWN)
            item.children = children
            item.media = _media_of_group(unit, children)
            item.file_size = sum(child.file_size or 0 for child in children) or None
        else:
            file = unit.files[0] if unit.files else None
            item = self._item(job, unit, file, infos[0] if infos else _NOTHING_KNOWN)
        return self._items.register(item)

    def _check(self, job: Job, unit: Unit) -> list[ObjectInfo] | UnitFailedError:
        try:
            self._check_unit(job, unit)
            return [self._check_file(job, unit, file) for file in unit.files]
        except UnitFailedError as error:
            return error

    async def _look_up(self, job: Job, unit: Unit) -> list[ObjectInfo] | UnitFailedError:
        if self.existing(job, unit) is not None:
            return []
        found = self._check(job, unit)
        if isinstance(found, UnitFailedError):
            return found
        files = zip(unit.files, found, strict=True)
        try:
            return [info if file.placeholder else await self._head(job, unit, file) for file, info in files]
        except UnitFailedError as error:
            return error

    def _check_unit(self, job: Job, unit: Unit) -> None:
        problem = unit.problem or self._schema.problem(unit.metadata)
        if problem is not None:
            raise UnitFailedError(problem)
        integration = job.integration
        if integration is None:
            return
        if unit.type.optimised and (integration.client_only or not integration.can_write):
            raise UnitFailedError(
                f"An image sequence needs write access to the bucket, which the integration {integration.title!r} lacks"
            )
        if integration.client_only and any(file.media is None for file in unit.files):
            raise UnitFailedError(
                f"The integration {integration.title!r} allows client-only access, so that media metadata is required"
            )

    def _check_file(self, job: Job, unit: Unit, file: File) -> ObjectInfo:
        upload = self._upload_of(job, file)
        if upload is not None:
            return self._uploaded(upload)
        if file.placeholder is not None:
            raise UnitFailedError(f"There is no upload for the item {file.placeholder}")
        name = file.url
        if job.integration is None:
            if not file.url.startswith(("https://", "http://")):
                raise UnitFailedError(f"{file.url} cannot be read without an integration")
            name = title_from_url(file.url, whole_path=True)
        else:
            try:
                found = parse_object_url(file.url, job.integration.location)
            except ObjectUrlError as error:
                raise UnitFailedError(str(error)) from None
            if found.is_legacy and self._store.settings.legacy_s3_urls == "refuse":
                raise UnitFailedError(f"{file.url} is not an object URL of AWS S3: its host names no region")
            name = found.key
        self._check_type(unit, name, None)
        return _NOTHING_KNOWN

    def _upload_of(self, job: Job, file: File) -> Upload | None:
        """The local upload that a file is, if it is one; time series and scenes name it by its key only."""
        if file.placeholder is not None:
            return self._uploads.get(file.placeholder)
        return self._uploads.by_key(file.url) if job.integration is None else None

    def _uploaded(self, upload: Upload) -> ObjectInfo:
        if upload.content is None:
            raise UnitFailedError(f"No file was uploaded for the item {upload.uuid}")
        if self._items.get(upload.uuid) is not None:
            raise UnitFailedError(f"The uploaded file {upload.uuid} is registered already")
        return ObjectInfo(size=len(upload.content), content_type=upload.content_type)

    async def _head(self, job: Job, unit: Unit, file: File) -> ObjectInfo:
        assert job.integration is not None  # noqa: S101
        name = parse_object_url(file.url, job.integration.location)
        if name.is_access_point:
            # Which buckets are behind it, nobody has told the emulator.
            return _NOTHING_KNOWN
        try:
            info = await self._objects.head(name)
        except ObjectError as error:
            raise UnitFailedError(f"Could not access {file.url}: {error}") from None
        self._check_type(unit, name.key, info.content_type)
        return info

    def _check_type(self, unit: Unit, name: str, content_type: str | None) -> None:
        reason = unit.type.mismatch(name, content_type)
        if reason is not None:
            raise UnitFailedError(reason)

    def _frames(self, job: Job, unit: Unit, infos: list[ObjectInfo]) -> list[Item]:
        frames = []
        for file, info in zip(unit.files, infos, strict=True):
            part = Unit(type=MEDIA_TYPES[unit.type.members or unit.type.name], title=file.title)
            frame = self._item(job, part, file, info)
            frame.hidden = True
            frame.url_key = None
            frames.append(frame)
        return frames

    def _grouped_items(self, unit: Unit) -> list[Item]:
        images = []
        for uuid in unit.from_items or ():
            image = self._items.get(uuid)
            if image is None or image.type.name != unit.type.members:
                raise UnitFailedError(f"Item {uuid} is not an image that you have access to")
            images.append(image)
        return images

    def _item(self, job: Job, unit: Unit, file: File | None, info: ObjectInfo) -> Item:
        url = file.url if file else None
        upload = self._upload_of(job, file) if file else None
        if unit.title:
            name = unit.title
        elif file and file.title:
            name = file.title
        elif url:
            name = title_from_url(url, whole_path=self._store.settings.default_title == "path")
        else:
            # "If unspecified, this will be randomly generated": the SDK's StorageFolder.create_image_group and its kin.
            name = self._store.chance.uuid()
        if upload is not None:
            location = StorageLocation.ENCORD
        elif job.integration is not None:
            location = job.integration.location
        else:
            location = StorageLocation.DIRECT_ACCESS if url else StorageLocation.ENCORD
        media: dict[str, Any] = dict(file.media) if file and file.media else {}
        return self._items.make(
            uuid=upload.uuid if upload else None,
            type=unit.type,
            name=name,
            folder=job.folder,
            owner=job.owner,
            url=upload.object_key if upload else url,
            url_key=unit.url_key(),
            integration=job.integration.uuid if job.integration and not upload else None,
            location=location,
            metadata=unit.metadata,
            mime_type=media.pop("mimeType", None) or _mime_type(url, info),
            file_size=media.pop("fileSize", None) or info.size,
            media=media or None,
            extra=unit.extra,
        )


def _mime_type(url: str | None, info: ObjectInfo) -> str | None:
    by_name = MEDIA_TYPES.mime_type_of(title_from_url(url, whole_path=False)) if url else None
    return by_name or info.content_type


def _media_of_group(unit: Unit, children: list[Item]) -> dict[str, Any]:
    first = (children[0].media or {}) if children else {}
    media: dict[str, Any] = {"frameCount": len(children)}
    for field in unit.type.from_members:
        if field in first:
            media[field] = first[field]
    if unit.type.frame_rate:
        media["fps"] = unit.type.frame_rate
        media["duration"] = len(children) / unit.type.frame_rate
    return media
