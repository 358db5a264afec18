"""The structured form equals what Encord's own SDK makes of the same data units."""
# ruff: noqa: TID253  (a test may import what the package must not)

import pytest
from encord.orm.storage import (
    CustomerProvidedAudioMetadata,
    CustomerProvidedDicomSeriesDicomFileMetadata,
    CustomerProvidedImageMetadata,
    CustomerProvidedPdfMetadata,
    CustomerProvidedTextMetadata,
    CustomerProvidedVideoMetadata,
    DataUploadAudio,
    DataUploadDicomSeries,
    DataUploadDicomSeriesDicomFile,
    DataUploadImage,
    DataUploadImageGroup,
    DataUploadImageGroupImage,
    DataUploadItems,
    DataUploadNifti,
    DataUploadPDF,
    DataUploadScene,
    DataUploadText,
    DataUploadTimeSeries,
    DataUploadVideo,
)

from encord_provider.upload_spec import MEDIA_TYPES, DataUnit, UploadSpec, to_data_items
from encord_provider.upload_spec.media_metadata import DICOM_TAGS

URL = "https://h/file"
METADATA = {"site": "oslo", "nothing": None, "deep": {"list": [1, None]}}
VIDEO = {"fps": 25, "duration": 29.5, "width": 12, "height": 7, "file_size": 54, "mime_type": "video/mp4"}
IMAGE = {"mime_type": "image/png", "file_size": 5, "height": 2, "width": 3}
AUDIO = {
    **{"duration": 1.5, "file_size": 5, "mime_type": "audio/mpeg", "sample_rate": 44100, "bit_depth": 16},
    **{"codec": "mp3", "num_channels": 2},
}
TEXT = {"file_size": 1, "mime_type": "text/plain"}
PDF = {"file_size": 1, "num_pages": 2}
TAGS = {**dict.fromkeys(sorted(DICOM_TAGS)), "00280010": {"vr": "US", "Value": [512]}}
SCENE = {"lidar": {"type": "pcd", "events": [{"uri": "s3://b/1.pcd"}]}}
SETTINGS = {"channels": {"temp": {"label": "T", "hidden": False, "style": "line", "lineWidth": 2.0}}}


def unit(media_type, urls=(URL,), **fields):
    return DataUnit(media_type=MEDIA_TYPES[media_type], urls=urls, **fields)


def group(**fields):
    return DataUploadImageGroup(
        images=[
            DataUploadImageGroupImage(url="s3://b/0"),
            DataUploadImageGroupImage(url="s3://b/1", **fields),
        ],
        title="t",
        client_metadata=METADATA,
    )


CASES = {
    "video": (unit("video", media_metadata=VIDEO, client_metadata=METADATA), "videos",
              DataUploadVideo(object_url=URL, client_metadata=METADATA,
                              video_metadata=CustomerProvidedVideoMetadata(**VIDEO))),
    "image": (unit("image", title="i", media_metadata=IMAGE), "images",
              DataUploadImage(object_url=URL, title="i", image_metadata=CustomerProvidedImageMetadata(**IMAGE))),
    "image without anything": (unit("image"), "images", DataUploadImage(object_url=URL)),
    "image group": (unit("image_group", ("s3://b/0", "s3://b/1"), title="t", client_metadata=METADATA),
                    "image_groups", group()),
    "image group with metadata per file": (
        unit("image_group", ("s3://b/0", "s3://b/1"), title="t", client_metadata=METADATA,
             file_metadata=(None, IMAGE)),
        "image_groups", group(image_metadata=CustomerProvidedImageMetadata(**IMAGE))),
    "image sequence": (unit("image_sequence", ("s3://b/0", "s3://b/1"), title="t", client_metadata=METADATA),
                       "image_groups", group().model_copy(update={"create_video": True})),
    "DICOM series": (
        unit("dicom_series", ("s3://b/0", "s3://b/1"), title="t", file_metadata=({"tags": TAGS}, None)),
        "dicom_series",
        DataUploadDicomSeries(title="t", dicom_files=[
            DataUploadDicomSeriesDicomFile(
                url="s3://b/0", title="0",
                dicom_metadata=CustomerProvidedDicomSeriesDicomFileMetadata(tags=TAGS)),
            DataUploadDicomSeriesDicomFile(url="s3://b/1", title="1")])),
    "audio": (unit("audio", media_metadata=AUDIO), "audio",
              DataUploadAudio(object_url=URL, audio_metadata=CustomerProvidedAudioMetadata(**AUDIO))),
    "text": (unit("text", media_metadata=TEXT), "text",
             DataUploadText(object_url=URL, text_metadata=CustomerProvidedTextMetadata(**TEXT))),
    "PDF": (unit("pdf", media_metadata=PDF), "pdf",
            DataUploadPDF(object_url=URL, pdf_metadata=CustomerProvidedPdfMetadata(**PDF))),
    "NIfTI": (unit("nifti", title="n"), "nifti", DataUploadNifti(object_url=URL, title="n")),
    "scene": (unit("scene", ("s3://b/1.pcd",), title="s", fields={"scene": SCENE}), "scenes",
              DataUploadScene(title="s", scene=SCENE)),
    "time series": (unit("time_series", fields={"settings": SETTINGS}), "time_series",
                    DataUploadTimeSeries(object_url=URL, settings=SETTINGS)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_structured_form_is_the_one_of_the_sdk(case):
    ours, name, theirs = CASES[case]
    items = DataUploadItems(**{name: [theirs], "skip_duplicate_urls": True})
    assert to_data_items(UploadSpec(units=(ours,), skip_duplicate_urls=True)) == items.to_dict()


def test_create_video_is_always_explicit():
    spec = UploadSpec(units=(unit("image_group", title="a"), unit("image_sequence", title="b")))
    assert [one["createVideo"] for one in to_data_items(spec)["imageGroups"]] == [False, True]


def test_metadata_of_what_is_already_there_is_not_refreshed():
    assert to_data_items(UploadSpec(units=()))["upsertMetadata"] is False


@pytest.mark.parametrize(
    ("media_type", "model"),
    [
        ("video", CustomerProvidedVideoMetadata),
        ("image", CustomerProvidedImageMetadata),
        ("audio", CustomerProvidedAudioMetadata),
        ("text", CustomerProvidedTextMetadata),
        ("pdf", CustomerProvidedPdfMetadata),
    ],
)
def test_the_fields_of_media_metadata_are_those_of_the_sdk(media_type, model):
    theirs = {name: one.annotation for name, one in model.model_fields.items()}
    assert dict(MEDIA_TYPES[media_type].metadata_fields) == theirs
