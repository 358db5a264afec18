"""The buttons of a task in Airflow's UI that lead to what the task did in Encord.

Airflow writes the address behind a button when a task ends. The Encord tasks write it as soon as they know it, under
the same key, so that it is there while a task runs and while it is deferred.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


log = logging.getLogger(__name__)


class EncordLink(BaseOperatorLink):
    """Base of the links: Airflow asks it at the end of a task, and it says again what the task has shown."""

    name = "Encord"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Give the address that the task has shown.

        :param operator: the task.
        :param ti_key: which run of the task; not needed, as this is asked where the task has run.
        :returns: the address; empty where the task did not get so far.
        """
        shown: dict[str, str] = getattr(operator, "shown_links", {})
        return shown.get(self.xcom_key, "")


class EncordFolderLink(EncordLink):
    """The storage folder."""

    name = "Encord folder"


class EncordUploadJobsLink(EncordLink):
    """The upload jobs."""

    name = "Upload jobs"


class EncordDatasetLink(EncordLink):
    """The dataset."""

    name = "Encord dataset"


class EncordProjectLink(EncordLink):
    """The project."""

    name = "Encord project"


class EncordReportLink(EncordLink):
    """The report of the run, which the plugin shows in Airflow's UI."""

    name = "Import report"


class EncordSchemaLink(EncordLink):
    """The metadata schema."""

    name = "Metadata schema"


def show_link(operator: Any, context: Any, link: EncordLink, address: str) -> None:
    """Put an address behind a button of a task that is running.

    :param operator: the task; the address is kept in its ``shown_links`` for when it ends.
    :param context: the task's context.
    :param link: the button, one of the operator's ``operator_extra_links``.
    :param address: the address.
    """
    if operator.shown_links.get(link.xcom_key) == address:
        return
    operator.shown_links[link.xcom_key] = address
    leave(context, link.xcom_key, address)


def leave(context: Any, key: str, value: Any) -> None:
    """Leave an XCom for Airflow's UI. Where that fails, what the task does goes on.

    :param context: the task's context.
    :param key: the XCom's key.
    :param value: its value.
    """
    try:
        context["ti"].xcom_push(key=key, value=value)
    except Exception as problem:
        log.warning("The UI will not show %s of this task: %s: %s", key, type(problem).__name__, problem)
