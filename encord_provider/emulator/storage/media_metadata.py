"""Media metadata given with an upload, which Encord trusts instead of reading the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from encord_provider.emulator.core.params import snake

_TAGS = (
    "00080018 00100020 00180050 00181114 00181164 0020000D 0020000E 00200013 00200032 00200037 00209113 00209116 "
    "00280004 00280008 00280010 00280011 00280030 00281050 00281051 00289110 52009229 52009230"
)
_DICOM_TAGS = frozenset(_TAGS.split())
"""The tags that ``dicomMetadata`` must name, though their values may be null."""


class MediaError(ValueError):
    """The media metadata is incomplete or of the wrong types."""


class MediaMetadata(Protocol):
    """How the media metadata of one type of file is read."""

    @property
    def key(self) -> str:
        """Name of the object in an upload spec."""

    @property
    def item_fields(self) -> list[str]:
        """The fields of an item that it fills."""

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of the item; ``MediaError`` if something is missing or of the wrong type."""


@dataclass(frozen=True)
class TypedMetadata:
    """Media metadata as an object of values.

    :param key: name of the object in an upload spec.
    :param fields: field as the client names it -> its type, and the item's field that it fills.
    :param derive: more fields of the item, made of those.
    """

    key: str
    fields: Mapping[str, tuple[type, str]]
    derive: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {}

    @property
    def item_fields(self) -> list[str]:
        """The fields of an item that it fills."""
        return [target for _, target in self.fields.values()]

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check media metadata and turn it into fields of the item.

        :param given: the object as sent, with names in camelCase (structured form) or snake_case (manifest).
        :raises MediaError: a field is missing or of the wrong type.
        """
        media: dict[str, Any] = {}
        for name, (kind, target) in self.fields.items():
            value = given.get(name, given.get(snake(name)))
            if value is None:
                raise MediaError(
                    f"{self.key}.{name} is missing; Encord needs all of {', '.join(self.fields)}"
                )
            if kind is float and isinstance(value, int):
                value = float(value)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise MediaError(f"{self.key}.{name} must be a {kind.__name__}, not {value!r}")
            media[target] = value
        return media | self.derive(media)


@dataclass(frozen=True)
class DicomMetadata:
    """Media metadata as DICOM tags in the DICOM JSON model.

    :param fields: the item's field -> the tag that fills it.
    """

    key: str
    fields: Mapping[str, str]

    @property
    def item_fields(self) -> list[str]:
        """The fields of an item that it fills."""
        return list(self.fields)

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check the tags and turn them into fields of the item.

        :raises MediaError: a tag is missing.
        """
        tags = given.get("tags")
        if not isinstance(tags, dict):
            raise MediaError(f"{self.key}.tags must be a JSON object")
        missing = _DICOM_TAGS - tags.keys()
        if missing:
            raise MediaError(f"{self.key}.tags lacks {', '.join(sorted(missing))}")
        found = {field: _tag_value(tags[tag]) for field, tag in self.fields.items()}
        return {field: value for field, value in found.items() if value is not None}


def time_series_settings(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an item keeps of the ``settings`` of a time series in an upload spec; ``None`` if there are none.

    :raises MediaError: they do not map 100 channels at most.
    """
    settings = entry.get("settings")
    if settings is None:
        return None
    channels = settings.get("channels") if isinstance(settings, dict) else None
    if not isinstance(channels, dict) or len(channels) > 100:
        raise MediaError("settings.channels must map at most 100 channels")
    return {"timeseriesSettings": settings}


def _tag_value(element: Any) -> Any:
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None
