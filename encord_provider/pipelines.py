"""The chains of tasks that the bundled DAGs and company DAGs share, as task groups."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import TaskGroup, TriggerRule, chain, task, task_group

from encord_provider.drop_folder import Destination, DropFolder
from encord_provider.exceptions import EncordError, EncordInputError, UploadJobFailedError
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.check_metadata import EncordCheckMetadataOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.operators.read_upload_spec import EncordReadUploadSpecOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.options import ItemSelection
from encord_provider.workspace.inputs import Inputs
from encord_provider.workspace.templates import value_of

if TYPE_CHECKING:
    from encord_provider.options import ClientMetadata, Filters, Frames, Grouping, Media, ObjectUrls, Parts
    from encord_provider.sources import ListingSource

log = logging.getLogger(__name__)

_ANY_NUMBER = 1_000_000
"""More data units than a spec may have."""


def import_from_s3(
    *,
    folder: str,
    bucket: str = "",
    prefix: str = "",
    source: ListingSource | Mapping[str, Any] | str | None = None,
    schema: Mapping[str, Any] | str | None = None,
    integration: str | None = None,
    media: Media | Mapping[str, Any] | str = "auto",
    filters: Filters | Mapping[str, Any] | str | None = None,
    grouping: Grouping | Mapping[str, Any] | str | None = None,
    metadata: ClientMetadata | Mapping[str, Any] | str | None = None,
    frames: Frames | Mapping[str, Any] | str | None = None,
    object_urls: ObjectUrls | Mapping[str, Any] | str | None = None,
    parts: Parts | Mapping[str, Any] | str | None = None,
    day: str | None = None,
    workspace: str | None = None,
    max_failed_units: int = 0,
    deferrable: bool = True,
    encord_conn_id: str = EncordHook.default_conn_name,
    aws_conn_id: str | None = "aws_default",
    group_id: str = "import_from_s3",
) -> TaskGroup:
    """Add the tasks ``set_schema``, ``build_spec``, ``import_data`` and ``patch_metadata`` to the current DAG.

    Each run touches only the objects of its own window, and running it again changes nothing. Client metadata
    goes along with the import; ``patch_metadata`` brings it to items that were registered before the table said
    it. When there is nothing to import, the tasks after ``build_spec`` are skipped.

    All texts may be templates. Their meaning is that of the operators' parameters of the same name. Groups of options
    may be those of :mod:`encord_provider.options`, mappings with the same names, or texts that render to one.

    :param folder: the storage folder, which is created where it is missing.
    :param bucket: the S3 bucket.
    :param prefix: which keys belong to a run, with ``{date}`` and ``*``.
    :param source: where the objects are instead of a listed S3 bucket, see :mod:`encord_provider.sources`.
    :param schema: keys of the metadata schema; None for no task ``set_schema``.
    :param integration: the cloud integration; None for the connection's default.
    :param media: one media type for all objects, or :class:`~encord_provider.options.Media`.
    :param filters: which objects are taken: :class:`~encord_provider.options.Filters`.
    :param grouping: what becomes one data unit, and titles: :class:`~encord_provider.options.Grouping`.
    :param metadata: where client metadata comes from: :class:`~encord_provider.options.ClientMetadata`.
    :param frames: what concerns single frames of videos: :class:`~encord_provider.options.Frames`.
    :param object_urls: how objects are named: :class:`~encord_provider.options.ObjectUrls`.
    :param parts: how the upload spec is divided: :class:`~encord_provider.options.Parts`.
    :param day: a day to use instead of the run's window.
    :param workspace: the URI of the workspace.
    :param max_failed_units: how many failed data units still count as success.
    :param deferrable: whether to wait for the upload jobs in the triggerer.
    :param encord_conn_id: the Airflow connection of type ``encord``.
    :param aws_conn_id: the Airflow connection of the amazon provider.
    :param group_id: the id of the task group.
    :returns: the task group; the summary of the import is ``import_data``'s XCom.
    """
    with TaskGroup(group_id=group_id) as group:
        build_spec = EncordBuildUploadSpecOperator(
            task_id="build_spec",
            bucket=bucket,
            prefix=prefix,
            source=source,
            day=day,
            media=media,
            filters=filters,
            grouping=grouping,
            metadata=metadata,
            frames=frames,
            object_urls=object_urls,
            parts=parts,
            workspace=workspace,
            aws_conn_id=aws_conn_id,
            encord_conn_id=encord_conn_id,
        )
        import_data = EncordImportDataOperator(
            task_id="import_data",
            spec=build_spec.output,
            folder=folder,
            create_folder=True,
            integration=integration,
            max_failed_units=max_failed_units,
            deferrable=deferrable,
            workspace=workspace,
            encord_conn_id=encord_conn_id,
        )
        patch_metadata = EncordPatchMetadataOperator(
            task_id="patch_metadata",
            metadata=build_spec.output,
            folder=f"{{{{ ti.xcom_pull(task_ids='{import_data.task_id}')['folder'] }}}}",
            # The values of the spec have been checked by build_spec, unless the user said not to.
            validate=False,
            workspace=workspace,
            encord_conn_id=encord_conn_id,
        )
        chain(build_spec, import_data, patch_metadata)
        if schema is not None:
            set_schema = EncordSetSchemaOperator(
                task_id="set_schema", schema=schema, aws_conn_id=aws_conn_id, encord_conn_id=encord_conn_id
            )
            chain(set_schema, build_spec)
    return group


def sync_metadata(
    *,
    table: str,
    folder: str | None = None,
    dataset: str | None = None,
    project: str | None = None,
    recursive: bool = False,
    schema: Mapping[str, Any] | str | None = None,
    key: str = "object_url",
    key_column: str | None = None,
    mode: str = "merge",
    max_unmatched: int | str | None = None,
    workspace: str | None = None,
    encord_conn_id: str = EncordHook.default_conn_name,
    aws_conn_id: str | None = "aws_default",
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
    :param max_unmatched: how many rows may match no item, or several, before ``report`` fails; None or empty for
        any number.
    :param workspace: the URI of the workspace.
    :param encord_conn_id: the Airflow connection of type ``encord``.
    :param aws_conn_id: the Airflow connection of the amazon provider.
    :param group_id: the id of the task group.
    :returns: the task group; its result is ``report``'s XCom.
    """
    with TaskGroup(group_id=group_id) as group:
        check_table = EncordCheckMetadataOperator(
            task_id="check_table",
            metadata=table,
            key_column=key_column,
            workspace=workspace,
            aws_conn_id=aws_conn_id,
            encord_conn_id=encord_conn_id,
        )
        patch_metadata = EncordPatchMetadataOperator(
            task_id="patch_metadata",
            metadata=table,
            folder=folder,
            items=ItemSelection(dataset=dataset, project=project, recursive=recursive),
            key=cast("Any", key),
            key_column=key_column,
            mode=cast("Any", mode),
            workspace=workspace,
            aws_conn_id=aws_conn_id,
            encord_conn_id=encord_conn_id,
        )
        report = _report(
            checked=cast("Any", check_table.output),
            patched=cast("Any", patch_metadata.output),
            allowed=max_unmatched,
        )
        chain(check_table, patch_metadata, report)
        if schema is not None:
            set_schema = EncordSetSchemaOperator(
                task_id="set_schema", schema=schema, aws_conn_id=aws_conn_id, encord_conn_id=encord_conn_id
            )
            chain(set_schema, check_table)
    return group


@task(task_id="report")
def _report(
    checked: Mapping[str, Any], patched: Mapping[str, Any], allowed: int | str | None
) -> dict[str, Any]:
    """Sum up a synchronisation, and fail when too many rows found no item."""
    astray = patched["unmatched"] + patched["ambiguous"]
    summary = {"rows": checked["rows"], "undeclared": checked["undeclared"], **patched}
    log.info("Rows of the table:\n%s", "\n".join(f"{name:<12}{value}" for name, value in summary.items()))
    allowed = value_of(allowed, int, parameter="max_unmatched")
    if allowed is not None and astray > allowed:
        raise EncordInputError(
            f"{astray} of {checked['rows']} rows match no item, or several; {allowed} are allowed. "
            f"They are named in {patched['report']}"
        )
    return summary


def import_dropped_specs(
    *,
    bucket: str,
    folder: str,
    prefix: str = "",
    integration: str | None = None,
    max_failed_units: int | str = 0,
    deferrable: bool = True,
    workspace: str | None = None,
    encord_conn_id: str = EncordHook.default_conn_name,
    aws_conn_id: str | None = "aws_default",
    group_id: str = "import_dropped_specs",
) -> TaskGroup:
    """Add a task ``find_specs`` and, for each spec that it finds, ``read_spec``, ``import_data`` and ``file_away``.

    Users drop upload specs in Encord's JSON or CSV form into ``s3://<bucket>/<prefix>/``. One that was imported
    moves to ``done/<run>/`` there, beside its receipt; one that is wrong, or of which data units failed, moves to
    ``failed/<run>/`` beside its errors and fails its own ``file_away`` only. A spec stays where it is when Encord or
    the bucket could not be reached; the next run takes it again. Encord skips URLs that the folder has.

    All texts may be templates. Their meaning is that of the operators' parameters of the same name.

    :param bucket: the S3 bucket.
    :param folder: the storage folder, which is created where it is missing.
    :param prefix: where specs are dropped.
    :param integration: the cloud integration; None for the connection's default.
    :param max_failed_units: how many failed data units of one spec still count as success.
    :param deferrable: whether to wait for the upload jobs in the triggerer.
    :param workspace: the URI of the workspace.
    :param encord_conn_id: the Airflow connection of type ``encord``.
    :param aws_conn_id: the Airflow connection of the amazon provider.
    :param group_id: the id of the task group.
    :returns: the task group.
    """
    place = {"bucket": bucket, "prefix": prefix, "aws_conn_id": aws_conn_id}

    @task_group(group_id="import_spec")
    def import_spec(spec: str) -> None:
        read_spec = EncordReadUploadSpecOperator(
            task_id="read_spec",
            spec=spec,
            workspace=workspace,
            aws_conn_id=aws_conn_id,
            encord_conn_id=encord_conn_id,
        )
        import_data = EncordImportDataOperator(
            task_id="import_data",
            spec=read_spec.output,
            folder=folder,
            create_folder=True,
            integration=integration,
            # Judged by file_away, which moves the spec aside first.
            max_failed_units=_ANY_NUMBER,
            deferrable=deferrable,
            workspace=workspace,
            encord_conn_id=encord_conn_id,
        )
        chain(
            read_spec,
            import_data,
            _file_away(
                spec=spec,
                imported=cast("Any", import_data.output),
                place=place,
                allowed=max_failed_units,
                encord_conn_id=encord_conn_id,
            ),
        )

    with TaskGroup(group_id=group_id) as group:
        import_spec.expand(spec=_find_specs(place=place))
    return group


@task(task_id="find_specs")
def _find_specs(place: Mapping[str, Any]) -> list[str]:
    """List the specs that wait."""
    return DropFolder(**place).waiting()


@task(task_id="file_away", trigger_rule=TriggerRule.ALL_DONE)
def _file_away(
    spec: str,
    imported: Mapping[str, Any] | None,
    place: Mapping[str, Any],
    allowed: int | str,
    encord_conn_id: str,
    run_id: str | None = None,
) -> str:
    """Move a spec aside with its receipt or its errors, and fail where something is wrong with it."""
    drop = DropFolder(**place)
    run_id = str(run_id)  # Airflow gives it
    if imported is None:
        hook = EncordHook(encord_conn_id=encord_conn_id)
        try:
            Inputs(aws_conn_id=place["aws_conn_id"]).upload_spec(spec, read_schema=hook.metadata_schema)
        except EncordInputError as error:
            errors = drop.file_away(spec, Destination.FAILED, run_id=run_id, account=f"{error}\n")
            raise EncordInputError(f"{spec} is wrong; it was moved aside, with {errors}:\n{error}") from None
        raise EncordError(f"{spec} could not be imported, and stays where it is: see the log of import_data.")
    failed = imported["units"]["failed"]
    receipt = {"spec": spec, "dag_run": run_id, **imported}
    allowed = value_of(allowed, int, parameter="max_failed_units") or 0
    if failed > allowed:
        account = drop.file_away(spec, Destination.FAILED, run_id=run_id, account=receipt)
        raise UploadJobFailedError(
            f"{failed} of {imported['units']['total']} data units of {spec} failed; {allowed} are allowed. "
            f"It was moved aside, with {account}. The failed ones: {imported['failures']}"
        )
    return drop.file_away(spec, Destination.DONE, run_id=run_id, account=receipt)
