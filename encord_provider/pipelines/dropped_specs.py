"""The chain that imports upload specs which users drop into a bucket, as a task group."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast

from airflow.providers.common.compat.sdk import TaskGroup, TriggerRule, chain, conf, task, task_group
from airflow.sdk import XComArg

from encord_provider.drop_folder import Destination, DropFolder, WaitingSpec
from encord_provider.exceptions import EncordError, EncordInputError, UploadJobFailedError
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.read_upload_spec import EncordReadUploadSpecOperator
from encord_provider.pipelines.defaults import NOT_GIVEN, NotGiven, TaskGroupBuilder
from encord_provider.workspace.inputs import Inputs
from encord_provider.workspace.templates import limit_of

log = logging.getLogger(__name__)

_ANY_NUMBER = 1_000_000
"""More data units than a spec may have."""


def import_dropped_specs(
    *,
    bucket: str | XComArg,
    folder: str | XComArg,
    prefix: str | XComArg = "",
    integration: str | XComArg | NotGiven | None = NOT_GIVEN,
    max_failed_units: int | str | XComArg | NotGiven = NOT_GIVEN,
    deferrable: bool | NotGiven = NOT_GIVEN,
    workspace: str | XComArg | NotGiven | None = NOT_GIVEN,
    encord_conn_id: str | XComArg | NotGiven = NOT_GIVEN,
    aws_conn_id: str | XComArg | NotGiven | None = NOT_GIVEN,
    group_id: str = "import_dropped_specs",
) -> TaskGroup:
    """Add a task ``find_specs`` and, for each spec that it finds, ``read_spec``, ``import_data`` and ``file_away``.

    Users drop upload specs in Encord's JSON or CSV form into ``s3://<bucket>/<prefix>/``. One that was imported
    moves to ``done/<run>/`` there, beside its receipt; one that is wrong, or of which data units failed, moves to
    ``failed/<run>/`` beside its errors and fails its own ``file_away`` only. A spec stays where it is when Encord or
    the bucket could not be reached; the next run takes it again. One that is replaced while it is imported stays too:
    the newer one is for the next run. Encord skips URLs that the folder has.

    All texts may be templates. Their meaning is that of the operators' parameters of the same name.

    :param bucket: the S3 bucket.
    :param folder: the storage folder, which is created where it is missing.
    :param prefix: where specs are dropped.
    :param integration: the cloud integration; None for the connection's default.
    :param max_failed_units: how many failed data units of one spec still count as success.
    :param deferrable: whether to wait for the upload jobs in the triggerer.
    :param workspace: the URI of the workspace.
    :param encord_conn_id: the Airflow connection of type ``encord``; ``encord_default`` unless given.
    :param aws_conn_id: the Airflow connection of the amazon provider; ``aws_default`` unless given.
    :param group_id: the id of the task group.
    :returns: the task group.
    """
    made = TaskGroupBuilder(group_id)
    encord_conn_id = made.of("encord_conn_id", encord_conn_id)
    aws_conn_id = made.of("aws_conn_id", aws_conn_id)
    workspace = made.of("workspace", workspace)
    integration = made.of("integration", integration)
    max_failed_units = made.of("max_failed_units", max_failed_units)
    deferrable = made.of("deferrable", deferrable)
    place = {"bucket": bucket, "prefix": prefix, "aws_conn_id": aws_conn_id}

    @task_group(group_id="import_spec")
    def import_spec(spec: str, etag: str) -> None:
        read_spec = EncordReadUploadSpecOperator(
            task_id="read_spec",
            spec=spec,
            workspace=cast("Any", workspace),
            aws_conn_id=cast("Any", aws_conn_id),
            encord_conn_id=cast("Any", encord_conn_id),
        )
        import_data = EncordImportDataOperator(
            task_id="import_data",
            spec=read_spec.output,
            folder=cast("Any", folder),
            create_folder=True,
            integration=cast("Any", integration),
            # Judged by file_away, which moves the spec aside first.
            max_failed_units=_ANY_NUMBER,
            deferrable=cast("Any", deferrable),
            workspace=cast("Any", workspace),
            encord_conn_id=cast("Any", encord_conn_id),
        )
        chain(
            read_spec,
            import_data,
            _file_away(
                spec=spec,
                etag=etag,
                imported=cast("Any", import_data.output),
                place=place,
                allowed=cast("Any", max_failed_units),
                encord_conn_id=cast("Any", encord_conn_id),
            ),
        )

    with made.group as group:
        import_spec.expand_kwargs(_find_specs(place=place, allowed=cast("Any", max_failed_units)))
    return group


@task(task_id="find_specs")
def _find_specs(place: Mapping[str, Any], allowed: int | str) -> list[dict[str, str]]:
    """List the specs that wait, as many as Airflow can map."""
    limit_of(allowed, parameter="max_failed_units")
    specs = DropFolder(**place).waiting()
    most = conf.getint("core", "max_map_length", fallback=1024)
    if len(specs) > most:
        log.warning(
            "%d specs wait, and [core] max_map_length lets a run take %d: the other %d stay for the next runs, from "
            "%s on.",
            len(specs),
            most,
            len(specs) - most,
            specs[most].uri,
        )
    return [{"spec": one.uri, "etag": one.etag} for one in specs[:most]]


@task(task_id="file_away", trigger_rule=TriggerRule.ALL_DONE)
def _file_away(
    spec: str,
    etag: str,
    imported: Mapping[str, Any] | None,
    place: Mapping[str, Any],
    allowed: int | str,
    encord_conn_id: str,
    run_id: str | None = None,
) -> str:
    """Move a spec aside with its receipt or its errors, and fail where something is wrong with it."""
    drop = DropFolder(**place)
    run_id = str(run_id)  # Airflow gives it

    def file_away(destination: Destination, account: Mapping[str, Any] | str) -> str:
        waiting = WaitingSpec(uri=spec, etag=etag)
        return drop.file_away(waiting, destination, run_id=run_id, account=account)

    if imported is None:
        if drop.is_replaced(spec, etag):
            raise EncordError(
                f"{spec} could not be imported, and was replaced meanwhile; the newer one stays for the next run: see "
                "the logs of read_spec and import_data."
            )
        hook = EncordHook(encord_conn_id=cast("Any", encord_conn_id))
        try:
            Inputs(aws_conn_id=place["aws_conn_id"]).upload_spec(spec, read_schema=hook.metadata_schema)
        except EncordInputError as error:
            errors = file_away(Destination.FAILED, f"{error}\n")
            raise EncordInputError(f"{spec} is wrong; it was moved aside, with {errors}:\n{error}") from None
        raise EncordError(f"{spec} could not be imported, and stays where it is: see the log of import_data.")
    failed = imported["units"]["failed"]
    receipt = {"spec": spec, "etag": etag, "dag_run": run_id, **imported}
    if failed > (limit_of(allowed, parameter="max_failed_units") or 0):
        account = file_away(Destination.FAILED, receipt)
        raise UploadJobFailedError(
            f"{failed} of {imported['units']['total']} data units of {spec} failed; {allowed or 0} are allowed. "
            f"It was moved aside, with {account}. The failed ones: {imported['failures']}"
        )
    return file_away(Destination.DONE, receipt)
