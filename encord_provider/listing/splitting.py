"""Where to divide a range of keys of which only some have been seen."""

from __future__ import annotations

import os

_LAST = chr(0x10FFFF)


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

    Nothing is known of the keys in between but that they tend to be like those that were seen: where the two texts
    differ, the middle is tried; where they hardly do, or there is no end, it is tried what follows all keys that share
    half of the last one. A text after which there are no keys becomes the end, so that the next try is better.

    :param last: a key; it begins with the prefix.
    :param end: a text that no key passes; None for nothing but the prefix.
    :param prefix: what all keys begin with.
    :param characters: the characters of keys.
    :param span: how many characters the keys of one page share: what differs behind them is less than a page away.
    :param level: the position at which neighbours of the range differ, if that is known.
    :returns: a text that is greater than the key and less than the end; None where there is none.
    """
    shared = len(prefix) if end is None else shared_length(last, end)
    if shared >= span:
        return None
    found = None
    if end is not None and shared < len(end):
        found = _middle(last, shared, characters.between(last[shared], end[shared]))
    if found is None and level is not None and shared <= level < span:
        found = _middle(last, level, characters.above(last[level]))
    # All keys up to the end begin as the last one does, and have one more character of it.
    same = shared if end is None else shared + 1
    if found is None and same < span:
        found = following(last[: (same + span + 1) // 2], prefix)
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
    return last[:position] + choice[len(choice) // 2] if choice else None
