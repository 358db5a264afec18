"""What the Encord operators share: the connection and its hook, the workspace, the reading of inputs."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator
from airflow.sdk.log import mask_secret
from jinja2.nativetypes import NativeEnvironment

from encord_provider.hooks.encord import EncordHook
from encord_provider.lineage import Lineage
from encord_provider.report.section import TaskReport
from encord_provider.text.secrets import secrets_in
from encord_provider.workspace.files import task_folder
from encord_provider.workspace.inputs import Inputs

if TYPE_CHECKING:
    from airflow.sdk import Context


class EncordOperator(BaseOperator):  # type: ignore[misc, unused-ignore]
    """Base of the Encord operators.

    :param encord_conn_id: the Airflow connection of type ``encord``. (templated)
    """

    template_fields: tuple[str, ...] = ("encord_conn_id",)
    ui_color = "#efe7fb"

    def __init__(self, *, encord_conn_id: str = EncordHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encord_conn_id = encord_conn_id
        self.shown_links: dict[str, str] = {}

    def render_template(
        self, content: Any, context: Any, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render a value, and make the secrets in it known to Airflow, which hides them in all logs and in its UI.

        A text without a template stays as it is: Jinja would write other line ends into it.
        """
        if isinstance(content, str) and jinja_env is not None and self._is_literal(content, jinja_env):
            rendered: Any = content
        else:
            rendered = super().render_template(content, context, jinja_env, seen_oids)
        if not isinstance(content, list | tuple | set):
            # What is in a collection has come here by itself, but for the keys of a mapping.
            for secret in secrets_in(list(rendered) if isinstance(content, dict) else rendered):
                mask_secret(secret)
        return rendered

    def _is_literal(self, text: str, environment: Any) -> bool:
        """Whether Jinja would replace nothing in a text; a native environment makes numbers of texts, say."""
        if isinstance(environment, NativeEnvironment) or text.endswith(tuple(self.template_ext)):
            return False
        marks = (
            environment.variable_start_string,
            environment.block_start_string,
            environment.comment_start_string,
            environment.line_statement_prefix,
            environment.line_comment_prefix,
        )
        return not any(mark and mark in text for mark in marks)

    @cached_property
    def hook(self) -> EncordHook:
        """The hook on the operator's connection."""
        return EncordHook(encord_conn_id=self.encord_conn_id)

    def end_calls_in_time(self) -> None:
        """Let no call of this attempt go on after its ``execution_timeout``."""
        limit = self.execution_timeout
        self.hook.limit(time.time() + limit.total_seconds() if isinstance(limit, timedelta) else None)


class EncordWorkspaceOperator(EncordOperator):
    """Base of the operators that write files.

    :param workspace: the URI of the workspace; each task of each run has its own folder in it. None or empty
        for the option ``[encord] workspace``. (templated)
    """

    template_fields: tuple[str, ...] = (*EncordOperator.template_fields, "workspace")

    def __init__(self, *, workspace: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.workspace = workspace

    def report(self, result: Any) -> TaskReport | None:
        """Say what the task did, for the report of the run.

        :param result: what the task returns; None if it failed.
        :returns: None where there is nothing to say.
        """
        return None

    def lineage(self) -> Lineage:
        """Say which data the task has read and where it went, as far as it got; OpenLineage asks when it has ended."""
        return Lineage()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Answer OpenLineage's Airflow provider, where that is installed.

        :param task_instance: the task instance, of which nothing is needed.
        """
        return self.lineage().as_openlineage()

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """Answer the same for a task that has failed.

        :param task_instance: the task instance.
        """
        return self.get_openlineage_facets_on_complete(task_instance)

    def task_folder(self, context: Context) -> str:
        """Give the URI of the task's own folder in the workspace."""
        return task_folder(self.workspace, context)


class EncordInputsOperator(EncordWorkspaceOperator):
    """Base of the operators that read files which a user named, and write files.

    :param aws_conn_id: the Airflow connection of the amazon provider. (templated)
    """

    template_fields: tuple[str, ...] = (*EncordWorkspaceOperator.template_fields, "aws_conn_id")

    def __init__(self, *, aws_conn_id: str | None = "aws_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id

    @property
    def inputs(self) -> Inputs:
        """Reads files with the operator's AWS connection."""
        return Inputs(aws_conn_id=self.aws_conn_id)
