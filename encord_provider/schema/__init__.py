"""Metadata schemas and metadata tables: declare, compare, merge, check. No Airflow, no network."""

from encord_provider.schema.change import SchemaDiff, diff, merge
from encord_provider.schema.declare import parse_schema
from encord_provider.schema.table import MetadataTable, TableRow, read_table
from encord_provider.schema.types import (
    Embedding,
    Enum,
    Geospatial,
    KeyType,
    MetadataSchema,
    Plain,
    Scalar,
    ScalarType,
    Tombstone,
)
from encord_provider.schema.values import check_metadata, check_value

__all__ = [
    "Embedding",
    "Enum",
    "Geospatial",
    "KeyType",
    "MetadataSchema",
    "MetadataTable",
    "Plain",
    "Scalar",
    "ScalarType",
    "SchemaDiff",
    "TableRow",
    "Tombstone",
    "check_metadata",
    "check_value",
    "diff",
    "merge",
    "parse_schema",
    "read_table",
]
