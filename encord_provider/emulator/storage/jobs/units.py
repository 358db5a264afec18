"""Units of an upload job: one video, image, group, sequence, series, document or scene each."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.storage.media_types import ItemType


class File:
    """One file of a unit.

    :param url: its object URL, or the object key of a local upload.
    :param title: its own name inside a group.
    :param placeholder: UUID given out with the upload URL of a local file, or ``None``.
    :param media: fields that the item takes over, because the client said what the file holds.
    """

    __slots__ = ("media", "placeholder", "title", "url")

    def __init__(
        self,
        *,
        url: str,
        title: str | None = None,
        placeholder: str | None = None,
        media: dict[str, Any] | None = None,
    ) -> None:
        self.url = url
        self.title = title
        self.placeholder = placeholder
        self.media = media


class Unit:
    """One unit of an upload job.

    :ivar metadata: custom metadata as JSON text.
    :ivar from_items: UUIDs of registered images to make a group of, instead of files.
    :ivar extra: what only some types have (a scene's description, a time series' channels).
    :ivar problem: why the unit cannot succeed, if that was already clear when it was sent.
    """

    __slots__ = ("extra", "files", "from_items", "metadata", "problem", "title", "type")

    def __init__(self, *, type: ItemType) -> None:
        self.type = type
        self.title: str | None = None
        self.metadata = "{}"
        self.files: list[File] = []
        self.from_items: list[str] | None = None
        self.extra: dict[str, Any] | None = None
        self.problem: str | None = None

    @property
    def urls(self) -> list[str]:
        """Object URLs of all its files."""
        return [file.url for file in self.files]

    def url_key(self) -> str | None:
        """Under which text the unit is found again: its URL, or all URLs of a group in any order."""
        urls = [file.url for file in self.files if not file.placeholder]
        if not urls:
            return None
        return "\n" + "\n".join(sorted(urls)) if self.is_group else urls[0]

    @property
    def is_group(self) -> bool:
        """Whether the unit becomes an item with children."""
        return self.type in (ItemType.IMAGE_GROUP, ItemType.IMAGE_SEQUENCE, ItemType.DICOM_SERIES)
