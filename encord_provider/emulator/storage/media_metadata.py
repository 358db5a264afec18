"""Media metadata given with an upload, which Encord trusts instead of reading the file."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.storage.media_types import ItemType

DICOM_TAGS = frozenset(
    {
        "00080018",
        "00100020",
        "00180050",
        "00181114",
        "00181164",
        "0020000D",
        "0020000E",
        "00200013",
        "00200032",
        "00200037",
        "00209113",
        "00209116",
        "00280004",
        "00280008",
        "00280010",
        "00280011",
        "00280030",
        "00281050",
        "00281051",
        "00289110",
        "52009229",
        "52009230",
    }
)
"""The tags that ``dicomMetadata`` must name, though their values may be null."""

_FIELDS: dict[ItemType, dict[str, tuple[type, str]]] = {
    ItemType.VIDEO: {
        "fps": (float, "fps"),
        "duration": (float, "duration"),
        "width": (int, "width"),
        "height": (int, "height"),
        "fileSize": (int, "fileSize"),
        "mimeType": (str, "mimeType"),
    },
    ItemType.IMAGE: {
        "mimeType": (str, "mimeType"),
        "fileSize": (int, "fileSize"),
        "height": (int, "height"),
        "width": (int, "width"),
    },
    ItemType.AUDIO: {
        "duration": (float, "duration"),
        "fileSize": (int, "fileSize"),
        "mimeType": (str, "mimeType"),
        "sampleRate": (int, "audioSampleRate"),
        "bitDepth": (int, "audioBitDepth"),
        "codec": (str, "audioCodec"),
        "numChannels": (int, "audioNumChannels"),
    },
    ItemType.PLAIN_TEXT: {"fileSize": (int, "fileSize"), "mimeType": (str, "mimeType")},
    ItemType.PDF: {"fileSize": (int, "fileSize"), "numPages": (int, "frameCount")},
}
"""By type: the field as the client names it -> its type, and the item's field that it fills."""


class MediaError(ValueError):
    """The media metadata is incomplete or of the wrong types."""


def read_media(type: ItemType, given: Any, where: str) -> dict[str, Any]:
    """Check media metadata and turn it into fields of the item.

    :param given: the object as sent, with names in camelCase (structured form) or snake_case (manifest).
    :param where: name of the object, for error messages.
    :raises MediaError: a field is missing or of the wrong type.
    """
    if not isinstance(given, dict):
        raise MediaError(f"{where} must be a JSON object")
    if type is ItemType.DICOM_FILE:
        return _read_dicom(given, where)
    media: dict[str, Any] = {}
    for name, (kind, target) in _FIELDS[type].items():
        value = given.get(name, given.get(_snake(name)))
        if value is None:
            raise MediaError(f"{where}.{name} is missing; Encord needs all of {', '.join(_FIELDS[type])}")
        if kind is float and isinstance(value, int):
            value = float(value)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise MediaError(f"{where}.{name} must be a {kind.__name__}, not {value!r}")
        media[target] = value
    if type is ItemType.VIDEO:
        media["frameCount"] = round(media["fps"] * media["duration"])
    return media


def _read_dicom(given: dict[str, Any], where: str) -> dict[str, Any]:
    tags = given.get("tags")
    if not isinstance(tags, dict):
        raise MediaError(f"{where}.tags must be a JSON object")
    missing = DICOM_TAGS - tags.keys()
    if missing:
        raise MediaError(f"{where}.tags lacks {', '.join(sorted(missing))}")
    fields = {
        "dicomInstanceUid": "00080018",
        "dicomStudyUid": "0020000D",
        "dicomSeriesUid": "0020000E",
        "height": "00280010",
        "width": "00280011",
    }
    return {field: value for field, tag in fields.items() if (value := _tag_value(tags[tag])) is not None}


def _tag_value(element: Any) -> Any:
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
