"""What a folder has of an upload spec already, for imports that do not know what they have sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from encord_provider.jobs.next_step import Presence
from encord_provider.jobs.parts import ImportPart
from encord_provider.metadata.rows import row_of_unit
from encord_provider.metadata.selection import match_in

if TYPE_CHECKING:
    from encord_provider.hooks.encord import EncordHook


def presence_of(hook: EncordHook, folder: str, parts: Sequence[ImportPart]) -> dict[str, Presence]:
    """Look into a folder for the data units of parts; it lists the whole folder once.

    A data unit is there if an item has its object, in any spelling of the URL, or for groups exactly its objects.
    Two data units that mean the same item count as there in part only: one of them may be missing.

    :param hook: the connection.
    :param folder: UUID of the folder.
    :param parts: the parts.
    :returns: part name -> what the folder has of it.
    """
    rows = [(part.name, row_of_unit(unit)) for part in parts for unit in part.read().units]
    matches = match_in(hook, [row for _, row in rows], hook.api.folder_items(folder))
    seen: dict[str, set[Presence]] = {part.name: set() for part in parts}
    for (name, _), match in zip(rows, matches, strict=True):
        there = Presence.SOME if match.contested else Presence.ALL
        seen[name].add(there if match.items else Presence.NONE)
    return {name: one.pop() if len(one) == 1 else Presence.SOME for name, one in seen.items()}
