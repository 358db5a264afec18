"""Key patterns: metadata out of the path of an object."""

from __future__ import annotations

import re
from dataclasses import dataclass

from encord_provider.exceptions import KeyPatternError
from encord_provider.schema.keys import key_problem
from encord_provider.upload_spec.pattern_time import slow_part


@dataclass(frozen=True)
class KeyPattern:
    """A regular expression whose named groups become client metadata.

    Make one with :meth:`compile`.

    :param text: the regular expression as the user wrote it.
    :param regex: the same, compiled.
    """

    text: str
    regex: re.Pattern[str]

    @classmethod
    def compile(cls, text: str) -> KeyPattern:
        """Check and compile a key pattern.

        :param text: a regular expression of Python's ``re`` with at least one named group, for example
            ``site=(?P<site>[^/]+)/dt=(?P<date>[0-9-]+)/``.
        :returns: the pattern.
        :raises KeyPatternError: for an invalid expression, one that might take for ever, one without a named group,
            or a group whose name Encord does not allow as a metadata key.
        """
        try:
            regex = re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            position = getattr(error, "pos", None)
            place = (
                "" if position is None else f" (character {position + 1}: {text[position : position + 20]!r})"
            )
            reason = getattr(error, "msg", None) or str(error)
            raise KeyPatternError(
                f"key pattern {text!r} is not a valid regular expression: {reason}{place}"
            ) from None
        if problem := slow_part(text):
            raise KeyPatternError(
                f"key pattern {text!r} might take for ever on some key: {problem}. Let each "
                "repetition end with what the one inside of it cannot match, as in ([^/]+/)+"
            )
        if not regex.groupindex:
            raise KeyPatternError(
                f"key pattern {text!r} has no named group; write one as (?P<site>[^/]+) to get the metadata key 'site'"
            )
        for name in regex.groupindex:
            if problem := key_problem(name):
                position = text.find(f"(?P<{name}>") + 1
                raise KeyPatternError(f"key pattern {text!r}, character {position}: group {problem}")
        return cls(text, regex)

    @property
    def names(self) -> tuple[str, ...]:
        """The metadata keys that this pattern can give."""
        return tuple(self.regex.groupindex)

    def metadata(self, key: str) -> dict[str, str]:
        """Read metadata from an object's key.

        :param key: the key; the pattern may match anywhere in it, the first match counts.
        :returns: the named groups that took part in the match; nothing when the pattern does not match.
        """
        match = self.regex.search(key)
        if match is None:
            return {}
        return {name: value for name, value in match.groupdict().items() if value is not None}
