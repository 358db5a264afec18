"""EncordExportDataRowsOperator: write the data rows of a dataset, or the label rows of a project, as a table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from encord_provider.datasets.listing import ListedRow, data_rows_of, label_rows_of
from encord_provider.datasets.naming import dataset_of, name_of, project_of
from encord_provider.exceptions import EncordError, EncordInputError
from encord_provider.lineage import Lineage, Place
from encord_provider.links import EncordDatasetLink, EncordProjectLink, EncordReportLink, show_link
from encord_provider.operators.base import EncordWorkspaceOperator
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import export_report
from encord_provider.tables.exported import ITEM_COLUMNS, ROW_COLUMNS
from encord_provider.tables.writer import TableWriter
from encord_provider.workspace.files import child, write_whole

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

_FORMATS = ("jsonl", "csv", "parquet")
_COLUMNS = (*ITEM_COLUMNS, *ROW_COLUMNS)
_SHOWN = 20


class EncordExportDataRowsOperator(EncordWorkspaceOperator):
    """Write the data rows of a dataset, or the label rows of a project, as a table in the workspace.

    One row for each of them: what
    :class:`~encord_provider.operators.export_metadata.EncordExportMetadataOperator` writes of the item behind it, its
    client metadata included, and the columns ``encord_data_row``, ``encord_dataset``, ``encord_label_row`` (empty until
    labelling has begun) and ``encord_stage`` (the workflow stage).

    :param dataset: the dataset: UUID, exact title, or the output of a task that returns one. (templated)
    :param project: the project, instead of a dataset: the same. (templated)
    :param file_format: ``jsonl``, ``csv`` or ``parquet``, which needs the extra ``parquet``.

    :returns: ``{"uri", "rows", "format"}``: the table and how many rows it has.
    :raises EncordInputError: if a title is unknown or several have it, or none or both are given.
    :raises EncordConfigError: for Parquet without pyarrow.
    :raises EncordError: if the items behind some rows cannot be read, after the table was written; it has these rows
        without client metadata.
    """

    template_fields: tuple[str, ...] = (*EncordWorkspaceOperator.template_fields, "dataset", "project")

    operator_extra_links = (EncordDatasetLink(), EncordProjectLink(), EncordReportLink())

    def __init__(
        self,
        *,
        dataset: Mapping[str, Any] | str | XComArg | None = None,
        project: Mapping[str, Any] | str | XComArg | None = None,
        file_format: Literal["jsonl", "csv", "parquet"] = "jsonl",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if file_format not in _FORMATS:
            raise EncordInputError(
                f"The parameter file_format is {file_format!r}; it must be one of: {', '.join(_FORMATS)}."
            )
        self.dataset = dataset
        self.project = project
        self.file_format = file_format
        self._source: Place | None = None
        self._written: dict[str, Any] = {}
        self._said: TaskReport | None = None

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """List the rows, read their items, and write the table."""
        self.end_calls_in_time()
        unreadable: list[tuple[str, str, str]] = []
        rows = self._rows(context)
        with TableWriter(self.file_format, about=_COLUMNS) as table:
            for row in rows:
                problem = _problem(row)
                if problem is not None:
                    unreadable.append((row.data_row, row.title, problem))
                item = row.item
                about = (
                    row.item_uuid,
                    item.url if item else None,
                    item.name if item else row.title,
                    item.item_type if item else None,
                    item.folder if item else None,
                    row.data_row,
                    row.dataset,
                    row.label_row,
                    row.stage,
                )
                table.add(dict(zip(_COLUMNS, about, strict=True)), item.client_metadata if item else {})
            uri = child(self.task_folder(context), f"data_rows.{self.file_format}")
            with tempfile.TemporaryFile() as file:
                table.write(file)
                file.seek(0)
                write_whole(uri, file)
        self._said = export_report(
            items=table.rows, unreadable=unreadable, table=uri, title="Data rows", called="rows"
        )
        self._written = {"uri": uri, "rows": table.rows, "format": self.file_format}
        self.log.info("%d rows: %s", table.rows, uri)
        if unreadable:
            shown = "\n".join(f"{uuid} ({name}): {problem}" for uuid, name, problem in unreadable[:_SHOWN])
            raise EncordError(
                f"{len(unreadable)} of {table.rows} rows stand in the table {uri} without client metadata. The first "
                f"of them:\n{shown}"
            )
        return self._written

    def report(self, result: Any) -> TaskReport | None:
        """Say how many rows the table has, and which have no metadata."""
        return self._said

    def lineage(self) -> Lineage:
        """Say whose rows stand in which table."""
        if not self._written or self._source is None:
            return Lineage()
        return Lineage(
            inputs=[self._source],
            outputs=[Place.of_uri(self._written["uri"])],
            rows=self._written["rows"],
        )

    def _rows(self, context: Context) -> Iterator[ListedRow]:
        hook = self.hook
        of_dataset = bool(name_of(self.dataset, parameter="dataset"))
        if of_dataset == bool(name_of(self.project, parameter="project")):
            raise EncordInputError("Give either 'dataset' or 'project' to say whose rows are meant.")
        app = hook.web_app
        if of_dataset:
            uuid = dataset_of(hook, self.dataset)
            self._source = Place.in_encord(hook, "dataset", uuid)
            if app:
                show_link(self, context, EncordDatasetLink(), app.dataset(uuid))
            return data_rows_of(hook, uuid)
        uuid = project_of(hook, self.project)
        self._source = Place.in_encord(hook, "project", uuid)
        if app:
            show_link(self, context, EncordProjectLink(), app.project(uuid))
        return label_rows_of(hook, uuid)


def _problem(row: ListedRow) -> str | None:
    if row.item_uuid is None:
        return "there is no storage item behind it"
    if row.item is None:
        return f"its storage item {row.item_uuid} cannot be read"
    return row.item.metadata_problem
