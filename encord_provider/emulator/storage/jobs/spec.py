"""The upload specification: from the two forms that the API takes to units of work.

The manifest (``externalFiles``) is the JSON that users upload by hand; the structured form (``dataItems``) is what
the SDK makes of its ``DataUploadItems``. They differ in names and in one default: an image group without
``createVideo`` is a sequence in a manifest and a group in the structured form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from encord_provider.emulator.core.errors import MalformedRequestError, bad_request
from encord_provider.emulator.core.params import camel
from encord_provider.emulator.core.settings import Settings
from encord_provider.emulator.storage.items.item import MAX_METADATA_BYTES, MAX_TITLE, metadata_text
from encord_provider.emulator.storage.jobs.units import File, Spec, Unit
from encord_provider.emulator.storage.media_metadata import MediaError
from encord_provider.emulator.storage.media_types import MEDIA_TYPES, MediaType

MAX_UNITS = 500_000
MAX_URLS = 1_000_000
MAX_URL_BYTES = 16 * 1024

_NUMBERED_URL = re.compile(r"objectUrl_(\d+)")
_WHITESPACE = re.compile(r"\s")


def parse_spec(body: Mapping[str, Any], settings: Settings) -> Spec:
    """Read the body of a request that starts an upload job.

    :raises ApiError: the document is not of the documented shape, or breaks a limit (unless
        ``settings.invalid_units`` says that only the unit fails), or holds nothing (unless ``settings.empty_uploads``
        accepts that).
    """
    files, items = body.get("externalFiles"), body.get("dataItems")
    if (files is None) == (items is None):
        raise bad_request("give either externalFiles or dataItems")
    manifest = items is None
    document = files if manifest else items
    where = "externalFiles" if manifest else "dataItems"
    if not isinstance(document, dict):
        raise MalformedRequestError(("body", where), "expected a JSON object")
    units: list[Unit] = []
    flags = {"skipDuplicateUrls": False, "upsertMetadata": False}
    url_count = 0
    for key, value in document.items():
        name = MEDIA_TYPES.aliases.get(key, key) if manifest else key
        flag = camel(key) if manifest else key
        if flag in flags:
            if not isinstance(value, bool):
                raise MalformedRequestError(("body", where, key), "expected true or false")
            flags[flag] = value
            continue
        if name not in MEDIA_TYPES.by_array:
            known = ", ".join(sorted(MEDIA_TYPES.by_array))
            raise bad_request(f"{where} holds an unknown key {key!r}; known are {known}")
        if not isinstance(value, list):
            raise MalformedRequestError(("body", where, key), "expected a list")
        if len(units) + len(value) > MAX_UNITS:
            raise bad_request(f"an upload may hold {MAX_UNITS:,} items at most")
        for position, entry in enumerate(value):
            unit = _unit(entry, name, ("body", where, key, position), manifest, settings)
            url_count += len(unit.files)
            units.append(unit)
    if not units and settings.empty_uploads == "refuse":
        raise bad_request(f"{where} holds no unit")
    if url_count > MAX_URLS:
        raise bad_request(f"an upload may hold {MAX_URLS:,} URLs at most, this one has {url_count:,}")
    return Spec(
        units, skip_duplicate_urls=flags["skipDuplicateUrls"], upsert_metadata=flags["upsertMetadata"]
    )


def _unit(entry: Any, name: str, where: tuple[str | int, ...], manifest: bool, settings: Settings) -> Unit:
    if not isinstance(entry, dict):
        raise MalformedRequestError(where, "expected a JSON object")
    kind = MEDIA_TYPES.by_array[name]
    unit = Unit(type=kind)
    try:
        _read_common(unit, entry)
        if name == kind.items_array:
            unit.type = _made_of(kind, entry.get("createVideo"))
            unit.from_items = _uuids(entry.get("imageItems"))
        elif kind.members:
            create_video = entry.get("createVideo", manifest)
            if kind.as_video and not isinstance(create_video, bool):
                raise _InvalidUnitError("createVideo must be true or false")
            unit.type = _made_of(kind, create_video)
            unit.files = list(_files(entry, kind, manifest, settings))
        elif kind.urls_in:
            _read_nested(unit, entry, kind.urls_in)
        else:
            unit.files = [_file(entry, entry.get("objectUrl"), kind, "objectUrl")]
            unit.extra = kind.read_settings(entry)
        if unit.title is None and unit.from_items is None and (kind.members or kind.urls_in):
            local = all(file.placeholder for file in unit.files) and not kind.urls_in
            if not local:
                raise _InvalidUnitError("a title is required")
    except (_InvalidUnitError, MediaError) as error:
        place = ".".join(str(part) for part in where[1:])
        if settings.invalid_units == "refuse":
            raise bad_request(f"{place}: {error}") from None
        unit.problem = str(error)
        if not unit.files:
            unit.files = [File(url=str(url)) for url in _all_urls(entry)]
    return unit


def _made_of(kind: MediaType, create_video: Any) -> MediaType:
    return MEDIA_TYPES[kind.as_video] if kind.as_video and create_video else kind


class _InvalidUnitError(Exception):
    """A unit breaks a documented rule."""


def _read_common(unit: Unit, entry: Mapping[str, Any]) -> None:
    title = entry.get("title")
    if title is not None and not isinstance(title, str):
        raise _InvalidUnitError("title must be a string")
    unit.title = title or None
    if title and len(title) > MAX_TITLE:
        raise _InvalidUnitError(f"title has {len(title)} characters, the limit is {MAX_TITLE}")
    metadata = entry.get("clientMetadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise _InvalidUnitError("clientMetadata must be a JSON object")
    unit.metadata = metadata_text(metadata)
    if len(unit.metadata) > MAX_METADATA_BYTES // 4 and len(unit.metadata.encode()) > MAX_METADATA_BYTES:
        raise _InvalidUnitError("clientMetadata is larger than 10 MB")


def _files(entry: Mapping[str, Any], group: MediaType, manifest: bool, settings: Settings) -> Iterator[File]:
    key, kind = group.members_key, MEDIA_TYPES[group.members or group.name]
    if manifest and key not in entry:
        numbered = sorted(
            (int(match[1]), name) for name in entry if (match := _NUMBERED_URL.fullmatch(name)) is not None
        )
        if not numbered:
            raise _InvalidUnitError("objectUrl_0 is missing")
        numbers = [number for number, _ in numbered]
        if settings.require_contiguous_urls and numbers != list(range(len(numbers))):
            raise _InvalidUnitError("objectUrl_{n} must count from 0 without gaps")
        for _, name in numbered:
            yield _file({}, entry[name], kind, name)
        return
    parts = entry.get(key)
    if not isinstance(parts, list) or not parts:
        raise _InvalidUnitError(f"{key} must be a list that is not empty")
    for position, part in enumerate(parts):
        if not isinstance(part, dict):
            raise _InvalidUnitError(f"{key}.{position} must be a JSON object")
        yield _file(part, part.get("url"), kind, f"{key}.{position}.url")


def _file(entry: Mapping[str, Any], url: Any, kind: MediaType, where: str) -> File:
    if not isinstance(url, str) or not url:
        raise _InvalidUnitError(f"{where} is missing")
    if len(url) > MAX_URL_BYTES // 4 and len(url.encode()) > MAX_URL_BYTES:
        raise _InvalidUnitError(f"{where} is longer than 16 KB")
    placeholder = entry.get("placeholderItemUuid")
    if placeholder is None and _WHITESPACE.search(url):
        raise _InvalidUnitError(f"{where} contains whitespace: {url!r}")
    media = entry.get(kind.metadata.key) if kind.metadata else None
    if kind.metadata and media is not None and not isinstance(media, dict):
        raise MediaError(f"{kind.metadata.key} must be a JSON object")
    title = entry.get("title")
    return File(
        url=url,
        title=title if isinstance(title, str) and title else None,
        placeholder=placeholder,
        media=kind.metadata.read(media) if kind.metadata and media is not None else None,
    )


def _read_nested(unit: Unit, entry: Mapping[str, Any], key: str) -> None:
    described = entry.get(key)
    if not isinstance(described, dict):
        raise _InvalidUnitError(f"{key} must be a JSON object")
    unit.files = [File(url=url) for url in _nested_urls(described)]
    unit.extra = {key: orjson.dumps(described).decode()}


def _nested_urls(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("uri", "url") and isinstance(inner, str):
                yield inner
            else:
                yield from _nested_urls(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nested_urls(inner)


def _uuids(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(uuid, str) for uuid in value):
        raise _InvalidUnitError("imageItems must be a list of item UUIDs that is not empty")
    return value


def _all_urls(entry: Mapping[str, Any]) -> Iterator[Any]:
    for key, value in entry.items():
        if key == "objectUrl" or _NUMBERED_URL.fullmatch(key):
            yield value
        elif key in MEDIA_TYPES.members_keys and isinstance(value, list):
            yield from (part["url"] for part in value if isinstance(part, dict) and part.get("url"))
