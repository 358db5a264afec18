"""The metadata schema in its two forms."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.organisation.schema.models import MetadataSchema


async def get_metadata_schema(call: Call) -> Any:
    """The whole schema, or null if there is none."""
    return call.store[MetadataSchema].keys


async def set_metadata_schema(call: Call) -> Any:
    """Replace the whole schema."""
    call.store[MetadataSchema].replace(call.body.document)


async def get_legacy_metadata_schema(call: Call) -> Any:
    """The schema as a flat mapping, or null if there is none."""
    return call.store[MetadataSchema].legacy()


async def set_legacy_metadata_schema(call: Call) -> Any:
    """Replace the whole schema by a flat mapping."""
    call.store[MetadataSchema].replace_legacy(call.body.document)


ENTITY = Entity(
    name="schema",
    part=MetadataSchema,
    routes=[
        ApiRoute("GET", "organisation/client-metadata-schema-v2", get_metadata_schema),
        ApiRoute("POST", "organisation/client-metadata-schema-v2", set_metadata_schema),
        ApiRoute("GET", "organisation/client-metadata-schema", get_legacy_metadata_schema),
        ApiRoute("POST", "organisation/client-metadata-schema", set_legacy_metadata_schema),
    ],
    counts=lambda schema: {"schemaKeys": len(schema.keys or {})},
)
