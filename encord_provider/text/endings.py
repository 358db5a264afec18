"""What a file is by the ending of its name."""

from __future__ import annotations

from collections.abc import Iterable


def ending_of(name: str, endings: Iterable[str]) -> str | None:
    """Find which ending the name of a file has.

    :param name: a name, path or URI. Capitals do not matter, and neither does a query: ``a.csv?versionId=1`` is CSV.
    :param endings: the endings that count, in lower case and with their dots.
    :returns: the first of them that the name has; None when it has none of them.
    """
    bare = name.partition("?")[0].strip().lower()
    return next((one for one in endings if bare.endswith(one)), None)
