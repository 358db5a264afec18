"""The report of a run in a few lines, for whatever message Airflow sends about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import conf

from encord_provider.report.address import report_address
from encord_provider.report.run_report import read_sections
from encord_provider.report.section import ReportTable, Section, SectionState, in_words
from encord_provider.workspace.files import run_folder

_SHOWN = 5
_REASON = "reason"
_ENDED_BADLY = (SectionState.FAILED, SectionState.SKIPPED)


def import_summary(ti: Any, *, workspace: str | None = None) -> str:
    """Say in a few lines what the Encord tasks of a run have done: counts, what failed and why, where the report is.

    It is for the text of any notifier, in which it is ``{{ macros.encord.import_summary(ti) }}``, and for a task of
    your own. It never raises: a message that cannot be made whole says so.

    :param ti: the task instance in whose callback, template or function this is.
    :param workspace: the URI of the workspace; None for that of the task, or the option ``[encord] workspace``.
    :returns: plain text.
    """
    try:
        own = workspace or getattr(getattr(ti, "task", None), "workspace", None)
        sections = read_sections(run_folder(own, dag_id=ti.dag_id, run_id=ti.run_id))
    except Exception as problem:
        lines = [f"What the Encord tasks have done cannot be read: {type(problem).__name__}: {problem}"]
    else:
        said = sorted(sections, key=lambda one: (one.started, one.task))
        lines = [line for section in said for line in _lines(section)]
    head = f"Encord, {ti.dag_id}, {ti.run_id}"
    return "\n".join([head, *(lines or ["No Encord task of this run has ended yet."]), _where(ti)])


def _lines(section: Section) -> Iterator[str]:
    counts = section.report.counts if section.report else {}
    yield f"{section.task}: {section.state.value}: {in_words(counts)}"
    if section.state in _ENDED_BADLY and section.error:
        yield f"  {section.error}"
    for table in section.report.tables if section.report else ():
        yield from _problems(table)


def _problems(table: ReportTable) -> Iterator[str]:
    """Give the first rows of a table that says what went wrong, which is one that gives reasons."""
    if _REASON not in table.columns or not table.total:
        return
    yield f"  {table.title}: {table.total:,}"
    for row in table.rows[:_SHOWN]:
        cells = dict(zip(table.columns, row, strict=True))
        yield f"    {row[0]}: {cells[_REASON]}"
    if table.total > _SHOWN:
        yield f"    ... {table.file or ''}".rstrip()


def _where(ti: Any) -> str:
    root = urlsplit(conf.get("api", "base_url", fallback=""))
    host = f"{root.scheme}://{root.netloc}" if root.netloc else ""
    return f"Report: {host}{report_address(dag_id=ti.dag_id, run_id=ti.run_id)}"
