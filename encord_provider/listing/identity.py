"""Which object a URL names, whatever its spelling: the one identity by which everything is joined.

The same object has many URLs: the host may hold the bucket or not, name the region, a FIPS, dual-stack or accelerated
endpoint, or stand for the whole store (``s3://``), and a character may be quoted or not. What cannot be told from a URL
is not guessed: a host that belongs to no known store keeps its path whole, and has no key.

Sources of the host names: the endpoint rule sets of botocore (Amazon S3), and the documentation of each other store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from encord_provider.exceptions import ObjectUrlError
from encord_provider.listing.object_urls import url_problem

ROOT_CONTAINER = "$root"
"""Azure's container for blobs that are named by no container."""


@dataclass(frozen=True, slots=True)
class ObjectIdentity:
    """What two URLs of one object share.

    :param store: where the bucket is: ``s3``, ``gs``, or the host (for Azure the account) that its name is unique in.
    :param bucket: the bucket; for Azure the container, for an access point its name; empty where a URL of an
        unknown host does not tell it.
    :param key: the key of the object, decoded; the whole path where the bucket is not known.
    :param version: the version that the URL asks for, or None.
    """

    store: str
    bucket: str
    key: str
    version: str | None = None


def parse_object_url(url: str, *, endpoint: str | None = None) -> ObjectIdentity:
    """Find the object that an object URL names; the inverse of :func:`~encord_provider.listing.object_url`.

    A signature in the query is left aside.

    :param url: the object URL.
    :param endpoint: the root URL of an S3-compatible store, with the bucket as the first segment of the path below
        it or in front of its host.
    :returns: the object, with bucket and key.
    :raises ObjectUrlError: when the URL names no object, or its host belongs to no known store.
    """
    if problem := url_problem(url):
        raise ObjectUrlError(problem)
    found = _parse(url, endpoint)
    if not found.bucket or not found.key:
        lacking = "key" if found.bucket else "bucket"
        raise ObjectUrlError(f"{_without_query(url)!r} does not name an object: it lacks the {lacking}")
    return found


def identity_of(url: str, *, endpoint: str | None = None) -> ObjectIdentity | str:
    """Give what all spellings of an object's URL have in common, to be compared and used as a key.

    :param url: an object URL as somebody wrote it, which may hold whitespace.
    :param endpoint: as for :func:`parse_object_url`.
    :returns: the identity; the text itself where it is not a URL or cannot be decoded.
    """
    try:
        return _parse(url.strip(), endpoint)
    except _UnknownStoreError as error:
        return error.identity
    except ObjectUrlError:
        return url


def is_url(text: str) -> bool:
    """Whether a text is meant as an object URL rather than as an object key.

    :param text: what stands in the key column of a table.
    """
    return _SCHEME.match(text) is not None


class _UnknownStoreError(ObjectUrlError):
    """A host that belongs to no known store: its URLs can be compared, and do not tell bucket and key."""

    def __init__(self, identity: ObjectIdentity, url: str) -> None:
        super().__init__(
            f"{url!r} does not tell its bucket and key: {identity.store!r} belongs to no known store. Give the "
            "root URL of the store as endpoint"
        )
        self.identity = identity


_SCHEME = re.compile(r"(?:https?|s3a?|gs)://|arn:aws", re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MRAP_ARN = re.compile(r"arn:aws[a-z-]*:s3::(?P<account>\d{12}):accesspoint[/:](?P<name>[A-Za-z0-9._-]+)")
_VERSION_PARAMETERS = frozenset({"versionid", "generation"})
_SIGNATURE_PARAMETERS = re.compile(
    r"x-amz-.*|x-goog-.*|awsaccesskeyid|googleaccessid|signature|expires|policy|key-pair-id|token|sig|sv|se|st|sp|sr|"
    r"spr|skoid|sktid|skt|ske|sks|skv|x-id|response-.*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Store:
    """One form of host: ``host`` may hold the bucket; without it the first segment of the path is the bucket."""

    host: re.Pattern[str]
    store: Callable[[re.Match[str]], str]


def _named(pattern: str, store: str | Callable[[re.Match[str]], str]) -> _Store:
    name = store if callable(store) else lambda _: store
    return _Store(re.compile(pattern), name)


_REGION = r"(?P<region>[a-z0-9-]+)"
_AWS = r"\.amazonaws\.com(?:\.cn)?"

# The first that fits counts.
_STORES: Sequence[_Store] = (
    _named(
        r"(?P<bucket>[a-z0-9-]+)\.s3-accesspoint(?:-fips)?(?:\.dualstack)?\." + _REGION + _AWS,
        lambda m: f"s3-accesspoint:{m['region']}",
    ),
    _named(r"(?P<bucket>[A-Za-z0-9._-]+\.mrap)\.accesspoint\.s3-global" + _AWS, "s3-mrap"),
    _named(
        r"(?P<bucket>[a-z0-9.-]+)\.s3express(?:-fips)?-[a-z0-9-]+(?:\.dualstack)?\." + _REGION + _AWS, "s3"
    ),
    _named(r"(?:(?P<bucket>.+)\.)?bucket\.vpce-[a-z0-9-]+\.s3\." + _REGION + r"\.vpce" + _AWS, "s3"),
    _named(r"(?:(?P<bucket>.+)\.)?s3-accelerate(?:\.dualstack)?" + _AWS, "s3"),
    _named(r"(?P<bucket>.+)\.s3-website[.-]" + _REGION + _AWS, "s3"),
    _named(r"(?:(?P<bucket>.+)\.)?s3(?:-fips)?(?:\.dualstack)?(?:\." + _REGION + r")?" + _AWS, "s3"),
    # The old form with a dash before the region.
    _named(r"(?:(?P<bucket>.+)\.)?s3-(?P<region>[a-z]{2}(?:-[a-z]+)+-\d|external-1)" + _AWS, "s3"),
    _named(r"(?:(?P<bucket>.+)\.)?storage\.googleapis\.com", "gs"),
    _named(r"storage\.cloud\.google\.com", "gs"),
    _named(
        r"(?:(?P<bucket>.+)\.)?obs\." + _REGION + r"\.otc\.t-systems\.com", lambda m: f"obs.{m['region']}.otc"
    ),
    _named(r"(?:(?P<bucket>.+)\.)?s3(?:\." + _REGION + r")?\.wasabisys\.com", "wasabi"),
    _named(
        r"(?:(?P<bucket>[^.]+)\.)?(?P<region>[a-z]+\d+)(?:\.cdn)?\.digitaloceanspaces\.com",
        lambda m: f"digitaloceanspaces:{m['region']}",
    ),
    _named(
        r"(?:(?P<bucket>[a-z0-9.-]+)\.)?(?P<account>[0-9a-f]{32})(?:\.(?:eu|fedramp|us))?\.r2\.cloudflarestorage\.com",
        lambda m: f"r2:{m['account']}",
    ),
    _named(
        r"(?:(?P<bucket>.+)\.)?s3\." + _REGION + r"\.backblazeb2\.com", lambda m: f"backblazeb2:{m['region']}"
    ),
    _named(
        r"(?:(?P<bucket>.+)\.)?(?P<namespace>[a-z0-9]+)\.compat\.objectstorage\."
        + _REGION
        + r"\.(?:oraclecloud|oci\.customer-oci)\.com",
        lambda m: f"oracle:{m['namespace']}:{m['region']}",
    ),
    _named(r"(?:(?P<bucket>.+)\.)?cwobject\.com", "coreweave"),
)
_AZURE = re.compile(
    r"(?P<account>[a-z0-9-]+)(?:\.z\d+)?\.(?:blob|dfs)\."
    r"(?:core\.windows\.net|core\.chinacloudapi\.cn|core\.usgovcloudapi\.net|storage\.azure\.net)"
)
# Bare addresses cannot have a bucket in front of them.
_ADDRESS = re.compile(r"localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]")


def _parse(url: str, endpoint: str | None) -> ObjectIdentity:
    match = _SCHEME.match(url)
    if match is None:
        raise ObjectUrlError(f"{_without_query(url)!r} is not an object URL")
    scheme = match.group().lower()
    if scheme.startswith("arn"):
        return _of_arn(url)
    if not scheme.startswith("http"):
        # These forms have no quoting: every character stands for itself.
        bucket, _, key = url[match.end() :].partition("/")
        return ObjectIdentity("gs" if scheme == "gs://" else "s3", bucket, key)
    return _of_https(url, endpoint)


def _of_arn(url: str) -> ObjectIdentity:
    match = _MRAP_ARN.match(url)
    if match is None or not url[match.end() :].startswith("/"):
        raise ObjectUrlError(f"{url!r} is not the ARN of a Multi-Region Access Point followed by / and a key")
    return ObjectIdentity("s3-mrap", match["name"], url[match.end() + 1 :])


def _of_https(url: str, endpoint: str | None) -> ObjectIdentity:
    bare, _, query = url.partition("#")[0].partition("?")
    try:
        parts = urlsplit(bare)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise ObjectUrlError(f"{bare!r} is not a valid URL: {error}") from None
    if not host:
        raise ObjectUrlError(f"{bare!r} names no host")
    path = _decoded(bare, parts.path[1:])
    version, rest = _query(query)
    if azure := _AZURE.fullmatch(host):
        container, slash, key = path.partition("/")
        if not slash:
            container, key = ROOT_CONTAINER, container
        return ObjectIdentity(f"azure:{azure['account']}", container, key, version)
    for one in _STORES:
        if match := one.host.fullmatch(host):
            bucket = match.groupdict().get("bucket") or ""
            key = path
            if not bucket:
                bucket, _, key = path.partition("/")
            return ObjectIdentity(one.store(match), bucket, key, version)
    if endpoint is not None and (found := _below_endpoint(host, port, path, endpoint)) is not None:
        store, bucket, key = found
        return ObjectIdentity(store, bucket, key, version)
    where = host if port is None else f"{host}:{port}"
    if _ADDRESS.fullmatch(host if ":" not in host else f"[{host}]"):
        bucket, _, key = path.partition("/")
        return ObjectIdentity(where, bucket, key, version)
    # Whatever else the query says may choose the object.
    unknown = ObjectIdentity(where, "", f"{path}?{rest}" if rest else path, version)
    raise _UnknownStoreError(unknown, bare)


def _below_endpoint(host: str, port: int | None, path: str, endpoint: str) -> tuple[str, str, str] | None:
    """Store, bucket and key of a URL of the store at ``endpoint``; None for any other."""
    root = urlsplit(endpoint)
    root_host, root_port = (root.hostname or ""), root.port
    if port != root_port or not root_host:
        return None
    store = root_host if root_port is None else f"{root_host}:{root_port}"
    above = unquote(root.path.strip("/"))
    if above:
        if not path.startswith(f"{above}/"):
            return None
        path = path[len(above) + 1 :]
    if host == root_host:
        bucket, _, key = path.partition("/")
        return store, bucket, key
    if host.endswith(f".{root_host}"):
        return store, host.removesuffix(f".{root_host}"), path
    return None


def _query(query: str) -> tuple[str | None, str]:
    """The version that a query asks for, and what is left of it without a signature."""
    if not query:
        return None, ""
    pairs = parse_qsl(query, keep_blank_values=True)
    version = next((value for name, value in pairs if name.lower() in _VERSION_PARAMETERS and value), None)
    rest = [
        (name, value)
        for name, value in pairs
        if name.lower() not in _VERSION_PARAMETERS and not _SIGNATURE_PARAMETERS.fullmatch(name)
    ]
    return version, urlencode(rest)


def _decoded(url: str, path: str) -> str:
    if "%" not in path:
        return path
    if _BROKEN_ESCAPE.search(path):
        raise ObjectUrlError(f"{url!r} holds a % that begins no escape; write it as %25")
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise ObjectUrlError(f"the percent-encoding of {url!r} is not UTF-8") from None


def _without_query(url: str) -> str:
    return re.split("[?#]", url, maxsplit=1)[0]
