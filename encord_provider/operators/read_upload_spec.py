"""EncordReadUploadSpecOperator: from an upload spec that somebody wrote to a checked one in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from encord_provider.lineage import Lineage, Place
from encord_provider.links import EncordReportLink
from encord_provider.operators.base import EncordInputsOperator
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import MetadataCoverage, read_report
from encord_provider.workspace.specs import write_spec

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class EncordReadUploadSpecOperator(EncordInputsOperator):
    """Read an upload spec in Encord's JSON or CSV form, check it, and write it as parts.

    Everything that Encord would refuse, or would understand otherwise than its author, is an error that names
    the line, and all of them are named at once. Nothing is sent to Encord.

    :param spec: the URI of the spec; one that ends in ``.csv`` is CSV, any other JSON. (templated)
    :param allow_unknown: JSON: whether fields that Encord's pages do not describe are kept and sent.
    :param by_extension: CSV: whether the extension of a URL overrides a section of videos or images.
    :param skip_duplicate_urls: whether Encord is to skip URLs that the folder already has; None for what the spec
        says, which is no if it says nothing. Only with it is running the import again safe.
    :param max_units_per_part: data units in one part, and so in one upload job; by default 1,000 and 100 videos.
    :param validate: whether to check client metadata against the organisation's metadata schema.

    :returns: ``{"index", "parts", "counts", "skipped"}`` as the build operator gives; nothing is ever skipped.
    :raises UploadSpecError: if anything is wrong with the spec; the message names file and lines.
    :raises MetadataValueError: if client metadata does not fit the metadata schema.
    :raises EncordInputError: if the spec cannot be read.
    """

    template_fields: tuple[str, ...] = (*EncordInputsOperator.template_fields, "spec")

    operator_extra_links = (EncordReportLink(),)

    def __init__(
        self,
        *,
        spec: str | XComArg,
        allow_unknown: bool = False,
        by_extension: bool = False,
        skip_duplicate_urls: bool | None = True,
        max_units_per_part: int | Mapping[str, int] | None = None,
        validate: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.allow_unknown = allow_unknown
        self.by_extension = by_extension
        self.skip_duplicate_urls = skip_duplicate_urls
        self.max_units_per_part = max_units_per_part
        self.validate = validate
        self._said: TaskReport | None = None

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """Read, check and write."""
        uri = str(self.spec).strip()
        spec = self.inputs.upload_spec(
            uri,
            allow_unknown=self.allow_unknown,
            by_extension=self.by_extension,
            read_schema=self.hook.metadata_schema if self.validate else None,
        )
        skips = spec.skip_duplicate_urls if self.skip_duplicate_urls is None else self.skip_duplicate_urls
        coverage = MetadataCoverage()
        index, result = write_spec(
            self.task_folder(context),
            coverage.counted(spec.units),
            max_units_per_part=self.max_units_per_part,
            skip_duplicate_urls=skips,
            places=[Place.of_uri(uri).uri],
        )
        self._said = read_report(counts=result["counts"], coverage=coverage, index=result["index"])
        self.log.info("%s holds %d data units: %s.", uri, index.units, result["counts"])
        return result

    def report(self, result: Any) -> TaskReport | None:
        """Say what the spec holds."""
        return self._said

    def lineage(self) -> Lineage:
        """Say where the spec was."""
        return Lineage(inputs=[Place.of_uri(str(self.spec).strip())])
