"""EncordExportMetadataOperator: write the client metadata of storage items as a table."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from encord_provider.exceptions import EncordError, EncordInputError
from encord_provider.lineage import Lineage, Place
from encord_provider.links import (
    EncordDatasetLink,
    EncordFolderLink,
    EncordProjectLink,
    EncordReportLink,
    show_link,
)
from encord_provider.metadata.selection import SelectedItems
from encord_provider.operators.base import EncordWorkspaceOperator
from encord_provider.options import ItemSelection
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import export_report
from encord_provider.tables.exported import ITEM_COLUMNS
from encord_provider.tables.writer import TableWriter
from encord_provider.workspace.files import child, write_whole

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

_FORMATS = ("jsonl", "csv", "parquet")
_SHOWN = 20


class EncordExportMetadataOperator(EncordWorkspaceOperator):
    """Write the client metadata of the items of a folder, dataset or project as a table in the workspace.

    One row for each item: the columns ``encord_uuid``, ``encord_object_url``, ``encord_name``, ``encord_type`` and
    ``encord_folder`` say which item it is, ``encord_values`` how values are written, every other column is a key of its
    client metadata. An edited table goes back with
    ``EncordPatchMetadataOperator(metadata=uri, key="uuid", key_column="encord_uuid")``; one that nobody edited changes
    nothing, whatever the metadata is and whatever the schema says.

    JSONL has the values as they are. CSV and Parquet have one column for each key that any item has. A cell of CSV
    that is valid JSON is that value, any other text is itself, and an empty cell has no value: ``5`` is a number,
    ``"5"`` is text, ``null`` is a null. Parquet has columns of booleans, numbers or lists of numbers where all values
    are such, and such cells otherwise.

    :param folder: the storage folder whose items are meant: UUID or name path. (templated)
    :param items: which items are meant beside or instead of those of the folder:
        :class:`~encord_provider.options.ItemSelection`, or a mapping with the same names. (templated)
    :param file_format: ``jsonl``, ``csv`` or ``parquet``, which needs the extra ``parquet``.

    :returns: ``{"uri", "items", "format"}``: the table and how many rows it has.
    :raises EncordInputError: if there is no such folder, or the arguments do not fit together.
    :raises EncordConfigError: for Parquet without pyarrow.
    :raises EncordError: if the client metadata of some items cannot be read, after the table of all others was written.
    """

    template_fields: tuple[str, ...] = (
        *EncordWorkspaceOperator.template_fields,
        "folder",
        "items",
    )

    operator_extra_links = (EncordFolderLink(), EncordDatasetLink(), EncordProjectLink(), EncordReportLink())

    def __init__(
        self,
        *,
        folder: str | XComArg | None = None,
        items: ItemSelection | Mapping[str, Any] | None = None,
        file_format: Literal["jsonl", "csv", "parquet"] = "jsonl",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if file_format not in _FORMATS:
            raise EncordInputError(
                f"The parameter file_format is {file_format!r}; it must be one of: {', '.join(_FORMATS)}."
            )
        self.folder = folder
        self.items = items
        self.file_format = file_format
        self._written: dict[str, Any] = {}
        self._said: TaskReport | None = None

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """Read the items page by page and write their rows."""
        selected = SelectedItems.of(folder=self.folder, items=self.items)
        if page := selected.page(self.hook):
            show_link(self, context, *page)
        unreadable: list[tuple[str, str, str]] = []
        with TableWriter(self.file_format) as table:
            for item in selected.read(self.hook):
                if item.metadata_problem is not None:
                    unreadable.append((item.uuid, item.name, item.metadata_problem))
                    continue
                about = (item.uuid, item.url, item.name, item.item_type, item.folder)
                table.add(dict(zip(ITEM_COLUMNS, about, strict=True)), item.client_metadata)
            uri = child(self.task_folder(context), f"metadata.{self.file_format}")
            with tempfile.TemporaryFile() as file:
                table.write(file)
                file.seek(0)
                write_whole(uri, file)
        self._said = export_report(items=table.rows, unreadable=unreadable, table=uri)
        self._written = {"uri": uri, "items": table.rows, "format": self.file_format}
        self.log.info("The client metadata of %d items of %s: %s", table.rows, selected, uri)
        if unreadable:
            shown = "\n".join(f"{uuid} ({name}): {problem}" for uuid, name, problem in unreadable[:_SHOWN])
            raise EncordError(
                f"{len(unreadable)} items are not in the table {uri}, which holds the other {table.rows}; patch them "
                f"with mode 'replace' first. The first of them:\n{shown}"
            )
        return self._written

    def lineage(self) -> Lineage:
        """Say whose metadata stands in which table."""
        if not self._written:
            return Lineage()
        inputs = SelectedItems.of(folder=self.folder, items=self.items).places(self.hook)
        return Lineage(
            inputs=inputs, outputs=[Place.of_uri(self._written["uri"])], rows=self._written["items"]
        )

    def report(self, result: Any) -> TaskReport | None:
        """Say how many items the table has, and which it has not."""
        return self._said
