"""What became of each row, and all of them summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from encord_provider.metadata.rows import MetadataRow
from encord_provider.text.secrets import redacted

_MAX_SHOWN = 20


class RowOutcome(StrEnum):
    """What became of a row."""

    PATCHED = "patched"
    UNCHANGED = "unchanged"
    UNMATCHED = "unmatched"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """What became of one row, as the report has it.

    :param row: the row.
    :param outcome: what became of it.
    :param items: UUIDs of the items that it matched.
    :param reason: why it was not patched, in words.
    :param conflict: whether somebody else changed the item between the listing and the patch; a merge starts from
        what they wrote.
    :param repaired: whether somebody else overwrote what was written, so that it was written again.
    """

    row: MetadataRow
    outcome: RowOutcome
    items: tuple[str, ...] = ()
    reason: str = ""
    conflict: bool = False
    repaired: bool = False

    def as_json(self) -> dict[str, Any]:
        """Give the line of the report; it names the row and holds none of its values."""
        return {
            "outcome": self.outcome.value,
            "key": redacted(self.row.key),
            "where": redacted(self.row.where),
            "items": list(self.items),
            "reason": redacted(self.reason),
            "conflict": self.conflict,
            "repaired": self.repaired,
        }


@dataclass(frozen=True, kw_only=True)
class PatchSummary:
    """The results of all rows.

    :param counts: how many rows had each outcome.
    :param conflicts: how many items somebody else changed at the same time.
    :param repaired: how many items somebody else overwrote after they were patched, so that they were patched again.
    :param report: a JSON line for every row that is not unchanged.
    :param first_failed: the first row that Encord refused, or None.
    :param astray: the first rows that match no item, or several.
    """

    counts: Mapping[RowOutcome, int]
    conflicts: int
    repaired: int
    report: bytes
    first_failed: RowResult | None
    astray: tuple[RowResult, ...] = ()

    @classmethod
    def of(cls, results: Iterable[RowResult]) -> PatchSummary:
        """Sum results up; they are read once and not kept."""
        counts: Counter[RowOutcome] = Counter()
        conflicts = repaired = 0
        lines: list[bytes] = []
        first_failed: RowResult | None = None
        astray: list[RowResult] = []
        for result in results:
            counts[result.outcome] += 1
            conflicts += result.conflict
            repaired += result.repaired
            if result.outcome is not RowOutcome.UNCHANGED:
                lines.append(orjson.dumps(result.as_json()) + b"\n")
            if result.outcome in (RowOutcome.UNMATCHED, RowOutcome.AMBIGUOUS) and len(astray) < _MAX_SHOWN:
                astray.append(result)
            if result.outcome is RowOutcome.FAILED and first_failed is None:
                first_failed = result
        return cls(
            counts={outcome: counts[outcome] for outcome in RowOutcome},
            conflicts=conflicts,
            repaired=repaired,
            report=b"".join(lines),
            first_failed=first_failed,
            astray=tuple(astray),
        )

    def astray_problem(self, allowed: int | None) -> str | None:
        """Say that too many rows found no item.

        :param allowed: how many rows may match no item, or several; None for all but all of them.
        :returns: a sentence with the first of these rows, or None.
        """
        unmatched, rows = self.counts[RowOutcome.UNMATCHED], sum(self.counts.values())
        count = unmatched + self.counts[RowOutcome.AMBIGUOUS]
        if allowed is None:
            if not rows or unmatched < rows:
                return None
            problem = f"None of the {rows} rows matches an item: check 'key', 'folder' and 'items'"
        elif count > allowed:
            problem = f"{count} of {rows} rows match no item, or several; {allowed} are allowed"
        else:
            return None
        lines = [f"{one.row.where}: {one.row.key!r}: {one.reason}" for one in self.astray]
        return "\n".join([f"{problem}. The first of them:", *lines])
