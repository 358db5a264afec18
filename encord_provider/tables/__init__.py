"""Tables of metadata, of frames and of embeddings: CSV, JSON Lines, Parquet, NumPy. No Airflow, no network."""

from encord_provider.tables.embeddings import read_embeddings
from encord_provider.tables.frames import FrameTable, Sampling, read_frames, with_frames
from encord_provider.tables.metadata_table import MetadataTable, read_table
from encord_provider.tables.reader import TableRow

__all__ = [
    "FrameTable",
    "MetadataTable",
    "Sampling",
    "TableRow",
    "read_embeddings",
    "read_frames",
    "read_table",
    "with_frames",
]
