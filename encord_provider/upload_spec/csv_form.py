"""Encord's CSV upload spec. Only Encord's web page reads it, so here it is turned into data units.

The title column tells what a section registers, in any case; a new header line starts a new section:

=================================================== =========================================================
``ObjectURL``                                        videos
``ObjectURL, Video title``                           videos
``ObjectURL, Image title``                           images
``ObjectURL, Image group title, Create video``       an image group or sequence of all rows with one title
``ObjectURL, Series title``                          a DICOM series of all rows with one title
=================================================== =========================================================

A blank ``Create video`` means true, so rows that are not an image sequence must say false wherever the column is. A
blank title stands for the file name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from encord_provider.listing.object_urls import file_name
from encord_provider.text.strict_json import StrictJsonError, decode
from encord_provider.upload_spec.data_units import DataUnit, UploadSpec, unit_problems
from encord_provider.upload_spec.media_types import MEDIA_TYPES, MediaType
from encord_provider.upload_spec.problems import Problem

_URL = "objecturl"
_CREATE_VIDEO = "create video"
_WITHOUT_TITLE = "video"
"""The type of a section whose header has no title column."""


def check_csv(data: bytes | str, *, by_extension: bool = False) -> tuple[UploadSpec, list[Problem]]:
    """Read an upload spec in Encord's CSV form and collect everything that is wrong with it.

    :param data: the content of the file.
    :param by_extension: whether the extension of a URL overrides a section that says videos or images. Encord's
        own sample lists a video in a section of images.
    :returns: what could be read, and the findings in the order of their lines.
    """
    try:
        text = decode(data)
    except StrictJsonError as error:
        return UploadSpec(units=()), [Problem((), error.message, error.line, error.column)]
    reader = _Reader(by_extension)
    for line, fields in _records(text, reader.problems):
        reader.read(line, fields)
    if not reader.groups and not reader.problems:
        reader.problems.append(Problem((), "nothing to register: the file has no row below a header"))
    units = []
    for group in reader.groups.values():
        unit = group.unit()
        units.append(unit)
        reader.problems += [Problem((), one.message, group.line) for one in unit_problems(unit)]
    return UploadSpec(units=tuple(units)), sorted(reader.problems, key=lambda one: one.line or 0)


@dataclass
class _Group:
    """The rows of one data unit."""

    media_type: MediaType
    title: str
    line: int
    urls: list[str] = field(default_factory=list)

    def unit(self) -> DataUnit:
        return DataUnit(media_type=self.media_type, urls=tuple(self.urls), title=self.title)


@dataclass(frozen=True)
class _Section:
    """What a header line says about the rows below it."""

    width: int
    media_type: MediaType
    url_at: int
    title_at: int | None
    create_video_at: int | None

    @property
    def types(self) -> dict[bool | None, MediaType]:
        """The types that stand in such a section, by their ``createVideo``."""
        return {one.create_video: one for one in MEDIA_TYPES.arrays[self.media_type.array]}

    @property
    def divided(self) -> bool:
        """Whether ``Create video`` tells the types of this section apart."""
        return self.media_type.create_video is not None


@dataclass
class _Reader:
    by_extension: bool
    problems: list[Problem] = field(default_factory=list)
    groups: dict[tuple[str, str], _Group] = field(default_factory=dict)
    section: _Section | None = None
    header_seen: bool = False

    def read(self, line: int, fields: list[str]) -> None:
        names = [one.strip().lower() for one in fields]
        if _URL in names:
            self.header_seen = True
            self.section = self._header(line, names)
        elif not self.header_seen:
            self.header_seen = True
            separated = any(";" in one or "\t" in one for one in fields)
            hint = "; separate columns by commas" if separated else ""
            self._add(line, f"the file must start with a header line with the column ObjectURL{hint}")
        elif self.section is not None:
            self._row(line, fields, self.section)

    def _add(self, line: int, message: str) -> None:
        self.problems.append(Problem((), message, line))

    def _header(self, line: int, names: list[str]) -> _Section | None:
        types = _types_by_title()
        titles = [name for name in names if name in types]
        unknown = [name for name in names if name not in (_URL, _CREATE_VIDEO, *types)]
        if unknown:
            known = ", ".join(["ObjectURL", *(str(one.csv_title) for one in types.values()), "Create video"])
            self._add(line, f"there is no column {unknown[0]!r}; columns are {known}")
        elif len(set(names)) != len(names):
            self._add(line, "a column is given twice")
        elif len(titles) > 1:
            self._add(
                line, f"{titles[0]!r} and {titles[1]!r} in one header; start a new section for each type"
            )
        else:
            return _Section(
                width=len(names),
                media_type=types[titles[0]] if titles else MEDIA_TYPES[_WITHOUT_TITLE],
                url_at=names.index(_URL),
                title_at=names.index(titles[0]) if titles else None,
                create_video_at=names.index(_CREATE_VIDEO) if _CREATE_VIDEO in names else None,
            )
        return None

    def _row(self, line: int, fields: list[str], section: _Section) -> None:
        if len(fields) != section.width:
            self._add(
                line,
                f"{len(fields)} fields, but the header has {section.width}; quote a value that holds a comma "
                "and keep the commas of blank fields",
            )
            return
        url = fields[section.url_at]
        title = "" if section.title_at is None else fields[section.title_at].strip()
        create_video = self._create_video(line, fields, section)
        if create_video is None:
            return
        media_type = section.media_type
        if section.divided:
            if not title:
                what = str(media_type.csv_title).lower()
                self._add(line, f"the {what} is blank; it says which rows belong together")
                return
            self._group_row(line, url, title, section.types[create_video])
        elif media_type.is_grouped and title:
            self._group_row(line, url, title, media_type)
        else:
            found = MEDIA_TYPES.of_key(url.partition("?")[0]) if self.by_extension else None
            if found is not None and not media_type.is_grouped:
                media_type = found
            self._start(("row", str(line)), line, url, title or file_name(url), media_type)

    def _create_video(self, line: int, fields: list[str], section: _Section) -> bool | None:
        """The value of the row's ``Create video``; None after an error."""
        if section.create_video_at is None:
            return section.divided
        text = fields[section.create_video_at].strip().lower()
        if text not in ("true", "false", ""):
            self._add(line, f"Create video must be true or false, got {fields[section.create_video_at]!r}")
            return None
        create_video = text != "false"
        if create_video and not section.divided:
            given = "is true" if text else "is blank, which means true"
            self._add(line, f"Create video {given}, but this section holds no image sequences; write false")
            return None
        return create_video

    def _group_row(self, line: int, url: str, title: str, media_type: MediaType) -> None:
        key = (media_type.array, title)
        group = self.groups.get(key)
        if group is None:
            self._start(key, line, url, title, media_type)
        elif group.media_type is not media_type:
            self._add(
                line,
                f"{title!r} is an {_words(group.media_type)} on line {group.line} and an "
                f"{_words(media_type)} here; Create video must be the same in all its rows",
            )
        else:
            group.urls.append(url)

    def _start(self, key: tuple[str, str], line: int, url: str, title: str, media_type: MediaType) -> None:
        self.groups[key] = _Group(media_type, title, line, [url])


def _types_by_title() -> dict[str, MediaType]:
    """The type that each title column names, by the column in lower case."""
    return {one.csv_title.lower(): one for one in MEDIA_TYPES.values() if one.csv_title is not None}


def _words(media_type: MediaType) -> str:
    return media_type.name.replace("_", " ")


def _records(text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV text that are not blank, each with its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append(Problem((), f"broken CSV: {error}", line))
            return
        if any(one.strip() for one in fields):
            yield line, fields
