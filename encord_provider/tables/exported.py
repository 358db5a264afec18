"""Exported tables: client metadata as a table that says of itself how its values are written.

The columns of :data:`OWN_COLUMNS` say which item or data row a row is about. Every other column is a key of the client
metadata; a key that has the name of such a column is written behind :data:`ESCAPE`. The column :data:`VALUES_COLUMN`
says how the other values stand:

- ``json``: as they are;
- ``cells``: a cell that is valid JSON is that value, any other text is itself. So ``5`` is a number, ``"5"`` with its
  quotes is text, ``oslo`` is text, ``null`` is a null, ``""`` is the empty text. An empty cell has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encord_provider.exceptions import MetadataTableError
from encord_provider.text.json_values import dumps, exact_loads
from encord_provider.text.shown import shown

ITEM_COLUMNS = ("encord_uuid", "encord_object_url", "encord_name", "encord_type", "encord_folder")
"""What a row says of its item."""

ROW_COLUMNS = ("encord_data_row", "encord_dataset", "encord_label_row", "encord_stage")
"""What a row of a table of data rows or label rows says beside that."""

VALUES_COLUMN = "encord_values"
"""How the values of the row are written."""

OWN_COLUMNS = frozenset((*ITEM_COLUMNS, *ROW_COLUMNS, VALUES_COLUMN))
"""The columns that are no keys of client metadata."""

ESCAPE = "metadata:"
"""What stands in front of a key that has the name of one of these columns."""

JSON_VALUES = "json"
CELL_VALUES = "cells"


def column_of(key: str) -> str:
    """Give the column of a metadata key.

    :param key: the key.
    """
    return f"{ESCAPE}{key}" if key in OWN_COLUMNS or key.startswith(ESCAPE) else key


def cell_of(value: Any) -> str:
    """Write a value as a cell.

    :param value: a JSON value.
    """
    if isinstance(value, str) and value and value_of_cell(value) is value:
        return value
    return dumps(value).decode()


def value_of_cell(cell: Any) -> Any:
    """Read a cell.

    :param cell: the cell; Parquet has values that are no text, which stand for themselves.
    """
    if not isinstance(cell, str):
        return cell
    try:
        return exact_loads(cell)
    except ValueError:
        return cell


def exported_metadata(row: Mapping[str, Any], *, place: str) -> dict[str, Any]:
    """Read the client metadata of a row of an exported table.

    :param row: the row, by column.
    :param place: where it stands, for messages.
    :returns: the client metadata, every number as it was written.
    :raises MetadataTableError: if the row does not say how its values are written.
    """
    written = row.get(VALUES_COLUMN)
    if written not in (JSON_VALUES, CELL_VALUES):
        found = "is empty" if written is None else f"is {shown(written)}"
        raise MetadataTableError(
            f"{place}, column {VALUES_COLUMN!r}: it {found}; every row of an exported table says there how its values "
            f"are written, {JSON_VALUES!r} or {CELL_VALUES!r}: copy it from another row"
        )
    return {
        column.removeprefix(ESCAPE): value_of_cell(value) if written == CELL_VALUES else value
        for column, value in row.items()
        if column not in OWN_COLUMNS
    }
