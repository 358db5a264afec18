"""Media metadata and embeddings from tables, joined to the data units of their objects."""

import numpy as np
import pytest

from encord_provider.exceptions import MetadataTableError
from encord_provider.listing import ListedObject
from encord_provider.tables import read_embeddings, read_table
from encord_provider.upload_spec import to_data_items
from encord_provider.upload_spec.data_units import UploadSpec
from encord_provider.upload_spec.media_metadata import DICOM_TAGS
from tests.unit.upload_spec.builds import build as build_units

IMAGE = "file_size,height,width,mime_type"


def build(keys, **options):
    objects = [ListedObject(key, 5) for key in sorted(keys)]
    units, _ = build_units(objects, **options)
    return {unit.title: unit for unit in units}


def test_texts_of_a_csv_become_numbers_and_rows_may_name_urls():
    table = read_table(f"key,{IMAGE}\ns3://b/a.jpg,10,48,64,image/jpeg\n", source="m.csv")
    units = build(["a.jpg", "b.jpg"], media_metadata=table)
    assert units["a.jpg"].media_metadata == {
        "mime_type": "image/jpeg",
        "file_size": 10,
        "height": 48,
        "width": 64,
    }
    assert units["b.jpg"].media_metadata is None


def test_the_images_of_a_group_have_theirs_each():
    table = read_table(f"key,{IMAGE}\ng/2.jpg,10,48,64,image/jpeg\n", source="m.csv")
    (unit,) = build(["g/10.jpg", "g/2.jpg"], media="image_group", media_metadata=table).values()
    (group,) = to_data_items(UploadSpec(units=(unit,)))["imageGroups"]
    assert [image.get("imageMetadata", {}).get("width") for image in group["images"]] == [64, None]


def test_the_files_of_a_series_have_tags():
    tags = dict.fromkeys(sorted(DICOM_TAGS))
    lines = (
        f'{{"key": "s/1.dcm", "tags": {{{", ".join(f"{chr(34)}{tag}{chr(34)}: null" for tag in tags)}}}}}\n'
    )
    (unit,) = build(["s/1.dcm"], media_metadata=read_table(lines, source="m.jsonl")).values()
    assert unit.file_metadata == ({"tags": tags},)


def test_a_type_without_media_metadata_takes_none():
    table = read_table(f"key,{IMAGE}\nv.nii,10,48,64,x/y\n", source="m.csv")
    assert build(["v.nii"], media_metadata=table)["v.nii"].media_metadata is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("key,height,width\na.jpg,48,64\n", r"m.csv, line 2, row 'a.jpg': .*lacks mime_type, file_size"),
        (f"key,{IMAGE}\na.jpg,10,48,6.5,image/jpeg\n", r"m.csv, line 2, .*'width' must be a whole number"),
    ],
)
def test_a_row_that_says_half_is_an_error_with_its_line(text, message):
    with pytest.raises(MetadataTableError, match=message):
        build(["a.jpg"], media_metadata=read_table(text, source="m.csv"))


def test_tags_that_are_no_object_are_an_error():
    table = read_table('{"key": "s/1.dcm", "tags": "00080018"}\n', source="m.jsonl")
    with pytest.raises(MetadataTableError, match=r"line 1, .*'tags' must be an object"):
        build(["s/1.dcm"], media_metadata=table)


def test_embeddings_join_what_the_metadata_table_says(tmp_path):
    np.save(tmp_path / "e.npy", np.array([[1.0, 2.0]]))
    embeddings = read_embeddings(tmp_path / "e.npy", keys=["s3://b/a.jpg"], name="clip")
    table = read_table("key,site\na.jpg,oslo\n", source="t.csv")
    units = build(["a.jpg", "b.jpg"], metadata=table, embeddings=embeddings)
    assert units["a.jpg"].client_metadata == {"site": "oslo", "clip": [1.0, 2.0]}
    assert units["b.jpg"].client_metadata == {}


@pytest.mark.parametrize("digits", ["1" * 5000, "inf", "nan"])
@pytest.mark.parametrize("column", ["fps", "width"])
def test_a_number_that_is_none_is_named(column, digits):
    values = {"fps": "1", "duration": "1", "width": "1", "height": "1", "file_size": "1", "mime_type": "x"}
    values[column] = digits
    text = f"key,{','.join(values)}\na.mp4,{','.join(values.values())}\n"
    with pytest.raises(MetadataTableError, match=rf"t\.csv, line 2, row 'a\.mp4': '{column}' must be a"):
        build_units([ListedObject("a.mp4", 1)], media_metadata=read_table(text, source="t.csv"))
