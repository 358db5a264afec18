"""Units of an upload job: one video, image, group, sequence, series, document or scene each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from encord_provider.emulator.storage.media_types import MediaType


@dataclass(slots=True, kw_only=True)
class File:
    """One file of a unit.

    :param url: its object URL, or the object key of a local upload.
    :param title: its own name inside a group.
    :param placeholder: UUID given out with the upload URL of a local file, or ``None``.
    :param media: fields that the item takes over, because the client said what the file holds.
    """

    url: str
    title: str | None = None
    placeholder: str | None = None
    media: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Unit:
    """One unit of an upload job.

    :param metadata: custom metadata as JSON text.
    :param from_items: UUIDs of registered images to make a group of, instead of files.
    :param extra: what only some types have (a scene's description, a time series' channels).
    :param problem: why the unit cannot succeed, if that was already clear when it was sent.
    """

    type: MediaType
    title: str | None = None
    metadata: str = "{}"
    files: list[File] = field(default_factory=list)
    from_items: list[str] | None = None
    extra: dict[str, Any] | None = None
    problem: str | None = None

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
        return self.type.members is not None


@dataclass(slots=True)
class Spec:
    """A parsed upload specification.

    :param units: what to register, in the order of the document.
    """

    units: list[Unit]
    skip_duplicate_urls: bool = False
    upsert_metadata: bool = False


class UnitFailedError(Exception):
    """A unit cannot be registered; the text says why."""
