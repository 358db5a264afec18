"""Encord's JSON upload spec, read strictly and written.

Encord's SDK sends such a file untouched, so that a slip is found by the server or not at all. Read here, anything
that Encord's pages do not describe is an error that names its line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from encord_provider.text.shown import shown
from encord_provider.text.strict_json import JsonPath, StrictJsonError, decode, loads, places_of, shown_path
from encord_provider.upload_spec.data_units import DataUnit, UploadSpec, unit_problems, url_field
from encord_provider.upload_spec.media_types import MEDIA_TYPES, MediaType
from encord_provider.upload_spec.problems import Problem, raise_problems
from encord_provider.upload_spec.repeats import Repeats

SKIP_DUPLICATE_URLS = "skip_duplicate_urls"

_MAX_PLACED = 100
"""How many findings get their place and a hint; whoever has more is shown the first ones and the number of the rest."""

_NUMBERED = re.compile(r"([A-Za-z]+)_(0|[1-9][0-9]{0,8})")


def parse_manifest(
    data: bytes | str | Mapping[str, Any], *, source: str = "upload spec", allow_unknown: bool = False
) -> UploadSpec:
    """Read an upload spec in Encord's JSON form.

    :param data: the document, as bytes, text or parsed.
    :param source: its name, for messages.
    :param allow_unknown: whether keys that Encord's pages do not describe are kept (and sent) instead of being
        an error.
    :returns: the upload spec; a group without ``createVideo`` is an image sequence, as in Encord.
    :raises UploadSpecError: when anything is wrong. The message has one line per finding (the first 20), each
        with its line in the document.
    """
    spec, problems = check_manifest(data, allow_unknown=allow_unknown)
    raise_problems(problems, source)
    return spec


def read_manifest(data: bytes, *, source: str = "upload spec") -> UploadSpec:
    """Read an upload spec of which a hash proves that it was checked when it was written.

    :param data: the document.
    :param source: its name, for messages.
    :returns: what :func:`parse_manifest` gives, in a tenth of the time: the form is read, the values are not looked at.
    :raises UploadSpecError: as :func:`parse_manifest` does, when it is no upload spec after all.
    """
    reader = _Reader(allow_unknown=False, checked=True)
    try:
        spec = reader.read(orjson.loads(data))
    except orjson.JSONDecodeError:
        return parse_manifest(data, source=source)
    return parse_manifest(data, source=source) if reader.problems else spec


def check_manifest(
    data: bytes | str | Mapping[str, Any], *, allow_unknown: bool = False, repeats: Repeats | None = None
) -> tuple[UploadSpec, list[Problem]]:
    """Read an upload spec and collect everything that is wrong with it.

    :param data: the document, as bytes, text or parsed.
    :param allow_unknown: see :func:`parse_manifest`.
    :param repeats: finds what stands twice in it; None where that is known already.
    :returns: what could be read, and the findings in the order of their lines; after the first hundred they have none.
    """
    text = None
    if isinstance(data, Mapping):
        document: Any = data
    else:
        try:
            text = decode(data)
            document = loads(text)
        except StrictJsonError as error:
            message = error.message + _hint(error.repeated)
            return UploadSpec(units=()), [Problem((), message, error.line, error.column)]
    reader = _Reader(allow_unknown, repeats)
    spec = reader.read(document)
    if text is None:
        return spec, reader.problems
    first, rest = reader.problems[:_MAX_PLACED], reader.problems[_MAX_PLACED:]
    places = places_of(text, {problem.path for problem in first}) if first else {}
    placed = [Problem(one.path, one.message, *places[one.path]) for one in first]
    return spec, sorted(placed, key=lambda one: (one.line or 0, one.column or 0)) + rest


def to_manifest(spec: UploadSpec) -> dict[str, Any]:
    """Write an upload spec in Encord's JSON form.

    ``createVideo`` is always written for groups and sequences, because its default differs between Encord's two
    forms. Single-file metadata of groups and series (``imageMetadata_{n}``, ``dicomMetadata_{n}``) is this
    package's own addition: Encord's JSON has no place for it, its structured form has.

    :param spec: the upload spec.
    :returns: the document; only arrays that have units.
    """
    arrays: dict[str, list[dict[str, Any]]] = {}
    for unit in spec.units:
        arrays.setdefault(unit.media_type.array, []).append(to_item(unit))
    ordered = {array: arrays[array] for array in MEDIA_TYPES.arrays if array in arrays}
    return {**ordered, SKIP_DUPLICATE_URLS: spec.skip_duplicate_urls, **spec.extra}


def to_item(unit: DataUnit) -> dict[str, Any]:
    """Write one data unit as an item of its array.

    :param unit: the data unit.
    :returns: the item, its fields in a fixed order.
    """
    media_type = unit.media_type
    item: dict[str, Any] = {}
    if unit.title is not None:
        item["title"] = unit.title
    if media_type.create_video is not None:
        item["createVideo"] = media_type.create_video
    if media_type.urls_in is not None:
        item[media_type.urls_in] = unit.fields[media_type.urls_in]
    elif media_type.is_grouped:
        item.update((f"objectUrl_{position}", url) for position, url in enumerate(unit.urls))
    else:
        item["objectUrl"] = unit.urls[0]
    if unit.client_metadata:
        item["clientMetadata"] = unit.client_metadata
    if unit.media_metadata is not None and media_type.metadata_key is not None:
        item[media_type.metadata_key] = unit.media_metadata
    for position, metadata in enumerate(unit.file_metadata):
        if metadata is not None:
            item[f"{media_type.metadata_key}_{position}"] = metadata
    item.update((name, value) for name, value in unit.fields.items() if name not in item)
    item.update(unit.extra)
    return item


@dataclass
class _Reader:
    """Turns a parsed document into an upload spec and keeps what is wrong with it."""

    allow_unknown: bool
    repeats: Repeats | None = None
    checked: bool = False
    """Whether the values of the units need not be looked at."""
    problems: list[Problem] = field(default_factory=list)

    def read(self, document: Any) -> UploadSpec:
        if not isinstance(document, Mapping):
            self._add((), "an upload spec is one JSON object with arrays such as 'images' and 'videos'")
            return UploadSpec(units=())
        units: list[DataUnit] = []
        extra: dict[str, Any] = {}
        skip = document.get(SKIP_DUPLICATE_URLS, False)
        if not isinstance(skip, bool):
            self._add(
                (SKIP_DUPLICATE_URLS,), f"{SKIP_DUPLICATE_URLS} must be true or false, got {shown(skip)}"
            )
            skip = False
        for key, items in document.items():
            if key == SKIP_DUPLICATE_URLS:
                continue
            if key not in MEDIA_TYPES.arrays:
                if self.allow_unknown:
                    extra[key] = items
                else:
                    self._add_unknown((key,), (*MEDIA_TYPES.arrays, SKIP_DUPLICATE_URLS), "an upload spec")
            elif not isinstance(items, list):
                self._add((key,), f"{key!r} must be an array of objects")
            else:
                for position, item in enumerate(items):
                    unit = self._unit(MEDIA_TYPES.arrays[key], item, (key, position))
                    if unit is not None:
                        units.append(unit)
        if not units and not extra and not self.problems:
            known = ", ".join(MEDIA_TYPES.arrays)
            self._add((), f"nothing to register: the spec holds no item under any of {known}")
        return UploadSpec(units=tuple(units), skip_duplicate_urls=skip, extra=extra)

    def _add(self, path: JsonPath, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _add_unknown(self, path: JsonPath, known: tuple[str, ...], what: str) -> None:
        # Finding out what was meant takes long.
        hint = _meant(str(path[-1]), known) if len(self.problems) < _MAX_PLACED else None
        rest = f"did you mean {hint!r}?" if hint else f"known are {', '.join(known)}"
        self._add(path, f"{what} has no key {shown(path[-1])}; {rest}")

    def _unit(self, types: Sequence[MediaType], item: Any, path: JsonPath) -> DataUnit | None:
        """One item of an array in which units of these types stand."""
        if not isinstance(item, Mapping):
            self._add(path, f"each item must be an object, got {shown(item)}")
            return None
        before = len(self.problems)
        rest = dict(item)
        media_type = self._media_type(types, rest, path)
        title = self._typed(rest, "title", str, "text", path)
        client_metadata = self._typed(rest, "clientMetadata", Mapping, "an object", path)
        media_metadata = None
        if media_type.metadata_key is not None and not media_type.is_grouped:
            media_metadata = self._typed(rest, media_type.metadata_key, Mapping, "an object", path)
        found = {
            name: self._typed(rest, name, Mapping, "an object", path) for name in media_type.object_fields
        }
        fields = {name: value for name, value in found.items() if value is not None}
        urls, file_metadata = self._files(media_type, rest, fields, path)
        if rest and not self.allow_unknown:
            for key in rest:
                self._add_unknown((*path, key), _known_fields(media_type), f"a unit of type {media_type}")
        if len(self.problems) > before:
            return None
        unit = DataUnit(
            media_type=media_type,
            urls=urls,
            title=title or None,
            client_metadata=client_metadata or {},
            media_metadata=media_metadata,
            file_metadata=file_metadata,
            fields=fields,
            extra=rest,
        )
        if self.checked:
            return unit
        faults = list(unit_problems(unit))
        if self.repeats is not None and not faults:
            places = [f"{shown_path(path)}.{url_field(media_type, at)}" for at in range(len(urls))]
            faults += self.repeats.problems(unit, places)
        for fault in faults:
            self._add((*path, *fault.path), fault.message)
        return unit

    def _media_type(self, types: Sequence[MediaType], rest: dict[str, Any], path: JsonPath) -> MediaType:
        """The type of an item: types that share an array differ in ``createVideo``, which is true by default."""
        by_value = {one.create_video: one for one in types}
        default = by_value.get(True, types[0])
        if "createVideo" not in rest or not default.takes_create_video:
            return default
        create_video = rest.pop("createVideo")
        if not isinstance(create_video, bool):
            self._add((*path, "createVideo"), f"createVideo must be true or false, got {shown(create_video)}")
            return types[0]
        if create_video and True not in by_value:
            self._add((*path, "createVideo"), f"createVideo true is for {_made_into_videos()}")
        return by_value.get(create_video, types[0])

    def _typed(self, rest: dict[str, Any], key: str, wanted: type, name: str, path: JsonPath) -> Any:
        if key not in rest:
            return None
        value = rest.pop(key)
        if not isinstance(value, wanted):
            self._add((*path, key), f"{key} must be {name}, got {shown(value)}")
            return None
        return value

    def _files(
        self, media_type: MediaType, rest: dict[str, Any], fields: Mapping[str, Any], path: JsonPath
    ) -> tuple[tuple[str, ...], tuple[Mapping[str, Any] | None, ...]]:
        """The object URLs of an item, and the media metadata of its single files."""
        if media_type.urls_in is not None:
            return tuple(_uris(fields.get(media_type.urls_in))), ()
        if not media_type.is_grouped:
            if "objectUrl" not in rest:
                self._add(path, _missing_url("objectUrl", rest))
            url = self._typed(rest, "objectUrl", str, "text", path)
            return ((url,) if url is not None else ()), ()
        metadata: dict[int, Any] = {}
        numbered: dict[str | None, dict[int, Any]] = {"objectUrl": {}, media_type.metadata_key: metadata}
        for key in list(rest):
            if (match := _NUMBERED.fullmatch(key)) and match[1] in numbered:
                wanted, name = (str, "text") if match[1] == "objectUrl" else (Mapping, "an object")
                numbered[match[1]][int(match[2])] = self._typed(rest, key, wanted, name, path)
        found = numbered["objectUrl"]
        if not found:
            self._add(path, _missing_url("objectUrl_0", rest))
        gaps = next((position for position in range(len(found)) if position not in found), None)
        if gaps is not None:
            self._add(path, f"objectUrl_{gaps} is missing: positions run from 0 without a gap")
        urls = tuple(found[position] or "" for position in sorted(found))
        for position in sorted(set(metadata) - set(found)):
            key = f"{media_type.metadata_key}_{position}"
            self._add((*path, key), f"{key} has no objectUrl_{position}")
        return urls, tuple(metadata.get(position) for position in range(len(found))) if metadata else ()


def _uris(value: Any) -> Iterator[str]:
    """Every ``uri`` in an object, in the order in which they appear."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if key == "uri" and isinstance(member, str):
                yield member
            else:
                yield from _uris(member)
    elif isinstance(value, list):
        for member in value:
            yield from _uris(member)


def _missing_url(key: str, rest: Mapping[str, Any]) -> str:
    near = [one for one in rest if one.lower().startswith(("objecturl", "url"))]
    hint = f"; {near[0]!r} is not it" if near else ""
    return f"{key} is missing{hint}"


def _known_fields(media_type: MediaType) -> tuple[str, ...]:
    fields = ["title", "clientMetadata"]
    if media_type.urls_in is None:
        fields.append("objectUrl_0" if media_type.is_grouped else "objectUrl")
    if media_type.takes_create_video:
        fields.append("createVideo")
    if media_type.metadata_key is not None:
        fields.append(f"{media_type.metadata_key}_0" if media_type.is_grouped else media_type.metadata_key)
    return (*fields, *media_type.object_fields)


def _made_into_videos() -> str:
    """The types that Encord makes one video of, for messages."""
    types = [one for one in MEDIA_TYPES.values() if one.create_video]
    return " and ".join(f"{one.name.replace('_', ' ')}s, under {one.array!r}" for one in types)


def _hint(repeated: JsonPath) -> str:
    """What to do about an array that is given twice, perhaps once for each type that stands in it."""
    types = MEDIA_TYPES.arrays.get(str(repeated[0]), ()) if len(repeated) == 1 else ()
    names = " and ".join(f"{one.name.replace('_', ' ')}s" for one in types)
    return f"; put {names} into one array" if len(types) > 1 else ""


def _meant(key: str, known: tuple[str, ...]) -> str | None:
    by_lower = {one.lower().replace("_", ""): one for one in known}
    lower = key.lower().replace("_", "")
    if len(lower) > 2 * max(map(len, by_lower)):
        return None
    return by_lower.get(lower) or next(
        (by_lower[one] for one in difflib.get_close_matches(lower, by_lower, n=1, cutoff=0.75)), None
    )
