"""What the task groups share: retries, and arguments that the default arguments of a DAG may give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from airflow.providers.common.compat.sdk import TaskGroup, conf

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace.templates import value_of

_RETRIES = 2
_RETRY_DELAY = timedelta(minutes=1)


class NotGiven(Enum):
    """Stands for a parameter that was left out, where None means something else."""

    NOT_GIVEN = "not given"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


class TaskGroupBuilder:
    """A task group whose tasks are retried, and what its default arguments say.

    Airflow fails a task that is deferred and comes back at once, now and then; a retry goes on where it stopped.

    :param group_id: the id of the task group.
    """

    def __init__(self, group_id: str) -> None:
        self.group = TaskGroup(group_id=group_id)
        dag_says: Mapping[str, Any] = self.group.dag.default_args
        ours = {
            "retries": max(_RETRIES, conf.getint("core", "default_task_retries", fallback=0)),
            "retry_delay": _RETRY_DELAY,
        }
        for name, value in ours.items():
            if name not in dag_says:
                self.group.default_args.setdefault(name, value)
        self._defaults = {**dag_says, **self.group.default_args}

    def of(self, name: str, given: Any, otherwise: Any) -> Any:
        """Give an argument: what was given, or what the default arguments of DAG and groups say, or our own default.

        :param name: the operators' parameter.
        :param given: what the caller gave, or ``NOT_GIVEN``.
        :param otherwise: what applies where nothing says it.
        """
        return self._defaults.get(name, otherwise) if given is NOT_GIVEN else given


def limit_of(given: Any, parameter: str) -> int | None:
    """Read how many of something are allowed, whether it came as a number or as the text of a template.

    :returns: the number; None where nothing was given.
    :raises EncordInputError: if it is no whole number, or negative.
    """
    allowed: int | None = value_of(given, int, parameter=parameter)
    if allowed is not None and allowed < 0:
        raise EncordInputError(f"The parameter {parameter} is {allowed}; it must be 0 or more.")
    return allowed
