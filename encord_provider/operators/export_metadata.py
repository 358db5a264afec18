"""EncordExportMetadataOperator: write the client metadata of storage items as a table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from encord_provider.exceptions import EncordInputError
from encord_provider.metadata.rows import EXPORT_PREFIX
from encord_provider.metadata.scope import ItemScope, frames_of
from encord_provider.operators.base import EncordWorkspaceOperator
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

    :param folder: the storage folder: UUID or name path. (templated)
    :param recursive: whether the folders below it count too.
    :param dataset: the UUID of a dataset instead. (templated)
    :param project: the UUID of a project instead. (templated)
    :param frames: whether to export the files of image groups, image sequences and series instead of the items.
    :param file_format: ``jsonl``, ``csv`` or ``parquet``, which needs the extra ``parquet``.

    :return: ``{"uri", "items", "format"}``: the table and how many rows it has.
    :raises EncordInputError: if there is no such folder, or the arguments do not fit together.
    :raises EncordConfigError: for Parquet without pyarrow.
    """

    template_fields: tuple[str, ...] = (
        *EncordWorkspaceOperator.template_fields,
        "folder",
        "dataset",
        "project",
    )

    def __init__(
        self,
        *,
        folder: str | XComArg | None = None,
        recursive: bool = False,
        dataset: str | XComArg | None = None,
        project: str | XComArg | None = None,
        frames: bool = False,
        file_format: Literal["jsonl", "csv", "parquet"] = "jsonl",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if file_format not in _FORMATS:
            raise EncordInputError(
                f"The parameter file_format is {file_format!r}; it must be one of: {', '.join(_FORMATS)}."
            )
        self.folder = folder
        self.recursive = recursive
        self.dataset = dataset
        self.project = project
        self.frames = frames
        self.file_format = file_format

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the items page by page and write their rows."""
        scope = ItemScope(
            folder=None if self.folder is None else str(self.folder),
            recursive=self.recursive,
            dataset=None if self.dataset is None else str(self.dataset),
            project=None if self.project is None else str(self.project),
        )
        with TableWriter(self.file_format, first_columns=_ITEM_COLUMNS) as table:
            for row in self._rows(scope):
                table.add(row)
            uri = child(self.task_folder(context), f"metadata.{self.file_format}")
            with tempfile.TemporaryFile() as file:
                table.write(file)
                file.seek(0)
                write_whole(uri, file)
        self.log.info("The client metadata of %d items of %s: %s", table.rows, scope, uri)
        return {"uri": uri, "items": table.rows, "format": self.file_format}

    def _rows(self, scope: ItemScope) -> Iterator[dict[str, Any]]:
        items = scope.read(self.hook)
        for item in frames_of(self.hook, items) if self.frames else items:
            about = (item.uuid, item.url, item.name, item.item_type, item.folder)
            named = dict(zip(_ITEM_COLUMNS, about, strict=True))
            # What says which item it is comes first, and no key of the metadata takes its place.
            yield {**named, **item.client_metadata, **named}
