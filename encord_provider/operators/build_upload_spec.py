"""EncordBuildUploadSpecOperator: from a bucket listing to an upload spec in the workspace."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson
from airflow.providers.common.compat.sdk import AirflowSkipException

from encord_provider.exceptions import EncordInputError, UploadSpecError
from encord_provider.lineage import Lineage, Place
from encord_provider.links import EncordReportLink
from encord_provider.operators.base import EncordInputsOperator
from encord_provider.options import (
    ClientMetadata,
    Filters,
    Frames,
    Grouping,
    Limits,
    Media,
    ObjectUrls,
    Parts,
)
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import MetadataCoverage, spec_report
from encord_provider.schema import MetadataSchema
from encord_provider.sources import (
    Listing,
    ListingRequest,
    ListingSource,
    S3Bucket,
    check_source,
    source_of,
)
from encord_provider.tables import MetadataTable
from encord_provider.upload_spec import Build, BuildOptions, SkipKind, build_units
from encord_provider.workspace.files import child, path_of
from encord_provider.workspace.option_groups import Options, is_template
from encord_provider.workspace.specs import write_spec
from encord_provider.workspace.window import Window, run_window

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

_REASONS_SHOWN = 20

_GROUPS: Mapping[str, type[Options]] = {
    group.parameter: group for group in (Media, Filters, Grouping, ClientMetadata, Frames, ObjectUrls, Parts)
}


class EncordBuildUploadSpecOperator(EncordInputsOperator):
    """List the objects that belong to the run's window and write them as an upload spec.

    The spec is Encord's JSON form in parts, beside an index and the list of the objects that were left out, each
    with its reason. The same objects give the same bytes. Nothing is sent to Encord.

    The task is skipped, and says so, when there is nothing to import.

    Options that belong together are groups of :mod:`encord_provider.options`. Each may also be a mapping with the
    same names, or a text that a template renders to one. What is wrong with a group is found when the DAG is
    parsed, as far as it does not hang on a template.

    :param bucket: the S3 bucket to list. (templated)
    :param prefix: which keys belong to the run: ``{date}`` is each day of the run's window as YYYY-MM-DD,
        ``{date:%Y/%m/%d}`` the day in that form, ``*`` any text inside one folder name. (templated)
    :param source: where the objects are instead of a listed S3 bucket, see :mod:`encord_provider.sources`. (templated)
    :param day: a day as YYYY-MM-DD to use instead of the run's window; empty for the window. (templated)
    :param media: one media type for all objects, or :class:`~encord_provider.options.Media`. (templated)
    :param filters: which objects are taken: :class:`~encord_provider.options.Filters`. (templated)
    :param grouping: what becomes one data unit, and titles: :class:`~encord_provider.options.Grouping`. (templated)
    :param metadata: where client metadata comes from: :class:`~encord_provider.options.ClientMetadata`. (templated)
    :param frames: what concerns single frames of videos: :class:`~encord_provider.options.Frames`. (templated)
    :param object_urls: how objects are named: :class:`~encord_provider.options.ObjectUrls`. (templated)
    :param parts: how the spec is divided, and the limits of what may be left over:
        :class:`~encord_provider.options.Parts`. (templated)

    :returns: ``{"index", "parts", "counts", "skipped", "unmatched"}``: URIs, data units by type, how many objects were
        left out, and how many rows of the metadata table name no object that was listed.
    :raises ListingError: if the bucket does not exist or may not be listed.
    :raises EncordInputError: if a pattern, the table, a title or a value is wrong, if a table or pattern meets no
        object at all, or if a limit is passed; the message names it.
    """

    template_fields: tuple[str, ...] = (
        *EncordInputsOperator.template_fields,
        "bucket",
        "prefix",
        "source",
        "day",
        "media",
        "filters",
        "grouping",
        "metadata",
        "frames",
        "object_urls",
        "parts",
    )
    template_fields_renderers = dict.fromkeys(("source", *_GROUPS), "json")

    operator_extra_links = (EncordReportLink(),)

    def __init__(
        self,
        *,
        bucket: str = "",
        prefix: str = "",
        source: ListingSource | Mapping[str, Any] | str | XComArg | None = None,
        day: str | None = None,
        media: Media | Mapping[str, Any] | str | XComArg = "auto",
        filters: Filters | Mapping[str, Any] | str | XComArg | None = None,
        grouping: Grouping | Mapping[str, Any] | str | XComArg | None = None,
        metadata: ClientMetadata | Mapping[str, Any] | str | XComArg | None = None,
        frames: Frames | Mapping[str, Any] | str | XComArg | None = None,
        object_urls: ObjectUrls | Mapping[str, Any] | str | XComArg | None = None,
        parts: Parts | Mapping[str, Any] | str | XComArg | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bucket = bucket
        self.prefix = prefix
        self.source = source
        self.day = day
        self.media = media
        self.filters = filters
        self.grouping = grouping
        self.metadata = metadata
        self.frames = frames
        self.object_urls = object_urls
        self.parts = parts
        self._said: TaskReport | None = None
        self._owned: Window | None = None
        self._read: list[Place] = []
        check_source(source)
        for name, group in _GROUPS.items():
            group.check(getattr(self, name))
        if not any(map(is_template, (bucket, prefix, source))):
            self._one_source()

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """List, build and write."""
        object_urls = ObjectUrls.of(self.object_urls)
        parts: Any = Parts.of(self.parts)
        listing = self._one_source().open(
            ListingRequest(
                window=functools.cache(lambda: self._window(context)),
                aws_conn_id=self.aws_conn_id,
                url_style=object_urls.style,
                url_endpoint=object_urls.endpoint,
            )
        )
        self.log.info("The objects come from %s.", listing.place)
        build = self._build(listing)
        folder = self.task_folder(context)
        coverage = MetadataCoverage()
        self._read = self._places(listing)
        index, result = write_spec(
            folder,
            coverage.counted(build.units),
            max_units_per_part=parts.max_units_per_part,
            skip_duplicate_urls=parts.skip_duplicate_urls,
            skipped=build.skipped,
            window=self._owned,
            places=[one.uri for one in self._read],
        )
        reasons = child(folder, "skipped.jsonl")
        self._said = spec_report(
            listed=listing.count,
            counts=result["counts"],
            skipped=build.skipped.listed,
            skipped_count=index.skipped,
            unmatched=build.matches.unmatched,
            coverage=coverage,
            index=result["index"],
            skipped_uri=reasons,
        )
        if listing.count:
            self._check(build, parts.limits or Limits(), units=index.units, reasons=reasons)
        if not index.units:
            nothing = f"There are no objects in {listing.place}: nothing to import."
            if listing.count:
                nothing = (
                    f"None of the {listing.count} objects in {listing.place} can be imported. The reasons: "
                    f"{reasons}"
                )
                self._warn_of(reasons)
            # Airflow logs why a task was skipped where few look.
            self.log.warning("%s", nothing)
            raise AirflowSkipException(nothing)
        result["unmatched"] = build.matches.unmatched
        self.log.info(
            "%d objects listed: %d data units %s, %d left out.",
            listing.count,
            index.units,
            result["counts"],
            index.skipped,
        )
        return result

    def report(self, result: Any) -> TaskReport | None:
        """Say what was listed, built and left out."""
        return self._said

    def lineage(self) -> Lineage:
        """Say where the objects and what is told about them came from; the spec itself is no data."""
        return Lineage(inputs=self._read)

    def _places(self, listing: Listing) -> list[Place]:
        """Give everything that the spec is made of."""
        metadata, frames, media = (
            ClientMetadata.of(self.metadata),
            Frames.of(self.frames),
            Media.of(self.media),
        )
        embeddings: Any = metadata.embeddings
        tables = (metadata.table, frames.table, media.metadata, embeddings.uri if embeddings else None)
        return [Place.of_uri(one) for one in (listing.uri, *tables) if one]

    def _check(self, build: Build, limits: Limits, *, units: int, reasons: str) -> None:
        """Say what of the tables, patterns and objects was left over, and fail where that is too much."""
        for warning in build.matches.warnings():
            self.log.warning("%s", warning)
        unusable = build.skipped.count(SkipKind.UNUSABLE)
        if unusable:
            self.log.warning(
                "%d objects were left out because of their keys: %s",
                unusable,
                build.skipped.first(SkipKind.UNUSABLE),
            )
        max_unmatched, max_skipped = cast("Any", (limits.max_unmatched, limits.max_skipped))
        build.matches.check(max_unmatched=max_unmatched)
        unmeant = (SkipKind.UNUSABLE, SkipKind.UNSUPPORTED)
        skipped = build.skipped.count(*unmeant)
        if unsupported := build.skipped.count(SkipKind.UNSUPPORTED):
            self.log.info(
                "%d objects were left out because of their type, size or group: %s",
                unsupported,
                build.skipped.first(SkipKind.UNSUPPORTED),
            )
        if max_skipped is not None and skipped > max_skipped:
            raise UploadSpecError(
                f"{skipped} objects were left out, max_skipped is {max_skipped}: {build.skipped.first(*unmeant)}. "
                f"All of them with their reasons: {reasons}"
            )
        if unusable and not units:
            raise UploadSpecError(
                f"No object is left to import: {build.skipped.first(SkipKind.UNUSABLE)}. All reasons: {reasons}"
            )

    def _warn_of(self, reasons: str) -> None:
        """Say how many objects were left out for what reason."""
        with path_of(reasons).open("rb") as lines:
            found = Counter(str(orjson.loads(line)["reason"]) for line in lines)
        for reason, count in found.most_common(_REASONS_SHOWN):
            self.log.warning("%d left out: %s", count, reason)

    def _window(self, context: Context) -> Window:
        self._owned = run_window(context, day=self.day)
        self.log.info("The run owns %s.", self._owned)
        return self._owned

    def _one_source(self) -> ListingSource:
        """Give the source, be it named as such or as a bucket."""
        source = source_of(self.source)
        if source is None:
            return S3Bucket(bucket=self.bucket, prefix=self.prefix)
        if self.bucket or self.prefix:
            raise EncordInputError("Give either 'bucket' and 'prefix', or a 'source'.")
        return source

    def _build(self, listing: Listing) -> Build:
        """Read what the options name, and start to build."""
        media, filters = Media.of(self.media), Filters.of(self.filters)
        grouping, frames = Grouping.of(self.grouping), Frames.of(self.frames)
        metadata = ClientMetadata.of(self.metadata)
        if metadata.sidecars and listing.read is None:
            raise EncordInputError(f"Objects of {listing.place} have no sidecars: leave out 'sidecars'.")
        embeddings: Any = metadata.embeddings
        return build_units(
            listing,
            url_for=listing.url_for,
            names=listing.names,
            options=BuildOptions(
                media=media.type,
                filters=filters.object_filter(),
                group_by=grouping.group_by,
                title=grouping.title,
                key_pattern=metadata.compiled_pattern(),
                metadata=self._table(metadata, listing),
                embeddings=None
                if embeddings is None
                else self.inputs.embeddings(embeddings.uri, keys=embeddings.keys, name=embeddings.name),
                frames=self.inputs.frames(frames.table),
                sampling=frames.sampling(),
                media_metadata=self.inputs.table(media.metadata),
            ),
            read_sidecar=listing.read if metadata.sidecars else None,
            schema=self._schema(metadata, frames, listing),
        )

    def _table(self, metadata: ClientMetadata, listing: Listing) -> MetadataTable | None:
        table = self.inputs.table(metadata.table, key_column=metadata.key_column)
        if table is not None and listing.table is not None and listing.table.columns:
            raise EncordInputError(
                f"Two tables hold client metadata: {listing.table.source} and {table.source}. Give a table of "
                "'metadata' only with a table of object URLs that has no other column."
            )
        return table or listing.table

    def _schema(self, metadata: ClientMetadata, frames: Frames, listing: Listing) -> MetadataSchema | None:
        holders = (
            metadata.key_pattern,
            metadata.table,
            metadata.sidecars,
            metadata.embeddings,
            frames.table,
            listing.table,
        )
        return self.hook.metadata_schema() if metadata.validate and any(holders) else None
