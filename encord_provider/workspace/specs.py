"""Writing an upload spec into the folder of a task, and what the task returns of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from encord_provider.upload_spec import DataUnit, Skipped, SpecIndex, write_parts
from encord_provider.workspace.files import child, parent, path_of
from encord_provider.workspace.window import Window


def write_spec(
    folder: str,
    units: Iterable[DataUnit],
    *,
    max_units_per_part: int | Mapping[str, int] | None,
    skip_duplicate_urls: bool,
    skipped: Iterable[Skipped] = (),
    window: Window | None = None,
    places: Sequence[str] = (),
) -> tuple[SpecIndex, dict[str, Any]]:
    """Write an upload spec in parts.

    :param folder: the URI of the folder; what it holds of an earlier attempt is overwritten.
    :param units: the data units; read once.
    :param max_units_per_part: data units in one part; None for 1,000, and 100 videos.
    :param skip_duplicate_urls: whether Encord is to skip URLs that its folder already has.
    :param skipped: the objects that were left out.
    :param window: the window of time whose objects they are; None where they are of none.
    :param places: the URIs of what the spec was built from.
    :returns: the index, and what the task returns: ``{"index", "parts", "counts", "skipped"}``, where the URIs
        keep the connection id that the folder's has.
    :raises UploadSpecError: for a data unit that Encord's limits do not allow.
    """
    index = write_parts(
        units,
        path_of(parent(folder)),
        name=folder.rpartition("/")[2],
        max_units_per_part=max_units_per_part,
        skip_duplicate_urls=skip_duplicate_urls,
        skipped=skipped,
        window=None if window is None else window.as_json(),
        places=places,
    )
    return index, {
        "index": child(folder, "index.json"),
        "parts": [child(folder, part.name) for part in index.parts],
        "counts": dict(index.counts),
        "skipped": index.skipped,
    }
