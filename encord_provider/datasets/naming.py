"""What names a dataset or project: a text, or the output of a task about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from encord_provider.exceptions import EncordInputError
from encord_provider.hooks.names import uuid_of
from encord_provider.workspace.templates import value_of

if TYPE_CHECKING:
    from encord_provider.hooks.encord import EncordHook


def dataset_of(hook: EncordHook, given: Any) -> str:
    """Give the UUID of the dataset that a rendered parameter names; that of a UUID is found out by using it.

    :param hook: the connection.
    :param given: what :func:`name_of` takes.
    :raises EncordInputError: if no or several datasets have that title.
    """
    name = name_of(given, parameter="dataset")
    return uuid_of(name) or hook.find_dataset(name)


def project_of(hook: EncordHook, given: Any) -> str:
    """Give the UUID of the project that a rendered parameter names, as :func:`dataset_of` does.

    :param hook: the connection.
    :param given: what :func:`name_of` takes.
    :raises EncordInputError: if no or several projects have that title.
    """
    name = name_of(given, parameter="project")
    return uuid_of(name) or hook.find_project(name)


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
