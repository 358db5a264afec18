"""Which names Encord allows as metadata keys."""

from __future__ import annotations

from encord_provider.exceptions import MetadataSchemaError

RESERVED_KEY = "keyframes"
"""Frames of interest of a video: a value that client metadata may hold, not a key that a schema may declare."""

ENCORD_BLOCK = "$encord"
"""The block of client metadata that configures sampling and carries metadata of single frames."""


def key_problem(key: str) -> str | None:
    """Say why Encord's metadata schema does not allow a key.

    Source of the rule: the check of Encord's SDK. A key is made of letters, digits, blank, ``-``, ``_`` and
    ``.``; it holds at least one letter or digit, and it is not ``keyframes``, however punctuated.

    :param key: the metadata key.
    :returns: a sentence that starts with the key, or None.
    """
    if not isinstance(key, str):
        return f"{key!r} is not text; quote it"
    if key.startswith("$"):
        return f"{key!r} starts with $, which Encord reserves"
    bare = key.translate({ord(character): None for character in "-_ ."})
    if bare == RESERVED_KEY:
        return f"{key!r} is reserved by Encord for frames of interest"
    if not bare.isalnum():
        return (
            f"{key!r} is not a metadata key: use letters, digits, blank, '-', '_' and '.', "
            "with at least one letter or digit"
        )
    return None


def check_key(key: str, *, source: str) -> None:
    """Refuse a key that Encord's metadata schema does not allow.

    :param key: the metadata key.
    :param source: where it stands, for the message.
    :raises MetadataSchemaError: when it is not allowed.
    """
    if problem := key_problem(key):
        raise MetadataSchemaError(f"{source}: {problem}")
