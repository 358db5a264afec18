"""Encord's JSON upload spec, read strictly and written.

Encord's SDK sends such a file untouched, so that a slip is found by the server or not at all. Read here, anything
that Encord's pages do not describe is an error that names its line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from encord_provider.exceptions import UploadSpecError
from encord_provider.text.shown import shown
from encord_provider.text.strict_json import JsonPath, StrictJsonError, decode, lines_of, loads
from encord_provider.upload_spec.data_units import DataUnit, UploadSpec, unit_problems
from encord_provider.upload_spec.media_metadata import FILE_METADATA_KEYS, MANIFEST_KEYS
from encord_provider.upload_spec.media_types import MediaType

SKIP_DUPLICATE_URLS = "skip_duplicate_urls"

FAMILIES: Mapping[str, MediaType] = MappingProxyType(
    {
        "videos": MediaType.VIDEO,
        "images": MediaType.IMAGE,
        "image_groups": MediaType.IMAGE_GROUP,
        "dicom_series": MediaType.DICOM_SERIES,
        "audio": MediaType.AUDIO,
        "pdfs": MediaType.PDF,
        "text": MediaType.TEXT,
        "nifti": MediaType.NIFTI,
        "scenes": MediaType.SCENE,
        "time_series": MediaType.TIME_SERIES,
    }
)
"""The arrays of an upload spec. Image groups and image sequences share one; ``createVideo`` tells them apart."""

_FAMILY_OF = {
    **{media_type: family for family, media_type in FAMILIES.items()},
    MediaType.IMAGE_SEQUENCE: "image_groups",
}

_MAX_SHOWN = 20
_NUMBERED = re.compile(r"(objectUrl|imageMetadata|dicomMetadata)_(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Problem:
    """Something in an upload spec that must be mended.

    :param path: where it is in the document: family, position, field.
    :param message: what is wrong and what would be right.
    :param line: the line, from 1; None when the spec was no text.
    :param column: the column, from 1; None when the line says enough.
    """

    path: JsonPath
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = [] if self.line is None else [f"line {self.line}"]
        if self.column is not None:
            place.append(f"column {self.column}")
        if self.path:
            first, *rest = self.path
            place.append(
                str(first) + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in rest)
            )
        return f"{', '.join(place)}: {self.message}" if place else self.message


def family_of(media_type: MediaType) -> str:
    """Return the array of an upload spec that units of a media type stand in."""
    return _FAMILY_OF[media_type]


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


def raise_problems(problems: list[Problem], source: str) -> None:
    """Raise what was found in an upload spec, if anything.

    :param problems: the findings.
    :param source: the name of the document.
    :raises UploadSpecError: when there are any; with the first 20 of them.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise UploadSpecError(f"{source}, {problems[0]}" if problems[0].line else f"{source}: {problems[0]}")
    lines = [str(problem) for problem in problems[:_MAX_SHOWN]]
    if len(problems) > _MAX_SHOWN:
        lines.append(f"... and {len(problems) - _MAX_SHOWN} more")
    raise UploadSpecError(f"{source}: {len(problems)} errors\n" + "\n".join(lines))


def check_manifest(
    data: bytes | str | Mapping[str, Any], *, allow_unknown: bool = False
) -> tuple[UploadSpec, list[Problem]]:
    """Read an upload spec and collect everything that is wrong with it.

    :param data: the document, as bytes, text or parsed.
    :param allow_unknown: see :func:`parse_manifest`.
    :returns: what could be read, and the findings in the order of their lines.
    """
    text = None
    if isinstance(data, Mapping):
        document: Any = data
    else:
        try:
            text = decode(data)
            document = loads(text)
        except StrictJsonError as error:
            return UploadSpec(units=()), [Problem((), error.message, error.line, error.column)]
    reader = _Reader(allow_unknown)
    spec = reader.read(document)
    if text is None:
        return spec, reader.problems
    lines = lines_of(text, {problem.path for problem in reader.problems}) if reader.problems else {}
    located = [Problem(one.path, one.message, lines[one.path]) for one in reader.problems]
    return spec, sorted(located, key=lambda one: one.line or 0)


def to_manifest(spec: UploadSpec) -> dict[str, Any]:
    """Write an upload spec in Encord's JSON form.

    ``createVideo`` is always written for groups and sequences, because its default differs between Encord's two
    forms. Single-file metadata of groups and series (``imageMetadata_{n}``, ``dicomMetadata_{n}``) is this
    package's own addition: Encord's JSON has no place for it, its structured form has.

    :param spec: the upload spec.
    :returns: the document; only families that have units.
    """
    families: dict[str, list[dict[str, Any]]] = {}
    for unit in spec.units:
        families.setdefault(family_of(unit.media_type), []).append(to_item(unit))
    ordered = {family: families[family] for family in FAMILIES if family in families}
    return {**ordered, SKIP_DUPLICATE_URLS: spec.skip_duplicate_urls, **spec.extra}


def to_item(unit: DataUnit) -> dict[str, Any]:
    """Write one data unit as an item of its array.

    :param unit: the data unit.
    :returns: the item, its fields in a fixed order.
    """
    item: dict[str, Any] = {}
    if unit.title is not None:
        item["title"] = unit.title
    if unit.media_type in (MediaType.IMAGE_GROUP, MediaType.IMAGE_SEQUENCE):
        item["createVideo"] = unit.media_type is MediaType.IMAGE_SEQUENCE
    if unit.media_type is MediaType.SCENE:
        item["scene"] = unit.scene
    elif unit.media_type.is_grouped:
        item.update((f"objectUrl_{position}", url) for position, url in enumerate(unit.urls))
    else:
        item["objectUrl"] = unit.urls[0]
    if unit.client_metadata:
        item["clientMetadata"] = unit.client_metadata
    if unit.media_metadata is not None:
        item[MANIFEST_KEYS[unit.media_type]] = unit.media_metadata
    for position, metadata in enumerate(unit.file_metadata):
        if metadata is not None:
            item[f"{FILE_METADATA_KEYS[unit.media_type]}_{position}"] = metadata
    if unit.settings is not None:
        item["settings"] = unit.settings
    item.update(unit.extra)
    return item


@dataclass
class _Reader:
    """Turns a parsed document into an upload spec and keeps what is wrong with it."""

    allow_unknown: bool
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
            if key not in FAMILIES:
                if self.allow_unknown:
                    extra[key] = items
                else:
                    self._add((key,), _unknown(key, (*FAMILIES, SKIP_DUPLICATE_URLS), "an upload spec"))
            elif not isinstance(items, list):
                self._add((key,), f"{key!r} must be an array of objects")
            else:
                for position, item in enumerate(items):
                    unit = self._unit(FAMILIES[key], item, (key, position))
                    if unit is not None:
                        units.append(unit)
        if not units and not extra and not self.problems:
            self._add((), f"nothing to register: the spec holds no item under any of {', '.join(FAMILIES)}")
        return UploadSpec(units=tuple(units), skip_duplicate_urls=skip, extra=extra)

    def _add(self, path: JsonPath, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _unit(self, media_type: MediaType, item: Any, path: JsonPath) -> DataUnit | None:
        if not isinstance(item, Mapping):
            self._add(path, f"each item must be an object, got {shown(item)}")
            return None
        before = len(self.problems)
        rest = dict(item)
        media_type = self._create_video(media_type, rest, path)
        title = self._typed(rest, "title", str, "text", path)
        client_metadata = self._typed(rest, "clientMetadata", Mapping, "an object", path)
        media_metadata = None
        if media_type in MANIFEST_KEYS:
            media_metadata = self._typed(rest, MANIFEST_KEYS[media_type], Mapping, "an object", path)
        scene = settings = None
        if media_type is MediaType.SCENE:
            scene = self._typed(rest, "scene", Mapping, "an object", path)
        if media_type is MediaType.TIME_SERIES:
            settings = self._typed(rest, "settings", Mapping, "an object", path)
        urls, file_metadata = self._files(media_type, rest, scene, path)
        if rest and not self.allow_unknown:
            for key in rest:
                self._add(
                    (*path, key), _unknown(key, _known_fields(media_type), f"a unit of type {media_type}")
                )
        if len(self.problems) > before:
            return None
        unit = DataUnit(
            media_type=media_type,
            urls=urls,
            title=title or None,
            client_metadata=client_metadata or {},
            media_metadata=media_metadata,
            file_metadata=file_metadata,
            scene=scene,
            settings=settings,
            extra=rest,
        )
        for place, message in unit_problems(unit):
            self._add((*path, *place), message)
        return unit

    def _create_video(self, media_type: MediaType, rest: dict[str, Any], path: JsonPath) -> MediaType:
        listed = media_type in (
            MediaType.IMAGE_GROUP,
            MediaType.VIDEO,
            MediaType.IMAGE,
            MediaType.DICOM_SERIES,
        )
        if not listed or "createVideo" not in rest:
            return MediaType.IMAGE_SEQUENCE if media_type is MediaType.IMAGE_GROUP else media_type
        create_video = rest.pop("createVideo")
        if not isinstance(create_video, bool):
            self._add((*path, "createVideo"), f"createVideo must be true or false, got {shown(create_video)}")
        elif create_video and media_type is not MediaType.IMAGE_GROUP:
            self._add((*path, "createVideo"), "createVideo true is for image sequences, under 'image_groups'")
        elif create_video:
            return MediaType.IMAGE_SEQUENCE
        return media_type

    def _typed(self, rest: dict[str, Any], key: str, wanted: type, name: str, path: JsonPath) -> Any:
        if key not in rest:
            return None
        value = rest.pop(key)
        if not isinstance(value, wanted):
            self._add((*path, key), f"{key} must be {name}, got {shown(value)}")
            return None
        return value

    def _files(
        self, media_type: MediaType, rest: dict[str, Any], scene: Mapping[str, Any] | None, path: JsonPath
    ) -> tuple[tuple[str, ...], tuple[Mapping[str, Any] | None, ...]]:
        """The object URLs of an item, and the media metadata of its single files."""
        if media_type is MediaType.SCENE:
            return tuple(_scene_urls(scene)), ()
        if not media_type.is_grouped:
            if "objectUrl" not in rest:
                self._add(path, _missing_url("objectUrl", rest))
            url = self._typed(rest, "objectUrl", str, "text", path)
            return ((url,) if url is not None else ()), ()
        numbered: dict[str, dict[int, Any]] = {"objectUrl": {}, FILE_METADATA_KEYS[media_type]: {}}
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
        metadata = numbered[FILE_METADATA_KEYS[media_type]]
        for position in sorted(set(metadata) - set(found)):
            key = f"{FILE_METADATA_KEYS[media_type]}_{position}"
            self._add((*path, key), f"{key} has no objectUrl_{position}")
        return urls, tuple(metadata.get(position) for position in range(len(found))) if metadata else ()


def _scene_urls(value: Any) -> Iterator[str]:
    """Every ``uri`` in a scene object, in the order in which they appear."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if key == "uri" and isinstance(member, str):
                yield member
            else:
                yield from _scene_urls(member)
    elif isinstance(value, list):
        for member in value:
            yield from _scene_urls(member)


def _missing_url(key: str, rest: Mapping[str, Any]) -> str:
    near = [one for one in rest if one.lower().startswith(("objecturl", "url"))]
    hint = f"; {near[0]!r} is not it" if near else ""
    return f"{key} is missing{hint}"


def _known_fields(media_type: MediaType) -> tuple[str, ...]:
    fields = ["title", "clientMetadata"]
    if media_type is MediaType.SCENE:
        return (*fields, "scene")
    fields.append("objectUrl_0" if media_type.is_grouped else "objectUrl")
    if media_type in (MediaType.IMAGE_GROUP, MediaType.IMAGE_SEQUENCE, MediaType.VIDEO, MediaType.IMAGE):
        fields.append("createVideo")
    if media_type in MANIFEST_KEYS:
        fields.append(MANIFEST_KEYS[media_type])
    if media_type in FILE_METADATA_KEYS:
        fields.append(f"{FILE_METADATA_KEYS[media_type]}_0")
    if media_type is MediaType.TIME_SERIES:
        fields.append("settings")
    return tuple(fields)


def _unknown(key: str, known: tuple[str, ...], what: str) -> str:
    by_lower = {one.lower().replace("_", ""): one for one in known}
    lower = str(key).lower().replace("_", "")
    near = by_lower.get(lower) or next(
        (by_lower[one] for one in difflib.get_close_matches(lower, by_lower, n=1, cutoff=0.75)), None
    )
    hint = f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
    return f"{what} has no key {key!r}; {hint}"
