"""What operators accept where a user hands in a schema or a metadata table: values, text, or a URI."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from encord_provider.exceptions import MetadataSchemaError
from encord_provider.schema import MetadataSchema, MetadataTable, parse_schema, read_table
from encord_provider.workspace import read_bytes

_SCHEMA_ENDINGS = (".json", ".yaml", ".yml")


def schema_of(schema: Mapping[str, Any] | str, *, aws_conn_id: str | None) -> MetadataSchema:
    """Read a declared metadata schema.

    :param schema: a mapping, its JSON or YAML text, or the URI of a ``.json``, ``.yaml`` or ``.yml`` file.
    :param aws_conn_id: the Airflow connection for an ``s3://`` URI.
    :raises MetadataSchemaError: if it is malformed.
    :raises EncordInputError: if the URI cannot be read.
    """
    if isinstance(schema, Mapping):
        return parse_schema(schema)
    text = schema.strip()
    if text.endswith(_SCHEMA_ENDINGS) and "\n" not in text:
        return parse_schema(read_bytes(text, aws_conn_id=aws_conn_id), source=text)
    if not text:
        raise MetadataSchemaError("The metadata schema is empty.")
    if text.startswith("{'"):
        # What a template makes of a mapping without the filter tojson.
        with suppress(ValueError, SyntaxError):
            return parse_schema(ast.literal_eval(text))
    return parse_schema(text)


def table_of(uri: str | None, *, key_column: str | None, aws_conn_id: str | None) -> MetadataTable | None:
    """Read a metadata table.

    :param uri: the URI of a CSV or JSONL file; None or blank for none.
    :param key_column: the column that names the object, or None for the first usual one.
    :param aws_conn_id: the Airflow connection for an ``s3://`` URI.
    :return: the table, or None if there is none.
    :raises MetadataTableError: if it is malformed.
    :raises EncordInputError: if it cannot be read.
    """
    if not uri or not uri.strip():
        return None
    content = read_bytes(uri.strip(), aws_conn_id=aws_conn_id)
    return read_table(content, source=uri.strip(), key_column=key_column)
