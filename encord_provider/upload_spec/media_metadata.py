"""Media metadata: what Encord would otherwise find out by downloading and reading a file.

With it Encord neither downloads nor checks the file, which strict client-only access requires; wrong values put
labels on wrong frames. Source of the fields: the ``CustomerProvided*Metadata`` classes of Encord's SDK.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from encord_provider.text.shown import shown
from encord_provider.upload_spec.media_types import MediaType

Problem = tuple[tuple[str, ...], str]

_IMAGE = MappingProxyType({"mime_type": str, "file_size": int, "height": int, "width": int})

FIELDS: Mapping[MediaType, Mapping[str, type]] = MappingProxyType(
    {
        MediaType.VIDEO: MappingProxyType(
            {
                "fps": float,
                "duration": float,
                "width": int,
                "height": int,
                "file_size": int,
                "mime_type": str,
            }
        ),
        MediaType.IMAGE: _IMAGE,
        MediaType.AUDIO: MappingProxyType(
            {
                "duration": float,
                "file_size": int,
                "mime_type": str,
                "sample_rate": int,
                "bit_depth": int,
                "codec": str,
                "num_channels": int,
            }
        ),
        MediaType.TEXT: MappingProxyType({"file_size": int, "mime_type": str}),
        MediaType.PDF: MappingProxyType({"file_size": int, "num_pages": int}),
    }
)
"""All fields are required. fps is in frames per second, duration in seconds, file_size in bytes, sample_rate in
hertz, bit_depth in bits, width and height in pixels."""

MANIFEST_KEYS: Mapping[MediaType, str] = MappingProxyType(
    {
        MediaType.VIDEO: "videoMetadata",
        MediaType.IMAGE: "imageMetadata",
        MediaType.AUDIO: "audioMetadata",
        MediaType.TEXT: "textMetadata",
        MediaType.PDF: "pdfMetadata",
    }
)

FILE_METADATA_KEYS: Mapping[MediaType, str] = MappingProxyType(
    {
        MediaType.IMAGE_GROUP: "imageMetadata",
        MediaType.IMAGE_SEQUENCE: "imageMetadata",
        MediaType.DICOM_SERIES: "dicomMetadata",
    }
)
"""Encord's JSON has no place for the media metadata of a group's single files, its structured form has one.
Parts carry it as ``imageMetadata_{n}`` and ``dicomMetadata_{n}``, beside ``objectUrl_{n}``."""

DICOM_TAGS = frozenset(
    {
        "00080018",  # SOPInstanceUID
        "00100020",  # PatientID
        "00180050",  # SliceThickness
        "00181114",  # EstimatedRadiographicMagnificationFactor
        "00181164",  # ImagerPixelSpacing
        "0020000D",  # StudyInstanceUID
        "0020000E",  # SeriesInstanceUID
        "00200013",  # InstanceNumber
        "00200032",  # ImagePositionPatient
        "00200037",  # ImageOrientationPatient
        "00209113",  # PlanePositionSequence
        "00209116",  # PlaneOrientationSequence
        "00280004",  # PhotometricInterpretation
        "00280008",  # NumberOfFrames
        "00280010",  # Rows
        "00280011",  # Columns
        "00280030",  # PixelSpacing
        "00281050",  # WindowCenter
        "00281051",  # WindowWidth
        "00289110",  # PixelMeasuresSequence
        "52009229",  # SharedFunctionalGroupsSequence
        "52009230",  # PerFrameFunctionalGroupsSequence
    }
)
"""Every one of them must be a key of ``tags``; its value is what pydicom's ``to_json_dict()`` gives, or null."""

_MAY_BE_ZERO = frozenset({"duration", "file_size"})
_TAG = re.compile(r"[0-9A-F]{8}")


def media_metadata_problems(
    media_type: MediaType, metadata: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find what is wrong with the media metadata of a unit that is one file.

    :param media_type: the type of the unit.
    :param metadata: its media metadata.
    :returns: the path of the field in the manifest's item, and a sentence.
    """
    if media_type not in FIELDS:
        yield (), f"a unit of type {media_type} takes no media metadata"
        return
    name = MANIFEST_KEYS[media_type]
    yield from _field_problems(name, metadata, FIELDS[media_type])


def file_metadata_problems(
    media_type: MediaType, metadata: tuple[Mapping[str, Any] | None, ...], *, files: int
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find what is wrong with the media metadata of the single files of a group, sequence or series.

    :param media_type: the type of the unit.
    :param metadata: one mapping or None per file.
    :param files: how many files the unit has.
    :returns: the path of the field in the manifest's item, and a sentence.
    """
    if media_type not in FILE_METADATA_KEYS:
        yield (), f"a unit of type {media_type} takes no metadata per file"
        return
    if len(metadata) != files:
        yield (), f"media metadata for {len(metadata)} files, but the unit has {files}"
        return
    for position, one in enumerate(metadata):
        if one is None:
            continue
        name = f"{FILE_METADATA_KEYS[media_type]}_{position}"
        if media_type is MediaType.DICOM_SERIES:
            yield from _dicom_problems(name, one)
        else:
            yield from _field_problems(name, one, _IMAGE)


def _field_problems(name: str, metadata: Any, fields: Mapping[str, type]) -> Iterator[Problem]:
    if not isinstance(metadata, Mapping):
        yield (name,), f"{name} must be an object"
        return
    if missing := [field for field in fields if field not in metadata]:
        yield (name,), f"{name} lacks {', '.join(missing)}"
    for field, value in metadata.items():
        wanted = fields.get(field)
        if wanted is None:
            yield (name, field), f"{name} has no field {field!r}; it takes {', '.join(fields)}"
        elif problem := _value_problem(field, value, wanted):
            yield (name, field), f"{name}.{field} {problem}"


def _value_problem(field: str, value: Any, wanted: type) -> str | None:
    if wanted is str:
        return None if isinstance(value, str) and value else f"must be text, got {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"must be a number, got {shown(value)}"
    if wanted is int and not float(value).is_integer():
        return f"must be a whole number, got {value!r}"
    if value < 0 or (value == 0 and field not in _MAY_BE_ZERO):
        return f"must be {'at least' if field in _MAY_BE_ZERO else 'greater than'} zero, got {value!r}"
    return None


def _dicom_problems(name: str, metadata: Any) -> Iterator[Problem]:
    tags = metadata.get("tags") if isinstance(metadata, Mapping) else None
    if not isinstance(tags, Mapping) or set(metadata) != {"tags"}:
        yield (name,), f'{name} must be {{"tags": {{...}}}}'
        return
    if missing := sorted(DICOM_TAGS - set(tags)):
        yield (name, "tags"), f"{name}.tags lacks {', '.join(missing)} (null is allowed)"
    for tag, element in tags.items():
        if not _TAG.fullmatch(tag):
            yield (name, "tags", tag), f"{name}.tags: {tag!r} is no DICOM tag of 8 hexadecimal digits"
        elif element is not None and not isinstance(element, Mapping):
            yield (name, "tags", tag), f"{name}.tags.{tag} must be an object or null"
