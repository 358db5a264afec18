"""Where objects come from. Nothing in here knows of Airflow or creates a client."""

from encord_provider.listing.filters import ObjectFilter
from encord_provider.listing.identity import ObjectIdentity, identity_of, is_url, parse_object_url
from encord_provider.listing.inventory import inventory_bucket, list_inventory, newest_manifest
from encord_provider.listing.names import ObjectNames, PlaceNames
from encord_provider.listing.object_urls import (
    ObjectUrlStyle,
    object_urls,
)
from encord_provider.listing.objects import ListedObject
from encord_provider.listing.order import in_key_order
from encord_provider.listing.paths import list_path
from encord_provider.listing.s3 import bucket_region, list_s3
from encord_provider.listing.url_table import UrlTable

__all__ = [
    "ListedObject",
    "ObjectFilter",
    "ObjectIdentity",
    "ObjectNames",
    "ObjectUrlStyle",
    "PlaceNames",
    "UrlTable",
    "bucket_region",
    "identity_of",
    "in_key_order",
    "inventory_bucket",
    "is_url",
    "list_inventory",
    "list_path",
    "list_s3",
    "newest_manifest",
    "object_urls",
    "parse_object_url",
]
