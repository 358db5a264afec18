"""What names a dataset or project: a text, or the output of a task about it."""

from __future__ import annotations

from typing import Any

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace.templates import value_of


def name_of(given: Any, *, parameter: str) -> str:
    """Give the UUID or title that a rendered parameter names.

    :param given: the text; or what an operator returned, a mapping that has it under the parameter's name.
    :param parameter: ``dataset`` or ``project``.
    :returns: the text; empty where nothing was given.
    :raises EncordInputError: if it is anything else.
    """
    value = value_of(given, dict, str, parameter=parameter)
    if isinstance(value, dict):
        if not isinstance(value.get(parameter), str):
            raise EncordInputError(
                f"The parameter {parameter} is a mapping without {parameter!r}: give the output of a task that returns "
                "one, or a UUID or exact title."
            )
        value = value[parameter]
    return str(value or "").strip()
