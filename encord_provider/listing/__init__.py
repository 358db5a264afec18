"""Where objects come from. Nothing in here knows of Airflow or creates a client."""

from encord_provider.listing.objects import ListedObject
from encord_provider.listing.s3 import bucket_region, list_s3

__all__ = ["ListedObject", "bucket_region", "list_s3"]
