"""EncordBuildUploadSpecOperator: from a bucket listing to an upload spec in the workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from encord_provider.api.calls import get_metadata_schema
from encord_provider.exceptions import EncordInputError
from encord_provider.listing import ListedObject, bucket_region, list_s3
from encord_provider.listing.prefixes import expand_prefix
from encord_provider.operators.base import EncordOperator
from encord_provider.operators.sources import table_of
from encord_provider.schema import MetadataSchema
from encord_provider.spec import KeyPattern, MediaType, ObjectUrlStyle, build_units, object_urls, write_parts
from encord_provider.window import prefixes_of, run_window
from encord_provider.workspace import child, parent, path_of, task_folder

if TYPE_CHECKING:
    from airflow.sdk import Context
    from mypy_boto3_s3 import S3Client


class EncordBuildUploadSpecOperator(EncordOperator):
    """List the objects that belong to the run's window and write them as an upload spec.

    The spec is Encord's JSON form in parts, beside an index and the list of the objects that were left out, each
    with its reason. The same objects give the same bytes. Nothing is sent to Encord.

    The task is skipped, and says so, when there is nothing to import.

    :param bucket: the S3 bucket. (templated)
    :param prefix: which keys belong to the run: ``{date}`` is each day of the run's window as YYYY-MM-DD,
        ``{date:%Y/%m/%d}`` the day in that form, ``*`` any text inside one folder name. (templated)
    :param workspace: the URI of the workspace; each task of each run has its own folder in it. None or empty
        for the option ``[encord] workspace``. (templated)
    :param aws_conn_id: the Airflow connection of the amazon provider. (templated)
    :param day: a day as YYYY-MM-DD to use instead of the run's window; empty for the window. (templated)
    :param media: ``auto`` tells the type of an object by its extension; or one media type for all. (templated)
    :param include: glob patterns on the whole key; without any, everything is included.
    :param exclude: glob patterns on the whole key of what is left out.
    :param group_by: which files make one series or group; by default those of one folder.
    :param key_pattern: a regular expression whose named groups turn parts of the key into client metadata.
        (templated)
    :param metadata: the URI of a CSV or JSONL table with client metadata by object key or URL. (templated)
    :param key_column: the column of that table that names the object; None for the first usual one.
    :param title: the template of the titles; by default the key.
    :param object_url_style: the form of the object URLs, see :class:`~encord_provider.spec.ObjectUrlStyle`.
        (templated)
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
        "metadata",
        "object_url_style",
    )

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str = "",
        workspace: str | None = None,
        aws_conn_id: str | None = "aws_default",
        day: str | None = None,
        media: str = "auto",
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        group_by: str | None = None,
        key_pattern: str | None = None,
        metadata: str | None = None,
        key_column: str | None = None,
        title: str = "{key}",
        object_url_style: str = ObjectUrlStyle.VIRTUAL_HOSTED.value,
        max_units_per_part: int | Mapping[MediaType, int] | None = None,
        skip_duplicate_urls: bool = True,
        validate: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bucket = bucket
        self.prefix = prefix
        self.workspace = workspace
        self.aws_conn_id = aws_conn_id
        self.day = day
        self.media = media
        self.include = include
        self.exclude = exclude
        self.group_by = group_by
        self.key_pattern = key_pattern
        self.metadata = metadata
        self.key_column = key_column
        self.title = title
        self.object_url_style = object_url_style
        self.max_units_per_part = max_units_per_part
        self.skip_duplicate_urls = skip_duplicate_urls
        self.validate = validate

    def execute(self, context: Context) -> dict[str, Any]:
        """List, build and write."""
        if not self.bucket:
            raise EncordInputError("No bucket was given: set the parameter 'bucket'.")
        window = run_window(context, day=self.day)
        patterns = prefixes_of(self.prefix, window)
        key_pattern = KeyPattern.compile(self.key_pattern) if self.key_pattern else None
        table = table_of(self.metadata, key_column=self.key_column, aws_conn_id=self.aws_conn_id)
        client = self._s3()
        url_for = object_urls(
            self.bucket,
            style=self.object_url_style,
            region=bucket_region(client, self.bucket),
            endpoint=client.meta.endpoint_url,
        )
        prefixes = sorted(
            prefix for pattern in patterns for prefix in expand_prefix(client, self.bucket, pattern)
        )
        self.log.info("The window is %s; prefixes in bucket %s: %s", window, self.bucket, prefixes or "none")
        listed = _Counted(client, self.bucket, prefixes)
        units, skipped = build_units(
            listed,
            url_for=url_for,
            media=self.media or "auto",
            include=self.include,
            exclude=self.exclude,
            group_by=self.group_by,
            key_pattern=key_pattern,
            metadata=table,
            title=self.title,
            schema=self._schema(),
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
        if not listed.count:
            raise AirflowSkipException(
                f"There are no objects in bucket {self.bucket} under {', '.join(patterns)}: nothing to import."
            )
        if not index.units:
            raise AirflowSkipException(
                f"None of the {listed.count} objects in bucket {self.bucket} under {', '.join(patterns)} can be "
                f"imported. The reasons: {child(folder, 'skipped.jsonl')}"
            )
        self.log.info(
            "%d objects listed: %d data units %s, %d left out.",
            listed.count,
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

    def _schema(self) -> MetadataSchema | None:
        if not self.validate or not (self.key_pattern or self.metadata):
            return None
        return MetadataSchema.from_wire(self.hook.api.perform(get_metadata_schema()))

    def _s3(self) -> S3Client:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        client: S3Client = S3Hook(aws_conn_id=self.aws_conn_id).get_conn()
        return client


class _Counted:
    """The objects under some prefixes, counted as they go by."""

    def __init__(self, client: S3Client, bucket: str, prefixes: Sequence[str]) -> None:
        self._client = client
        self._bucket = bucket
        self._prefixes = prefixes
        self.count = 0

    def __iter__(self) -> Iterator[ListedObject]:
        for prefix in self._prefixes:
            for one in list_s3(self._client, self._bucket, prefix):
                self.count += 1
                yield one
