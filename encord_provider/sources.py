"""Where the build operator finds objects: a bucket, its inventory, any object storage folder, a table of URLs.

A source may also be given as a mapping, whose ``kind`` says which it is: ``bucket`` (:class:`S3Bucket`), ``inventory``
(:class:`S3Inventory`), ``folder`` (:class:`ObjectStorageFolder`) or ``table`` (:class:`ObjectUrlTable`)::

    {"kind": "inventory", "manifest": "s3://reports/lake/daily/", "prefix": "dt={date}/"}
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from encord_provider.exceptions import EncordInputError, ListingError, ObjectUrlError
from encord_provider.listing import (
    ListedObject,
    ObjectNames,
    ObjectUrlStyle,
    PlaceNames,
    UrlTable,
    bucket_region,
    inventory_bucket,
    list_inventory,
    list_path,
    list_s3,
    newest_manifest,
    object_urls,
)
from encord_provider.listing.prefixes import distinct, expand_prefix
from encord_provider.listing.s3 import explained
from encord_provider.tables import MetadataTable
from encord_provider.text.limits import MAX_METADATA_BYTES
from encord_provider.workspace.aws import s3_client
from encord_provider.workspace.files import path_of
from encord_provider.workspace.inputs import Inputs
from encord_provider.workspace.option_groups import TEXT, Options, is_template
from encord_provider.workspace.s3_path import S3Path
from encord_provider.workspace.templates import value_of
from encord_provider.workspace.window import Window, prefixes_of

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

_AZURE = frozenset({"abfs", "abfss", "az", "adl", "adls", "wasb", "wasbs"})
_GOOGLE = frozenset({"gs", "gcs"})
_S3 = frozenset({"s3", "s3a"})


@dataclass(frozen=True, kw_only=True)
class ListingRequest:
    """What the build operator asks of its source.

    :param window: gives the run's window of time; asked for only where a pattern names a day.
    :param aws_conn_id: the Airflow connection of the amazon provider.
    :param url_style: the form of the object URLs; None for the usual one of the source.
    :param url_endpoint: the root URL of an S3-compatible store, the Azure account, or the URL of a local folder.
    """

    window: Callable[[], Window]
    aws_conn_id: str | None
    url_style: str | None = None
    url_endpoint: str | None = None


@dataclass(kw_only=True)
class Listing:
    """The objects of a source.

    :param objects: the objects, in the order of their keys.
    :param url_for: gives the object URL of a key.
    :param names: finds the object that a row of a table names by URL.
    :param place: where they are, for messages, such as ``bucket lake under raw/``.
    :param uri: where they are, the same for every run.
    :param read: reads the object at a key; None where objects cannot be read.
    :param table: the table that is the source, with client metadata beside the URLs.
    :param count: how many objects have been taken so far.
    """

    objects: Iterable[ListedObject]
    url_for: Callable[[str], str]
    names: ObjectNames
    place: str
    uri: str
    read: Callable[[str], bytes] | None = None
    table: MetadataTable | None = None
    count: int = field(init=False, default=0)

    def __iter__(self) -> Iterator[ListedObject]:
        for one in self.objects:
            self.count += 1
            yield one


@dataclass(frozen=True, kw_only=True)
class ListingSource(Options):
    """A place where objects are listed; its template fields are rendered with those of the operator."""

    parameter: ClassVar[str] = "source"

    def open(self, request: ListingRequest) -> Listing:
        """Start the listing.

        :param request: what the operator asks for.
        :raises ListingError: if there is no such place, or it may not be listed.
        :raises EncordInputError: if the source is described wrongly.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class S3Bucket(ListingSource):
    """What the operator's parameters ``bucket`` and ``prefix`` stand for: the bucket, listed by S3.

    :param bucket: the S3 bucket. (templated)
    :param prefix: which keys belong to the run, with ``{date}`` and ``*``. (templated)
    """

    template_fields: ClassVar[tuple[str, ...]] = ("bucket", "prefix")

    bucket: str = field(metadata=TEXT)
    prefix: str = field(default="", metadata=TEXT)

    def open(self, request: ListingRequest) -> Listing:
        """Find the prefixes of the run's window and list each."""
        if not self.bucket:
            raise EncordInputError(
                "No bucket was given: set the parameter 'bucket', or a 'source' (in the bundled DAG, in the form of "
                "the run or as 'bucket' of the Airflow Variable encord_s3_import)."
            )
        client = _s3_client(request)
        patterns = prefixes_of(self.prefix, request.window)
        url_for = _s3_urls(client, self.bucket, request)
        prefixes = distinct(prefix for one in patterns for prefix in expand_prefix(client, self.bucket, one))
        return Listing(
            objects=(one for prefix in prefixes for one in list_s3(client, self.bucket, prefix)),
            url_for=url_for,
            names=_s3_names(client, self.bucket, url_for, request),
            place=f"bucket {self.bucket}{_under(patterns)}",
            uri=f"s3://{self.bucket}/{_steady(self.prefix)}",
            read=_s3_reader(client, self.bucket),
        )


@dataclass(frozen=True, kw_only=True)
class S3Inventory(ListingSource):
    """A bucket's S3 Inventory report, which costs no LIST call however many objects there are.

    The report is as old as AWS wrote it, daily or weekly: newer objects are not in it.

    :param manifest: the URI of the report's ``manifest.json``; or, ending in ``/``, of the folder in which AWS
        writes one folder per report, for the newest of them. (templated)
    :param prefix: which keys belong to the run, with ``{date}`` and ``*`` as in the operator's ``prefix``.
        (templated)
    """

    template_fields: ClassVar[tuple[str, ...]] = ("manifest", "prefix")

    manifest: str = field(metadata=TEXT)
    prefix: str = field(default="", metadata=TEXT)

    def open(self, request: ListingRequest) -> Listing:
        """Read the report, and take the keys of the run's window from it."""
        bucket, key = _s3_parts(self.manifest)
        client = _s3_client(request)
        if key.endswith("/") or not key:
            key = newest_manifest(client, bucket, key)
        source = inventory_bucket(client, bucket, key)
        patterns = prefixes_of(self.prefix, request.window)
        wanted = re.compile("|".join(re.escape(one).replace(r"\*", "[^/]*") for one in patterns))
        # Of texts, as prefixes of keys are: not of whole folders.
        shared = os.path.commonprefix([one.partition("*")[0] for one in patterns])  # noqa: RUF071
        listed = list_inventory(client, bucket, key, prefix=shared)
        url_for = _s3_urls(client, source, request)
        return Listing(
            objects=(one for one in listed if wanted.match(one.key)),
            url_for=url_for,
            names=_s3_names(client, source, url_for, request),
            place=f"the inventory s3://{bucket}/{key} of bucket {source}{_under(patterns)}",
            uri=f"s3://{source}/{_steady(self.prefix)}",
            read=_s3_reader(client, source),
        )


@dataclass(frozen=True, kw_only=True)
class ObjectStorageFolder(ListingSource):
    """A folder that Airflow's object storage opens: Google Cloud Storage, Azure Blob, a local folder, S3.

    Object URLs have the form of the store: ``https://storage.cloud.google.com/...`` for ``gs://``, and
    ``https://<account>.blob.core.windows.net/...`` for ``abfs://``, which needs the account as the ``endpoint`` of the
    operator's ``object_urls``. A local folder needs the URL under which it is served there.

    :param uri: the folder, such as ``gs://google_cloud_default@lake/raw/dt={date}/``; ``{date}`` is each day of
        the run's window. A day's folder that does not exist holds nothing. (templated)
    """

    template_fields: ClassVar[tuple[str, ...]] = ("uri",)

    uri: str = field(metadata=TEXT)

    def open(self, request: ListingRequest) -> Listing:
        """Walk the folders of the run's window."""
        uris = prefixes_of(self.uri, request.window)
        roots = [path_of(uri) for uri in sorted(uris)]
        first = roots[0]
        dated = uris != [self.uri]
        if dated and not any(root.exists() for root in roots):
            above = path_of(self.uri.partition("{")[0].rpartition("/")[0] or self.uri)
            if not above.exists():
                raise ListingError(f"there is no folder {above}")
        local = first.protocol in ("", "file", "local")
        if local and len(roots) > 1:
            raise EncordInputError(
                f"The run's window has {len(roots)} days, and {self.uri!r} is a local folder for each. Run it day "
                "by day, or name the folder above them."
            )
        bucket, _, _ = first.path.strip("/").partition("/")
        base = first.path.rstrip("/") if local else bucket
        url_for = _local_urls(request) if local else _store_urls(first, bucket, request)
        return Listing(
            objects=(one for root in roots if not dated or root.exists() for one in _listed(root, self.uri)),
            url_for=url_for,
            names=PlaceNames(
                url_for,
                roots=(f"file://{base}/", f"{base}/") if local else (f"{first.protocol}://{bucket}/",),
                endpoint=request.url_endpoint,
            ),
            place=", ".join(sorted(uris)),
            uri=_steady(self.uri),
            read=_path_reader(first, base),
        )


@dataclass(frozen=True, kw_only=True)
class ObjectUrlTable(ListingSource):
    """A table whose rows are the objects, each by its URL; the other columns are client metadata.

    The URLs are registered as they stand. They may belong to several buckets.

    :param uri: the URI of a CSV, JSONL or Parquet file. (templated)
    :param url_column: the column with the object URLs; None for the first usual one. (templated)
    """

    template_fields: ClassVar[tuple[str, ...]] = ("uri", "url_column")

    uri: str = field(metadata=TEXT)
    url_column: str | None = field(default=None, metadata=TEXT)

    def open(self, request: ListingRequest) -> Listing:
        """Read the table."""
        table = Inputs(aws_conn_id=request.aws_conn_id).table(self.uri, key_column=self.url_column)
        if table is None:
            raise EncordInputError("No table of object URLs was given: set 'uri'.")
        if request.url_style:
            raise EncordInputError(
                "A table of object URLs gives the URLs itself; leave out the 'style' of 'object_urls'."
            )
        urls = UrlTable(table, endpoint=request.url_endpoint)
        return Listing(
            objects=urls.objects(),
            url_for=urls.url_for,
            names=urls,
            place=f"the table {self.uri}",
            uri=self.uri,
            table=table,
        )


_KINDS: Mapping[str, type[ListingSource]] = {
    "bucket": S3Bucket,
    "inventory": S3Inventory,
    "folder": ObjectStorageFolder,
    "table": ObjectUrlTable,
}


def source_of(given: Any) -> ListingSource | None:
    """Give the source that a rendered parameter stands for.

    :param given: the source, a mapping with its ``kind``, or the text that a template made of one.
    :returns: the source; None for None, an empty mapping and an empty text.
    :raises EncordInputError: if the kind is unknown, or a field is unknown, missing or wrong.
    """
    return _source(given, rendered=True)


def check_source(given: Any) -> None:
    """Refuse a source that is wrong whatever its templates render to; for use when a DAG is parsed.

    :param given: what :func:`source_of` takes, with templates.
    :raises EncordInputError: if the kind is unknown, or a field is unknown, missing or wrong.
    """
    if isinstance(given, Mapping) or not is_template(given):
        _source(given, rendered=False)


def _source(given: Any, *, rendered: bool) -> ListingSource | None:
    if given is None or isinstance(given, ListingSource):
        return given
    values: Mapping[str, Any] | None = value_of(given, dict, parameter="source")
    if not values:
        return None
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise EncordInputError(
            f"source has the kind {kind!r}; its 'kind' must be one of: {', '.join(_KINDS)}."
        )
    fields = {name: value for name, value in values.items() if name != "kind"}
    return _KINDS[kind].from_mapping(fields, rendered=rendered)


def _under(patterns: list[str]) -> str:
    return f" under {', '.join(patterns)}" if any(patterns) else ""


def _steady(pattern: str) -> str:
    """Give the folder above everything that a pattern stands for in any run."""
    fixed = re.split(r"[{*]", pattern, maxsplit=1)[0]
    return pattern if fixed == pattern else fixed[: fixed.rfind("/") + 1]


def _s3_client(request: ListingRequest) -> S3Client:
    return s3_client(request.aws_conn_id)


def _s3_urls(client: S3Client, bucket: str, request: ListingRequest) -> Callable[[str], str]:
    return object_urls(
        bucket,
        style=request.url_style or _usual_style(client),
        region=bucket_region(client, bucket),
        endpoint=request.url_endpoint or client.meta.endpoint_url,
    )


def _usual_style(client: S3Client) -> ObjectUrlStyle:
    """Give the form of object URLs by which Encord can reach the store that a connection leads to."""
    endpoint = client.meta.endpoint_url
    host = urlsplit(endpoint).hostname or ""
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu")):
        return ObjectUrlStyle.VIRTUAL_HOSTED
    if host == "localhost" or host == "::1" or host.startswith("127."):
        log.warning(
            "The AWS connection leads to %s, which only this machine reaches. Object URLs are those of Amazon S3 all "
            "the same; set the 'style' of 'object_urls' to 'endpoint' for others.",
            endpoint,
        )
        return ObjectUrlStyle.VIRTUAL_HOSTED
    log.info("The AWS connection leads to %s, not to Amazon S3: object URLs begin with that.", endpoint)
    return ObjectUrlStyle.ENDPOINT


def _s3_names(
    client: S3Client, bucket: str, url_for: Callable[[str], str], request: ListingRequest
) -> ObjectNames:
    """Know a bucket's objects by their object URLs, by ``s3://``, and by the endpoint that they are listed through."""
    endpoint = request.url_endpoint or client.meta.endpoint_url
    return PlaceNames(
        url_for, roots=(f"s3://{bucket}/", f"{endpoint.rstrip('/')}/{bucket}/"), endpoint=endpoint
    )


def _s3_reader(client: S3Client, bucket: str) -> Callable[[str], bytes]:
    def read(key: str) -> bytes:
        with explained(bucket, f"object {key!r}", action="s3:GetObject"):
            # A sidecar; one byte more than it may have shows that it is too large.
            return client.get_object(Bucket=bucket, Key=key)["Body"].read(MAX_METADATA_BYTES + 1)

    return read


def _s3_parts(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise EncordInputError(f"{uri!r} is not the URI of an S3 object: give s3://bucket/key.")
    return parts.netloc, uri.split("/", 3)[3] if uri.count("/") > 2 else ""


def _listed(root: ObjectStoragePath | S3Path, uri: str) -> Iterator[ListedObject]:
    if isinstance(root, S3Path):
        yield from root.objects()
        return
    try:
        yield from list_path(root)
    except ImportError as error:
        raise EncordInputError(f"{uri!r} cannot be listed: {error}") from None


def _store_urls(
    root: ObjectStoragePath | S3Path, bucket: str, request: ListingRequest
) -> Callable[[str], str]:
    style, region = request.url_style, None
    if not style:
        if root.protocol in _GOOGLE:
            style = ObjectUrlStyle.GCS
        elif root.protocol in _AZURE:
            style = ObjectUrlStyle.AZURE
        elif root.protocol in _S3:
            style = _usual_style(_s3_client(request))
        else:
            style = ObjectUrlStyle.ENDPOINT
    if root.protocol in _S3 and style in (ObjectUrlStyle.VIRTUAL_HOSTED, ObjectUrlStyle.PATH):
        region = bucket_region(_s3_client(request), bucket)
    endpoint = request.url_endpoint
    if root.protocol in _S3 and style == ObjectUrlStyle.ENDPOINT and not endpoint:
        endpoint = _s3_client(request).meta.endpoint_url
    if style in (ObjectUrlStyle.AZURE, ObjectUrlStyle.ENDPOINT) and not endpoint:
        what = "the storage account" if style == ObjectUrlStyle.AZURE else "the root URL of the store"
        raise ObjectUrlError(f"The object URLs of {root} need {what}: set the 'endpoint' of 'object_urls'.")
    return object_urls(bucket, style=style, region=region, endpoint=endpoint)


def _local_urls(request: ListingRequest) -> Callable[[str], str]:
    """Give the URLs of a folder that is served under ``url_endpoint``."""
    root, _, last = (request.url_endpoint or "").rstrip("/").rpartition("/")
    if request.url_style not in (None, "", ObjectUrlStyle.ENDPOINT) or not urlsplit(root).netloc:
        raise ObjectUrlError(
            "Encord cannot reach a local folder: set the 'endpoint' of 'object_urls' to the URL under which it is "
            "served, such as https://files.example.com/export, and leave out the 'style'."
        )
    return object_urls(last, style=ObjectUrlStyle.ENDPOINT, endpoint=root)


def _path_reader(root: ObjectStoragePath | S3Path, base: str) -> Callable[[str], bytes]:
    if isinstance(root, S3Path):
        return _s3_reader(root.client, root.bucket)

    def read(key: str) -> bytes:
        content: bytes = root.fs.cat_file(f"{base}/{key}", start=0, end=MAX_METADATA_BYTES + 1)
        return content

    return read
