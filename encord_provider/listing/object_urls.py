"""Object URLs: how Encord wants an object named, per cloud, and back again.

The only rule that Encord documents is that a URL holds no whitespace. The https forms are therefore written
with RFC 3986 quoting, which gives any key back on decoding. The protocol forms (``s3://``, ``gs://``, access
point ARNs) have no quoting, so keys that a reader of URLs could take for something else are refused there.
"""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import quote, unquote, urlsplit

from encord_provider.exceptions import ObjectUrlError
from encord_provider.text.shown import shown

MAX_URL_BYTES = 16 * 1024
"""Source: Encord's page on registering cloud data (16 KB)."""

_URL_STARTS = ("https://", "http://", "s3://", "gs://", "arn:")


class ObjectUrlStyle(StrEnum):
    """The forms of object URL that Encord documents, and the one that S3-compatible stores use.

    =================== ==================================================================
    virtual-hosted      ``https://<bucket>.s3.<region>.amazonaws.com/<key>`` (recommended)
    path                ``https://s3.<region>.amazonaws.com/<bucket>/<key>``
    s3                  ``s3://<bucket>/<key>``
    mrap                ``<ARN of a Multi-Region Access Point>/<key>``
    gs                  ``gs://<bucket>/<key>``
    gcs                 ``https://storage.cloud.google.com/<bucket>/<key>``
    azure               ``https://<account>.blob.core.windows.net/<container>/<key>``
    otc                 ``https://<bucket>.obs.<region>.otc.t-systems.com/<key>``
    endpoint            ``<endpoint>/<bucket>/<key>`` (MinIO, Wasabi, R2, Oracle, CoreWeave)
    =================== ==================================================================
    """

    VIRTUAL_HOSTED = "virtual-hosted"
    PATH = "path"
    S3 = "s3"
    MRAP = "mrap"
    GS = "gs"
    GCS = "gcs"
    AZURE = "azure"
    OTC = "otc"
    ENDPOINT = "endpoint"


_VIRTUAL_HOSTED_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ANY_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]{0,254}")
_REGION = re.compile(r"[a-z0-9][a-z0-9-]*")
_MRAP_ARN = re.compile(r"arn:aws[a-z-]*:s3::\d{12}:accesspoint/[A-Za-z0-9._-]+")

_DOMAINS = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}
"""The domains of China and of the European Sovereign Cloud, by how their regions begin. Source: botocore."""

_ROOT_CONTAINER = "$root"
_PLAIN_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9_.~-]{1,1024}")
"""The last segments of keys of which nothing needs to be quoted, and that lead nowhere else."""

_LONG_FOLDER = 8 * 1024
_UNSAFE_UNQUOTED = re.compile(r"[?#%\\]")


def object_urls(
    bucket: str,
    *,
    style: ObjectUrlStyle | str = ObjectUrlStyle.VIRTUAL_HOSTED,
    region: str | None = None,
    endpoint: str | None = None,
) -> ObjectUrls:
    """Check everything that does not depend on the key once, and return the function from key to object URL.

    :param bucket: the bucket; for ``azure`` the container, for ``mrap`` the ARN of the access point.
    :param style: the form of the URLs.
    :param region: the region of the bucket; needed by ``virtual-hosted`` and ``path``, ``eu-de`` by default for
        ``otc``.
    :param endpoint: for ``endpoint`` the root URL of the store, for ``azure`` the account's name or its root URL.
    :returns: a function of the key, as the store lists it. Its URLs are ASCII for the https forms, without
        whitespace in every form, and at most 16 KB. It raises :class:`ObjectUrlError` where decoding the URL would
        not give the key back.
    :raises ObjectUrlError: when the bucket, region or endpoint does not fit the style.
    """
    try:
        style = ObjectUrlStyle(style)
    except ValueError:
        known = ", ".join(one.value for one in ObjectUrlStyle)
        raise ObjectUrlError(f"unknown object URL style {style!r}; known are {known}") from None
    return ObjectUrls(bucket, style, _prefix(bucket, style, region, endpoint))


class ObjectUrls:
    """From the keys of a bucket to object URLs, see :func:`object_urls`.

    :param bucket: the bucket.
    :param style: the form of the URLs.
    :param root: what stands in front of the key.
    """

    def __init__(self, bucket: str, style: ObjectUrlStyle, root: str) -> None:
        self._bucket = bucket
        self._style = style
        self._root = root
        self._quoted = root.startswith(("https://", "http://"))
        # Keys come in order, so that most lie in the folder of the one before.
        self._folder = ""
        self._above: str | None = None

    def __call__(self, key: str) -> str:
        """Give the URL of an object.

        :param key: its key.
        :raises ObjectUrlError: when the key cannot be written as a URL.
        """
        end = key.rfind("/") + 1
        folder, name = key[:end], key[end:]
        if self._above is not None and folder == self._folder and _PLAIN_NAME.fullmatch(name):
            return self._above + name
        url = self._written(key)
        if self._quoted and self._bucket != _ROOT_CONTAINER:
            above = self._root + quote(folder, safe="/~")
            self._folder, self._above = folder, above if len(above) <= _LONG_FOLDER else None
        return url

    def _written(self, key: str) -> str:
        problem = _key_problem(key, style=self._style, quoted=self._quoted)
        if self._bucket == _ROOT_CONTAINER and "/" in key:
            problem = "Azure allows no / in the names of the root container"
        if problem:
            raise ObjectUrlError(f"object {key!r} in bucket {self._bucket!r}: {problem}")
        try:
            url = self._root + (quote(key, safe="/~") if self._quoted else key)
        except UnicodeEncodeError:
            raise ObjectUrlError(
                f"object {key!r} in bucket {self._bucket!r}: the key is not valid Unicode"
            ) from None
        if problem := url_problem(url):
            raise ObjectUrlError(f"object {key[:200]!r} in bucket {self._bucket!r}: {problem}")
        return url


def _key_problem(key: str, *, style: ObjectUrlStyle, quoted: bool) -> str | None:
    if not key:
        return "the key is empty"
    if "/." in f"/{key}" and any(segment in (".", "..") for segment in key.split("/")):
        return (
            "readers of URLs resolve the segments '.' and '..', so the URL would name another object; "
            "copy the object to another key or exclude it"
        )
    if quoted:
        return None
    if " " in key or not key.isprintable():
        fault = "holds whitespace or a control character"
    elif match := _UNSAFE_UNQUOTED.search(key):
        fault = f"holds {match.group()!r}, which a reader of URLs takes for something else"
    else:
        return None
    if style is ObjectUrlStyle.MRAP:
        return f"the key {fault}, and an ARN has no quoting; copy the object to another key or exclude it"
    instead = "gcs" if style is ObjectUrlStyle.GS else "virtual-hosted"
    return f"the key {fault}, and {style}:// has no quoting; use an https style such as {instead!r}"


def _prefix(bucket: str, style: ObjectUrlStyle, region: str | None, endpoint: str | None) -> str:
    """Everything in front of the key."""
    if style is ObjectUrlStyle.MRAP:
        if not _MRAP_ARN.fullmatch(bucket):
            raise ObjectUrlError(
                f"style 'mrap' takes the ARN of a Multi-Region Access Point as bucket "
                f"(arn:aws:s3::123456789012:accesspoint/alias.mrap), got {bucket!r}"
            )
        return f"{bucket}/"
    if not _ANY_BUCKET.fullmatch(bucket):
        raise ObjectUrlError(f"{bucket!r} is not a bucket name: give the name alone, without scheme and path")
    if style is ObjectUrlStyle.S3:
        return f"s3://{bucket}/"
    if style is ObjectUrlStyle.GS:
        return f"gs://{bucket}/"
    if style is ObjectUrlStyle.GCS:
        return f"https://storage.cloud.google.com/{bucket}/"
    if style is ObjectUrlStyle.AZURE:
        root = _azure_root(endpoint)
        return f"{root}/" if bucket == _ROOT_CONTAINER else f"{root}/{bucket}/"
    if style is ObjectUrlStyle.ENDPOINT:
        return f"{_endpoint_root(endpoint)}/{bucket}/"
    if style is ObjectUrlStyle.OTC:
        return f"https://{bucket}.obs.{_checked_region(region or 'eu-de', style)}.otc.t-systems.com/"
    host = _s3_host(region, style)
    if style is ObjectUrlStyle.PATH:
        return f"https://{host}/{bucket}/"
    if not _VIRTUAL_HOSTED_BUCKET.fullmatch(bucket):
        raise ObjectUrlError(
            f"the bucket name {bucket!r} cannot be part of a host name; use object URL style 'path' or 's3'"
        )
    return f"https://{bucket}.{host}/"


def _s3_host(region: str | None, style: ObjectUrlStyle) -> str:
    region = _checked_region(region, style)
    partition, _, _ = region.partition("-")
    return f"s3.{region}.{_DOMAINS.get(partition, 'amazonaws.com')}"


def _checked_region(region: str | None, style: ObjectUrlStyle) -> str:
    if region is None or not _REGION.fullmatch(region):
        raise ObjectUrlError(
            f"object URL style {style.value!r} needs the region of the bucket, got {region!r}"
        )
    return region


def _endpoint_root(endpoint: str | None) -> str:
    parts = urlsplit(endpoint or "")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise ObjectUrlError(f"object URL style 'endpoint' needs the root URL of the store, got {endpoint!r}")
    if parts.username is not None or parts.password is not None:
        raise ObjectUrlError("the endpoint of an object URL must not hold a user or a password")
    return (endpoint or "").rstrip("/")


def _azure_root(endpoint: str | None) -> str:
    host = (endpoint or "").removeprefix("https://").rstrip("/")
    account = host.removesuffix(".blob.core.windows.net")
    if not re.fullmatch(r"[a-z0-9-]+", account):
        raise ObjectUrlError(
            f"object URL style 'azure' needs the storage account as endpoint "
            f"(myaccount or https://myaccount.blob.core.windows.net), got {endpoint!r}"
        )
    return f"https://{account}.blob.core.windows.net"


def url_problem(url: str) -> str | None:
    """Say what is wrong with an object URL.

    :param url: an object URL as it would be sent to Encord.
    :returns: a sentence, or None when Encord's published rules allow the URL.
    """
    if not url:
        return "the object URL is empty"
    if " " in url or not url.isprintable():  # str.isprintable counts all other whitespace as not printable
        return f"whitespace or a control character in the object URL {shown(url)}; write a blank as %20"
    if not url.lower().startswith(_URL_STARTS):
        return f"{shown(url)} is not an object URL: it must start with https://, s3://, gs:// or an ARN"
    if len(url) > MAX_URL_BYTES // 4 and (size := len(url.encode())) > MAX_URL_BYTES:
        return f"an object URL of {size:,} bytes, the limit is {MAX_URL_BYTES:,}: {shown(url)}"
    return None


def file_name(url: str) -> str:
    """Find the name of the file that an object URL names.

    :param url: an object URL; a query string (a signature) is left aside.
    :returns: the last segment of its path, decoded.
    """
    return unquote(url.partition("?")[0].rstrip("/").rpartition("/")[2]) or url
