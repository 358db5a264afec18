"""The rows of client metadata that a user hands to EncordPatchMetadataOperator, in any of the forms it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from encord_provider.exceptions import EncordInputError, MetadataTableError
from encord_provider.jobs.parts import index_uri_of, specs_of_index
from encord_provider.metadata.patch import ItemKey, MetadataRow
from encord_provider.workspace.inputs import Inputs
from encord_provider.workspace.templates import value_of

EXPORT_PREFIX = "encord_"
"""How the columns begin that say which item a row of an exported table is about."""


def rows_of(
    metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str,
    *,
    key: ItemKey,
    key_column: str | None,
    aws_conn_id: str | None,
) -> Iterator[MetadataRow]:
    """Read the rows.

    :param metadata: what :class:`~encord_provider.operators.patch_metadata.EncordPatchMetadataOperator` takes.
    :param key: what names an item.
    :param key_column: the column of a table or row that holds the key.
    :param aws_conn_id: the Airflow connection for an ``s3://`` URI.
    :raises EncordInputError: if anything is wrong with them.
    """
    metadata = value_of(metadata, dict, list, str, parameter="metadata")
    if metadata is None:
        raise EncordInputError("No metadata was given: set the parameter 'metadata'.")
    index = index_uri_of(metadata)
    if index is not None:
        yield from (row for row in rows_of_index(index) if row.metadata)
    elif isinstance(metadata, str):
        table = Inputs(aws_conn_id=aws_conn_id).table(metadata, key_column=key_column)
        for line in table or ():
            values = {
                name: value for name, value in line.metadata.items() if not name.startswith(EXPORT_PREFIX)
            }
            yield MetadataRow(key=line.key, metadata=values, where=line.where)
    elif isinstance(metadata, Mapping):
        for name, values in metadata.items():
            yield MetadataRow(key=str(name), metadata=_mapping(values, name), where=f"metadata of {name!r}")
    else:
        yield from _given_rows(metadata, key_column or key.value)


def rows_of_index(index: str, *, metadata: Mapping[str, Any] | None = None) -> Iterator[MetadataRow]:
    """Give a row for every data unit of an upload spec.

    :param index: the URI of the spec's index.
    :param metadata: the client metadata of every row; None for each unit's own.
    :raises UploadSpecError: if the index or a part is missing or malformed.
    """
    for spec in specs_of_index(index):
        for unit in spec.units:
            grouped = len(unit.urls) > 1 or unit.media_type.is_grouped
            yield MetadataRow(
                key=unit.urls[0],
                metadata=unit.client_metadata if metadata is None else metadata,
                where=f"upload spec, {unit.title or unit.urls[0]!r}",
                urls=unit.urls if grouped else (),
                title=unit.title if grouped else None,
            )


def _given_rows(rows: Sequence[Mapping[str, Any]], column: str) -> Iterator[MetadataRow]:
    for number, row in enumerate(rows, start=1):
        values = dict(_mapping(row, f"row {number}"))
        key = values.pop(column, None)
        if not isinstance(key, str) or not key:
            raise MetadataTableError(f"metadata row {number} has no {column!r} that names its item")
        yield MetadataRow(key=key, metadata=values, where=f"metadata row {number}")


def _mapping(values: Any, name: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise EncordInputError(f"The metadata of {name} must be a mapping, not {type(values).__name__}.")
    return values
