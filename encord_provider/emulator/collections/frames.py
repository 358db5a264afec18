"""Collections of a project: named selections of the frames of its data rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from encord_provider.emulator.collections.presets import FilterPreset
from encord_provider.emulator.core.table import Entry, Table, no_access, take_out
from encord_provider.emulator.datasets.models import DataRow
from encord_provider.emulator.projects.models import Project

Frame = tuple[str, int]
"""UUID of a data row, and number of a frame in it."""


@dataclass(eq=False, slots=True, kw_only=True)
class FrameCollection(Entry):
    """One collection.

    :param frames: what it holds, in the order in which it was added.
    """

    project: Project
    name: str
    description: str
    frames: dict[Frame, None] = field(default_factory=dict)

    def by_row(self) -> list[tuple[DataRow, list[int]]]:
        """The data rows that still belong to the project, each with its frames in order."""
        frames: dict[str, list[int]] = {}
        for uuid, frame in self.frames:
            frames.setdefault(uuid, []).append(frame)
        rows = {row.uuid: row for row in self.project.rows()}
        return [(rows[uuid], sorted(numbers)) for uuid, numbers in frames.items() if uuid in rows]


class FrameCollections(Table[FrameCollection]):
    """All collections of all projects."""

    entry = FrameCollection
    called = "a collection"

    def of_project(self, project: Project) -> list[FrameCollection]:
        """The collections of a project."""
        return [collection for collection in self._entries.values() if collection.project is project]

    def require(self, uuid: str, project: Project) -> FrameCollection:
        """The collection of that UUID.

        :raises ApiError: 403 if the project has none, as the SDK documents.
        """
        collection = self._entries.get(uuid)
        if collection is None or collection.project is not project:
            raise no_access("collection", uuid)
        return collection

    def add_frames(self, collection: FrameCollection, frames: Iterable[Frame]) -> list[Frame]:
        """Add frames.

        :returns: those that the project does not have.
        """
        known = {row.uuid: row.frame_count for row in collection.project.rows()}
        failed = []
        for row, number in frames:
            if 0 <= number < known.get(row, 0):
                collection.frames[row, number] = None
            else:
                failed.append((row, number))
        self.touch(collection)
        return failed

    def remove_frames(self, collection: FrameCollection, frames: Iterable[Frame]) -> list[Frame]:
        """Take frames out.

        :returns: those that were not in the collection.
        """
        failed = take_out(collection.frames, frames)
        self.touch(collection)
        return failed

    def apply_preset(self, collection: FrameCollection, preset: FilterPreset, *, adding: bool) -> None:
        """Add or remove all frames of the data rows whose items fulfil a preset.

        :raises ApiError: 400 if the preset has conditions that cannot be applied.
        """
        preset.check_usable()
        rows = [row for row in collection.project.rows() if preset.matches(row.item)]
        frames = [(row.uuid, number) for row in rows for number in range(row.frame_count)]
        if adding:
            collection.frames.update(dict.fromkeys(frames))
        else:
            take_out(collection.frames, frames)
        self.touch(collection)
