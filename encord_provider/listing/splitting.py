"""Where to divide a range of keys of which only some have been seen."""

from __future__ import annotations

import os

_LAST = chr(0x10FFFF)

_FEW = 3
"""Where pages differ in a character, so many more of it are too few pages to be divided."""


class Characters:
    """The characters that keys are made of, as far as they have been seen."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def saw(self, *keys: str) -> None:
        """Note keys.

        :param keys: some of the keys.
        """
        for key in keys:
            self._seen.update(key)

    def between(self, low: str, high: str) -> list[str]:
        """Give the characters between two, without these.

        :param low: a character.
        :param high: a character.
        :returns: those that were seen, in order.
        """
        return sorted(one for one in self._seen if low < one < high)

    def above(self, low: str) -> list[str]:
        """Give the characters of one kind that are greater than one of it: digits, capitals or other letters.

        :param low: a character.
        :returns: them in order; for a digit all, for a letter those that were seen.
        """
        if low in "0123456789":
            return [chr(code) for code in range(ord(low) + 1, ord("9") + 1)]
        kind = str.isupper if low.isupper() else str.islower if low.islower() else None
        return [] if kind is None else [one for one in self.between(low, _LAST) if kind(one)]


def split_point(
    last: str, end: str | None, *, prefix: str, characters: Characters, span: int, level: int | None = None
) -> str | None:
    """Choose a text by which to divide the keys that are greater than one and not greater than another.

    Nothing is known of the keys in between but that they tend to be like those that were seen. Where a character lies
    between those in which the two texts differ, it is tried. Otherwise a larger step than the one before is tried: the
    character before the one in which neighbours differ is raised, as 09 is followed by 30. A text after which there are
    no keys becomes the end, so that the next try is better.

    :param last: a key; it begins with the prefix.
    :param end: a text that no key passes; None for nothing but the prefix.
    :param prefix: what all keys begin with.
    :param characters: the characters of keys.
    :param span: how many characters the keys of one page share: what differs behind them is less than a page away.
    :param level: the position at which neighbours of the range differ, if that is known.
    :returns: a text that is greater than the key and less than the end; None where there is none.
    """
    shared = len(prefix) if end is None else shared_length(last, end)
    found = None
    if end is not None and shared < min(len(end), span):
        choice = characters.between(last[shared], end[shared])
        if shared < span - 1 or len(choice) > _FEW:
            found = _middle(last, shared, choice)
    # Up to the end all keys share what the last one has before this; what differs behind is less than ten pages away.
    first, deepest = shared if end is None else shared + 1, span - 2
    if found is None and first <= deepest:
        level = deepest + 1 if level is None and end is None else level
        at = next((one for one in ((level or 0) - 1, level or 0) if first <= one <= deepest), None)
        at = (first + deepest) // 2 if at is None else at
        found = _middle(last, at, characters.above(last[at])) or following(last[: at + 1], prefix)
    elif found is None and first == span - 1 and len(choice := characters.above(last[first])) > _FEW:
        found = _middle(last, first, choice)
    if found is None or found <= last or (end is not None and found >= end):
        return None
    return found


def shared_length(one: str, other: str) -> int:
    """Say how many characters two keys have in common at their beginning.

    :param one: a key.
    :param other: another.
    """
    # Of texts, character by character: not of paths.
    return len(os.path.commonprefix([one, other]))  # noqa: RUF071


def following(text: str, prefix: str) -> str | None:
    """Give the least text that is greater than all that begin with another.

    :param text: the other.
    :param prefix: what the result must begin with.
    :returns: the text; None where no text with the prefix is.
    """
    while len(text) > len(prefix):
        last = text[-1]
        if last != _LAST:
            # Half a surrogate pair is no character.
            return text[:-1] + ("\ue000" if last == "\ud7ff" else chr(ord(last) + 1))
        text = text[:-1]
    return None


def _middle(last: str, position: int, choice: list[str]) -> str | None:
    return last[:position] + choice[len(choice) // 3] if choice else None
