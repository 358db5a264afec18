"""Which file is what: the supported extensions and MIME types of Encord's documentation."""

from __future__ import annotations

import mimetypes
from enum import StrEnum


class ItemType(StrEnum):
    """Type of a storage item, spelled as on the wire."""

    VIDEO = "video"
    IMAGE = "image"
    GROUP = "group"
    IMAGE_GROUP = "imageGroup"
    IMAGE_SEQUENCE = "imageSequence"
    DICOM_FILE = "dicomFile"
    DICOM_SERIES = "dicomSeries"
    AUDIO = "audio"
    TIMESERIES = "timeseries"
    NIFTI = "nifti"
    PLAIN_TEXT = "plainText"
    PDF = "pdf"
    SCENE = "scene"


_BY_EXTENSION: dict[str, tuple[ItemType, str]] = {
    ".jpg": (ItemType.IMAGE, "image/jpeg"),
    ".jpeg": (ItemType.IMAGE, "image/jpeg"),
    ".png": (ItemType.IMAGE, "image/png"),
    ".webp": (ItemType.IMAGE, "image/webp"),
    ".avif": (ItemType.IMAGE, "image/avif"),
    ".bmp": (ItemType.IMAGE, "image/bmp"),
    ".tiff": (ItemType.IMAGE, "image/tiff"),
    ".tif": (ItemType.IMAGE, "image/tiff"),
    ".mp4": (ItemType.VIDEO, "video/mp4"),
    ".mov": (ItemType.VIDEO, "video/quicktime"),
    ".webm": (ItemType.VIDEO, "video/webm"),
    ".mkv": (ItemType.VIDEO, "video/x-matroska"),
    ".mp3": (ItemType.AUDIO, "audio/mpeg"),
    ".wav": (ItemType.AUDIO, "audio/x-wav"),
    ".flac": (ItemType.AUDIO, "audio/flac"),
    ".pdf": (ItemType.PDF, "application/pdf"),
    ".dcm": (ItemType.DICOM_FILE, "application/dicom"),
    ".nii": (ItemType.NIFTI, "application/nifti"),
    ".nii.gz": (ItemType.NIFTI, "application/nifti"),
    ".csv": (ItemType.TIMESERIES, "text/csv"),
    ".txt": (ItemType.PLAIN_TEXT, "text/plain"),
    ".html": (ItemType.PLAIN_TEXT, "text/html"),
    ".json": (ItemType.PLAIN_TEXT, "application/json"),
    ".xml": (ItemType.PLAIN_TEXT, "application/xml"),
    ".md": (ItemType.PLAIN_TEXT, "text/markdown"),
    ".log": (ItemType.PLAIN_TEXT, "text/plain"),
    ".pcd": (ItemType.SCENE, "application/octet-stream"),
    ".ply": (ItemType.SCENE, "application/octet-stream"),
    ".las": (ItemType.SCENE, "application/octet-stream"),
    ".laz": (ItemType.SCENE, "application/octet-stream"),
    ".e57": (ItemType.SCENE, "application/octet-stream"),
    ".mcap": (ItemType.SCENE, "application/octet-stream"),
    ".bag": (ItemType.SCENE, "application/octet-stream"),
    ".db3": (ItemType.SCENE, "application/octet-stream"),
}
_NO_SEQUENCE = {".tiff", ".tif"}
_UNTELLING = {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
_WITH_ARTICLE = {
    ItemType.VIDEO: "a video",
    ItemType.IMAGE: "an image",
    ItemType.AUDIO: "an audio file",
    ItemType.PDF: "a PDF file",
    ItemType.DICOM_FILE: "a DICOM file",
    ItemType.NIFTI: "a NIfTI file",
    ItemType.PLAIN_TEXT: "a text file",
    ItemType.TIMESERIES: "a time series",
    ItemType.SCENE: "a scene file",
}


def extension_of(name: str) -> str:
    """The extension of a file name or key, in lower case with its dot; ``.nii.gz`` counts as one."""
    file_name = name.rsplit("/", 1)[-1].lower()
    if file_name.endswith(".nii.gz"):
        return ".nii.gz"
    return f".{file_name.rsplit('.', 1)[1]}" if "." in file_name else ""


def item_type_of(name: str) -> ItemType | None:
    """The type that a cloud-synced folder gives to a file of this name, or ``None`` if Encord does not take it."""
    known = _BY_EXTENSION.get(extension_of(name))
    return known[0] if known else None


def mime_type_of(name: str) -> str | None:
    """The MIME type by extension, or ``None``."""
    known = _BY_EXTENSION.get(extension_of(name))
    return known[1] if known else mimetypes.guess_type(name)[0]


def mismatch(
    expected: ItemType, name: str, content_type: str | None, *, sequence: bool = False
) -> str | None:
    """Why the file cannot be registered as ``expected``, or ``None`` if nothing speaks against it.

    :param name: key or file name; its extension decides.
    :param content_type: what the storage says, used only if the extension is unknown.
    :param sequence: the image is a frame of an image sequence, for which TIFF is not supported.
    """
    extension = extension_of(name)
    known = _BY_EXTENSION.get(extension)
    if known is not None:
        text_like = expected is ItemType.PLAIN_TEXT and known[0] is ItemType.TIMESERIES
        if (known[0] is expected or text_like) and not (sequence and extension in _NO_SEQUENCE):
            return None
        return _expected(expected, known[1])
    found = mimetypes.guess_type(name)[0] or ""
    if not found and (content_type or "").partition(";")[0].strip() not in _UNTELLING:
        found = (content_type or "").partition(";")[0].strip()
    if not found or (expected is ItemType.PLAIN_TEXT and found.startswith("text/")):
        return None
    if any(found == mime and kind is expected for kind, mime in _BY_EXTENSION.values()):
        return None
    return _expected(expected, found)


def _expected(expected: ItemType, found: str) -> str:
    return f"Expected {_WITH_ARTICLE.get(expected, expected.value)}, got a file of type {found}"
