"""Media metadata: what Encord would otherwise find out by downloading and reading a file.

With it Encord neither downloads nor checks the file, which strict client-only access requires; wrong values put
labels on wrong frames. Encord's JSON has no place for the media metadata of a group's single files, its structured
form has one: parts carry it as ``imageMetadata_{n}`` and ``dicomMetadata_{n}``, beside ``objectUrl_{n}``.

Which fields a media type has stands in its record, see :mod:`encord_provider.upload_spec.media_types`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from encord_provider.text.shown import shown
from encord_provider.upload_spec.media_types import DicomTags, MediaType
from encord_provider.upload_spec.problems import Problem

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


def media_metadata_problems(media_type: MediaType, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what is wrong with the media metadata of a unit that is one file.

    :param media_type: the type of the unit.
    :param metadata: its media metadata.
    :returns: the findings; their paths begin with the field of the unit's item.
    """
    if media_type.metadata_key is None or media_type.is_grouped:
        yield Problem((), f"a unit of type {media_type} takes no media metadata")
    else:
        yield from _field_problems(media_type.metadata_key, metadata, media_type.metadata_fields)


def file_metadata_problems(
    media_type: MediaType, metadata: tuple[Mapping[str, Any] | None, ...], *, files: int
) -> Iterator[Problem]:
    """Find what is wrong with the media metadata of the single files of a group, sequence or series.

    :param media_type: the type of the unit.
    :param metadata: one mapping or None per file.
    :param files: how many files the unit has.
    :returns: the findings; their paths begin with the field of the unit's item.
    """
    if media_type.metadata_key is None or not media_type.is_grouped:
        yield Problem((), f"a unit of type {media_type} takes no metadata per file")
        return
    if len(metadata) != files:
        yield Problem((), f"media metadata for {len(metadata)} files, but the unit has {files}")
        return
    for position, one in enumerate(metadata):
        if one is not None:
            name = f"{media_type.metadata_key}_{position}"
            yield from _field_problems(name, one, media_type.metadata_fields)


def _field_problems(name: str, metadata: Any, fields: Mapping[str, type]) -> Iterator[Problem]:
    if not isinstance(metadata, Mapping):
        yield Problem((name,), f"{name} must be an object")
        return
    if missing := [field for field in fields if field not in metadata]:
        yield Problem((name,), f"{name} lacks {', '.join(missing)}")
    for field, value in metadata.items():
        wanted = fields.get(field)
        if wanted is None:
            yield Problem((name, field), f"{name} has no field {field!r}; it takes {', '.join(fields)}")
        elif wanted is DicomTags:
            yield from _tag_problems(name, field, value)
        elif problem := _value_problem(field, value, wanted):
            yield Problem((name, field), f"{name}.{field} {problem}")


def _value_problem(field: str, value: Any, wanted: type) -> str | None:
    if wanted is str:
        return None if isinstance(value, str) and value else f"must be text, got {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not _fits(value):
        return f"must be a number, got {shown(value)}"
    if wanted is int and not float(value).is_integer():
        return f"must be a whole number, got {value!r}"
    if value < 0 or (value == 0 and field not in _MAY_BE_ZERO):
        return f"must be {'at least' if field in _MAY_BE_ZERO else 'greater than'} zero, got {value!r}"
    return None


def _fits(value: float) -> bool:
    return value.bit_length() < 64 if isinstance(value, int) else math.isfinite(value)


def _tag_problems(name: str, field: str, tags: Any) -> Iterator[Problem]:
    if not isinstance(tags, Mapping):
        yield Problem((name, field), f"{name}.{field} must be an object of DICOM tags, got {shown(tags)}")
        return
    if missing := sorted(DICOM_TAGS - set(tags)):
        yield Problem((name, field), f"{name}.{field} lacks {', '.join(missing)} (null is allowed)")
    for tag, element in tags.items():
        if not _TAG.fullmatch(tag):
            message = f"{name}.{field}: {tag!r} is not a DICOM tag of 8 hexadecimal digits"
            yield Problem((name, field, tag), message)
        elif element is not None and not isinstance(element, Mapping):
            yield Problem((name, field, tag), f"{name}.{field}.{tag} must be an object or null")
