"""Metadata schemas and metadata tables: declare, compare, merge, check. No Airflow, no network."""

from encord_provider.schema.change import SchemaDiff, diff, merge
from encord_provider.schema.declare import declaration_of, parse_schema
from encord_provider.schema.embeddings import read_embeddings
from encord_provider.schema.frames import FrameTable, Sampling, read_frames, with_frames
from encord_provider.schema.table import MetadataTable, read_table
from encord_provider.schema.table_rows import TableRow
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
    "FrameTable",
    "Geospatial",
    "KeyType",
    "MetadataSchema",
    "MetadataTable",
    "Plain",
    "Sampling",
    "Scalar",
    "ScalarType",
    "SchemaDiff",
    "TableRow",
    "Tombstone",
    "check_metadata",
    "check_value",
    "declaration_of",
    "diff",
    "merge",
    "parse_schema",
    "read_embeddings",
    "read_frames",
    "read_table",
    "with_frames",
]
