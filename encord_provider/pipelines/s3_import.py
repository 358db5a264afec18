"""The chain from the objects of a bucket to items with client metadata, as a task group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import TaskGroup, chain
from airflow.sdk import XComArg

from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.pipelines.defaults import NOT_GIVEN, NotGiven, TaskGroupBuilder, set_schema_before

if TYPE_CHECKING:
    from encord_provider.options import ClientMetadata, Filters, Frames, Grouping, Media, ObjectUrls, Parts
    from encord_provider.sources import ListingSource


def import_from_s3(
    *,
    folder: str | XComArg,
    bucket: str | XComArg = "",
    prefix: str | XComArg = "",
    source: ListingSource | Mapping[str, Any] | str | XComArg | None = None,
    schema: Mapping[str, Any] | str | XComArg | None = None,
    integration: str | XComArg | NotGiven | None = NOT_GIVEN,
    media: Media | Mapping[str, Any] | str | XComArg = "auto",
    filters: Filters | Mapping[str, Any] | str | XComArg | None = None,
    grouping: Grouping | Mapping[str, Any] | str | XComArg | None = None,
    metadata: ClientMetadata | Mapping[str, Any] | str | XComArg | None = None,
    frames: Frames | Mapping[str, Any] | str | XComArg | None = None,
    object_urls: ObjectUrls | Mapping[str, Any] | str | XComArg | None = None,
    parts: Parts | Mapping[str, Any] | str | XComArg | None = None,
    day: str | XComArg | None = None,
    workspace: str | XComArg | NotGiven | None = NOT_GIVEN,
    max_failed_units: int | str | XComArg | NotGiven = NOT_GIVEN,
    deferrable: bool | NotGiven = NOT_GIVEN,
    outlets: Sequence[Any] = (),
    encord_conn_id: str | XComArg | NotGiven = NOT_GIVEN,
    aws_conn_id: str | XComArg | NotGiven | None = NOT_GIVEN,
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
    :param outlets: the assets of ``import_data``, such as
        :func:`~encord_provider.assets.encord_folder_asset` gives.
    :param encord_conn_id: the Airflow connection of type ``encord``; ``encord_default`` unless given.
    :param aws_conn_id: the Airflow connection of the amazon provider; ``aws_default`` unless given.
    :param group_id: the id of the task group.
    :returns: the task group; the summary of the import is ``import_data``'s XCom.
    """
    made = TaskGroupBuilder(group_id)
    encord_conn_id = made.of("encord_conn_id", encord_conn_id)
    aws_conn_id = made.of("aws_conn_id", aws_conn_id)
    workspace = made.of("workspace", workspace)
    integration = made.of("integration", integration)
    max_failed_units = made.of("max_failed_units", max_failed_units)
    deferrable = made.of("deferrable", deferrable)
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
            outlets=list(outlets),
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
        set_schema_before(
            build_spec,
            schema,
            workspace=workspace,
            aws_conn_id=aws_conn_id,
            encord_conn_id=encord_conn_id,
        )
    return group
