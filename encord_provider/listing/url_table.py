"""A table of object URLs as a source: what to register stands in a file instead of a bucket's listing."""

from __future__ import annotations

from collections.abc import Iterator

from encord_provider.exceptions import MetadataTableError, ObjectUrlError
from encord_provider.listing.object_urls import ObjectRef, parse_object_url
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
        rows = [(_ref(row, endpoint), row) for row in table]
        one_bucket = len({ref.bucket for ref, _ in rows}) <= 1
        self._urls: dict[str, str] = {}
        for ref, row in rows:
            key = ref.key if one_bucket else f"{ref.bucket}/{ref.key}"
            if key in self._urls:
                raise MetadataTableError(
                    f"{row.where}: another row names the same object, {self._urls[key]!r}"
                )
            self._urls[key] = row.key

    def objects(self) -> Iterator[ListedObject]:
        """List the objects.

        :returns: the objects in key order; with more than one bucket, the bucket is the first segment of the key.
        """
        return (ListedObject(key) for key in sorted(self._urls))

    def url_for(self, key: str) -> str:
        """Find the URL of an object.

        :param key: the key of one of :meth:`objects`.
        :returns: the URL exactly as the table gives it.
        """
        return self._urls[key]


def _ref(row: TableRow, endpoint: str | None) -> ObjectRef:
    try:
        return parse_object_url(row.key, endpoint=endpoint)
    except ObjectUrlError as error:
        raise MetadataTableError(f"{row.source}, line {row.line}: {error}") from None
