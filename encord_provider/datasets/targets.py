"""Which items of a selection are meant, and what was named in vain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson

from encord_provider.api.items import StorageItem
from encord_provider.exceptions import EncordError, EncordInputError
from encord_provider.metadata.matching import Match
from encord_provider.text.secrets import redacted

_SHOWN = 20


class LinkOutcome(StrEnum):
    """What became of an item, or of what was to name one."""

    LINKED = "linked"
    UNLINKED = "unlinked"
    REFUSED = "refused"
    UNMATCHED = "unmatched"
    AMBIGUOUS = "ambiguous"


_WHY_NOT = {
    LinkOutcome.UNMATCHED: "no item has that name",
    LinkOutcome.AMBIGUOUS: "several items have that name",
}


@dataclass(frozen=True, kw_only=True)
class LinkResult:
    """A line of the report.

    :param outcome: what became of it.
    :param key: the object URL or UUID.
    :param item: the item; empty where there is none.
    :param reason: why it is not as it should be, in words.
    """

    outcome: LinkOutcome
    key: str
    item: str = ""
    reason: str = ""

    def as_line(self) -> bytes:
        """Give the line."""
        line = {
            "outcome": self.outcome.value,
            "key": redacted(self.key),
            "item": self.item,
            "reason": redacted(self.reason),
        }
        return orjson.dumps(line) + b"\n"


@dataclass(frozen=True, kw_only=True)
class Target:
    """An item that is meant.

    :param key: its object URL, or its UUID where it has none.
    :param folder: UUID of the folder that holds it.
    """

    key: str
    folder: str


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The items that are meant.

    :param items: UUID -> item, in the order of the selection; none is in it twice.
    :param astray: what the user named, and no item or several have that name.
    :param place: the selection in words.
    """

    items: Mapping[str, Target]
    astray: tuple[LinkResult, ...]
    place: str

    @classmethod
    def of(cls, matches: Iterable[Match], *, place: str) -> Targets:
        """Take the items of matches; read once.

        :param matches: what :meth:`~encord_provider.metadata.selection.SelectedItems.matches` gives.
        :param place: the selection in words.
        """
        items: dict[str, Target] = {}
        astray: list[LinkResult] = []
        for match in matches:
            if len(match.items) == 1:
                (item,) = match.items
                items[item.uuid] = _target(item)
                continue
            outcome = LinkOutcome.AMBIGUOUS if match.items else LinkOutcome.UNMATCHED
            several = " ".join(item.uuid for item in match.items)
            astray.append(
                LinkResult(outcome=outcome, key=match.row.key, item=several, reason=_WHY_NOT[outcome])
            )
        return cls(items=items, astray=tuple(astray), place=place)

    def count(self, outcome: LinkOutcome) -> int:
        """Count what was named in vain."""
        return sum(one.outcome is outcome for one in self.astray)

    def check(self, allowed: int | None, *, may_appear: bool = False) -> None:
        """Refuse a selection of which too much was named in vain, before anything is changed.

        :param allowed: how much may be; None for all but all of it.
        :param may_appear: whether what was named may be there and not listed yet.
        :raises EncordInputError: if it is more; the message names the first.
        :raises EncordError: the same, where a later attempt may find it.
        """
        named = len(self.items) + len(self.astray)
        if allowed is None:
            if self.items or not self.astray:
                return
            problem = f"Of the {named} objects or UUIDs that were named, none is an item of {self.place}"
        elif len(self.astray) > allowed:
            problem = (
                f"{len(self.astray)} of {named} objects or UUIDs are no item of {self.place}, or several; {allowed} "
                "are allowed"
            )
        else:
            return
        lines = [f"{one.key}: {one.reason}" for one in self.astray[:_SHOWN]]
        message = "\n".join([f"{problem}. Nothing was changed. The first of them:", *lines])
        raise EncordError(message) if may_appear else EncordInputError(message)


def _target(item: StorageItem) -> Target:
    return Target(key=item.url or item.uuid, folder=item.folder)
