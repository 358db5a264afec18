"""Which rows there are: client metadata in any form that a user hands it in, one row for each item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from encord_provider.exceptions import EncordInputError, MetadataTableError
from encord_provider.jobs.parts import index_uri_of, specs_of_index
from encord_provider.schema import MetadataSchema, ValueCheck
from encord_provider.tables.exported import OWN_COLUMNS
from encord_provider.upload_spec import DataUnit
from encord_provider.workspace.inputs import Inputs
from encord_provider.workspace.templates import value_of


class ItemKey(StrEnum):
    """What a row names its storage item by.

    ``object_url`` and ``object_key`` are those of the item itself. ``file_url`` and ``file_key`` are, where no item
    itself has them, those of one of the files of an image group, image sequence or series.
    """

    OBJECT_URL = "object_url"
    OBJECT_KEY = "object_key"
    FILE_URL = "file_url"
    FILE_KEY = "file_key"
    UUID = "uuid"
    TITLE = "title"


@dataclass(frozen=True, kw_only=True)
class MetadataRow:
    """Client metadata for one storage item.

    :param key: names the item.
    :param by: what kind of name that is.
    :param metadata: the client metadata.
    :param where: where the row comes from, for reports.
    :param urls: all object URLs of an image group, sequence or series, where they are known; the item is then
        the one with exactly these files, whatever ``key`` and ``by`` say.
    :param title: the title that such an item has; None for any.
    :param scene: whether the item is a scene, whose files are ``urls``.
    :param exported: whether the row is one of an exported table, whose values are exactly what an item had.
    """

    key: str
    by: ItemKey = ItemKey.OBJECT_URL
    metadata: Mapping[str, Any]
    where: str
    urls: tuple[str, ...] = ()
    title: str | None = None
    scene: bool = False
    exported: bool = False


def rows_of(
    metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str,
    *,
    key: ItemKey,
    key_column: str | None,
    aws_conn_id: str | None,
) -> Iterator[MetadataRow]:
    """Read the rows.

    :param metadata: what :class:`~encord_provider.operators.patch_metadata.EncordPatchMetadataOperator` takes.
    :param key: what names an item; the rows of an upload spec name theirs by object URL all the same.
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
            values = line.metadata
            if not line.exported:
                values = {name: value for name, value in values.items() if name not in OWN_COLUMNS}
            yield MetadataRow(key=line.key, by=key, metadata=values, where=line.where, exported=line.exported)
    elif isinstance(metadata, Mapping):
        for name, values in metadata.items():
            where = f"metadata of {name!r}"
            yield MetadataRow(key=str(name), by=key, metadata=_mapping(values, name), where=where)
    else:
        yield from _given_rows(metadata, key, key_column or key.value)


def rows_of_index(index: str) -> Iterator[MetadataRow]:
    """Give a row with its client metadata for every data unit of an upload spec.

    :param index: the URI of the spec's index.
    :raises UploadSpecError: if the index or a part is missing or malformed.
    """
    for spec in specs_of_index(index):
        yield from map(row_of_unit, spec.units)


def row_of_unit(unit: DataUnit) -> MetadataRow:
    """Give the row with the client metadata of a data unit of an upload spec.

    :param unit: the data unit.
    """
    scene = unit.media_type.urls_in is not None
    grouped = scene or len(unit.urls) > 1 or unit.media_type.is_grouped
    return MetadataRow(
        key=unit.urls[0],
        metadata=unit.client_metadata,
        where=f"upload spec, {unit.title or unit.urls[0]!r}",
        urls=unit.urls if grouped else (),
        title=unit.title if grouped else None,
        scene=scene,
    )


def checked_rows(rows: Iterable[MetadataRow], schema: MetadataSchema | None) -> list[MetadataRow]:
    """Check the values of rows, except those of exported tables, of which only the edited ones matter.

    :param rows: the rows.
    :param schema: the metadata schema, or None to look only at what Encord can store.
    :returns: the rows with the values as the schema has them.
    :raises MetadataValueError: if values do not fit; the message names the first ones.
    """
    check = ValueCheck(schema)
    checked = [
        row if row.exported else replace(row, metadata=check.check(row.metadata, where=row.where))
        for row in rows
    ]
    check.finish()
    return checked


def _given_rows(rows: Sequence[Mapping[str, Any]], by: ItemKey, column: str) -> Iterator[MetadataRow]:
    for number, row in enumerate(rows, start=1):
        values = dict(_mapping(row, f"row {number}"))
        key = values.pop(column, None)
        if not isinstance(key, str) or not key:
            raise MetadataTableError(f"metadata row {number} has no {column!r} that names its item")
        yield MetadataRow(key=key, by=by, metadata=values, where=f"metadata row {number}")


def _mapping(values: Any, name: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise EncordInputError(f"The metadata of {name} must be a mapping, not {type(values).__name__}.")
    return values
