"""How listed objects become data units."""

from __future__ import annotations

from dataclasses import dataclass, field

from encord_provider.listing.filters import ObjectFilter
from encord_provider.tables.frames import FrameTable, Sampling
from encord_provider.tables.metadata_table import MetadataTable
from encord_provider.upload_spec.key_pattern import KeyPattern
from encord_provider.upload_spec.titles import DEFAULT_TITLE

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What :func:`~encord_provider.upload_spec.build_units` makes of the objects it is given.

    :param media: ``auto`` tells each object's type from its extension, makes one series of each folder of DICOM
        files and leaves out the rest. The name of a media type takes the objects of that type (``image_group`` and
        ``image_sequence`` take images) and those without an extension; ``text`` also every extension that is
        no other type's, ``dicom_series`` also names that end in a UID, ``time_series`` CSV files.
    :param filters: leaves objects out by key, size, modification time or storage class.
    :param group_by: which files make one group, sequence or series, see
        :func:`~encord_provider.upload_spec.grouping.group_by_of`; by default those of one folder.
    :param title: the template of the titles, see :func:`~encord_provider.upload_spec.titles.check_template`; by
        default the whole key, for groups, sequences and series the name of the group.
    :param key_pattern: turns parts of the key into client metadata. A group, sequence or series gets the values
        that all its files share.
    :param metadata: a table with client metadata; its rows name objects by key or by object URL. Its values come
        before those of sidecars, and those before the key pattern's.
    :param embeddings: a table with custom embeddings of whole objects, for example from
        :func:`~encord_provider.tables.read_embeddings`; its columns join those of ``metadata``.
    :param frames: a table with metadata or embeddings of single frames of videos.
    :param sampling: which frames of videos Encord takes.
    :param media_metadata: a table with media metadata, see :mod:`encord_provider.upload_spec.media_table`.
    """

    media: str = AUTO
    filters: ObjectFilter = field(default_factory=ObjectFilter)
    group_by: str | None = None
    title: str = DEFAULT_TITLE
    key_pattern: KeyPattern | None = None
    metadata: MetadataTable | None = None
    embeddings: MetadataTable | None = None
    frames: FrameTable | None = None
    sampling: Sampling | None = None
    media_metadata: MetadataTable | None = None

    @property
    def tables(self) -> tuple[MetadataTable | FrameTable, ...]:
        """The tables that are given."""
        tables = (self.metadata, self.embeddings, self.media_metadata, self.frames)
        return tuple(one for one in tables if one is not None)
