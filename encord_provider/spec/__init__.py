"""The upload spec: data units, object URLs, Encord's JSON form, parts. No Airflow, no network."""

from encord_provider.spec.build import build_units
from encord_provider.spec.forms import parse_spec
from encord_provider.spec.manifest import parse_manifest, to_manifest
from encord_provider.spec.media import MediaType, media_type_of
from encord_provider.spec.parts import SpecIndex, SpecPart, read_index, read_part, write_parts
from encord_provider.spec.patterns import KeyPattern
from encord_provider.spec.units import DataUnit, Skipped, SkippedObjects, UploadSpec
from encord_provider.spec.url_table import UrlTable
from encord_provider.spec.urls import ObjectRef, ObjectUrlStyle, object_url, object_urls, parse_object_url
from encord_provider.spec.wire import to_data_items

__all__ = [
    "DataUnit",
    "KeyPattern",
    "MediaType",
    "ObjectRef",
    "ObjectUrlStyle",
    "Skipped",
    "SkippedObjects",
    "SpecIndex",
    "SpecPart",
    "UploadSpec",
    "UrlTable",
    "build_units",
    "media_type_of",
    "object_url",
    "object_urls",
    "parse_manifest",
    "parse_object_url",
    "parse_spec",
    "read_index",
    "read_part",
    "to_data_items",
    "to_manifest",
    "write_parts",
]
