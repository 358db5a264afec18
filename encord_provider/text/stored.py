"""What is kept between processes: read as it was written, or refused. Never half, and never as something else.

Another version of this package may have written it, a worker may have died over it, and whoever can write the workspace
can change it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

FORM_KEY = "form"
FORM = 1
"""The number of the form in which journals, receipts and events are kept. It grows when an older reader would
misunderstand what is written."""


def stamped(value: Mapping[str, Any]) -> dict[str, Any]:
    """Give a value with the number of its form.

    :param value: what is to be kept, as JSON values.
    """
    return {FORM_KEY: FORM, **value}


def opened(value: Any, kind: type[T], *, whole: bool = True) -> T:
    """Read what was kept.

    :param value: JSON values; those without a number are of the first form, which had none.
    :param kind: a dataclass, whose annotations say what each field must be.
    :param whole: whether every field must be there, also one that has a default.
    :returns: an object of the class.
    :raises ValueError: for another form, a field that is missing, unknown or of another type.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{type(value).__name__} instead of an object")
    form = value.get(FORM_KEY, FORM)
    if type(form) is not int or form != FORM:
        raise ValueError(f"it has the form {form!r}, and this version of the provider reads the form {FORM}")
    rest = {key: one for key, one in value.items() if key != FORM_KEY}
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(map(repr, rest.keys() - known)):
        raise ValueError(f"it has unknown fields: {', '.join(unknown)}")
    if whole and (missing := sorted(known - rest.keys())):
        raise ValueError(f"it lacks fields: {', '.join(missing)}")
    try:
        written = orjson.dumps(rest)
    except TypeError as error:
        # Values that JSON does not have.
        raise ValueError(str(error)) from None
    read: T = _reader(cast("Any", kind)).validate_json(written, strict=True)
    return read


@functools.cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    """Make what reads a class, which takes far longer than to read an object of it."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
