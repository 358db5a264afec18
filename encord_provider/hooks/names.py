"""What a user names a folder or a cloud integration by: its UUID, or a name that need not be unique."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from encord_provider.exceptions import EncordInputError


def uuid_of(text: str) -> str | None:
    """Give a UUID as Encord writes it, or None for a text that is not a UUID but a name or title.

    :param text: what the user gave.
    """
    try:
        return str(UUID(text))
    except ValueError:
        return None


def several_named(kind: str, name: str, uuids: Iterable[str]) -> EncordInputError:
    """Give the error for a name that several things have.

    :param kind: what they are, in the plural.
    :param name: the name that they share.
    :param uuids: their UUIDs.
    """
    listed = list(uuids)
    return EncordInputError(
        f"{len(listed)} {kind} are named {name!r}: {', '.join(listed)}. Give the UUID of the one you mean."
    )
