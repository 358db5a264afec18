"""The structured form in which an upload spec is sent: the body's ``dataItems``.

Its field names are certain for every type, which those of the JSON file are not. The form is the one that
``encord.orm.storage.DataUploadItems.to_dict()`` gives; a test holds both together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from encord_provider.listing.object_urls import file_name
from encord_provider.upload_spec.data_units import MAX_TITLE_CHARACTERS, DataUnit, UploadSpec
from encord_provider.upload_spec.media_metadata import FIELDS
from encord_provider.upload_spec.media_types import MediaType

_LISTS = {
    MediaType.VIDEO: "videos",
    MediaType.IMAGE_GROUP: "imageGroups",
    MediaType.IMAGE_SEQUENCE: "imageGroups",
    MediaType.DICOM_SERIES: "dicomSeries",
    MediaType.IMAGE: "images",
    MediaType.AUDIO: "audio",
    MediaType.TIME_SERIES: "timeSeries",
    MediaType.NIFTI: "nifti",
    MediaType.TEXT: "text",
    MediaType.PDF: "pdf",
    MediaType.SCENE: "scenes",
}
_UNUSED = "imageGroupsFromItems"

_FILE_TYPES = {
    MediaType.VIDEO: "VIDEO",
    MediaType.IMAGE: "IMAGE",
    MediaType.IMAGE_GROUP: "IMG_GROUP",
    MediaType.IMAGE_SEQUENCE: "IMG_GROUP",
    MediaType.DICOM_SERIES: "DICOM",
    MediaType.AUDIO: "AUDIO",
    MediaType.TIME_SERIES: "TIMESERIES",
    MediaType.NIFTI: "NIFTI",
    MediaType.TEXT: "PLAIN_TEXT",
    MediaType.PDF: "PDF",
    MediaType.SCENE: "SCENE",
}


def to_data_items(spec: UploadSpec, *, upsert_metadata: bool = False) -> dict[str, Any]:
    """Write an upload spec as the ``dataItems`` of an upload job.

    :param spec: the upload spec.
    :param upsert_metadata: whether Encord refreshes the metadata of items that the folder already holds; it does
        so only together with ``skip_duplicate_urls``.
    :returns: a JSON object with every list present, ``createVideo`` always explicit and no null beside those
        that client metadata holds.
    """
    body: dict[str, Any] = {name: [] for name in (*_LISTS.values(), _UNUSED)}
    for unit in spec.units:
        body[_LISTS[unit.media_type]].append(_item(unit))
    return {
        **body,
        "skipDuplicateUrls": spec.skip_duplicate_urls,
        "upsertMetadata": upsert_metadata,
        **spec.extra,
    }


def _item(unit: DataUnit) -> dict[str, Any]:
    item: dict[str, Any] = {
        "clientMetadata": dict(unit.client_metadata),
        "externalFileType": _FILE_TYPES[unit.media_type],
    }
    if unit.title is not None:
        item["title"] = unit.title
    if unit.media_type is MediaType.SCENE:
        item["scene"] = unit.scene
    elif unit.media_type is MediaType.DICOM_SERIES:
        item["dicomFiles"] = _files(unit, "dicomMetadata", lambda one: {"tags": one["tags"]})
    elif unit.media_type.is_grouped:
        item["images"] = _files(unit, "imageMetadata", lambda one: _media_metadata(MediaType.IMAGE, one))
        item["createVideo"] = unit.media_type is MediaType.IMAGE_SEQUENCE
    else:
        item["objectUrl"] = unit.urls[0]
    if unit.media_metadata is not None:
        item[f"{unit.media_type.value}Metadata"] = _media_metadata(unit.media_type, unit.media_metadata)
    if unit.settings is not None:
        item["settings"] = unit.settings
    item.update(unit.extra)
    return item


def _files(
    unit: DataUnit, name: str, to_wire: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = [{"url": url} for url in unit.urls]
    if unit.media_type is MediaType.DICOM_SERIES:
        # The SDK's class for a DICOM file demands the key, unlike that for an image of a group.
        for file in files:
            file["title"] = file_name(file["url"])[:MAX_TITLE_CHARACTERS]
    for file, metadata in zip(files, unit.file_metadata, strict=False):
        if metadata is not None:
            file[name] = to_wire(metadata)
    return files


def _media_metadata(media_type: MediaType, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel_case(name): kind(metadata[name]) for name, kind in FIELDS[media_type].items()}


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
