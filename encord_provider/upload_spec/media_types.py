"""The kinds of data that Encord registers, and how a file's name tells its kind.

Source of the extensions: Encord's page on supported data. Encord calls its list of text formats open, so
:func:`media_type_of` knows the text formats that name themselves and leaves the rest to the user.
"""

from __future__ import annotations

from enum import StrEnum


class MediaType(StrEnum):
    """A kind of data unit."""

    VIDEO = "video"
    IMAGE = "image"
    IMAGE_GROUP = "image_group"
    IMAGE_SEQUENCE = "image_sequence"
    DICOM_SERIES = "dicom_series"
    AUDIO = "audio"
    PDF = "pdf"
    TEXT = "text"
    NIFTI = "nifti"
    SCENE = "scene"
    TIME_SERIES = "time_series"

    @property
    def is_grouped(self) -> bool:
        """Whether one data unit of this type is made of several files in order."""
        return self in _GROUPED


_GROUPED = frozenset({MediaType.IMAGE_GROUP, MediaType.IMAGE_SEQUENCE, MediaType.DICOM_SERIES})

SIDECAR_SUFFIX = ".metadata.json"
"""Files that end like this carry the metadata of the file they stand beside; they are never data units."""

_BY_EXTENSION = {
    **dict.fromkeys((".mp4", ".mov", ".webm", ".mkv"), MediaType.VIDEO),
    **dict.fromkeys((".jpeg", ".jpg", ".png", ".webp", ".avif", ".bmp", ".tiff", ".tif"), MediaType.IMAGE),
    ".dcm": MediaType.DICOM_SERIES,
    **dict.fromkeys((".mp3", ".wav", ".flac"), MediaType.AUDIO),
    ".pdf": MediaType.PDF,
    **dict.fromkeys((".txt", ".html", ".htm", ".json", ".xml", ".md"), MediaType.TEXT),
    **dict.fromkeys((".nii", ".nii.gz"), MediaType.NIFTI),
}


def extension_of(key: str) -> str:
    """Return the extension of a key's last segment, in lower case and with its dot.

    :param key: an object key or a file name.
    :returns: for example ``".jpg"``; ``".nii.gz"`` counts as one extension; ``""`` when there is none.
    """
    name = key.rpartition("/")[2].lower()
    if name.endswith(".nii.gz"):
        return ".nii.gz"
    stem, dot, last = name.rpartition(".")
    return f".{last}" if dot and stem else ""


def media_type_of(key: str) -> MediaType | None:
    """Tell the media type of an object from its extension, in any case.

    A CSV file may be a time series, a table or text, so it has no type of its own: say which with ``media``.

    :param key: an object key or a file name.
    :returns: the type, or None for a sidecar (``*.metadata.json``) and for any extension that is not in
        Encord's list of supported data.
    """
    if key.lower().endswith(SIDECAR_SUFFIX):
        return None
    return _BY_EXTENSION.get(extension_of(key))
