"""EncordReadUploadSpecOperator: from an upload spec that somebody wrote to a checked one in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from encord_provider.api.calls import get_metadata_schema
from encord_provider.exceptions import EncordInputError
from encord_provider.operators.base import EncordOperator
from encord_provider.schema import MetadataSchema, check_metadata
from encord_provider.upload_spec import DataUnit, UploadSpec, parse_spec, write_parts
from encord_provider.workspace.files import child, parent, path_of, read_bytes, task_folder

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from encord_provider.hooks.encord import EncordHook


class EncordReadUploadSpecOperator(EncordOperator):
    """Read an upload spec in Encord's JSON or CSV form, check it, and write it as parts.

    Everything that Encord would refuse, or would understand otherwise than its author, is an error that names
    the line, and all of them are named at once. Nothing is sent to Encord.

    :param spec: the URI of the spec; one that ends in ``.csv`` is CSV, any other JSON. (templated)
    :param workspace: the URI of the workspace; each task of each run has its own folder in it. None or empty
        for the option ``[encord] workspace``. (templated)
    :param aws_conn_id: the Airflow connection for reading an ``s3://`` URI. (templated)
    :param allow_unknown: JSON: whether fields that Encord's pages do not describe are kept and sent.
    :param by_extension: CSV: whether the extension of a URL overrides a section of videos or images.
    :param skip_duplicate_urls: whether Encord is to skip URLs that the folder already has; None for what the spec
        says, which is no if it says nothing. Only with it is running the import again safe.
    :param max_units_per_part: data units in one part, and so in one upload job; by default 1,000 and 100 videos.
    :param validate: whether to check client metadata against the organisation's metadata schema.

    :return: ``{"index", "parts", "counts", "skipped"}`` as the build operator gives; nothing is ever skipped.
    :raises UploadSpecError: if anything is wrong with the spec; the message names file and lines.
    :raises MetadataValueError: if client metadata does not fit the metadata schema.
    :raises EncordInputError: if the spec cannot be read.
    """

    template_fields: tuple[str, ...] = (*EncordOperator.template_fields, "spec", "workspace", "aws_conn_id")

    def __init__(
        self,
        *,
        spec: str | XComArg,
        workspace: str | None = None,
        aws_conn_id: str | None = "aws_default",
        allow_unknown: bool = False,
        by_extension: bool = False,
        skip_duplicate_urls: bool | None = True,
        max_units_per_part: int | Mapping[str, int] | None = None,
        validate: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.workspace = workspace
        self.aws_conn_id = aws_conn_id
        self.allow_unknown = allow_unknown
        self.by_extension = by_extension
        self.skip_duplicate_urls = skip_duplicate_urls
        self.max_units_per_part = max_units_per_part
        self.validate = validate

    def execute(self, context: Context) -> dict[str, Any]:
        """Read, check and write."""
        uri = str(self.spec).strip()
        spec = checked_spec(
            uri,
            hook=self.hook,
            aws_conn_id=self.aws_conn_id,
            allow_unknown=self.allow_unknown,
            by_extension=self.by_extension,
            validate=self.validate,
        )
        skips = spec.skip_duplicate_urls if self.skip_duplicate_urls is None else self.skip_duplicate_urls
        folder = task_folder(self.workspace, context)
        index = write_parts(
            spec.units,
            path_of(parent(folder)),
            name=folder.rpartition("/")[2],
            max_units_per_part=self.max_units_per_part,
            skip_duplicate_urls=skips,
        )
        self.log.info("%s holds %d data units: %s.", uri, index.units, dict(index.counts))
        return {
            "index": child(folder, "index.json"),
            "parts": [child(folder, part.name) for part in index.parts],
            "counts": dict(index.counts),
            "skipped": 0,
        }


def checked_spec(
    uri: str,
    *,
    hook: EncordHook,
    aws_conn_id: str | None,
    allow_unknown: bool = False,
    by_extension: bool = False,
    validate: bool = True,
) -> UploadSpec:
    """Read an upload spec that somebody wrote, and check it.

    Takes and raises what :class:`EncordReadUploadSpecOperator` does.

    :param uri: the URI of the spec.
    :param hook: the connection, for the metadata schema.
    :return: the spec, with client metadata in the types of the metadata schema.
    """
    if not uri:
        raise EncordInputError("No upload spec was given: set the parameter 'spec' to its URI.")
    content = read_bytes(uri, aws_conn_id=aws_conn_id)
    spec = parse_spec(content, source=uri, allow_unknown=allow_unknown, by_extension=by_extension)
    if spec.extra:
        raise EncordInputError(
            f"{uri} has unknown fields at the top: {', '.join(map(repr, spec.extra))}. Parts have no place for "
            "them; import the file itself with EncordImportDataOperator(untouched=True)."
        )
    if not validate or not any(unit.client_metadata for unit in spec.units):
        return spec
    schema = MetadataSchema.from_wire(hook.api.perform(get_metadata_schema()))
    return replace(spec, units=tuple(_checked(unit, schema, uri) for unit in spec.units))


def _checked(unit: DataUnit, schema: MetadataSchema, uri: str) -> DataUnit:
    name = unit.title or next(iter(unit.urls), "")
    metadata = check_metadata(unit.client_metadata, schema, where=f"{uri}, data unit {name!r}")
    return replace(unit, client_metadata=metadata)
