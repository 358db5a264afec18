"""EncordBuildUploadSpecOperator: from a bucket listing to an upload spec in the workspace."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from encord_provider.api.calls import get_metadata_schema
from encord_provider.exceptions import EncordInputError
from encord_provider.listing import ObjectFilter
from encord_provider.operators.base import EncordOperator
from encord_provider.schema import MetadataSchema
from encord_provider.sources import Listing, ListingRequest, ListingSource, S3Bucket
from encord_provider.tables import MetadataTable, Sampling
from encord_provider.upload_spec import BuildOptions, KeyPattern, build_units, write_parts
from encord_provider.workspace.files import child, parent, path_of, task_folder
from encord_provider.workspace.inputs import Embeddings, embeddings_of, frames_of, table_of
from encord_provider.workspace.window import run_window

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context


class EncordBuildUploadSpecOperator(EncordOperator):
    """List the objects that belong to the run's window and write them as an upload spec.

    The spec is Encord's JSON form in parts, beside an index and the list of the objects that were left out, each
    with its reason. The same objects give the same bytes. Nothing is sent to Encord.

    The task is skipped, and says so, when there is nothing to import.

    :param bucket: the S3 bucket to list. (templated)
    :param prefix: which keys belong to the run: ``{date}`` is each day of the run's window as YYYY-MM-DD,
        ``{date:%Y/%m/%d}`` the day in that form, ``*`` any text inside one folder name. (templated)
    :param source: where the objects are instead of a listed S3 bucket, see
        :mod:`encord_provider.sources`: ``S3Inventory``, ``ObjectStorageFolder`` or
        ``ObjectUrlTable``. (its own fields are templated)
    :param workspace: the URI of the workspace; each task of each run has its own folder in it. None or empty
        for the option ``[encord] workspace``. (templated)
    :param aws_conn_id: the Airflow connection of the amazon provider. (templated)
    :param day: a day as YYYY-MM-DD to use instead of the run's window; empty for the window. (templated)
    :param media: ``auto`` tells the type of an object by its extension; or one media type for all. (templated)
    :param include: glob patterns on the whole key; without any, everything is included.
    :param exclude: glob patterns on the whole key of what is left out.
    :param object_filter: leaves out objects by size, modification time or storage class.
    :param group_by: which files make one image group, image sequence or DICOM series: ``folder`` (the default),
        ``column:<name>`` for a column of the metadata table, or a regular expression with named groups.
    :param key_pattern: a regular expression whose named groups turn parts of the key into client metadata.
        (templated)
    :param metadata: the URI of a CSV, JSONL or Parquet table with client metadata by object key or URL.
        (templated)
    :param key_column: the column of that table that names the object; None for the first usual one.
    :param sidecars: whether ``<key>.metadata.json`` beside an object holds its client metadata.
    :param frames: the URI of a table with metadata or embeddings of single video frames, which has the column
        ``frame`` beside the key. (templated)
    :param sampling: which frames of videos Encord takes.
    :param embeddings: custom embeddings in a ``.npy`` file. (its own fields are templated)
    :param media_metadata: the URI of a table with what Encord needs to know of files that it is not to read, see
        :mod:`encord_provider.upload_spec.media_table`. (templated)
    :param title: the template of the titles; by default the key.
    :param object_url_style: the form of the object URLs, see :class:`~encord_provider.upload_spec.ObjectUrlStyle`; None
        or empty for the usual one of the source, for S3 ``virtual-hosted``. (templated)
    :param object_url_endpoint: the root URL of an S3-compatible store (by default that of the AWS connection),
        the Azure storage account, or the URL under which a local folder is served. (templated)
    :param max_units_per_part: data units in one part, and so in one upload job; by default 1,000 and 100 videos.
    :param skip_duplicate_urls: whether Encord is to skip URLs that the folder already has.
    :param validate: whether to check client metadata against the organisation's metadata schema.

    :return: ``{"index", "parts", "counts", "skipped"}``: URIs, data units by type, and how many objects were
        left out.
    :raises ListingError: if the bucket does not exist or may not be listed.
    :raises EncordInputError: if a pattern, the table, a title or a value is wrong; the message names it.
    """

    template_fields: tuple[str, ...] = (
        *EncordOperator.template_fields,
        "bucket",
        "prefix",
        "workspace",
        "aws_conn_id",
        "day",
        "media",
        "key_pattern",
        "source",
        "metadata",
        "frames",
        "embeddings",
        "media_metadata",
        "object_url_style",
        "object_url_endpoint",
    )

    def __init__(
        self,
        *,
        bucket: str = "",
        prefix: str = "",
        source: ListingSource | None = None,
        workspace: str | None = None,
        aws_conn_id: str | None = "aws_default",
        day: str | None = None,
        media: str = "auto",
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        object_filter: ObjectFilter | None = None,
        group_by: str | None = None,
        key_pattern: str | None = None,
        metadata: str | None = None,
        key_column: str | None = None,
        sidecars: bool = False,
        frames: str | None = None,
        sampling: Sampling | None = None,
        embeddings: Embeddings | None = None,
        media_metadata: str | None = None,
        title: str = "{key}",
        object_url_style: str | None = None,
        object_url_endpoint: str | None = None,
        max_units_per_part: int | Mapping[str, int] | None = None,
        skip_duplicate_urls: bool = True,
        validate: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if source is not None and (bucket or prefix):
            raise EncordInputError("Give either 'bucket' and 'prefix', or a 'source'.")
        self.bucket = bucket
        self.prefix = prefix
        # Rendered in place, so each operator has its own, also where several are mapped over one.
        self.source = copy.copy(source)
        self.workspace = workspace
        self.aws_conn_id = aws_conn_id
        self.day = day
        self.media = media
        self.include = include
        self.exclude = exclude
        self.object_filter = object_filter
        self.group_by = group_by
        self.key_pattern = key_pattern
        self.metadata = metadata
        self.key_column = key_column
        self.sidecars = sidecars
        self.frames = frames
        self.sampling = sampling
        self.embeddings = copy.copy(embeddings)
        self.media_metadata = media_metadata
        self.title = title
        self.object_url_style = object_url_style
        self.object_url_endpoint = object_url_endpoint
        self.max_units_per_part = max_units_per_part
        self.skip_duplicate_urls = skip_duplicate_urls
        self.validate = validate

    def render_template_fields(self, context: Context, jinja_env: jinja2.Environment | None = None) -> None:
        """Render the templates; those of a source in a copy, so that the DAG's own stays as its author wrote it."""
        self.source = copy.copy(self.source)
        self.embeddings = copy.copy(self.embeddings)
        super().render_template_fields(context, jinja_env)

    def execute(self, context: Context) -> dict[str, Any]:
        """List, build and write."""
        window = run_window(context, day=self.day)
        key_pattern = KeyPattern.compile(self.key_pattern) if self.key_pattern else None
        frames = frames_of(self.frames, aws_conn_id=self.aws_conn_id)
        embeddings = embeddings_of(self.embeddings, aws_conn_id=self.aws_conn_id)
        media_metadata = table_of(self.media_metadata, key_column=None, aws_conn_id=self.aws_conn_id)
        source = self.source or S3Bucket(bucket=self.bucket, prefix=self.prefix)
        listing = source.open(
            ListingRequest(
                window=window,
                aws_conn_id=self.aws_conn_id,
                url_style=self.object_url_style,
                url_endpoint=self.object_url_endpoint,
            )
        )
        self.log.info("The window is %s; the objects come from %s.", window, listing.place)
        if self.sidecars and listing.read is None:
            raise EncordInputError(f"Objects of {listing.place} have no sidecars: leave out 'sidecars'.")
        filters = dataclasses.replace(
            self.object_filter or ObjectFilter(), include=self.include, exclude=self.exclude
        )
        units, skipped = build_units(
            listing,
            url_for=listing.url_for,
            options=BuildOptions(
                media=self.media or "auto",
                filters=filters,
                group_by=self.group_by,
                key_pattern=key_pattern,
                metadata=self._metadata(listing),
                title=self.title,
                frames=frames,
                sampling=self.sampling,
                embeddings=embeddings,
                media_metadata=media_metadata,
            ),
            read_sidecar=listing.read if self.sidecars else None,
            schema=self._schema(listing),
        )
        folder = task_folder(self.workspace, context)
        index = write_parts(
            units,
            path_of(parent(folder)),
            name=folder.rpartition("/")[2],
            max_units_per_part=self.max_units_per_part,
            skip_duplicate_urls=self.skip_duplicate_urls,
            skipped=skipped,
        )
        if not listing.count:
            raise AirflowSkipException(f"There are no objects in {listing.place}: nothing to import.")
        if not index.units:
            raise AirflowSkipException(
                f"None of the {listing.count} objects in {listing.place} can be imported. The reasons: "
                f"{child(folder, 'skipped.jsonl')}"
            )
        self.log.info(
            "%d objects listed: %d data units %s, %d left out.",
            listing.count,
            index.units,
            dict(index.counts),
            index.skipped,
        )
        return {
            "index": child(folder, "index.json"),
            "parts": [child(folder, part.name) for part in index.parts],
            "counts": dict(index.counts),
            "skipped": index.skipped,
        }

    def _metadata(self, listing: Listing) -> MetadataTable | None:
        table = table_of(self.metadata, key_column=self.key_column, aws_conn_id=self.aws_conn_id)
        if table is not None and listing.table is not None and listing.table.columns:
            raise EncordInputError(
                f"Two tables hold client metadata: {listing.table.source} and {table.source}. Give 'metadata' "
                "only with a table of object URLs that has no other column."
            )
        return table or listing.table

    def _schema(self, listing: Listing) -> MetadataSchema | None:
        holders = (
            self.key_pattern,
            self.metadata,
            self.sidecars,
            self.frames,
            self.embeddings,
            listing.table,
        )
        if not self.validate or not any(holders):
            return None
        return MetadataSchema.from_wire(self.hook.api.perform(get_metadata_schema()))
