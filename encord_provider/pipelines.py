"""The chains of tasks that the bundled DAGs and company DAGs share, as task groups."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast

from airflow.providers.common.compat.sdk import TaskGroup, TriggerRule, chain, conf, task, task_group
from airflow.sdk import XComArg

from encord_provider.drop_folder import Destination, DropFolder, WaitingSpec
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
    from airflow.sdk import Context

    from encord_provider.options import ClientMetadata, Filters, Frames, Grouping, Media, ObjectUrls, Parts
    from encord_provider.sources import ListingSource

log = logging.getLogger(__name__)

_ANY_NUMBER = 1_000_000
"""More data units than a spec may have."""

_RETRIES = 2
_RETRY_DELAY = timedelta(minutes=1)


class _NotGiven(Enum):
    """Stands for a parameter that was left out, where None means something else."""

    NOT_GIVEN = "not given"


NOT_GIVEN: Final = _NotGiven.NOT_GIVEN


class _Group:
    """A task group whose tasks are retried, and what its default arguments say.

    Airflow fails a task that is deferred and comes back at once, now and then; a retry goes on where it stopped.

    :param group_id: the id of the task group.
    """

    def __init__(self, group_id: str) -> None:
        self.group = TaskGroup(group_id=group_id)
        dag_says: Mapping[str, Any] = self.group.dag.default_args
        ours = {
            "retries": max(_RETRIES, conf.getint("core", "default_task_retries", fallback=0)),
            "retry_delay": _RETRY_DELAY,
        }
        for name, value in ours.items():
            if name not in dag_says:
                self.group.default_args.setdefault(name, value)
        self._defaults = {**dag_says, **self.group.default_args}

    def of(self, name: str, given: Any, otherwise: Any) -> Any:
        """Give an argument: what was given, or what the default arguments of DAG and groups say, or our own default.

        :param name: the operators' parameter.
        :param given: what the caller gave, or ``NOT_GIVEN``.
        :param otherwise: what applies where nothing says it.
        """
        return self._defaults.get(name, otherwise) if given is NOT_GIVEN else given


def import_from_s3(
    *,
    folder: str | XComArg,
    bucket: str | XComArg = "",
    prefix: str | XComArg = "",
    source: ListingSource | Mapping[str, Any] | str | XComArg | None = None,
    schema: Mapping[str, Any] | str | XComArg | None = None,
    integration: str | XComArg | _NotGiven | None = NOT_GIVEN,
    media: Media | Mapping[str, Any] | str | XComArg = "auto",
    filters: Filters | Mapping[str, Any] | str | XComArg | None = None,
    grouping: Grouping | Mapping[str, Any] | str | XComArg | None = None,
    metadata: ClientMetadata | Mapping[str, Any] | str | XComArg | None = None,
    frames: Frames | Mapping[str, Any] | str | XComArg | None = None,
    object_urls: ObjectUrls | Mapping[str, Any] | str | XComArg | None = None,
    parts: Parts | Mapping[str, Any] | str | XComArg | None = None,
    day: str | XComArg | None = None,
    workspace: str | XComArg | _NotGiven | None = NOT_GIVEN,
    max_failed_units: int | str | XComArg | _NotGiven = NOT_GIVEN,
    deferrable: bool | _NotGiven = NOT_GIVEN,
    encord_conn_id: str | XComArg | _NotGiven = NOT_GIVEN,
    aws_conn_id: str | XComArg | _NotGiven | None = NOT_GIVEN,
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
    :param encord_conn_id: the Airflow connection of type ``encord``; ``encord_default`` unless given.
    :param aws_conn_id: the Airflow connection of the amazon provider; ``aws_default`` unless given.
    :param group_id: the id of the task group.
    :returns: the task group; the summary of the import is ``import_data``'s XCom.
    """
    made = _Group(group_id)
    encord_conn_id = made.of("encord_conn_id", encord_conn_id, EncordHook.default_conn_name)
    aws_conn_id = made.of("aws_conn_id", aws_conn_id, "aws_default")
    workspace = made.of("workspace", workspace, None)
    integration = made.of("integration", integration, None)
    max_failed_units = made.of("max_failed_units", max_failed_units, 0)
    deferrable = made.of("deferrable", deferrable, True)
    with made.group as group:
        build_spec = EncordBuildUploadSpecOperator(
            task_id="build_spec",
            bucket=cast("Any", bucket),
            prefix=cast("Any", prefix),
            source=source,
            day=cast("Any", day),
            media=media,
            filters=filters,
            grouping=grouping,
            metadata=metadata,
            frames=frames,
            object_urls=object_urls,
            parts=parts,
            workspace=cast("Any", workspace),
            aws_conn_id=cast("Any", aws_conn_id),
            encord_conn_id=cast("Any", encord_conn_id),
        )
        import_data = EncordImportDataOperator(
            task_id="import_data",
            spec=build_spec.output,
            folder=cast("Any", folder),
            create_folder=True,
            integration=cast("Any", integration),
            max_failed_units=cast("Any", max_failed_units),
            deferrable=cast("Any", deferrable),
            workspace=cast("Any", workspace),
            encord_conn_id=cast("Any", encord_conn_id),
            # So that its folder can be taken alone, by the task of the same map index.
            multiple_outputs=True,
        )
        patch_metadata = EncordPatchMetadataOperator(
            task_id="patch_metadata",
            metadata=build_spec.output,
            folder=cast("Any", import_data.output)["folder"],
            # The values of the spec have been checked by build_spec, unless the user said not to.
            validate=False,
            workspace=cast("Any", workspace),
            encord_conn_id=cast("Any", encord_conn_id),
        )
        chain(build_spec, import_data, patch_metadata)
        if schema is not None:
            set_schema = EncordSetSchemaOperator(
                task_id="set_schema",
                schema=cast("Any", schema),
                aws_conn_id=cast("Any", aws_conn_id),
                encord_conn_id=cast("Any", encord_conn_id),
            )
            chain(set_schema, build_spec)
    return group


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
    workspace: str | XComArg | _NotGiven | None = NOT_GIVEN,
    encord_conn_id: str | XComArg | _NotGiven = NOT_GIVEN,
    aws_conn_id: str | XComArg | _NotGiven | None = NOT_GIVEN,
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
    :param allow_empty: whether a table without rows is right; otherwise ``check_table`` fails.
    :param workspace: the URI of the workspace.
    :param encord_conn_id: the Airflow connection of type ``encord``; ``encord_default`` unless given.
    :param aws_conn_id: the Airflow connection of the amazon provider; ``aws_default`` unless given.
    :param group_id: the id of the task group.
    :returns: the task group; its result is ``report``'s XCom.
    """
    made = _Group(group_id)
    encord_conn_id = made.of("encord_conn_id", encord_conn_id, EncordHook.default_conn_name)
    aws_conn_id = made.of("aws_conn_id", aws_conn_id, "aws_default")
    workspace = made.of("workspace", workspace, None)
    with made.group as group:
        check_table = _CheckTable(
            task_id="check_table",
            metadata=table,
            max_unmatched=max_unmatched,
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
            workspace=cast("Any", workspace),
            aws_conn_id=cast("Any", aws_conn_id),
            encord_conn_id=cast("Any", encord_conn_id),
        )
        report = _report(
            checked=cast("Any", check_table.output),
            patched=cast("Any", patch_metadata.output),
            allowed=cast("Any", max_unmatched),
        )
        chain(check_table, patch_metadata, report)
        if schema is not None:
            set_schema = EncordSetSchemaOperator(
                task_id="set_schema",
                schema=cast("Any", schema),
                aws_conn_id=cast("Any", aws_conn_id),
                encord_conn_id=cast("Any", encord_conn_id),
            )
            chain(set_schema, check_table)
    return group


class _CheckTable(EncordCheckMetadataOperator):
    """Check a table, and what ``sync_metadata`` was told of it, before an item is patched.

    :param max_unmatched: how many rows may match no item, or several. (templated)
    :param allow_empty: whether a table without rows is right. (templated)
    """

    template_fields = (*EncordCheckMetadataOperator.template_fields, "max_unmatched", "allow_empty")

    def __init__(self, *, max_unmatched: Any = None, allow_empty: Any = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_unmatched = max_unmatched
        self.allow_empty = allow_empty

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the limits, then all rows."""
        _limit(self.max_unmatched, "max_unmatched")
        allow_empty = value_of(self.allow_empty, bool, parameter="allow_empty")
        found = super().execute(context)
        if not found["rows"] and not allow_empty:
            raise EncordInputError(
                f"The table {self.metadata} has no rows: nothing would be patched. If that is right, set "
                "allow_empty=True (in the bundled DAG: allow_empty to true)."
            )
        return found


def _limit(given: Any, parameter: str) -> int | None:
    """Read how many of something are allowed, whether it came as a number or as the text of a template.

    :returns: the number; None where nothing was given.
    :raises EncordInputError: if it is no whole number, or negative.
    """
    allowed: int | None = value_of(given, int, parameter=parameter)
    if allowed is not None and allowed < 0:
        raise EncordInputError(f"The parameter {parameter} is {allowed}; it must be 0 or more.")
    return allowed


@task(task_id="report")
def _report(
    checked: Mapping[str, Any], patched: Mapping[str, Any], allowed: int | str | None
) -> dict[str, Any]:
    """Sum up a synchronisation, and fail when too many rows found no item."""
    astray = patched["unmatched"] + patched["ambiguous"]
    summary = {"rows": checked["rows"], "undeclared": checked["undeclared"], **patched}
    log.info("Rows of the table:\n%s", "\n".join(f"{name:<12}{value}" for name, value in summary.items()))
    if astray:
        log.warning("%d rows match no item, or several. They are named in %s", astray, patched["report"])
    allowed = _limit(allowed, "max_unmatched")
    if allowed is not None and astray > allowed:
        raise EncordInputError(
            f"{astray} of {checked['rows']} rows match no item, or several; {allowed} are allowed. "
            f"They are named in {patched['report']}"
        )
    return summary


def import_dropped_specs(
    *,
    bucket: str | XComArg,
    folder: str | XComArg,
    prefix: str | XComArg = "",
    integration: str | XComArg | _NotGiven | None = NOT_GIVEN,
    max_failed_units: int | str | XComArg | _NotGiven = NOT_GIVEN,
    deferrable: bool | _NotGiven = NOT_GIVEN,
    workspace: str | XComArg | _NotGiven | None = NOT_GIVEN,
    encord_conn_id: str | XComArg | _NotGiven = NOT_GIVEN,
    aws_conn_id: str | XComArg | _NotGiven | None = NOT_GIVEN,
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
    made = _Group(group_id)
    encord_conn_id = made.of("encord_conn_id", encord_conn_id, EncordHook.default_conn_name)
    aws_conn_id = made.of("aws_conn_id", aws_conn_id, "aws_default")
    workspace = made.of("workspace", workspace, None)
    integration = made.of("integration", integration, None)
    max_failed_units = made.of("max_failed_units", max_failed_units, 0)
    deferrable = made.of("deferrable", deferrable, True)
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
    _limit(allowed, "max_failed_units")
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
    if failed > (_limit(allowed, "max_failed_units") or 0):
        account = file_away(Destination.FAILED, receipt)
        raise UploadJobFailedError(
            f"{failed} of {imported['units']['total']} data units of {spec} failed; {allowed or 0} are allowed. "
            f"It was moved aside, with {account}. The failed ones: {imported['failures']}"
        )
    return file_away(Destination.DONE, receipt)
