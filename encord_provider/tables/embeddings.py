"""Custom embeddings from a NumPy file, as a metadata table."""

from __future__ import annotations

import io
from collections.abc import Sequence

from encord_provider.exceptions import EncordConfigError, MetadataTableError
from encord_provider.schema.keys import check_key
from encord_provider.tables.metadata_table import MetadataTable
from encord_provider.tables.rows import ReadablePath, TableRow


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
    :raises MetadataTableError: for another file or shape, or keys that are not one per row.
    :raises MetadataSchemaError: for a name that is no metadata key.
    :raises EncordConfigError: when NumPy is not installed.
    """
    label = source or (str(content) if not isinstance(content, bytes) else "embeddings")
    check_key(name, source=label)
    try:
        import numpy as np
    except ImportError:
        raise EncordConfigError(f"{label}: reading a .npy file needs NumPy: pip install numpy") from None
    data = content if isinstance(content, bytes) else content.read_bytes()
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise MetadataTableError(f"{label}: no NumPy array file: {error}") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiu":
        shape = getattr(array, "shape", None)
        raise MetadataTableError(
            f"{label}: embeddings are a two-dimensional array of numbers, got shape {shape}"
        )
    if len(array) != len(keys):
        raise MetadataTableError(f"{label}: {len(array)} rows, but {len(keys)} keys")
    if repeated := len(keys) - len(set(keys)):
        raise MetadataTableError(f"{label}: {repeated} of the {len(keys)} keys are given twice")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        raise MetadataTableError(f"{label}, record {bad[0] + 1}: NaN or infinity, which JSON does not have")
    rows = (
        TableRow(key, {name: vector.tolist()}, number, label, "record")
        for number, (key, vector) in enumerate(zip(keys, array, strict=True), start=1)
    )
    return MetadataTable(rows, source=label, key_column="key", columns=(name,))
