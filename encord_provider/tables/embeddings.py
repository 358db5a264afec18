"""Custom embeddings from a NumPy file, as a metadata table."""

from __future__ import annotations

from collections.abc import Sequence

from encord_provider.tables.metadata_table import MetadataTable
from encord_provider.tables.reader import ReadablePath, TableReader
from encord_provider.tables.records import numpy_records


def read_embeddings(
    content: ReadablePath | bytes, *, keys: Sequence[str], name: str, source: str | None = None
) -> MetadataTable:
    """Read a ``.npy`` file with one vector per object.

    Encord takes custom embeddings as client metadata of images, image groups, image sequences and single video
    frames; the metadata schema must declare the key as an embedding of that size, otherwise the numbers are
    treated as text. Source: Encord's page on custom embeddings. Parquet tables hold embeddings as lists and need
    no function of their own.

    :param content: a path to read, or the content: a two-dimensional array of numbers, one row per object.
    :param keys: the object key or URL of each row, in the order of the rows.
    :param name: the metadata key of the embedding.
    :param source: the name of the file for messages; by default the path.
    :returns: a table with the embedding as its one column.
    :raises MetadataTableError: for another file or shape, keys that are not one per row or are given twice, and
        a name that is not a metadata key.
    :raises EncordConfigError: when NumPy is not installed.
    """
    label = source or (str(content) if not isinstance(content, bytes) else "embeddings")
    data = content if isinstance(content, bytes) else content.read_bytes()
    key_column = "key" if name != "key" else "object_url"
    records = numpy_records(data, label, keys=keys, key_column=key_column, column=name)
    return MetadataTable(TableReader(records, source=label, counted="record", key_column=key_column))
