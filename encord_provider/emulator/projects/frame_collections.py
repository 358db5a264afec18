"""Collections of a project: named selections of the frames of its data rows."""

from __future__ import annotations

from collections.abc import Iterable

from encord_provider.emulator.collections.presets import FilterPreset
from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.errors import bad_request, forbidden
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.datasets.models import DataRow
from encord_provider.emulator.projects.models import Project

Frame = tuple[str, int]
"""UUID of a data row, and number of a frame in it."""


class FrameCollection:
    """One collection.

    :ivar frames: what it holds, in the order in which it was added.
    """

    __slots__ = ("created_at", "description", "edited_at", "frames", "name", "project", "uuid")

    def __init__(
        self, *, uuid: str, project: Project, name: str, description: str, created_at: float
    ) -> None:
        self.uuid = uuid
        self.project = project
        self.name = name
        self.description = description
        self.created_at = created_at
        self.edited_at = created_at
        self.frames: dict[Frame, None] = {}

    def by_row(self) -> list[tuple[DataRow, list[int]]]:
        """The data rows that still belong to the project, each with its frames in order."""
        frames: dict[str, list[int]] = {}
        for uuid, frame in self.frames:
            frames.setdefault(uuid, []).append(frame)
        rows = {row.uuid: row for row in self.project.rows()}
        return [(rows[uuid], sorted(numbers)) for uuid, numbers in frames.items() if uuid in rows]


class FrameCollections:
    """All collections of all projects."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._by_uuid: dict[str, FrameCollection] = {}

    def create(self, *, project: Project, name: str, description: str) -> FrameCollection:
        """Make an empty collection.

        :raises ApiError: 400 if the name is empty.
        """
        return self.add(
            FrameCollection(
                uuid=self._chance.uuid(),
                project=project,
                name=_checked_name(name),
                description=description,
                created_at=self._clock.now(),
            )
        )

    def add(self, collection: FrameCollection) -> FrameCollection:
        """Take in a collection."""
        self._by_uuid[collection.uuid] = collection
        return collection

    def all(self) -> list[FrameCollection]:
        """Every collection, the oldest first."""
        return list(self._by_uuid.values())

    def of_project(self, project: Project) -> list[FrameCollection]:
        """The collections of a project."""
        return [collection for collection in self._by_uuid.values() if collection.project is project]

    def require(self, uuid: str, project: Project) -> FrameCollection:
        """The collection of that UUID.

        :raises ApiError: 403 if the project has none, as the SDK documents.
        """
        collection = self._by_uuid.get(uuid)
        if collection is None or collection.project is not project:
            raise forbidden(f"collection {uuid} does not exist or you do not have access to it")
        return collection

    def delete(self, uuid: str, project: Project) -> None:
        """Remove a collection, if the project has it."""
        if uuid in self._by_uuid and self._by_uuid[uuid].project is project:
            del self._by_uuid[uuid]

    def update(self, collection: FrameCollection, *, name: str | None, description: str | None) -> None:
        """Change what is given.

        :raises ApiError: 400 if the name is empty.
        """
        if name is not None:
            collection.name = _checked_name(name)
        if description is not None:
            collection.description = description
        collection.edited_at = self._clock.now()

    def add_frames(self, collection: FrameCollection, frames: Iterable[Frame]) -> list[Frame]:
        """Add frames.

        :returns: those that the project does not have.
        """
        known = {row.uuid: frame_count(row) for row in collection.project.rows()}
        failed = []
        for row, number in frames:
            if 0 <= number < known.get(row, 0):
                collection.frames[row, number] = None
            else:
                failed.append((row, number))
        collection.edited_at = self._clock.now()
        return failed

    def remove_frames(self, collection: FrameCollection, frames: Iterable[Frame]) -> list[Frame]:
        """Take frames out.

        :returns: those that were not in the collection.
        """
        failed = []
        for frame in frames:
            if frame in collection.frames:
                del collection.frames[frame]
            else:
                failed.append(frame)
        collection.edited_at = self._clock.now()
        return failed

    def apply_preset(self, collection: FrameCollection, preset: FilterPreset, *, adding: bool) -> None:
        """Add or remove all frames of the data rows whose items fulfil a preset.

        :raises ApiError: 400 if the preset has conditions that cannot be applied.
        """
        preset.check_usable()
        for row in collection.project.rows():
            if preset.matches(row.item):
                for number in range(frame_count(row)):
                    if adding:
                        collection.frames[row.uuid, number] = None
                    else:
                        collection.frames.pop((row.uuid, number), None)
        collection.edited_at = self._clock.now()


def frame_count(row: DataRow) -> int:
    """How many frames a data row has; 1 if that is not known."""
    media = row.item.media or {}
    if row.item.children:
        return len(row.item.children)
    if media.get("frameCount"):
        return int(media["frameCount"])
    return max(1, round((media.get("duration") or 0) * (media.get("fps") or 0)))


def _checked_name(name: str) -> str:
    if not name.strip():
        raise bad_request("a collection needs a name")
    return name
