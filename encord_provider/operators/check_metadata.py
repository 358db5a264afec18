"""EncordCheckMetadataOperator: find everything that is wrong with a metadata table before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from encord_provider.exceptions import MetadataValueError
from encord_provider.links import EncordReportLink
from encord_provider.metadata.rows import ItemKey, rows_of
from encord_provider.operators.base import EncordInputsOperator
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import check_report
from encord_provider.schema import ValueCheck
from encord_provider.text.json_values import nearest_numbers
from encord_provider.text.secrets import redacted
from encord_provider.workspace.files import child, write_whole

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class EncordCheckMetadataOperator(EncordInputsOperator):
    """Check client metadata against the organisation's metadata schema, every row of it.

    The patch operator checks too, and its message names the first values that do not fit; this one writes all of them
    into a file.

    :param metadata: the URI of a CSV, JSONL or Parquet table, or what else
        :class:`~encord_provider.operators.patch_metadata.EncordPatchMetadataOperator` takes. (templated)
    :param key_column: the column of a table that holds the key; None or empty for the first usual one. (templated)
    :param strict: whether a key that the schema does not have is an error.

    :returns: ``{"rows", "keys", "undeclared"}``: how many rows there are, the metadata keys in them, and those of
        the keys that the schema does not have.
    :raises MetadataTableError: if the table is malformed.
    :raises MetadataValueError: if values do not fit; the message names the first values, and the file ``errors.txt``
        in the workspace, which it names, has all of them.
    """

    template_fields: tuple[str, ...] = (
        *EncordInputsOperator.template_fields,
        "metadata",
        "key_column",
    )
    template_fields_renderers = {"metadata": "json"}

    operator_extra_links = (EncordReportLink(),)

    def __init__(
        self,
        *,
        metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | XComArg,
        key_column: str | None = None,
        strict: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.metadata = metadata
        self.key_column = key_column
        self.strict = strict
        self._said: TaskReport | None = None

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """Read all rows and check each."""
        # Once rendered, an XComArg is its value.
        metadata = cast("Mapping[str, Any] | Sequence[Mapping[str, Any]] | str", self.metadata)
        rows = list(
            rows_of(
                metadata,
                key=ItemKey.OBJECT_URL,
                key_column=self.key_column or None,
                aws_conn_id=self.aws_conn_id,
            )
        )
        schema = self.hook.metadata_schema()
        check = ValueCheck(schema, strict=self.strict)
        for row in rows:
            check.check(nearest_numbers(row.metadata), where=row.where)
        keys = sorted({key for row in rows for key in row.metadata})
        undeclared = [key for key in keys if key not in schema]
        uri = child(self.task_folder(context), "errors.txt") if check.errors else None
        self._said = check_report(
            rows=len(rows),
            wrong=check.rows,
            keys=len(keys),
            undeclared=undeclared,
            errors=check.errors,
            file=uri,
        )
        if uri is not None:
            write_whole(uri, "".join(f"{redacted(error)}\n" for error in check.errors).encode())
            raise MetadataValueError(
                f"{check.rows} of {len(rows)} rows do not fit the metadata schema (all of them: {uri}):\n"
                f"{check.shown()}"
            )
        if undeclared:
            self.log.warning(
                "Not in the metadata schema: %s. Encord cannot filter by them.", ", ".join(undeclared)
            )
        return {"rows": len(rows), "keys": keys, "undeclared": undeclared}

    def report(self, result: Any) -> TaskReport | None:
        """Say which values do not fit."""
        return self._said
