import pytest

from encord_provider.upload_spec import MediaType, media_type_of


@pytest.mark.parametrize(
    ("key", "media_type"),
    [
        ("a/b.jpg", MediaType.IMAGE),
        ("a/b.JPEG", MediaType.IMAGE),
        ("b.tiff", MediaType.IMAGE),
        ("b.mkv", MediaType.VIDEO),
        ("b.MOV", MediaType.VIDEO),
        ("b.flac", MediaType.AUDIO),
        ("b.pdf", MediaType.PDF),
        ("b.html", MediaType.TEXT),
        ("b.json", MediaType.TEXT),
        ("scan.nii", MediaType.NIFTI),
        ("scan.NII.GZ", MediaType.NIFTI),
        ("ct/1.dcm", MediaType.DICOM_SERIES),
    ],
)
def test_an_extension_tells_the_media_type_in_any_case(key, media_type):
    assert media_type_of(key) is media_type


@pytest.mark.parametrize(
    "key", ["a/b.csv", "a/b.gz", "a/b", "a.jpg/b", "a/.jpg", "b.gif", "a.jpg.metadata.json"]
)
def test_nothing_is_guessed_from_other_names(key):
    assert media_type_of(key) is None
