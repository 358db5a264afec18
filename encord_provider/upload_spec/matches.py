"""What of the user's tables and patterns met an object, and what met none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from encord_provider.exceptions import EncordInputError
from encord_provider.listing.names import ObjectNames
from encord_provider.tables.reader import TableRow
from encord_provider.text.shown import shown
from encord_provider.upload_spec.build_options import BuildOptions
from encord_provider.upload_spec.media_types import MediaType
from encord_provider.upload_spec.object_rows import FrameRows, ObjectRows, frames_by_object, rows_by_object

_SHOWN = 5


class Matches:
    """The tables of a build by object, and what of its tables and patterns met an object. Grows with the build.

    :param options: the options of the build.
    :param names: finds the key of an object in the listing.
    :raises MetadataTableError: for two rows of one object.
    """

    def __init__(self, options: BuildOptions, names: ObjectNames) -> None:
        self.metadata: ObjectRows[TableRow] | None = None
        self.embeddings: ObjectRows[TableRow] | None = None
        self.media_metadata: ObjectRows[TableRow] | None = None
        self.frames: ObjectRows[FrameRows] | None = None
        if options.metadata is not None:
            self.metadata = rows_by_object(options.metadata, names)
        if options.embeddings is not None:
            self.embeddings = rows_by_object(options.embeddings, names)
        if options.media_metadata is not None:
            self.media_metadata = rows_by_object(options.media_metadata, names)
        if options.frames is not None:
            self.frames = frames_by_object(options.frames, names)
        self._included = False
        self._pattern_tried: str | None = None
        self._pattern_matched = False
        self._group_tried: str | None = None
        self._group_matched = False
        self._options = options
        tables: dict[str, ObjectRows[Any] | None] = {
            "metadata table": self.metadata,
            "table of embeddings": self.embeddings,
            "table of media metadata": self.media_metadata,
            "table of frames": self.frames,
        }
        self._tables = [(what, rows) for what, rows in tables.items() if rows is not None]
        self._units = dict.fromkeys((what for what, _ in self._tables), 0)
        self._excluded: str | None = None
        self._waiting = options.filters.include_patterns()

    def saw(self, key: str) -> None:
        """Note an object of the listing.

        :param key: its key.
        """
        for _, rows in self._tables:
            rows.saw(key)

    def filtered(self, key: str, *, included: bool) -> None:
        """Note whether an object matches the include patterns.

        :param key: its key.
        :param included: whether it matches one of them.
        """
        if not included:
            self._excluded = self._excluded or key
            return
        self._included = True
        if self._waiting:
            self._waiting = [(text, glob) for text, glob in self._waiting if not glob.match(key)]

    def tried_pattern(self, key: str, *, matched: bool) -> None:
        """Note whether the key pattern matches the key of an object that is taken.

        :param key: the key.
        :param matched: whether it does.
        """
        self._pattern_tried = self._pattern_tried or key
        self._pattern_matched = self._pattern_matched or matched

    def tried_group(self, key: str, *, matched: bool) -> None:
        """Note whether an object, of a type whose files are grouped, gets a group.

        :param key: its key.
        :param matched: whether it does.
        """
        self._group_tried = self._group_tried or key
        self._group_matched = self._group_matched or matched

    def built(self, media_type: MediaType) -> None:
        """Note a data unit.

        :param media_type: its type.
        """
        for what, rows in self._tables:
            if rows is self.frames and not media_type.has_frames:
                continue
            if rows is self.media_metadata and not media_type.metadata_fields:
                continue
            self._units[what] += 1

    @property
    def unmatched(self) -> int:
        """How many rows of the metadata table name no object of the listing."""
        return 0 if self.metadata is None else sum(1 for _ in self.metadata.unmatched())

    def warnings(self) -> Iterator[str]:
        """Say what of the tables and patterns met no object.

        :returns: sentences.
        """
        for what, rows in self._tables:
            if not len(rows):
                yield f"The {what} {rows.source} has no rows."
            elif count := sum(1 for _ in rows.unmatched()):
                yield f"{_unmatched(what, rows, count)}: {_first(rows)}"
        for text, _ in self._waiting:
            yield f"The include pattern {text!r} matches no object."
        if self._options.group_by is not None and self._group_tried is None:
            yield (
                f"group_by {self._options.group_by!r} was not used: no object is of a type whose files are grouped."
            )

    def check(self, *, max_unmatched: int | None = None) -> None:
        """Refuse a table of which too little, and a pattern of which nothing, met an object.

        :param max_unmatched: how many rows of each table may name no object of the listing. With None it may be any
            number, but where there are data units that a table could say something about, one of its rows must.
        :raises EncordInputError: for such a table or pattern; the message names the first rows.
        """
        if self._excluded is not None and not self._included:
            patterns = ", ".join(map(repr, self._options.filters.include))
            raise EncordInputError(
                f"filters.include: no object matches {patterns}, the first one is {self._excluded!r}. The patterns "
                "stand for the whole key, and capitals count."
            )
        pattern = self._options.key_pattern
        if pattern is not None and self._pattern_tried is not None and not self._pattern_matched:
            raise EncordInputError(
                f"metadata.key_pattern: {pattern.text!r} matches no object, the first one is "
                f"{self._pattern_tried!r}. Leave it out, or make it match."
            )
        if self._group_tried is not None and not self._group_matched:
            raise EncordInputError(
                f"grouping.group_by: {self._options.group_by!r} gives no object a group, the first one is "
                f"{self._group_tried!r}."
            )
        for what, rows in self._tables:
            count = sum(1 for _ in rows.unmatched())
            if max_unmatched is not None and count > max_unmatched:
                raise EncordInputError(
                    f"{_unmatched(what, rows, count)}, max_unmatched is {max_unmatched}: {_first(rows)}"
                )
            if max_unmatched is None and len(rows) and self._units[what] and not rows.used:
                raise EncordInputError(
                    f"None of the {len(rows)} rows of the {what} {rows.source} names an object of any of the "
                    f"{self._units[what]} data units that were built. The first: {_first(rows)}. Correct "
                    "the keys, leave the table out, or set max_unmatched to allow it."
                )


def _unmatched(what: str, rows: ObjectRows[Any], count: int) -> str:
    return f"{count} of the {len(rows)} rows of the {what} {rows.source} name no object that was listed"


def _first(rows: ObjectRows[Any]) -> str:
    found = list(islice(rows.unmatched(), _SHOWN + 1))
    return ", ".join(map(_row, found[:_SHOWN])) + (", ..." if len(found) > _SHOWN else "")


def _row(row: TableRow) -> str:
    return f"{row.counted} {row.line}, {shown(row.key)}"
