"""The chains of tasks that the bundled DAGs and company DAGs share, as task groups."""

from __future__ import annotations

from encord_provider.pipelines.dropped_specs import import_dropped_specs
from encord_provider.pipelines.metadata_sync import sync_metadata
from encord_provider.pipelines.s3_import import import_from_s3
from encord_provider.pipelines.to_dataset import to_dataset

__all__ = ["import_dropped_specs", "import_from_s3", "sync_metadata", "to_dataset"]
