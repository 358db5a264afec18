"""What operators accept where a user hands in a schema, a table or embeddings: values, text, or a URI."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from encord_provider.exceptions import EncordInputError, MetadataSchemaError
from encord_provider.schema import MetadataSchema, parse_schema
from encord_provider.tables import FrameTable, MetadataTable, read_embeddings, read_frames, read_table
from encord_provider.workspace.files import read_bytes


@dataclass(kw_only=True)
class Embeddings:
    """Custom embeddings in a NumPy file, one row for each object.

    Embeddings in a Parquet table need no more than the operator's ``metadata``.

    :param uri: the URI of a ``.npy`` file with a two-dimensional array of numbers. (templated)
    :param keys: the object keys or URLs of the rows, in order; or the URI of a UTF-8 text file with one on each
        line. (templated)
    :param name: the metadata key, which the metadata schema declares as an embedding of that size. (templated)
    """

    uri: str
    keys: Sequence[str] | str
    name: str
    template_fields: ClassVar[tuple[str, ...]] = ("uri", "keys", "name")


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

    :param uri: the URI of a CSV, JSONL or Parquet file; None or blank for none.
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


def frames_of(uri: str | None, *, aws_conn_id: str | None) -> FrameTable | None:
    """Read a table of video frames.

    :param uri: the URI of a CSV, JSONL or Parquet file; None or blank for none.
    :param aws_conn_id: the Airflow connection for an ``s3://`` URI.
    :return: the table, or None if there is none.
    :raises MetadataTableError: if it is malformed.
    :raises EncordInputError: if it cannot be read.
    """
    if not uri or not uri.strip():
        return None
    return read_frames(read_bytes(uri.strip(), aws_conn_id=aws_conn_id), source=uri.strip())


def embeddings_of(embeddings: Embeddings | None, *, aws_conn_id: str | None) -> MetadataTable | None:
    """Read custom embeddings.

    :param embeddings: where they are; None for none.
    :param aws_conn_id: the Airflow connection for an ``s3://`` URI.
    :return: a table with the embedding as its one column, or None.
    :raises MetadataTableError: if the file is malformed, or the keys are not one for each row.
    :raises EncordInputError: if a file cannot be read.
    """
    if embeddings is None:
        return None
    keys = embeddings.keys
    if isinstance(keys, str):
        content = read_bytes(keys, aws_conn_id=aws_conn_id)
        try:
            keys = content.decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise EncordInputError(f"{embeddings.keys} is no UTF-8 text: {error}") from None
    content = read_bytes(embeddings.uri, aws_conn_id=aws_conn_id)
    return read_embeddings(content, keys=keys, name=embeddings.name, source=embeddings.uri)
