"""The filters that listings of datasets, data rows and projects have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from encord_provider.emulator.core.params import Body, Query


@dataclass(frozen=True, kw_only=True)
class ListingFilter:
    """Which entries of a listing are wanted; ``None`` leaves a field unfiltered.

    :param title_like: SQL pattern: ``%`` stands for any text, ``_`` for any character.
    :param created_before: seconds since the epoch, as are the other times; "before" excludes the moment itself.
    :param ignore_case: whether patterns match letters of either case.
    """

    title_eq: str | None = None
    title_like: str | None = None
    description_eq: str | None = None
    description_like: str | None = None
    created_before: float | None = None
    created_after: float | None = None
    edited_before: float | None = None
    edited_after: float | None = None
    ignore_case: bool = True

    @classmethod
    def read(
        cls, source: Query | Body, *, ignore_case: bool, snake: bool = False, description: str = "desc"
    ) -> Self:
        """The filter that a query or body asks for.

        :param snake: its names are in snake_case (the older API) instead of camelCase.
        :param description: how it begins the names of what concerns the description.
        """
        prefixes = {"title": "title", "description": description, "created": "created", "edited": "edited"}

        def name(subject: str, relation: str) -> str:
            prefix = prefixes[subject]
            return f"{prefix}_{relation}" if snake else prefix + relation.capitalize()

        texts = [(subject, relation) for subject in ("title", "description") for relation in ("eq", "like")]
        moments = [(subject, side) for subject in ("created", "edited") for side in ("before", "after")]
        found: dict[str, Any] = {"_".join(pair): source.text(name(*pair)) for pair in texts}
        found |= {"_".join(pair): source.moment(name(*pair)) for pair in moments}
        return cls(**found, ignore_case=ignore_case)

    def fits(self, entry: Any) -> bool:
        """Whether an entry with a title, a description and the usual times is wanted."""
        return self.matches(
            title=entry.title,
            description=entry.description,
            created_at=entry.created_at,
            edited_at=entry.edited_at,
        )

    def matches(self, *, title: str, description: str, created_at: float, edited_at: float) -> bool:
        """Whether an entry is wanted."""
        return (
            (self.title_eq is None or title == self.title_eq)
            and (self.description_eq is None or description == self.description_eq)
            and (self.title_like is None or sql_like(self.title_like, title, ignore_case=self.ignore_case))
            and (
                self.description_like is None
                or sql_like(self.description_like, description, ignore_case=self.ignore_case)
            )
            and _within(created_at, self.created_after, self.created_before)
            and _within(edited_at, self.edited_after, self.edited_before)
        )


def sql_like(pattern: str, text: str, *, ignore_case: bool) -> bool:
    """Whether a text matches an SQL ``LIKE`` pattern."""
    return _compiled(pattern, ignore_case).fullmatch(text) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    wildcards = {"%": ".*", "_": "."}
    expression = "".join(wildcards.get(character) or re.escape(character) for character in pattern)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _within(moment: float, after: float | None, before: float | None) -> bool:
    return (after is None or moment >= after) and (before is None or moment < before)
