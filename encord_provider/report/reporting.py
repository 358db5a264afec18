"""How an operator reports what it did, whether it succeeds, fails or is skipped."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from airflow.providers.common.compat.sdk import AirflowSkipException

from encord_provider.links import EncordReportLink, leave, show_link
from encord_provider.metrics import task_ended
from encord_provider.report.address import REPORT_KEY, report_address
from encord_provider.report.run_report import RunReport
from encord_provider.report.section import Section, SectionState, TaskReport, pairs_of
from encord_provider.text.secrets import redacted
from encord_provider.workspace.files import run_folder

log = logging.getLogger(__name__)

_SHOWN = 20

Method = TypeVar("Method", bound=Callable[..., Any])


def reported(method: Method) -> Method:
    """Make an operator's ``execute`` or ``execute_complete`` report how it ended.

    The operator's ``report(result)`` says what it did; result is None where it failed. A report that cannot be written
    is a warning: it never fails a task, nor hides why one failed.

    :param method: the method; its first argument is the task's context.
    """

    @functools.wraps(method)
    def run(self: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        started = datetime.now(UTC)
        try:
            result = method(self, context, *args, **kwargs)
        except AirflowSkipException as skip:
            _report(self, context, started, SectionState.SKIPPED, error=str(skip))
            raise
        except Exception as error:
            _report(self, context, started, SectionState.FAILED, error=f"{type(error).__name__}: {error}")
            raise
        _report(self, context, started, SectionState.SUCCESS, result=result)
        return result

    return cast("Method", run)


def _report(
    operator: Any,
    context: Any,
    started: datetime,
    state: SectionState,
    *,
    result: Any = None,
    error: str | None = None,
) -> None:
    try:
        task_ended(type(operator).__name__, state.value, datetime.now(UTC) - started)
        instance = context["ti"]
        show_link(
            operator,
            context,
            EncordReportLink(),
            report_address(dag_id=instance.dag_id, run_id=instance.run_id),
        )
        said: TaskReport | None = operator.report(result)
        index = instance.map_index
        section = Section(
            task=f"{instance.task_id}[{index}]" if index is not None and index >= 0 else instance.task_id,
            state=state,
            try_number=instance.try_number,
            started=started.isoformat(timespec="seconds"),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            error=redacted(error) if error else None,
            report=said,
        )
        written = RunReport(
            run_folder(operator.workspace, dag_id=instance.dag_id, run_id=instance.run_id),
            dag_id=instance.dag_id,
            run_id=instance.run_id,
        )
        written.add(section)
        counts = dict(said.counts) if said else {}
        leave(
            context,
            REPORT_KEY,
            {
                "title": said.title if said else instance.task_id,
                "state": state.value,
                "counts": pairs_of(counts),
                "started": section.started,
                "ended": section.ended,
                "report": written.uri,
            },
        )
        log.info("%s\nImport report: %s", "\n".join(_lines(counts)), written.uri)
    except Exception as problem:
        log.warning("The import report could not be written: %s: %s", type(problem).__name__, problem)


def show_progress(context: Any, title: str, counts: dict[str, int]) -> None:
    """Let the page "Encord imports" show how far a task is.

    :param context: the task's context.
    :param title: what the task does.
    :param counts: the numbers so far.
    """
    said = {"title": title, "state": SectionState.RUNNING.value, "counts": pairs_of(counts)}
    leave(context, REPORT_KEY, said)


def _lines(counts: dict[str, int]) -> list[str]:
    width = max(map(len, counts), default=0)
    return [f"{name:<{width}}  {count:,}" for name, count in list(counts.items())[:_SHOWN]]
