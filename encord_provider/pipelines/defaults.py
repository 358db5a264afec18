"""What the task groups share: retries, and arguments that the default arguments of a DAG may give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Final, cast

from airflow.providers.common.compat.sdk import BaseOperator, TaskGroup, chain, conf
from airflow.sdk import XComArg

from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.workspace.aws import USUAL_CONNECTION

_RETRIES = 2
_RETRY_DELAY = timedelta(minutes=1)
_OTHERWISE: Mapping[str, Any] = {
    "encord_conn_id": EncordHook.default_conn_name,
    "aws_conn_id": USUAL_CONNECTION,
    "workspace": None,
    "integration": None,
    "max_failed_units": 0,
    "deferrable": True,
}
"""What applies where neither the caller nor any default arguments say it."""


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

    def of(self, name: str, given: Any) -> Any:
        """Give an argument: what was given, or what the default arguments of DAG and groups say, or our own default.

        :param name: the operators' parameter.
        :param given: what the caller gave, or ``NOT_GIVEN``.
        """
        return self._defaults.get(name, _OTHERWISE[name]) if given is NOT_GIVEN else given


def set_schema_before(
    first: BaseOperator, schema: Mapping[str, Any] | str | XComArg | None, **arguments: Any
) -> None:
    """Add the task ``set_schema`` in front of the first task of a group, where the group declares a schema.

    :param first: that task.
    :param schema: keys of the metadata schema; None for no task.
    :param arguments: connections and workspace.
    """
    if schema is not None:
        chain(EncordSetSchemaOperator(task_id="set_schema", schema=cast("Any", schema), **arguments), first)
