"""Titles of data units, from a template."""

from __future__ import annotations

import string
from collections.abc import Mapping

from encord_provider.exceptions import UploadSpecError

DEFAULT_TITLE = "{key}"
KEY_FIELDS = ("key", "name", "stem", "folder")


def check_template(template: str, *, names: tuple[str, ...]) -> None:
    """Refuse a title template that could not be filled in.

    :param template: text with fields in braces: ``{key}`` is the whole key (for groups and series their folder
        or name), ``{name}`` its last segment, ``{stem}`` that without extension, ``{folder}`` all before it.
    :param names: further fields: the named groups of the key pattern.
    :raises UploadSpecError: for anything else in braces.
    """
    known = ", ".join(f"{{{name}}}" for name in (*KEY_FIELDS, *names))
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UploadSpecError(f"title template {template!r}: {error}; fields are {known}") from None
    for _, name, spec, conversion in fields:
        if name is not None and (name not in (*KEY_FIELDS, *names) or spec or conversion):
            raise UploadSpecError(f"title template {template!r} has no field {{{name}}}; fields are {known}")
    if not template:
        raise UploadSpecError("the title template is empty")


def title_of(template: str, key: str, values: Mapping[str, str]) -> str:
    """Fill in a title template.

    :param template: a template that :func:`check_template` accepted.
    :param key: the key of the object, or the name of the group.
    :param values: what the key pattern found in the key.
    :returns: the title.
    :raises UploadSpecError: when the key pattern gave nothing for a field of the template.
    """
    if template == DEFAULT_TITLE:
        return key
    folder, _, name = key.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    known = {**values, "key": key, "name": name, "folder": folder, "stem": stem if dot and stem else name}
    try:
        return template.format_map(known)
    except KeyError as error:
        raise UploadSpecError(
            f"{key!r}: the title template needs {{{error.args[0]}}}, but the key pattern does not give it here"
        ) from None
