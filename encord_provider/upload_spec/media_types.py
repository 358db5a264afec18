"""The kinds of data that Encord registers: one record for each, and everything that differs between them.

Source of the extensions: Encord's page on supported data. Encord calls its list of text formats open, so only the
text formats that name themselves are told by their extension; the rest is left to the user. Source of the names in
Encord's structured form, and of the fields of media metadata: the classes of Encord's SDK.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

SIDECAR_SUFFIX = ".metadata.json"
"""Files that end like this carry the metadata of the file they stand beside; they are never data units."""


class DicomTags(dict[str, Any]):
    """The type of a field of media metadata that holds the tags of a DICOM file."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MediaType:
    """A kind of data unit.

    :param name: its name, as users write it and as counts show it.
    :param array: the array of Encord's JSON form in which its units stand. Types that share one differ in
        ``create_video``.
    :param wire_list: the list of the structured form (``dataItems``) in which its units stand.
    :param external_file_type: its ``externalFileType`` in the structured form.
    :param extensions: the extensions, in lower case and with the dot, that tell an object's type.
    :param also_taken: a regular expression for further extensions of objects that are taken when the user names
        this type; objects without an extension always are. None for no others.
    :param from_objects: whether its units can be built from listed objects.
    :param files_type: for a type that is made of files of another type the name of that type.
    :param files_list: the list of files in the structured form, for a type whose units are several files in order.
    :param files_titled: whether the structured form needs a title for each file.
    :param urls_in: the object field that names the unit's files, for a type that has no ``objectUrl``.
    :param object_fields: the fields that only this type has and that hold an object; passed through.
    :param metadata_key: the key of media metadata in the JSON form; where a unit is several files there is one for
        each of them, followed by ``_`` and its position. None for a type without media metadata.
    :param metadata_fields: the fields of media metadata, all of them required: fps in frames per second, duration
        in seconds, file_size in bytes, sample_rate in hertz, bit_depth in bits, width and height in pixels.
    :param create_video: the value that is written as ``createVideo``; None to write none.
    :param takes_create_video: whether ``createVideo`` may be read in its JSON form.
    :param csv_title: the title column that starts a section of this type in Encord's CSV form.
    :param title_required: whether each unit needs a title.
    :param has_frames: whether Encord samples frames of it, so that metadata of single frames can be given.
    :param units_per_part: how many units a part holds by default, where that is fewer than of other types.
    """

    name: str
    array: str
    wire_list: str
    external_file_type: str
    extensions: tuple[str, ...] = ()
    also_taken: re.Pattern[str] | None = None
    from_objects: bool = True
    files_type: str | None = None
    files_list: str | None = None
    files_titled: bool = False
    urls_in: str | None = None
    object_fields: tuple[str, ...] = ()
    metadata_key: str | None = None
    metadata_fields: Mapping[str, type] = field(default_factory=dict)
    create_video: bool | None = None
    takes_create_video: bool = False
    csv_title: str | None = None
    title_required: bool = False
    has_frames: bool = False
    units_per_part: int | None = None

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"MediaType({self.name!r})"

    @property
    def is_grouped(self) -> bool:
        """Whether one data unit of this type is made of several files in order."""
        return self.files_list is not None


class MediaTypes(Mapping[str, MediaType]):
    """The known media types by name, and what they are looked up by besides.

    :param records: the media types, in the order in which their arrays are written.
    """

    def __init__(self, records: Iterable[MediaType]) -> None:
        self._by_name = {one.name: one for one in records}
        self._by_extension = {
            extension: one for one in self._by_name.values() for extension in one.extensions
        }
        self._compound = tuple(one for one in self._by_extension if one.count(".") > 1)
        arrays: dict[str, tuple[MediaType, ...]] = {}
        for one in self._by_name.values():
            arrays[one.array] = (*arrays.get(one.array, ()), one)
        self.arrays: Mapping[str, tuple[MediaType, ...]] = MappingProxyType(arrays)
        """The arrays of Encord's JSON form, each with the types that stand in it."""

    def __getitem__(self, name: str) -> MediaType:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def extension_of(self, key: str) -> str:
        """Find the extension of a key's last segment.

        :param key: an object key or a file name.
        :returns: in lower case and with its dot, for example ``".jpg"``; ``".nii.gz"`` counts as one extension;
            ``""`` when there is none.
        """
        return self._extension(key.rpartition("/")[2].lower())

    def _extension(self, name: str) -> str:
        if name.endswith(self._compound):
            return next(one for one in self._compound if name.endswith(one))
        stem, dot, last = name.rpartition(".")
        return f".{last}" if dot and stem else ""

    def of_key(self, key: str) -> MediaType | None:
        """Tell the media type of an object from its extension, in any case.

        A CSV file may be a time series, a table or text, so it has no type of its own: the user says which.

        :param key: an object key or a file name.
        :returns: the type, or None for a sidecar (``*.metadata.json``) and for any extension that is not in
            Encord's list of supported data.
        """
        return self.of_name(key.rpartition("/")[2].lower())

    def of_name(self, name: str) -> MediaType | None:
        """Tell the media type of an object, see :meth:`of_key`.

        :param name: the last segment of its key, in lower case.
        :returns: the type, or None.
        """
        return None if name.endswith(SIDECAR_SUFFIX) else self._by_extension.get(self._extension(name))


_IMAGE_FIELDS = MappingProxyType({"mime_type": str, "file_size": int, "height": int, "width": int})

MEDIA_TYPES = MediaTypes(
    [
        MediaType(
            name="video",
            array="videos",
            wire_list="videos",
            external_file_type="VIDEO",
            extensions=(".mp4", ".mov", ".webm", ".mkv"),
            metadata_key="videoMetadata",
            metadata_fields=MappingProxyType(
                {
                    "fps": float,
                    "duration": float,
                    "width": int,
                    "height": int,
                    "file_size": int,
                    "mime_type": str,
                }
            ),
            takes_create_video=True,
            csv_title="Video title",
            has_frames=True,
            units_per_part=100,  # Source: Encord's best practices (100 videos per upload).
        ),
        MediaType(
            name="image",
            array="images",
            wire_list="images",
            external_file_type="IMAGE",
            extensions=(".jpeg", ".jpg", ".png", ".webp", ".avif", ".bmp", ".tiff", ".tif"),
            metadata_key="imageMetadata",
            metadata_fields=_IMAGE_FIELDS,
            takes_create_video=True,
            csv_title="Image title",
        ),
        MediaType(
            name="image_group",
            array="image_groups",
            wire_list="imageGroups",
            external_file_type="IMG_GROUP",
            files_type="image",
            files_list="images",
            metadata_key="imageMetadata",
            metadata_fields=_IMAGE_FIELDS,
            create_video=False,
            takes_create_video=True,
            csv_title="Image group title",
            title_required=True,
        ),
        MediaType(
            name="image_sequence",
            array="image_groups",
            wire_list="imageGroups",
            external_file_type="IMG_GROUP",
            files_type="image",
            files_list="images",
            metadata_key="imageMetadata",
            metadata_fields=_IMAGE_FIELDS,
            create_video=True,
            takes_create_video=True,
            title_required=True,
        ),
        MediaType(
            name="dicom_series",
            array="dicom_series",
            wire_list="dicomSeries",
            external_file_type="DICOM",
            extensions=(".dcm",),
            # A name that ends in a UID has its last number for an extension.
            also_taken=re.compile(r"\.(dicom|dic|ima|[0-9]+)"),
            files_list="dicomFiles",
            # The SDK's class for a DICOM file demands one, unlike that for an image of a group.
            files_titled=True,
            metadata_key="dicomMetadata",
            metadata_fields=MappingProxyType({"tags": DicomTags}),
            takes_create_video=True,
            csv_title="Series title",
            title_required=True,
        ),
        MediaType(
            name="audio",
            array="audio",
            wire_list="audio",
            external_file_type="AUDIO",
            extensions=(".mp3", ".wav", ".flac"),
            metadata_key="audioMetadata",
            metadata_fields=MappingProxyType(
                {
                    "duration": float,
                    "file_size": int,
                    "mime_type": str,
                    "sample_rate": int,
                    "bit_depth": int,
                    "codec": str,
                    "num_channels": int,
                }
            ),
        ),
        MediaType(
            name="pdf",
            array="pdfs",
            wire_list="pdf",
            external_file_type="PDF",
            extensions=(".pdf",),
            metadata_key="pdfMetadata",
            metadata_fields=MappingProxyType({"file_size": int, "num_pages": int}),
        ),
        MediaType(
            name="text",
            array="text",
            wire_list="text",
            external_file_type="PLAIN_TEXT",
            extensions=(".txt", ".html", ".htm", ".json", ".xml", ".md"),
            also_taken=re.compile(r".+"),
            metadata_key="textMetadata",
            metadata_fields=MappingProxyType({"file_size": int, "mime_type": str}),
        ),
        MediaType(
            name="nifti",
            array="nifti",
            wire_list="nifti",
            external_file_type="NIFTI",
            extensions=(".nii", ".nii.gz"),
        ),
        MediaType(
            name="scene",
            array="scenes",
            wire_list="scenes",
            external_file_type="SCENE",
            from_objects=False,
            urls_in="scene",
            object_fields=("scene",),
            title_required=True,
        ),
        MediaType(
            name="time_series",
            array="time_series",
            wire_list="timeSeries",
            external_file_type="TIMESERIES",
            also_taken=re.compile(r"\.csv"),
            object_fields=("settings",),
        ),
    ]
)
"""Every media type that Encord registers."""
