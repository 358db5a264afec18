"""Metadata of single frames of a video, and which frames Encord samples.

``keyframes``, ``sampling_rate`` and ``keyframe_mode`` are described on Encord's pages on custom metadata and
custom embeddings. Those pages do not show in full how the block is nested; this module writes what is known of
it, and nothing else in the package looks inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from encord_provider.exceptions import MetadataTableError, MetadataValueError
from encord_provider.schema.keys import ENCORD_BLOCK
from encord_provider.schema.types import MetadataSchema
from encord_provider.schema.values import check_metadata
from encord_provider.tables.reader import ReadablePath, TableFormat, TableReader, TableRow

FRAME_COLUMN = "frame"


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Which frames of a video Encord takes for filtering and embeddings.

    :param sampling_rate: frames per second of video; 0 takes the first frame and the key frames only. Encord's
        default is 1.
    :param keyframe_mode: whether frames are named by their number (``frame``, Encord's default) or by their
        second (``seconds``).
    :raises MetadataValueError: for a negative rate or another mode.
    """

    sampling_rate: float | None = None
    keyframe_mode: Literal["frame", "seconds"] | None = None

    def __post_init__(self) -> None:
        rate = self.sampling_rate
        if rate is not None and (
            isinstance(rate, bool) or not isinstance(rate, int | float) or not rate >= 0
        ):
            raise MetadataValueError(
                f"sampling_rate must be a number from 0 (frames per second), got {rate!r}"
            )
        if self.keyframe_mode not in (None, "frame", "seconds"):
            raise MetadataValueError(
                f"keyframe_mode must be 'frame' or 'seconds', got {self.keyframe_mode!r}"
            )

    @property
    def config(self) -> dict[str, Any]:
        """The fields that are set."""
        fields = {"sampling_rate": self.sampling_rate, "keyframe_mode": self.keyframe_mode}
        return {name: value for name, value in fields.items() if value is not None}


class FrameTable:
    """The rows of a table with metadata of single frames, by object and frame.

    :param rows: for each object its rows by frame.
    :param source: the name of the table.
    """

    def __init__(self, rows: Mapping[str, Mapping[str, TableRow]], *, source: str) -> None:
        self.source = source
        self._rows = rows

    def get(self, key: str) -> Mapping[str, TableRow]:
        """Find the rows of an object by the spelling that the table has.

        :param key: the key or URL as it stands in the key column.
        :returns: the rows by frame (as text); nothing when the table has none.
        """
        return self._rows.get(key, {})

    def items(self) -> Iterable[tuple[str, Mapping[str, TableRow]]]:
        """Give the objects as the key column spells them, each with its rows by frame (as text)."""
        return self._rows.items()

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))


def read_frames(
    content: ReadablePath | str | bytes,
    *,
    source: str | None = None,
    key_column: str | None = None,
    format: TableFormat | None = None,
) -> FrameTable:
    """Read a table with one row per frame: an object, a frame, and metadata or embeddings of that frame.

    :param content: a path to read, or the content itself. The column ``frame`` holds the number of the frame, or
        its second.
    :param source: the name of the table for messages; by default the path.
    :param key_column: the column that holds the object's key or URL; by default the first usual one.
    :param format: ``csv``, ``jsonl`` or ``parquet``; by default told from the name of the source.
    :returns: the table.
    :raises MetadataTableError: for a table that :func:`~encord_provider.tables.read_table` refuses, a row without a
        frame, and two rows for one frame.
    :raises EncordConfigError: for a Parquet table without pyarrow.
    """
    reader = TableReader.open(content, source=source, key_column=key_column, format=format)
    rows: dict[str, dict[str, TableRow]] = {}
    for row in reader:
        frame = _frame(row)
        frames = rows.setdefault(row.key, {})
        if frame in frames:
            raise MetadataTableError(
                f"{row.where}: frame {frame} already has a row on {row.counted} {frames[frame].line}"
            )
        metadata = {name: value for name, value in row.metadata.items() if name != FRAME_COLUMN}
        frames[frame] = TableRow(row.key, metadata, row.line, row.source, row.counted)
    return FrameTable(rows, source=reader.source)


def with_frames(
    metadata: Mapping[str, Any],
    *,
    sampling: Sampling | None = None,
    frames: Mapping[str, TableRow] | None = None,
    schema: MetadataSchema | None = None,
) -> dict[str, Any]:
    """Add what concerns single frames to the client metadata of a video.

    :param metadata: the client metadata of the whole video.
    :param sampling: which frames Encord takes.
    :param frames: metadata by frame, see :meth:`FrameTable.items`.
    :param schema: the metadata schema that the metadata of frames must fit.
    :returns: the client metadata with ``$encord`` added to what it has.
    :raises MetadataValueError: for metadata that does not fit.
    """
    combined = dict(metadata)
    block = dict(combined.get(ENCORD_BLOCK) or {})
    if sampling is not None and sampling.config:
        block["config"] = {**(block.get("config") or {}), **sampling.config}
    if frames:
        ordered = sorted(frames.items(), key=lambda one: (float(one[0]), one[0]))
        own_frames = block.get("frames") or {}
        block["frames"] = {
            **own_frames,
            **{frame: check_metadata(row.metadata, schema, where=row.where) for frame, row in ordered},
        }
    if block:
        combined[ENCORD_BLOCK] = block
    return combined


def _frame(row: TableRow) -> str:
    """The frame of a row as text: a number from 0, whole for frames, possibly broken for seconds."""
    value = row.metadata.get(FRAME_COLUMN)
    try:
        number = (
            float(value) if not isinstance(value, bool) and isinstance(value, str | int | float) else -1.0
        )
    except (ValueError, OverflowError):
        number = -1.0
    if not 0 <= number < 2**53:
        raise MetadataTableError(
            f"{row.where}: the column {FRAME_COLUMN!r} must hold a frame number or second, got {value!r}"
        )
    return str(int(number)) if number.is_integer() else repr(number)
