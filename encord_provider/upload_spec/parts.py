"""An upload spec in parts: bounded, deterministic files that a user can open, and an index over them.

::

    <workspace>/<name>/
        part-00000.json    Encord's JSON form, one data unit per line
        part-00001.json
        skipped.jsonl      the objects that are in no part, each with the reason
        index.json         the parts with counts and sha256; written last

The same data units of the same window give the same bytes: nothing in them depends on the time, the run or the place.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Protocol

import orjson

from encord_provider.exceptions import UploadSpecError
from encord_provider.text.secrets import redacted
from encord_provider.text.shown import shown
from encord_provider.text.stored import opened
from encord_provider.text.strict_json import loads
from encord_provider.upload_spec.data_units import (
    MAX_UNITS_PER_FILE,
    MAX_URLS_PER_FILE,
    DataUnit,
    Skipped,
    SkippedObjects,
    UploadSpec,
    unit_problems,
)
from encord_provider.upload_spec.json_form import SKIP_DUPLICATE_URLS, parse_manifest, read_manifest, to_item
from encord_provider.upload_spec.media_types import MEDIA_TYPES

INDEX_NAME = "index.json"
SKIPPED_NAME = "skipped.jsonl"
INDEX_VERSION = 1

DEFAULT_UNITS_PER_PART = 1000
"""Source: Encord's best practices (1,000 images per upload)."""

DEFAULT_BYTES_PER_PART = 100_000_000
"""A part is held in memory when it is written and when it is sent; a thousand units may have gigabytes of metadata."""

_BETWEEN = len(",\n")


class Workspace(Protocol):
    """What is needed of a folder: ``pathlib.Path`` and Airflow's ``ObjectStoragePath`` have it."""

    @property
    def parent(self) -> Any:
        """The folder that this path is in."""
        ...

    def __truediv__(self, name: str) -> Any:
        """The path of something in this folder."""
        ...

    def open(self, mode: str) -> Any:
        """Open the file at this path.

        :param mode: ``rb`` or ``wb``.
        :returns: the open file.
        """
        ...

    def mkdir(self, *, parents: bool, exist_ok: bool) -> None:
        """Create the folder.

        :param parents: whether to create the folders above it too.
        :param exist_ok: whether it may exist.
        """
        ...

    def read_bytes(self) -> bytes:
        """Read the file at this path.

        :returns: its content.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class SpecPart:
    """One part of an upload spec.

    :param name: its file name.
    :param uri: where it is.
    :param units: how many data units it holds.
    :param urls: how many object URLs they have.
    :param counts: data units by media type.
    :param sha256: the hexadecimal SHA-256 of the file.
    :param bytes: the size of the file.
    """

    name: str
    uri: str
    units: int
    urls: int
    counts: Mapping[str, int]
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class SpecIndex:
    """What an upload spec consists of.

    :param uri: where the index is.
    :param skipped_uri: where the list of objects left out is.
    :param parts: the parts in order.
    :param counts: data units by media type.
    :param units: data units in all parts.
    :param urls: object URLs in all parts.
    :param skipped: how many objects were left out.
    :param skip_duplicate_urls: whether Encord leaves out what the folder already holds.
    :param window: the stretch of time to which the objects belong, as whoever built the spec wrote it; None where it
        was not built for one.
    :param places: the URIs of what the spec was built from: where the objects were listed, and the tables.
    """

    uri: str
    skipped_uri: str
    parts: tuple[SpecPart, ...]
    counts: Mapping[str, int]
    units: int
    urls: int
    skipped: int
    skip_duplicate_urls: bool
    window: Mapping[str, str] | None = None
    places: tuple[str, ...] = ()


def write_parts(
    units: Iterable[DataUnit],
    workspace: Workspace,
    *,
    name: str = "spec",
    max_units_per_part: int | Mapping[str, int] | None = None,
    max_bytes_per_part: int = DEFAULT_BYTES_PER_PART,
    skip_duplicate_urls: bool = True,
    skipped: Iterable[Skipped] = (),
    window: Mapping[str, str] | None = None,
    places: Sequence[str] = (),
) -> SpecIndex:
    """Write an upload spec into a folder, holding one part in memory at a time.

    :param units: the data units; read once.
    :param workspace: the folder to write into.
    :param name: the sub-folder of this upload spec.
    :param max_units_per_part: how many data units a part may hold: one number for everything, or a number by the
        name of a media type, where a part holds as many units in all as the largest of them. By default 1,000, and
        100 videos.
    :param max_bytes_per_part: how large a part may grow, in bytes; a unit that is larger has a part of its own.
    :param skip_duplicate_urls: whether Encord leaves out what the folder already holds.
    :param skipped: the objects left out. It is read whenever a part is full and at the end, so what
        :func:`~encord_provider.upload_spec.build_units` returns stays short.
    :param window: the stretch of time to which the objects belong; None for none.
    :param places: the URIs of what the spec was built from.
    :returns: the index.
    :raises UploadSpecError: for a data unit that Encord's limits do not allow; the index is then not written.
    """
    limits = _limits(max_units_per_part, max_bytes_per_part)
    folder = workspace / name
    folder.mkdir(parents=True, exist_ok=True)
    left_out = iter(skipped) if not isinstance(skipped, SkippedObjects) else skipped
    parts: list[SpecPart] = []
    counts: Counter[str] = Counter()
    count_skipped = 0
    part = _OpenPart(limits)

    def close() -> None:
        parts.append(
            part.write(folder, f"part-{len(parts):05d}.json", skip_duplicate_urls=skip_duplicate_urls)
        )
        counts.update(part.counts)

    with (folder / SKIPPED_NAME).open("wb") as skipped_file:
        for unit in units:
            line = unit_line(unit)
            if not part.has_room_for(unit, line):
                close()
                part = _OpenPart(limits)
                count_skipped += _write_skipped(skipped_file, left_out)
            part.add(unit, line)
        if part.units:
            close()
        count_skipped += _write_skipped(skipped_file, left_out)
    index = SpecIndex(
        uri=_uri(folder / INDEX_NAME),
        skipped_uri=_uri(folder / SKIPPED_NAME),
        parts=tuple(parts),
        counts=dict(sorted(counts.items())),
        units=sum(one.units for one in parts),
        urls=sum(one.urls for one in parts),
        skipped=count_skipped,
        skip_duplicate_urls=skip_duplicate_urls,
        window=window,
        places=tuple(places),
    )
    with (folder / INDEX_NAME).open("wb") as file:
        file.write(_index_bytes(index))
    return index


def read_index(path: Workspace) -> SpecIndex:
    """Read the index of an upload spec.

    :param path: the path of ``index.json``.
    :returns: the index; the parts are beside it.
    :raises UploadSpecError: when the file is not an index of this version.
    """
    uri = _uri(path)
    try:
        document = loads(path.read_bytes())
        if document["version"] != INDEX_VERSION:
            raise UploadSpecError(
                f"{uri}: an index of version {document['version']}, this provider reads version {INDEX_VERSION}"
            )
        names = ("counts", "units", "urls", "skipped", SKIP_DUPLICATE_URLS)
        index = {
            "uri": uri,
            "skipped_uri": _uri(path.parent / SKIPPED_NAME),
            "parts": [{"uri": "", **one} for one in document["parts"]],
            **{name: document[name] for name in names},
            "window": document.get("window"),
            "places": document.get("places", []),
        }
        found = opened(index, SpecIndex)
        if away := next(
            (part.name for part in found.parts if "/" in part.name or part.name in ("", "..")), None
        ):
            raise ValueError(f"the part {away!r} is not beside it")
        return replace(
            found, parts=tuple(replace(part, uri=_uri(path.parent / part.name)) for part in found.parts)
        )
    except FileNotFoundError:
        raise UploadSpecError(f"{uri}: there is no such file; build the upload spec first") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UploadSpecError(f"{uri}: not a valid index of an upload spec ({error})") from None


def read_part(path: Workspace, *, sha256: str | None = None) -> UploadSpec:
    """Read one part of an upload spec, or any upload spec in Encord's JSON form.

    :param path: the path of the file.
    :param sha256: the SHA-256 that the index gives, which proves that the part was checked when it was written; None
        for a file that is to be checked now.
    :returns: the upload spec.
    :raises UploadSpecError: when the file is missing, is not the one that the index was written for, or is no
        upload spec.
    """
    uri = _uri(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UploadSpecError(f"{uri}: there is no such file; build the upload spec first") from None
    if sha256 is not None and (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise UploadSpecError(
            f"{uri}: the part has changed since its index was written (sha256 {found}, the index says {sha256}); "
            "build the upload spec again"
        )
    return parse_manifest(data, source=uri) if sha256 is None else read_manifest(data, source=uri)


@dataclass(frozen=True)
class _Limits:
    total: int
    by_type: Mapping[str, int]
    size: int


def _limits(given: int | Mapping[str, int] | None, most_bytes: int) -> _Limits:
    for one in given.values() if isinstance(given, Mapping) else () if given is None else (given,):
        if isinstance(one, bool) or not isinstance(one, int) or not 1 <= one <= MAX_UNITS_PER_FILE:
            raise UploadSpecError(f"max_units_per_part must be from 1 to {MAX_UNITS_PER_FILE:,}, got {one!r}")
    if given is None or isinstance(given, Mapping):
        own = {one.name: one.units_per_part for one in MEDIA_TYPES.values() if one.units_per_part is not None}
        by_type = {**own, **(given or {})}
        limits = _Limits(max([DEFAULT_UNITS_PER_PART, *by_type.values()]), by_type, most_bytes)
    else:
        limits = _Limits(given, {}, most_bytes)
    for name in limits.by_type:
        if name not in MEDIA_TYPES:
            raise UploadSpecError(
                f"max_units_per_part: there is no media type {name!r}; there are {', '.join(MEDIA_TYPES)}"
            )
    return limits


@dataclass
class _OpenPart:
    """The part that is being filled; its data units are already bytes."""

    limits: _Limits
    units: int = 0
    urls: int = 0
    size: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    arrays: dict[str, list[bytes]] = field(default_factory=dict)

    def has_room_for(self, unit: DataUnit, line: bytes) -> bool:
        """Tell whether a unit fits; a first one always does.

        :param unit: the data unit.
        :param line: the unit as it is written.
        :returns: whether there is room for it.
        """
        if not self.units:
            return True
        limits, name = self.limits, unit.media_type.name
        return (
            self.units < limits.total
            and self.size + len(line) <= limits.size
            and (not limits.by_type or self.counts[name] < limits.by_type.get(name, limits.total))
            and self.urls + len(unit.urls) <= MAX_URLS_PER_FILE
        )

    def add(self, unit: DataUnit, line: bytes) -> None:
        """Put a unit into the part.

        :param unit: the data unit.
        :param line: the unit as it is written.
        """
        media_type = unit.media_type
        self.units += 1
        self.urls += len(unit.urls)
        self.size += len(line) + _BETWEEN
        self.counts[media_type.name] += 1
        if (lines := self.arrays.get(media_type.array)) is None:
            lines = self.arrays[media_type.array] = []
        lines.append(line)

    def write(self, folder: Any, name: str, *, skip_duplicate_urls: bool) -> SpecPart:
        arrays = [
            b'"%s":[\n%s\n],\n' % (array.encode(), b",\n".join(self.arrays[array]))
            for array in MEDIA_TYPES.arrays
            if array in self.arrays
        ]
        flag = b"true" if skip_duplicate_urls else b"false"
        data = b'{\n%s"%s":%s\n}\n' % (b"".join(arrays), SKIP_DUPLICATE_URLS.encode(), flag)
        path = folder / name
        with path.open("wb") as file:
            file.write(data)
        return SpecPart(
            name=name,
            uri=_uri(path),
            units=self.units,
            urls=self.urls,
            counts=dict(sorted(self.counts.items())),
            sha256=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
        )


def unit_line(unit: DataUnit) -> bytes:
    """Write one data unit as JSON, its fields in a fixed order and its metadata in the order of the keys.

    :param unit: the data unit; one that was checked when it was made is not checked again.
    :returns: the line.
    :raises UploadSpecError: for a data unit that Encord's limits do not allow.
    """
    if not unit.checked:
        return _checked_line(unit)
    # What most units are, without looking at each field: a title, one URL and client metadata.
    item: dict[str, Any] = {"title": unit.title}
    if unit.media_type.create_video is not None:
        item["createVideo"] = unit.media_type.create_video
    item["objectUrl"] = unit.urls[0]
    try:
        line = orjson.dumps(item)
        if not unit.client_metadata:
            return line
        metadata = orjson.dumps(unit.client_metadata, option=orjson.OPT_SORT_KEYS, default=_plain)
    except orjson.JSONEncodeError:
        return _checked_line(unit)
    return b'%s,"clientMetadata":%s}' % (line[:-1], metadata)


def _checked_line(unit: DataUnit) -> bytes:
    for problem in unit_problems(unit):
        raise UploadSpecError(f"{_name(unit)}: {problem.message}")
    item = to_item(unit)
    try:
        for key, value in item.items():
            if not isinstance(value, str | bool):
                dumped = orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_plain)
                item[key] = orjson.Fragment(dumped)
        return orjson.dumps(item)
    except orjson.JSONEncodeError as error:
        raise UploadSpecError(f"{_name(unit)} cannot be written as JSON: {error}") from None


def _name(unit: DataUnit) -> str:
    return f"data unit {shown(unit.title or next(iter(unit.urls), ''))}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _write_skipped(file: IO[bytes], skipped: Iterable[Skipped]) -> int:
    count = 0
    for one in skipped:
        shown_as = {"key": redacted(one.key), "reason": redacted(one.reason)}
        file.write(orjson.dumps(shown_as) + b"\n")
        count += 1
    return count


def _index_bytes(index: SpecIndex) -> bytes:
    names = ("name", "units", "urls", "counts", "sha256", "bytes")
    document = {
        "version": INDEX_VERSION,
        "parts": [{name: getattr(part, name) for name in names} for part in index.parts],
        "counts": index.counts,
        "units": index.units,
        "urls": index.urls,
        "skipped": index.skipped,
        SKIP_DUPLICATE_URLS: index.skip_duplicate_urls,
        **({"window": index.window} if index.window else {}),
        **({"places": index.places} if index.places else {}),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _uri(path: Any) -> str:
    return path.absolute().as_uri() if isinstance(path, Path) else str(path)
