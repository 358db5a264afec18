"""EncordPatchMetadataOperator: bring the client metadata of storage items to what a table or a spec says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import orjson

from encord_provider.api.calls import get_metadata_schema
from encord_provider.exceptions import EncordError, EncordInputError, MetadataTableError
from encord_provider.operators.base import EncordOperator
from encord_provider.operators.parts import index_uri_of, specs_of_index
from encord_provider.operators.sources import table_of
from encord_provider.schema import MetadataSchema, check_metadata
from encord_provider.tagging import ItemKey, MetadataRow, Outcome, PatchMode, RowResult, Tagger
from encord_provider.workspace import child, task_folder, write_whole

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

Choice = TypeVar("Choice", ItemKey, PatchMode)


class EncordPatchMetadataOperator(EncordOperator):
    """Give the items of a folder the client metadata that a table, a mapping or an upload spec holds.

    Items are found by object URL unless told otherwise. Only items that would change are patched, in bundles of
    1,000. A merge starts from what an item has at that moment, so that keys of others stay.

    :param metadata: the index URI, or the output, of
        :class:`~encord_provider.operators.spec.EncordBuildUploadSpecOperator`; the URI of a CSV or JSONL table; a
        mapping from item key to metadata; or rows, each a mapping that has the key under ``key``'s name.
        (templated)
    :param folder: the storage folder: UUID or name path. Sub-folders are left alone. (templated)
    :param key: what names an item: ``object_url``, ``object_key``, ``uuid`` or ``title``.
    :param key_column: the column of a table that holds the key; None for the first usual one.
    :param mode: ``merge`` keeps the other keys of an item, ``replace`` removes them.
    :param validate: whether to check the values against the organisation's metadata schema first.
    :param aws_conn_id: the Airflow connection for reading an ``s3://`` table. (templated)
    :param workspace: the URI of the workspace; each task of each run has its own folder for the report in it.
        None or empty for the option ``[encord] workspace``. (templated)

    :return: ``{"patched", "unchanged", "unmatched", "ambiguous", "failed", "conflicts", "report"}``: counts of
        rows, and the URI of a JSONL file with a line for every row that is not unchanged.
    :raises EncordInputError: if a table, a row or a value is wrong; nothing has been sent.
    :raises EncordError: if Encord refused some items, after all others were patched; the report names them.
    """

    template_fields: tuple[str, ...] = (
        *EncordOperator.template_fields,
        "metadata",
        "folder",
        "aws_conn_id",
        "workspace",
    )
    template_fields_renderers = {"metadata": "json"}

    def __init__(
        self,
        *,
        metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | XComArg,
        folder: str | XComArg,
        key: Literal["object_url", "object_key", "uuid", "title"] = "object_url",
        key_column: str | None = None,
        mode: Literal["merge", "replace"] = "merge",
        validate: bool = True,
        aws_conn_id: str | None = "aws_default",
        workspace: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.metadata = metadata
        self.folder = folder
        self.key = key
        self.key_column = key_column
        self.mode = mode
        self.validate = validate
        self.aws_conn_id = aws_conn_id
        self.workspace = workspace

    def execute(self, context: Context) -> dict[str, Any]:
        """Read and check the rows, find their items, patch, and report."""
        item_key, mode = _choice(ItemKey, self.key, "key"), _choice(PatchMode, self.mode, "mode")
        rows = list(self._rows())
        if self.validate and rows:
            rows = list(self._checked(rows))
        folder = self.hook.find_folder(str(self.folder))
        tagger = Tagger(api=self.hook.api, key=item_key, mode=mode)
        results = tagger.patch(rows, self.hook.api.folder_items(folder)) if rows else []
        report = self._report(context, results)
        counts = Counter(result.outcome for result in results)
        summary = {outcome.value: counts[outcome] for outcome in Outcome}
        self.log.info("Client metadata in folder %s: %s. Report: %s", folder, summary, report)
        if counts[Outcome.FAILED]:
            first = next(result for result in results if result.outcome is Outcome.FAILED)
            raise EncordError(
                f"Encord did not take the client metadata of {counts[Outcome.FAILED]} items; "
                f"{counts[Outcome.PATCHED]} were patched. The first: {first.row.key} ({first.reason}). "
                f"All of them: {report}"
            )
        return {**summary, "conflicts": tagger.conflicts, "report": report}

    def _rows(self) -> Iterator[MetadataRow]:
        # Once rendered, an XComArg is its value.
        metadata = cast("Mapping[str, Any] | Sequence[Mapping[str, Any]] | str", self.metadata)
        if isinstance(metadata, str) and metadata.lstrip().startswith(("{", "[")):
            try:
                metadata = orjson.loads(metadata)
            except orjson.JSONDecodeError as error:
                raise EncordInputError(
                    f"The metadata is a text that looks like JSON and is none: {error}"
                ) from None
        index = index_uri_of(metadata)
        if index is not None:
            yield from _rows_of_index(index)
        elif isinstance(metadata, str):
            table = table_of(metadata, key_column=self.key_column, aws_conn_id=self.aws_conn_id)
            for row in table or ():
                yield MetadataRow(key=row.key, metadata=row.metadata, where=row.where)
        elif isinstance(metadata, Mapping):
            for key, values in metadata.items():
                yield MetadataRow(key=str(key), metadata=_mapping(values, key), where=f"metadata of {key!r}")
        else:
            yield from self._given_rows(metadata)

    def _given_rows(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[MetadataRow]:
        column = self.key_column or self.key
        for number, row in enumerate(rows, start=1):
            values = dict(_mapping(row, f"row {number}"))
            key = values.pop(column, None)
            if not isinstance(key, str) or not key:
                raise MetadataTableError(f"metadata row {number} has no {column!r} that names its item")
            yield MetadataRow(key=key, metadata=values, where=f"metadata row {number}")

    def _checked(self, rows: Sequence[MetadataRow]) -> Iterator[MetadataRow]:
        schema = MetadataSchema.from_wire(self.hook.api.perform(get_metadata_schema()))
        for row in rows:
            yield MetadataRow(
                key=row.key,
                metadata=check_metadata(row.metadata, schema, where=row.where),
                where=row.where,
                urls=row.urls,
                title=row.title,
            )

    def _report(self, context: Context, results: Sequence[RowResult]) -> str:
        uri = child(task_folder(self.workspace, context), "report.jsonl")
        lines = [orjson.dumps(one.as_json()) for one in results if one.outcome is not Outcome.UNCHANGED]
        write_whole(uri, b"".join(line + b"\n" for line in lines))
        return uri


def _rows_of_index(index: str) -> Iterator[MetadataRow]:
    for spec in specs_of_index(index):
        for unit in spec.units:
            if unit.client_metadata:
                grouped = len(unit.urls) > 1 or unit.media_type.is_grouped
                yield MetadataRow(
                    key=unit.urls[0],
                    metadata=unit.client_metadata,
                    where=f"upload spec, {unit.title or unit.urls[0]!r}",
                    urls=unit.urls if grouped else (),
                    title=unit.title if grouped else None,
                )


def _choice(kind: type[Choice], value: str, parameter: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise EncordInputError(
            f"The parameter {parameter} is {value!r}; it must be one of: {', '.join(kind)}."
        ) from None


def _mapping(values: Any, name: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise EncordInputError(f"The metadata of {name} must be a mapping, not {type(values).__name__}.")
    return values
