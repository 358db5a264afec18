"""The object URLs that Encord's documentation accepts for each cloud, and the object each of them names."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote, urlsplit


class StorageLocation(StrEnum):
    """Where an item's file is kept, spelled as on the wire."""

    ENCORD = "encord"
    GCP = "gcp"
    S3 = "s3"
    AZURE = "azure"
    OPEN_TELEKOM = "openTelekom"
    DIRECT_ACCESS = "directAccess"
    S3_COMPATIBLE = "s3Compatible"


@dataclass(frozen=True)
class ObjectName:
    """An object in a bucket (an Azure container counts as one).

    :param key: the object's key, decoded.
    :param other_key: a second reading of the URL, where ``+`` stands for a blank as in the S3 console's URLs.
    :param is_legacy: whether the host is one that AWS keeps for old clients: without a region, or ``s3-region``.
    :param is_access_point: whether ``bucket`` is a Multi-Region Access Point, behind which there are several buckets.
    """

    bucket: str
    key: str
    other_key: str | None = None
    is_access_point: bool = False
    is_legacy: bool = False


class ObjectUrlError(ValueError):
    """The URL is of no style that the integration's cloud accepts."""


_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3[.-](?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?"
)
_PATH_HOST = re.compile(r"s3[.-](?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_LEGACY_HOST = re.compile(r"((?P<bucket>[a-z0-9][a-z0-9.-]+)\.)?s3\.amazonaws\.com")
_ACCESS_POINT = re.compile(
    r"(?P<alias>arn:aws:s3::\d{12}:accesspoint[/:][a-z0-9]+\.mrap)/(?P<key>.+)", re.DOTALL
)
_OTC_HOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.obs\.[a-z0-9-]+\.otc\.t-systems\.com")
_AZURE_HOST = re.compile(r"[a-z0-9]+\.blob\.core\.windows\.net")


def parse_object_url(url: str, location: StorageLocation) -> ObjectName:
    """Find the object that ``url`` names.

    :param location: the cloud of the integration that the URL is registered with.
    :raises ObjectUrlError: the URL does not fit that cloud.
    """
    if location not in _CLOUDS:
        raise ObjectUrlError(f"{url} cannot be read with an integration of type {location}")
    reader, label = _CLOUDS[location]
    name = reader(url)
    if name is None:
        raise ObjectUrlError(f"{url} is not an object URL of {label}")
    return name


def title_from_url(url: str, *, whole_path: bool) -> str:
    """The title of an item that has none.

    :param whole_path: the path portion of the URL (newer documentation) instead of the file name (older).
    """
    path = "/" + url.partition("://")[2].partition("/")[2] if "://" in url else url
    if url.startswith(("http://", "https://")):
        path = unquote(urlsplit(url).path)
    return path if whole_path else path.rsplit("/", 1)[-1]


def _s3(url: str) -> ObjectName | None:
    if url.startswith("s3://"):
        return _from_path(url[len("s3://") :])
    access_point = _ACCESS_POINT.fullmatch(url)
    if access_point:
        return ObjectName(access_point["alias"], access_point["key"], is_access_point=True)
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname is None:
        return None
    for pattern in (_VIRTUAL_HOST, _LEGACY_HOST, _PATH_HOST):
        match = pattern.fullmatch(parts.hostname)
        if match:
            bucket = match.groupdict().get("bucket")
            name = _decoded(f"/{bucket}{parts.path}" if bucket else parts.path)
            is_legacy = pattern is _LEGACY_HOST or f".s3-{match['region']}." in f".{parts.hostname}"
            return replace(name, is_legacy=is_legacy) if name else None
    return None


def _s3_compatible(url: str) -> ObjectName | None:
    parts = urlsplit(url)
    return _decoded(parts.path) if parts.scheme in ("https", "http") and parts.hostname else None


def _gcp(url: str) -> ObjectName | None:
    if url.startswith("gs://"):
        return _from_path(url[len("gs://") :])
    parts = urlsplit(url)
    hosts = ("storage.cloud.google.com", "storage.googleapis.com")
    return _decoded(parts.path) if parts.scheme == "https" and parts.hostname in hosts else None


def _azure(url: str) -> ObjectName | None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not _AZURE_HOST.fullmatch(parts.hostname or ""):
        return None
    in_root = "/" not in parts.path.lstrip("/")
    return _decoded(f"/$root{parts.path}" if in_root else parts.path)


def _open_telekom(url: str) -> ObjectName | None:
    parts = urlsplit(url)
    match = _OTC_HOST.fullmatch(parts.hostname or "")
    return _decoded(f"/{match['bucket']}{parts.path}") if match and parts.scheme == "https" else None


def _from_path(path: str) -> ObjectName | None:
    bucket, _, key = path.partition("/")
    return ObjectName(bucket, key) if bucket and key else None


def _decoded(path: str) -> ObjectName | None:
    bucket, _, raw_key = path.lstrip("/").partition("/")
    if not bucket or not raw_key:
        return None
    other = unquote(raw_key.replace("+", " ")) if "+" in raw_key else None
    return ObjectName(bucket, unquote(raw_key), other)


_CLOUDS = {
    StorageLocation.S3: (_s3, "AWS S3"),
    StorageLocation.S3_COMPATIBLE: (_s3_compatible, "an S3-compatible service"),
    StorageLocation.GCP: (_gcp, "Google Cloud Storage"),
    StorageLocation.AZURE: (_azure, "Azure Blob Storage"),
    StorageLocation.OPEN_TELEKOM: (_open_telekom, "Open Telekom Cloud"),
}
"""How the URLs of each cloud are read, and what it is called in messages."""
