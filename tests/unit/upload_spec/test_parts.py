import hashlib
import json
import tracemalloc
from types import MappingProxyType

import pytest
from airflow.sdk import ObjectStoragePath
from upath import UPath

from encord_provider.exceptions import UploadSpecError
from encord_provider.listing import ListedObject
from encord_provider.upload_spec import (
    MEDIA_TYPES,
    BuildOptions,
    DataUnit,
    Skipped,
    build_units,
    parts,
    read_index,
    read_part,
    write_parts,
)
from encord_provider.upload_spec.media_metadata import DICOM_TAGS


def images(count, **fields):
    return (
        DataUnit(media_type=MEDIA_TYPES["image"], urls=(f"s3://b/{one:07d}.jpg",), **fields)
        for one in range(count)
    )


def videos(count):
    return (DataUnit(media_type=MEDIA_TYPES["video"], urls=(f"s3://b/{one}.mp4",)) for one in range(count))


def test_parts_skipped_objects_and_index_are_written_and_read_back(tmp_path):
    index = write_parts(images(5), tmp_path, max_units_per_part=2, skipped=[Skipped("a b", "empty object")])
    folder = tmp_path / "spec"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("index.json", "part-00000.json", "part-00001.json", "part-00002.json", "skipped.jsonl"),
    ]
    assert [part.units for part in index.parts] == [2, 2, 1]
    assert (index.units, index.urls, index.counts, index.skipped) == (5, 5, {"image": 5}, 1)
    assert read_index(folder / "index.json") == index
    assert [json.loads(line) for line in (folder / "skipped.jsonl").read_text().splitlines()] == [
        {"key": "a b", "reason": "empty object"}
    ]
    units = [unit for part in index.parts for unit in read_part(folder / part.name, sha256=part.sha256).units]
    assert units == list(images(5))


@pytest.mark.parametrize("make", [UPath, ObjectStoragePath])
def test_a_workspace_may_be_any_object_storage_path(tmp_path, make):
    index = write_parts(images(3), make(tmp_path.as_uri()), max_units_per_part=2)
    assert read_index(make(index.uri)) == index
    units = [unit for part in index.parts for unit in read_part(make(part.uri), sha256=part.sha256).units]
    assert units == list(images(3))
    assert index.parts[0].uri == (tmp_path / "spec" / "part-00000.json").as_uri()


def test_a_part_is_the_json_that_encord_documents(tmp_path):
    unit = DataUnit(media_type=MEDIA_TYPES["image_group"], urls=("s3://b/0", "s3://b/1"), title="t")
    write_parts([unit, *videos(1)], tmp_path)
    assert json.loads((tmp_path / "spec" / "part-00000.json").read_bytes()) == {
        "videos": [{"objectUrl": "s3://b/0.mp4"}],
        "image_groups": [
            {"title": "t", "createVideo": False, "objectUrl_0": "s3://b/0", "objectUrl_1": "s3://b/1"}
        ],
        "skip_duplicate_urls": True,
    }


def test_the_index_says_what_is_in_the_files(tmp_path):
    index = write_parts(images(3), tmp_path, skip_duplicate_urls=False)
    data = (tmp_path / "spec" / "part-00000.json").read_bytes()
    assert (index.parts[0].sha256, index.parts[0].bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert index.parts[0].uri == (tmp_path / "spec" / "part-00000.json").as_uri()
    assert not index.skip_duplicate_urls
    assert not read_part(tmp_path / "spec" / "part-00000.json").skip_duplicate_urls


def test_the_same_units_give_the_same_bytes_anywhere(tmp_path):
    def write(where, order):
        unit = DataUnit(
            media_type=MEDIA_TYPES["image"],
            urls=("s3://b/a",),
            client_metadata={key: {"y": 1, "x": 2} for key in order},
        )
        write_parts([unit], where, skipped=[Skipped("k", "r")])
        return {path.name: path.read_bytes() for path in (where / "spec").iterdir()}

    assert write(tmp_path / "one", "ab") == write(tmp_path / "two", "ba")


def test_a_part_holds_1000_units_and_100_videos_by_default(tmp_path):
    index = write_parts([*videos(150), *images(1500)], tmp_path)
    assert [dict(part.counts) for part in index.parts] == [
        {"video": 100},
        {"image": 950, "video": 50},
        {"image": 550},
    ]


def test_limits_may_differ_by_type(tmp_path):
    limits = {"image": 10}
    index = write_parts([*images(25), *videos(5)], tmp_path, max_units_per_part=limits)
    assert [dict(part.counts) for part in index.parts] == [
        {"image": 10},
        {"image": 10},
        {"image": 5, "video": 5},
    ]


@pytest.mark.parametrize("limit", [0, -1, 500_001, True, {"video": 0}])
def test_an_impossible_limit_is_refused(tmp_path, limit):
    with pytest.raises(UploadSpecError, match="max_units_per_part must be from 1 to 500,000"):
        write_parts([], tmp_path, max_units_per_part=limit)
    assert list(tmp_path.iterdir()) == []


def test_a_limit_for_a_type_that_does_not_exist_names_it(tmp_path):
    with pytest.raises(UploadSpecError, match=r"max_units_per_part.*'movie'.*video, image"):
        write_parts([], tmp_path, max_units_per_part={"movie": 5})


def test_nothing_to_register_gives_an_index_without_parts(tmp_path):
    index = write_parts([], tmp_path)
    assert (index.parts, index.units) == ((), 0)
    assert read_index(tmp_path / "spec" / "index.json") == index


def series(files):
    return DataUnit(media_type=MEDIA_TYPES["dicom_series"], urls=("s3://b/k",) * files, title="t")


def test_a_part_holds_no_more_urls_than_one_file_may(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "MAX_URLS_PER_FILE", 10)
    index = write_parts([series(6), series(4), series(6), series(6)], tmp_path)
    assert [part.urls for part in index.parts] == [10, 6, 6]


def test_a_unit_holds_at_most_a_million_urls(tmp_path):
    assert parts.MAX_URLS_PER_FILE == 1_000_000
    with pytest.raises(UploadSpecError, match="1,000,001 object URLs in one unit, the limit is 1,000,000"):
        write_parts([series(1_000_001)], tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"urls": ("s3://b/a b",)}, "whitespace"),
        ({"urls": ("s3://b/" + "k" * 16384,)}, "an object URL of 16,391 bytes, the limit is 16,384"),
        ({"urls": ("a.jpg",)}, "is not an object URL"),
        ({"urls": ()}, "there is no object URL"),
        ({"urls": ("s3://b/a", "s3://b/b")}, "2 object URLs, but a unit of type image is one file"),
        ({"title": "t" * 301}, "a title of 301 characters, the limit is 300"),
        (
            {"client_metadata": {"k": "x" * 10 * 1024 * 1024}},
            "client metadata: 10,485,768 bytes, the limit is 10,485,760",
        ),
        ({"client_metadata": {"k": float("nan")}}, "nan is not a JSON number"),
        ({"client_metadata": {"k": ["\0"]}}, "NUL character"),
        ({"client_metadata": {"k": 2**70}}, "'k': an integer of 71 bits, the limit is 64"),
        ({"client_metadata": {1: "x"}}, "the key 1: it is not text"),
        ({"media_metadata": {"width": 1}}, "imageMetadata lacks mime_type, file_size, height"),
    ],
)
def test_what_encord_does_not_allow_is_refused_and_no_index_is_written(tmp_path, fields, message):
    unit = DataUnit(**{"media_type": MEDIA_TYPES["image"], "urls": ("s3://b/a",), **fields})
    with pytest.raises(UploadSpecError, match=message):
        write_parts([*images(1), unit], tmp_path)
    assert not (tmp_path / "spec" / "index.json").exists()


def test_a_part_that_changed_after_its_index_is_refused(tmp_path):
    index = write_parts(images(1), tmp_path)
    path = tmp_path / "spec" / "part-00000.json"
    path.write_bytes(path.read_bytes().replace(b"0000000", b"0000001"))
    with pytest.raises(
        UploadSpecError, match=r"part-00000.json: the part has changed since its index was written"
    ):
        read_part(path, sha256=index.parts[0].sha256)


def test_a_part_that_is_no_upload_spec_is_named(tmp_path):
    (tmp_path / "part-00000.json").write_text('{"videos": 1}')
    with pytest.raises(UploadSpecError, match=r"part-00000\.json"):
        read_part(tmp_path / "part-00000.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        UploadSpecError, match=r"index.json: there is no such file; build the upload spec first"
    ):
        read_index(tmp_path / "index.json")
    with pytest.raises(UploadSpecError, match=r"part-00000.json: there is no such file"):
        read_part(tmp_path / "part-00000.json")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 1}', "not json", '{"version": 1, "parts": [{}]}']
)
def test_another_file_is_no_index(tmp_path, text):
    path = tmp_path / "index.json"
    path.write_text(text)
    with pytest.raises(UploadSpecError, match="index of an upload spec"):
        read_index(path)


def test_an_index_of_a_later_version_says_so(tmp_path):
    path = tmp_path / "index.json"
    path.write_text('{"version": 2}')
    with pytest.raises(UploadSpecError, match="an index of version 2, this provider reads version 1"):
        read_index(path)


def test_memory_does_not_grow_with_the_number_of_objects(tmp_path):
    def peak(count):
        objects = (
            ListedObject(f"f{one // 50:06d}/{one:07d}.{'jpg' if one % 3 else 'xyz'}", 1)
            for one in range(count)
        )
        tracemalloc.start()
        units, skipped, _ = build_units(objects, url_for=lambda key: f"s3://b/{key}", options=BuildOptions())
        write_parts(units, tmp_path / str(count), max_units_per_part=500, skipped=skipped)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(2000)
    assert peak(20_000) < 1.5 * peak(4_000)


IMAGE_METADATA = {"mime_type": "image/png", "file_size": 5, "height": 2, "width": 3}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"media_type": "nifti", "media_metadata": {"x": 1}}, "a unit of type nifti takes no media metadata"),
        ({"media_type": "image", "file_metadata": ({},)}, "a unit of type image takes no metadata per file"),
        (
            {"media_type": "image_group", "title": "t", "file_metadata": (None, None)},
            "media metadata for 2 files, but the unit has 1",
        ),
        (
            {"media_type": "image_group", "title": "t", "file_metadata": ({**IMAGE_METADATA, "width": 0},)},
            r"imageMetadata_0.width must be greater than zero, got 0",
        ),
        (
            {"media_type": "image_group", "title": "t", "file_metadata": ("x",)},
            "imageMetadata_0 must be an object",
        ),
        (
            {"media_type": "dicom_series", "title": "t", "file_metadata": ({"tags": {"Rows": None}},)},
            r"dicomMetadata_0.tags lacks 00080018",
        ),
        ({"media_type": "image_group"}, "the title is missing"),
    ],
)
def test_media_metadata_that_does_not_fit_its_unit_is_refused(tmp_path, fields, message):
    unit = DataUnit(**{"urls": ("s3://b/a",), **fields, "media_type": MEDIA_TYPES[fields["media_type"]]})
    with pytest.raises(UploadSpecError, match=message):
        write_parts([unit], tmp_path)


def test_tags_of_a_dicom_file_are_checked_one_by_one(tmp_path):
    def problem(tag, element):
        tags = {**dict.fromkeys(DICOM_TAGS), tag: element}
        unit = DataUnit(
            media_type=MEDIA_TYPES["dicom_series"],
            urls=("s3://b/a",),
            title="t",
            file_metadata=({"tags": tags},),
        )
        with pytest.raises(UploadSpecError) as caught:
            write_parts([unit], tmp_path)
        return str(caught.value)

    assert "'Rows' is not a DICOM tag of 8 hexadecimal digits" in problem("Rows", None)
    assert "dicomMetadata_0.tags.00280010 must be an object or null" in problem("00280010", 512)


def test_any_mapping_serves_as_client_metadata(tmp_path):
    metadata = MappingProxyType({"deep": MappingProxyType({"a": 1})})
    write_parts(images(1, client_metadata=metadata), tmp_path)
    assert read_part(tmp_path / "spec" / "part-00000.json").units[0].client_metadata == {"deep": {"a": 1}}


def test_a_value_that_json_does_not_have_is_refused(tmp_path):
    with pytest.raises(UploadSpecError, match=r"'a': JSON has nothing for a value of type bytes"):
        write_parts(images(1, client_metadata={"a": b"bytes"}), tmp_path)


@pytest.mark.parametrize(
    "given", [{"videos": 5}, {"video": "5"}, {"video": None}, {"video": True}, 0, "5", 1.5]
)
def test_a_wrong_number_of_units_is_named(given, tmp_path):
    with pytest.raises(UploadSpecError, match="max_units_per_part"):
        write_parts([], tmp_path, max_units_per_part=given)
