"""The upload spec: media types, data units, Encord's two forms, parts, building. No Airflow, no network."""

from encord_provider.upload_spec.build import Build, build_units
from encord_provider.upload_spec.build_options import BuildOptions
from encord_provider.upload_spec.data_items import to_data_items
from encord_provider.upload_spec.data_units import DataUnit, SkipKind, Skipped, SkippedObjects, UploadSpec
from encord_provider.upload_spec.json_form import parse_manifest, to_manifest
from encord_provider.upload_spec.key_pattern import KeyPattern
from encord_provider.upload_spec.media_types import MEDIA_TYPES, MediaType
from encord_provider.upload_spec.parts import SpecIndex, SpecPart, read_index, read_part, write_parts
from encord_provider.upload_spec.reading import parse_spec

__all__ = [
    "MEDIA_TYPES",
    "Build",
    "BuildOptions",
    "DataUnit",
    "KeyPattern",
    "MediaType",
    "SkipKind",
    "Skipped",
    "SkippedObjects",
    "SpecIndex",
    "SpecPart",
    "UploadSpec",
    "build_units",
    "parse_manifest",
    "parse_spec",
    "read_index",
    "read_part",
    "to_data_items",
    "to_manifest",
    "write_parts",
]
