import pytest

from encord_provider.upload_spec import MEDIA_TYPES


@pytest.mark.parametrize(
    ("key", "media_type"),
    [
        ("a/b.jpg", MEDIA_TYPES["image"]),
        ("a/b.JPEG", MEDIA_TYPES["image"]),
        ("b.tiff", MEDIA_TYPES["image"]),
        ("b.mkv", MEDIA_TYPES["video"]),
        ("b.MOV", MEDIA_TYPES["video"]),
        ("b.flac", MEDIA_TYPES["audio"]),
        ("b.pdf", MEDIA_TYPES["pdf"]),
        ("b.html", MEDIA_TYPES["text"]),
        ("b.json", MEDIA_TYPES["text"]),
        ("scan.nii", MEDIA_TYPES["nifti"]),
        ("scan.NII.GZ", MEDIA_TYPES["nifti"]),
        ("ct/1.dcm", MEDIA_TYPES["dicom_series"]),
    ],
)
def test_an_extension_tells_the_media_type_in_any_case(key, media_type):
    assert MEDIA_TYPES.of_key(key) is media_type


@pytest.mark.parametrize(
    "key", ["a/b.csv", "a/b.gz", "a/b", "a.jpg/b", "a/.jpg", "b.gif", "a.jpg.metadata.json"]
)
def test_nothing_is_guessed_from_other_names(key):
    assert MEDIA_TYPES.of_key(key) is None
