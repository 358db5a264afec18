"""The chain from bucket to tagged items as a task group, for the bundled DAGs and for company DAGs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup, chain

from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.metadata import EncordPatchMetadataOperator
from encord_provider.operators.schema import EncordSetSchemaOperator
from encord_provider.operators.spec import EncordBuildUploadSpecOperator


def import_from_s3(
    *,
    bucket: str,
    folder: str,
    prefix: str = "",
    schema: Mapping[str, Any] | str | None = None,
    integration: str | None = None,
    metadata: str | None = None,
    key_pattern: str | None = None,
    media: str = "auto",
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

    All texts may be templates. Their meaning is that of the operators' parameters of the same name.

    :param bucket: the S3 bucket.
    :param folder: the storage folder, which is created where it is missing.
    :param prefix: which keys belong to a run, with ``{date}`` and ``*``.
    :param schema: keys of the metadata schema; None for no task ``set_schema``.
    :param integration: the cloud integration; None for the connection's default.
    :param metadata: the URI of a metadata table.
    :param key_pattern: a regular expression that turns parts of the key into client metadata.
    :param media: ``auto``, or one media type for all objects.
    :param day: a day to use instead of the run's window.
    :param workspace: the URI of the workspace.
    :param max_failed_units: how many failed data units still count as success.
    :param deferrable: whether to wait for the upload jobs in the triggerer.
    :param encord_conn_id: the Airflow connection of type ``encord``.
    :param aws_conn_id: the Airflow connection of the amazon provider.
    :param group_id: the id of the task group.
    :return: the task group; the summary of the import is ``import_data``'s XCom.
    """
    with TaskGroup(group_id=group_id) as group:
        build_spec = EncordBuildUploadSpecOperator(
            task_id="build_spec",
            bucket=bucket,
            prefix=prefix,
            workspace=workspace,
            aws_conn_id=aws_conn_id,
            day=day,
            media=media,
            key_pattern=key_pattern,
            metadata=metadata,
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
