"""The metadata schema: declare, compare, merge, check values. No Airflow, no network."""

from encord_provider.schema.change import SchemaDiff, diff, merge
from encord_provider.schema.declare import declaration_of, parse_schema
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
from encord_provider.schema.values import ValueCheck, check_metadata

__all__ = [
    "Embedding",
    "Enum",
    "Geospatial",
    "KeyType",
    "MetadataSchema",
    "Plain",
    "Scalar",
    "ScalarType",
    "SchemaDiff",
    "Tombstone",
    "ValueCheck",
    "check_metadata",
    "declaration_of",
    "diff",
    "merge",
    "parse_schema",
]
