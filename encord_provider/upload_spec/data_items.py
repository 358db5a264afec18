"""The structured form in which an upload spec is sent: the body's ``dataItems``.

Its field names are certain for every type, which those of the JSON file are not. The form is the one that
``encord.orm.storage.DataUploadItems.to_dict()`` gives; a test holds both together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encord_provider.listing.object_urls import file_name
from encord_provider.upload_spec.data_units import MAX_TITLE_CHARACTERS, DataUnit, UploadSpec
from encord_provider.upload_spec.media_types import MEDIA_TYPES, MediaType

_UNUSED = "imageGroupsFromItems"


def to_data_items(spec: UploadSpec) -> dict[str, Any]:
    """Write an upload spec as the ``dataItems`` of an upload job.

    :param spec: the upload spec.
    :returns: a JSON object with every list present, ``createVideo`` always explicit and no null beside those
        that client metadata holds.
    """
    body: dict[str, Any] = {one.wire_list: [] for one in MEDIA_TYPES.values()}
    for unit in spec.units:
        body[unit.media_type.wire_list].append(_item(unit))
    return {
        **body,
        _UNUSED: [],
        "skipDuplicateUrls": spec.skip_duplicate_urls,
        "upsertMetadata": False,
        **spec.extra,
    }


def _item(unit: DataUnit) -> dict[str, Any]:
    media_type = unit.media_type
    item: dict[str, Any] = {
        "clientMetadata": dict(unit.client_metadata),
        "externalFileType": media_type.external_file_type,
    }
    if unit.title is not None:
        item["title"] = unit.title
    if media_type.files_list is not None:
        item[media_type.files_list] = _files(unit)
    elif media_type.urls_in is None:
        item["objectUrl"] = unit.urls[0]
    if media_type.create_video is not None:
        item["createVideo"] = media_type.create_video
    if unit.media_metadata is not None and media_type.metadata_key is not None:
        item[media_type.metadata_key] = _media_metadata(media_type, unit.media_metadata)
    item.update(unit.fields)
    item.update(unit.extra)
    return item


def _files(unit: DataUnit) -> list[dict[str, Any]]:
    media_type = unit.media_type
    files: list[dict[str, Any]] = [{"url": url} for url in unit.urls]
    if media_type.files_titled:
        for file in files:
            file["title"] = file_name(file["url"])[:MAX_TITLE_CHARACTERS]
    for file, metadata in zip(files, unit.file_metadata, strict=False):
        if metadata is not None and media_type.metadata_key is not None:
            file[media_type.metadata_key] = _media_metadata(media_type, metadata)
    return files


def _media_metadata(media_type: MediaType, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel_case(name): kind(metadata[name]) for name, kind in media_type.metadata_fields.items()}


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
