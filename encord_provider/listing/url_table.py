"""A table of object URLs as a source: what to register stands in a file instead of a bucket's listing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from encord_provider.exceptions import MetadataTableError, ObjectUrlError
from encord_provider.listing.identity import ObjectIdentity, identity_of, parse_object_url
from encord_provider.listing.object_urls import url_problem
from encord_provider.listing.objects import ListedObject
from encord_provider.tables.metadata_table import MetadataTable
from encord_provider.tables.reader import TableRow


class UrlTable:
    """The objects that the rows of a metadata table name by URL.

    :param table: a table whose key column holds object URLs; the other columns are client metadata, so the same
        table can be given to :func:`~encord_provider.upload_spec.build_units` as ``metadata``.
    :param endpoint: the root URL of an S3-compatible store, when it holds a path of its own.
    :raises MetadataTableError: when a row holds no object URL, or two rows name one object.
    """

    def __init__(self, table: MetadataTable, *, endpoint: str | None = None) -> None:
        rows = [(_identity(row, endpoint), row) for row in table]
        seen: dict[ObjectIdentity, TableRow] = {}
        for identity, row in rows:
            if (other := seen.setdefault(identity, row)) is not row:
                raise MetadataTableError(f"{row.where}: {other.where} names the same object, {other.key!r}")
        name = _namer(seen)
        self._endpoint = endpoint
        self._keys = {identity: name(identity) for identity in seen}
        self._urls = {self._keys[identity]: row.key for identity, row in rows}

    def objects(self) -> Iterator[ListedObject]:
        """List the objects.

        :returns: the objects in key order; with more than one bucket, the bucket is the first segment of the key, and
            with two buckets of one name the store is in front of it.
        """
        return (ListedObject(key) for key in sorted(self._urls))

    def url_for(self, key: str) -> str:
        """Find the URL of an object.

        :param key: the key of one of :meth:`objects`.
        :returns: the URL exactly as the table gives it.
        """
        return self._urls[key]

    def key_of(self, url: str) -> str | None:
        """Find the key of one of :meth:`objects`.

        :param url: an object URL as somebody wrote it.
        :returns: the key; None for an object that is not in the table.
        """
        identity = self.identity(url)
        return None if isinstance(identity, str) else self._keys.get(identity)

    def identity(self, url: str) -> ObjectIdentity | str:
        """Give what all spellings of a URL have in common.

        :param url: an object URL as somebody wrote it.
        :returns: the identity; the text itself where it is nothing that can be told apart.
        """
        return identity_of(url, endpoint=self._endpoint)


def _namer(identities: Iterable[ObjectIdentity]) -> Callable[[ObjectIdentity], str]:
    """Give the function that names each object by a key of its own, as short as that can be."""
    places = {(one.store, one.bucket) for one in identities}
    several_buckets = len(places) > 1
    several_stores = len({bucket for _, bucket in places}) < len(places)

    def name(one: ObjectIdentity) -> str:
        above = [one.store] * several_stores + [one.bucket] * several_buckets
        version = "" if one.version is None else f"?versionId={one.version}"
        return "/".join([*filter(None, above), one.key]) + version

    return name


def _identity(row: TableRow, endpoint: str | None) -> ObjectIdentity:
    try:
        if problem := url_problem(row.key):
            raise ObjectUrlError(problem)
        found = identity_of(row.key, endpoint=endpoint)
        if isinstance(found, str) or (found.bucket and not found.key):
            return parse_object_url(row.key, endpoint=endpoint)
    except ObjectUrlError as error:
        raise MetadataTableError(f"{row.source}, {row.counted} {row.line}: {error}") from None
    return found
