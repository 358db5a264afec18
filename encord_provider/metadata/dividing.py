"""Calls for many items of which Encord may refuse some: the refused ones are found by dividing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from encord_provider.exceptions import EncordRequestError

T = TypeVar("T")

MAX_REFUSALS = 20
"""After so many refusals in a row, dividing further does not help; one bad item among 1,000 needs eleven."""

DIVISIBLE = frozenset({400, 404, 413, 422})
"""Answers that may be about some of the items; the others are about the caller."""


@dataclass(frozen=True, kw_only=True)
class Divided(Generic[T]):
    """What became of a bundle.

    :param answers: the answers for the parts that Encord took.
    :param refused: the reason for each item that it refused.
    :param given_up: the last refusal, if some of these items were refused only together with others.
    """

    answers: tuple[T, ...]
    refused: Mapping[str, EncordRequestError]
    given_up: EncordRequestError | None


def divided(
    uuids: Sequence[str],
    send: Callable[[Sequence[str]], T],
    *,
    may_divide: Callable[[EncordRequestError], bool],
) -> Divided[T]:
    """Make a call for items; where Encord refuses it, make it for halves of them, down to single ones.

    Large and small parts take turns, so that few bad items are found wherever they are, and a call that is refused
    whatever it holds is noticed after :data:`MAX_REFUSALS` refusals in a row.

    :param uuids: UUIDs of the items.
    :param send: makes the call for some of them.
    :param may_divide: whether a refusal may be about some of the items only.
    :returns: what became of them.
    :raises EncordRequestError: for a refusal that is not about single items.
    """
    waiting = [tuple(uuids)] if uuids else []
    answers: list[T] = []
    refused: dict[str, EncordRequestError] = {}
    in_a_row = 0
    while waiting:
        largest = in_a_row % 2 == 0
        part = waiting.pop(waiting.index(max(waiting, key=len) if largest else min(waiting, key=len)))
        try:
            answers.append(send(part))
            in_a_row = 0
        except EncordRequestError as error:
            if not may_divide(error):
                raise
            in_a_row += 1
            if len(part) == 1:
                refused[part[0]] = error
            else:
                middle = len(part) // 2
                waiting += [part[:middle], part[middle:]]
            if in_a_row == MAX_REFUSALS and waiting:
                refused.update((uuid, error) for left in waiting for uuid in left)
                return Divided(answers=tuple(answers), refused=refused, given_up=error)
    return Divided(answers=tuple(answers), refused=refused, given_up=None)
