"""The chain that brings the rows of a table to the items they name, as a task group."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import TaskGroup, chain, task
from airflow.sdk import XComArg

from encord_provider.exceptions import EncordInputError
from encord_provider.operators.check_metadata import EncordCheckMetadataOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.options import ItemSelection
from encord_provider.pipelines.defaults import NOT_GIVEN, NotGiven, TaskGroupBuilder, set_schema_before
from encord_provider.workspace.templates import value_of

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


def sync_metadata(
    *,
    table: str | XComArg,
    folder: str | XComArg | None = None,
    dataset: str | XComArg | None = None,
    project: str | XComArg | None = None,
    recursive: bool = False,
    schema: Mapping[str, Any] | str | XComArg | None = None,
    key: str | XComArg = "object_url",
    key_column: str | XComArg | None = None,
    mode: str | XComArg = "merge",
    max_unmatched: int | str | XComArg | None = None,
    allow_empty: bool | str | XComArg = False,
    workspace: str | XComArg | NotGiven | None = NOT_GIVEN,
    encord_conn_id: str | XComArg | NotGiven = NOT_GIVEN,
    aws_conn_id: str | XComArg | NotGiven | None = NOT_GIVEN,
    group_id: str = "sync_metadata",
) -> TaskGroup:
    """Add the tasks ``set_schema``, ``check_table``, ``patch_metadata`` and ``report`` to the current DAG.

    Nothing is patched unless every row of the table fits the metadata schema. Only items that differ from the table
    are patched, so running it again changes nothing.

    All texts may be templates. Their meaning is that of the operators' parameters of the same name.

    :param table: the URI of a CSV, JSONL or Parquet table.
    :param folder: the storage folder whose items the rows name; or give ``dataset`` or ``project``.
    :param dataset: the UUID of a dataset.
    :param project: the UUID of a project.
    :param recursive: whether the folders below ``folder`` count too.
    :param schema: keys of the metadata schema; None for no task ``set_schema``.
    :param key: what the rows name items by: ``object_url``, ``object_key``, ``file_url``, ``file_key``, ``uuid`` or
        ``title``.
    :param key_column: the column that holds it.
    :param mode: ``merge`` or ``replace``.
    :param max_unmatched: how many rows may match no item, or several, before ``patch_metadata`` fails, after the others
        were patched; None or empty to fail only when no row matches an item.
    :param allow_empty: whether a table without rows is right; otherwise ``check_table`` fails.
    :param workspace: the URI of the workspace.
    :param encord_conn_id: the Airflow connection of type ``encord``; ``encord_default`` unless given.
    :param aws_conn_id: the Airflow connection of the amazon provider; ``aws_default`` unless given.
    :param group_id: the id of the task group.
    :returns: the task group; its result is ``report``'s XCom.
    """
    made = TaskGroupBuilder(group_id)
    encord_conn_id = made.of("encord_conn_id", encord_conn_id)
    aws_conn_id = made.of("aws_conn_id", aws_conn_id)
    workspace = made.of("workspace", workspace)
    with made.group as group:
        check_table = _CheckTable(
            task_id="check_table",
            metadata=table,
            allow_empty=allow_empty,
            key_column=cast("Any", key_column),
            workspace=cast("Any", workspace),
            aws_conn_id=cast("Any", aws_conn_id),
            encord_conn_id=cast("Any", encord_conn_id),
        )
        patch_metadata = EncordPatchMetadataOperator(
            task_id="patch_metadata",
            metadata=table,
            folder=cast("Any", folder),
            items=ItemSelection(dataset=dataset, project=project, recursive=recursive),
            key=cast("Any", key),
            key_column=cast("Any", key_column),
            mode=cast("Any", mode),
            max_unmatched=cast("Any", max_unmatched),
            workspace=cast("Any", workspace),
            aws_conn_id=cast("Any", aws_conn_id),
            encord_conn_id=cast("Any", encord_conn_id),
        )
        report = _report(
            checked=cast("Any", check_table.output),
            patched=cast("Any", patch_metadata.output),
        )
        chain(check_table, patch_metadata, report)
        set_schema_before(
            check_table,
            schema,
            workspace=workspace,
            aws_conn_id=aws_conn_id,
            encord_conn_id=encord_conn_id,
        )
    return group


class _CheckTable(EncordCheckMetadataOperator):
    """Check a table, and whether it has rows, before an item is patched.

    :param allow_empty: whether a table without rows is right. (templated)
    """

    template_fields = (*EncordCheckMetadataOperator.template_fields, "allow_empty")

    def __init__(self, *, allow_empty: Any = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_empty = allow_empty

    def execute(self, context: Context) -> dict[str, Any]:
        """Read and check all rows."""
        allow_empty = value_of(self.allow_empty, bool, parameter="allow_empty")
        found = super().execute(context)
        if not found["rows"] and not allow_empty:
            raise EncordInputError(
                f"The table {self.metadata} has no rows: nothing would be patched. If that is right, set "
                "allow_empty=True (in the bundled DAG: allow_empty to true)."
            )
        return found


@task(task_id="report")
def _report(checked: Mapping[str, Any], patched: Mapping[str, Any]) -> dict[str, Any]:
    """Sum up a synchronisation; whether too many rows found no item was for the patch to say, which knows them."""
    astray = patched["unmatched"] + patched["ambiguous"]
    summary = {"rows": checked["rows"], "undeclared": checked["undeclared"], **patched}
    log.info("Rows of the table:\n%s", "\n".join(f"{name:<12}{value}" for name, value in summary.items()))
    if astray:
        log.warning("%d rows match no item, or several. They are named in %s", astray, patched["report"])
    return summary
