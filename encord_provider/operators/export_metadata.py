"""EncordExportMetadataOperator: write the client metadata of storage items as a table."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from encord_provider.exceptions import EncordInputError
from encord_provider.metadata.rows import EXPORT_PREFIX
from encord_provider.metadata.selection import SelectedItems
from encord_provider.operators.base import EncordWorkspaceOperator
from encord_provider.options import ItemSelection
from encord_provider.tables.writer import TableWriter
from encord_provider.workspace.files import child, write_whole

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

_FORMATS = ("jsonl", "csv", "parquet")
_ITEM_COLUMNS = tuple(f"{EXPORT_PREFIX}{name}" for name in ("uuid", "object_url", "name", "type", "folder"))


class EncordExportMetadataOperator(EncordWorkspaceOperator):
    """Write the client metadata of the items of a folder, dataset or project as a table in the workspace.

    One row for each item: the columns ``encord_uuid``, ``encord_object_url``, ``encord_name``, ``encord_type`` and
    ``encord_folder`` say which item it is, every other column is a key of its client metadata. An edited table goes
    back with ``EncordPatchMetadataOperator(metadata=uri, key="uuid", key_column="encord_uuid")``.

    JSONL is written as it comes and gives every value back exactly. CSV and Parquet have one column for each key
    that any item has; in CSV, a missing value and a null are both empty, and lists and objects are JSON; in Parquet,
    a column whose values are of several types is JSON text.

    :param folder: the storage folder whose items are meant: UUID or name path. (templated)
    :param items: which items are meant beside or instead of those of the folder:
        :class:`~encord_provider.options.ItemSelection`, or a mapping with the same names. (templated)
    :param file_format: ``jsonl``, ``csv`` or ``parquet``, which needs the extra ``parquet``.

    :returns: ``{"uri", "items", "format"}``: the table and how many rows it has.
    :raises EncordInputError: if there is no such folder, or the arguments do not fit together.
    :raises EncordConfigError: for Parquet without pyarrow.
    """

    template_fields: tuple[str, ...] = (
        *EncordWorkspaceOperator.template_fields,
        "folder",
        "items",
    )

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

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the items page by page and write their rows."""
        selected = SelectedItems.of(folder=self.folder, items=self.items)
        with TableWriter(self.file_format, first_columns=_ITEM_COLUMNS) as table:
            for item in selected.read(self.hook):
                about = (item.uuid, item.url, item.name, item.item_type, item.folder)
                named = dict(zip(_ITEM_COLUMNS, about, strict=True))
                # What says which item it is comes first, and no key of the metadata takes its place.
                table.add({**named, **item.client_metadata, **named})
            uri = child(self.task_folder(context), f"metadata.{self.file_format}")
            with tempfile.TemporaryFile() as file:
                table.write(file)
                file.seek(0)
                write_whole(uri, file)
        self.log.info("The client metadata of %d items of %s: %s", table.rows, selected, uri)
        return {"uri": uri, "items": table.rows, "format": self.file_format}
