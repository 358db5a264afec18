"""``@task.encord``: a Python function as a task, which is handed the official SDK's client.

::

    @task.encord
    def count_projects(client, title: str) -> int:
        return len(list(client.get_projects(title_like=title)))

    count_projects("night shift")
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory

from encord_provider.exceptions import EncordInputError
from encord_provider.hooks.encord import EncordHook

if TYPE_CHECKING:
    from airflow.sdk import Context


class _HandedClient:
    """A function whose first parameter is filled in when the task runs; to Airflow it has only the others.

    :param function: the user's function.
    :raises EncordInputError: if it has no parameter for the client.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        signature = inspect.signature(function)
        first, *others = signature.parameters.values() or (None,)
        if first is None or first.kind in (first.KEYWORD_ONLY, first.VAR_KEYWORD):
            raise EncordInputError(
                f"@task.encord hands the Encord client to the first parameter, and {function.__name__}{signature} has "
                f"none for it: write def {function.__name__}(client, ...)."
            )
        self.__signature__ = signature.replace(
            parameters=list(signature.parameters.values()) if first.kind is first.VAR_POSITIONAL else others
        )
        self.function = function
        self.client: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self.client, *args, **kwargs)


class _EncordDecoratedOperator(DecoratedOperator, PythonOperator):  # type: ignore[misc, unused-ignore]
    """The operator behind ``@task.encord``.

    :param encord_conn_id: the Airflow connection of type ``encord``. (templated)
    """

    template_fields = (*PythonOperator.template_fields, "encord_conn_id")
    custom_operator_name = "@task.encord"
    ui_color = "#efe7fb"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        encord_conn_id: str = EncordHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        handed = (
            python_callable if isinstance(python_callable, _HandedClient) else _HandedClient(python_callable)
        )
        upstream = {"python_callable": handed, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(
            kwargs_to_upstream=upstream,
            python_callable=handed,
            op_args=op_args,
            op_kwargs=op_kwargs,
            **kwargs,
        )
        self.encord_conn_id = encord_conn_id

    def execute(self, context: Context) -> Any:
        """Connect, and call the function."""
        cast("_HandedClient", self.python_callable).client = EncordHook(
            encord_conn_id=self.encord_conn_id
        ).get_conn()
        return super().execute(context)


def encord_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> TaskDecorator:
    """Make a function a task that is handed the connected client of the official SDK as its first argument.

    Airflow finds it as ``@task.encord``; it takes what ``@task`` takes, and ``encord_conn_id``.

    :param python_callable: the function; its first parameter is the client, an ``EncordUserClient``.
    :param multiple_outputs: whether each key of a returned mapping is an XCom of its own.
    :param kwargs: the arguments of the task.
    :returns: what makes tasks of the function when it is called.
    :raises EncordInputError: if the function has no parameter for the client, when it is called in a DAG.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_EncordDecoratedOperator,
        **kwargs,
    )
