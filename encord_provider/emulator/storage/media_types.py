"""The media types: one record each, from which everything that depends on the type of an item follows.

Extensions and MIME types are those of Encord's documentation.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from encord_provider.emulator.core.errors import MalformedRequestError
from encord_provider.emulator.storage.media_metadata import (
    DicomMetadata,
    MediaMetadata,
    TypedMetadata,
    time_series_settings,
)

_UNTELLING = {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
_BINARY = "application/octet-stream"


@dataclass(frozen=True, kw_only=True, eq=False)
class MediaType:
    """One type of storage item.

    :param name: spelled as on the wire.
    :param older_name: what the older API calls this type of data.
    :param phrase: with its article, for messages.
    :param action: what Encord does with a unit of it, as unit errors say.
    :param counted_as: under which name a folder's summary counts it, or ``None``.
    :param files: extension in lower case with its dot -> MIME type.
    :param also_takes: names of other types whose files are taken for this one as well, if registered so.
    :param also_takes_mime: beginning of other MIME types that are taken too; empty for none.
    :param is_synced: whether a cloud-synced folder takes such files.
    :param checks_files: whether extension and content type decide that a file is refused.
    :param has_file: whether the item is a file that can be read.
    :param is_image: whether it can be shown as an image and grouped.
    :param is_video: whether it can be re-encoded.
    :param array: name of its list in an upload spec, or ``None`` if it cannot be uploaded on its own.
    :param manifest_array: another name of that list in the JSON that users upload.
    :param items_array: name of the list for units that are made of registered items.
    :param metadata: media metadata that a unit may bring, or ``None``.
    :param read_settings: reads from a unit what the item keeps in addition.
    :param urls_in: name of the object in a unit that holds URLs anywhere, instead of ``objectUrl``.
    :param members: name of the type of its files, if it is a group of files; they are hidden from listings.
    :param members_key: name of the list of these files in the structured form of a unit.
    :param refused_members: extensions that its files may not have.
    :param from_members: media fields that a group takes over from its first file.
    :param frame_rate: frames per second of a group that Encord makes a video of, else ``None``.
    :param as_video: name of the type that a unit has if it says ``createVideo``.
    :param optimised: for groups of images: whether a video is made of them; else ``None``.
    :param settings: further fields of an item that a patch can set.
    :param shown_settings: those of them that items show.
    """

    name: str
    older_name: str
    phrase: str = ""
    action: str = "Uploading data"
    counted_as: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    also_takes: tuple[str, ...] = ()
    also_takes_mime: str = ""
    is_synced: bool = False
    checks_files: bool = True
    has_file: bool = True
    is_image: bool = False
    is_video: bool = False
    array: str | None = None
    manifest_array: str | None = None
    items_array: str | None = None
    metadata: MediaMetadata | None = None
    read_settings: Callable[[Mapping[str, Any]], dict[str, Any] | None] = lambda _: None
    urls_in: str | None = None
    members: str | None = None
    members_key: str = ""
    refused_members: frozenset[str] = frozenset()
    from_members: tuple[str, ...] = ("width", "height")
    frame_rate: float | None = None
    as_video: str | None = None
    optimised: bool | None = None
    settings: tuple[str, ...] = ()
    shown_settings: tuple[str, ...] = ()

    def as_row(self) -> str:
        """Its name, which stands for it in a snapshot."""
        return self.name

    @classmethod
    def from_row(cls, name: str) -> MediaType:
        """The type of that name."""
        return MEDIA_TYPES[name]

    def mismatch(self, name: str, content_type: str | None) -> str | None:
        """Why a file cannot be registered as this, or ``None`` if nothing speaks against it.

        :param name: key or file name; its extension decides.
        :param content_type: what the storage says, used only if the extension is unknown.
        """
        if not self.checks_files:
            return None
        expected = MEDIA_TYPES[self.members] if self.members else self
        extension = MEDIA_TYPES.extension_of(name)
        known = MEDIA_TYPES.by_extension.get(extension)
        if known is not None:
            fits = known is expected or known.name in expected.also_takes
            if fits and extension not in self.refused_members:
                return None
            return expected._instead_of(known.files[extension])
        found = mimetypes.guess_type(name)[0] or ""
        said = (content_type or "").partition(";")[0].strip()
        if not found and said not in _UNTELLING:
            found = said
        text_like = expected.also_takes_mime and found.startswith(expected.also_takes_mime)
        if not found or text_like or found in expected.files.values():
            return None
        return expected._instead_of(found)

    def _instead_of(self, found: str) -> str:
        return f"Expected {self.phrase or self.name}, got a file of type {found}"


class MediaTypes:
    """All media types, by name.

    :ivar by_extension: extension -> the type of such a file.
    :ivar by_array: name of a list in an upload spec -> the type of its units.
    :ivar aliases: other names of these lists in the JSON that users upload -> the name in ``by_array``.
    :ivar item_fields: the media fields of all items, each ``None``, because clients insist on every one.
    """

    def __init__(self, records: Iterable[MediaType]) -> None:
        self._records = {record.name: record for record in records}
        self._arrange()

    def __iter__(self) -> Iterator[MediaType]:
        return iter(self._records.values())

    def __getitem__(self, name: str) -> MediaType:
        return self._records[name]

    def add(self, record: MediaType) -> None:
        """Take in a type."""
        self._records[record.name] = record
        self._arrange()

    def remove(self, record: MediaType) -> None:
        """Forget a type."""
        del self._records[record.name]
        self._arrange()

    def parse(self, name: str, where: tuple[str | int, ...]) -> MediaType:
        """The type that a client names.

        :param where: where the name stands in the request, for the message.
        :raises MalformedRequestError: there is none of that name.
        """
        if name not in self._records:
            raise MalformedRequestError(where, f"expected one of {', '.join(self._records)}")
        return self._records[name]

    def extension_of(self, name: str) -> str:
        """The extension of a file name or key, in lower case with its dot; ``.nii.gz`` counts as one."""
        file_name = name.rsplit("/", 1)[-1].lower()
        for extension in self._compound:
            if file_name.endswith(extension):
                return extension
        return f".{file_name.rsplit('.', 1)[1]}" if "." in file_name else ""

    def of_file(self, name: str) -> MediaType | None:
        """The type that a cloud-synced folder gives to a file of this name, or ``None`` if it does not take it.

        Source: Encord's page on registering cloud data by cloud sync: images, videos, audio, PDF, text and HTML.
        """
        found = self.by_extension.get(self.extension_of(name))
        return found if found is not None and found.is_synced else None

    def mime_type_of(self, name: str) -> str | None:
        """The MIME type by extension, or ``None``."""
        extension = self.extension_of(name)
        known = self.by_extension.get(extension)
        return known.files[extension] if known else mimetypes.guess_type(name)[0]

    def _arrange(self) -> None:
        self.by_extension = {extension: record for record in self for extension in record.files}
        self._compound = [extension for extension in self.by_extension if extension.count(".") > 1]
        arrays = [(name, record) for record in self for name in (record.array, record.items_array)]
        self.by_array = {name: record for name, record in arrays if name}
        self.aliases = {
            record.manifest_array: record.array for record in self if record.manifest_array and record.array
        }
        self.members_keys = {record.members_key for record in self if record.members}
        self.settings = [name for record in self for name in record.settings]
        self.shown_settings = [name for record in self for name in record.shown_settings]
        fields = [name for record in self if record.metadata for name in record.metadata.item_fields]
        self.item_fields: dict[str, Any] = dict.fromkeys(
            name for name in [*fields, "frameCount"] if name not in ("fileSize", "mimeType")
        )


_FILE = {"fileSize": (int, "fileSize"), "mimeType": (str, "mimeType")}
_SIZE = {"width": (int, "width"), "height": (int, "height")}

MEDIA_TYPES = MediaTypes(
    [
        MediaType(
            name="video",
            is_synced=True,
            older_name="VIDEO",
            phrase="a video",
            action="Uploading video",
            counted_as="videos",
            array="videos",
            is_video=True,
            files={
                ".mp4": "video/mp4",
                ".mov": "video/quicktime",
                ".webm": "video/webm",
                ".mkv": "video/x-matroska",
            },
            metadata=TypedMetadata(
                "videoMetadata",
                {"fps": (float, "fps"), "duration": (float, "duration"), **_SIZE, **_FILE},
                derive=lambda media: {"frameCount": round(media["fps"] * media["duration"])},
            ),
        ),
        MediaType(
            name="image",
            is_synced=True,
            older_name="IMAGE",
            phrase="an image",
            action="Uploading image",
            counted_as="images",
            array="images",
            is_image=True,
            files={
                ".jpg": "image/jpeg",
                ".jpeg": "image/jpeg",
                ".png": "image/png",
                ".webp": "image/webp",
                ".avif": "image/avif",
                ".bmp": "image/bmp",
                ".tiff": "image/tiff",
                ".tif": "image/tiff",
            },
            metadata=TypedMetadata("imageMetadata", {**_FILE, **_SIZE}),
        ),
        MediaType(name="group", older_name="GROUP", has_file=False),
        MediaType(
            name="imageGroup",
            older_name="IMG_GROUP",
            action="Uploading image group",
            counted_as="imageGroups",
            array="imageGroups",
            manifest_array="image_groups",
            items_array="imageGroupsFromItems",
            has_file=False,
            members="image",
            members_key="images",
            as_video="imageSequence",
            optimised=False,
        ),
        MediaType(
            name="imageSequence",
            older_name="IMG_GROUP",
            action="Uploading image sequence",
            counted_as="imageSequences",
            members="image",
            members_key="images",
            refused_members=frozenset({".tiff", ".tif"}),
            frame_rate=1.0,
            optimised=True,
        ),
        MediaType(
            name="dicomFile",
            older_name="DICOM",
            phrase="a DICOM file",
            counted_as="dicomFiles",
            files={".dcm": "application/dicom"},
            metadata=DicomMetadata(
                "dicomMetadata",
                {
                    "dicomInstanceUid": "00080018",
                    "dicomStudyUid": "0020000D",
                    "dicomSeriesUid": "0020000E",
                    "height": "00280010",
                    "width": "00280011",
                },
            ),
        ),
        MediaType(
            name="dicomSeries",
            older_name="DICOM",
            action="Uploading DICOM series",
            counted_as="dicomSeries",
            array="dicomSeries",
            manifest_array="dicom_series",
            has_file=False,
            members="dicomFile",
            members_key="dicomFiles",
            from_members=("width", "height", "dicomStudyUid", "dicomSeriesUid"),
        ),
        MediaType(
            name="audio",
            is_synced=True,
            older_name="AUDIO",
            phrase="an audio file",
            action="Uploading audio",
            counted_as="audios",
            array="audio",
            files={".mp3": "audio/mpeg", ".wav": "audio/x-wav", ".flac": "audio/flac"},
            metadata=TypedMetadata(
                "audioMetadata",
                {
                    "duration": (float, "duration"),
                    **_FILE,
                    "sampleRate": (int, "audioSampleRate"),
                    "bitDepth": (int, "audioBitDepth"),
                    "codec": (str, "audioCodec"),
                    "numChannels": (int, "audioNumChannels"),
                },
            ),
        ),
        MediaType(
            name="timeseries",
            older_name="TIME_SERIES",
            phrase="a time series",
            action="Uploading time series",
            array="timeSeries",
            manifest_array="time_series",
            files={".csv": "text/csv"},
            read_settings=time_series_settings,
            settings=("timeseriesSettings",),
            shown_settings=("timeseriesSettings",),
        ),
        MediaType(
            name="nifti",
            older_name="NIFTI",
            phrase="a NIfTI file",
            action="Uploading NIfTI",
            counted_as="niftis",
            array="nifti",
            files={".nii": "application/nifti", ".nii.gz": "application/nifti"},
        ),
        MediaType(
            name="plainText",
            is_synced=True,
            older_name="PLAIN_TEXT",
            phrase="a text file",
            action="Uploading text file",
            counted_as="plainTexts",
            array="text",
            files={
                ".txt": "text/plain",
                ".html": "text/html",
                ".json": "application/json",
                ".xml": "application/xml",
                ".md": "text/markdown",
                ".log": "text/plain",
            },
            also_takes=("timeseries",),
            also_takes_mime="text/",
            metadata=TypedMetadata("textMetadata", _FILE),
        ),
        MediaType(
            name="pdf",
            is_synced=True,
            older_name="PDF",
            phrase="a PDF file",
            action="Uploading PDF",
            counted_as="pdfs",
            array="pdf",
            manifest_array="pdfs",
            files={".pdf": "application/pdf"},
            metadata=TypedMetadata(
                "pdfMetadata", {"fileSize": (int, "fileSize"), "numPages": (int, "frameCount")}
            ),
        ),
        MediaType(
            name="scene",
            older_name="SCENE",
            phrase="a scene file",
            action="Uploading scene",
            array="scenes",
            has_file=False,
            checks_files=False,
            urls_in="scene",
            files=dict.fromkeys((".pcd", ".ply", ".las", ".laz", ".e57", ".mcap", ".bag", ".db3"), _BINARY),
            settings=("sceneViewSettings", "sceneLayout"),
        ),
    ]
)
"""The media types of Encord. A new one is one record here."""
