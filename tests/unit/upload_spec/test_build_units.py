import itertools

import pytest

from encord_provider.exceptions import (
    MetadataTableError,
    MetadataValueError,
    UploadSpecError,
)
from encord_provider.listing import ListedObject, ObjectFilter, object_urls
from encord_provider.schema import parse_schema
from encord_provider.tables import read_table
from encord_provider.upload_spec import MEDIA_TYPES, BuildOptions, KeyPattern, SkipKind, Skipped, build_units
from tests.unit.upload_spec.builds import build


def listed(*keys, size=10):
    return [ListedObject(key, size) for key in sorted(keys)]


def test_each_file_becomes_a_unit_titled_by_its_key():
    units, skipped = build(listed("d/a.jpg", "d/b.mp4", "d/c.pdf"))
    assert [(unit.media_type, unit.title, unit.urls) for unit in units] == [
        (MEDIA_TYPES["image"], "d/a.jpg", ("s3://b/d/a.jpg",)),
        (MEDIA_TYPES["video"], "d/b.mp4", ("s3://b/d/b.mp4",)),
        (MEDIA_TYPES["pdf"], "d/c.pdf", ("s3://b/d/c.pdf",)),
    ]
    assert skipped == []


def test_dicom_files_of_a_folder_are_one_series_in_natural_order():
    units, _ = build(listed("p/ct/10.dcm", "p/ct/2.dcm", "p/ct/1.dcm", "p/mr/1.dcm"))
    assert [(unit.title, unit.urls) for unit in units] == [
        ("p/ct", ("s3://b/p/ct/1.dcm", "s3://b/p/ct/2.dcm", "s3://b/p/ct/10.dcm")),
        ("p/mr", ("s3://b/p/mr/1.dcm",)),
    ]


def test_a_folder_goes_on_after_its_sub_folders():
    units, _ = build(listed("p/1.dcm", "p/a/1.dcm", "p/z.dcm", "q/1.dcm"))
    assert [(unit.title, len(unit.urls)) for unit in units] == [("p/a", 1), ("p", 2), ("q", 1)]


def test_dicom_files_outside_any_folder_are_one_series_named_by_the_first():
    units, _ = build(listed("2.dcm", "10.dcm"))
    assert [(unit.title, unit.urls) for unit in units] == [("2.dcm", ("s3://b/2.dcm", "s3://b/10.dcm"))]


def test_folders_that_are_done_are_handed_out_while_the_listing_goes_on():
    endless = (
        ListedObject(f"s{number:09d}/{file}.dcm", 1) for number in itertools.count() for file in (1, 2)
    )
    units, *_ = build_units(endless, url_for=lambda key: f"s3://b/{key}", options=BuildOptions())
    assert [len(unit.urls) for unit in itertools.islice(units, 1000)] == [2] * 1000


def test_every_object_left_out_is_listed_with_its_reason():
    table = read_table("key,site\nd/a.jpg,oslo\n", source="s3://b/d/labels.json", format="csv")
    objects = sorted(
        [
            ListedObject("d/", 0),
            ListedObject("d/a.jpg", 5),
            ListedObject("d/a.jpg.metadata.json", 5),
            ListedObject("d/empty.jpg", 0),
            ListedObject("d/labels.json", 5),
            ListedObject("d/other.xyz", 5),
            ListedObject("d/README", 5),
            ListedObject("d/tmp.jpg", 5),
            ListedObject("x/a.jpg", 5),
        ],
        key=lambda one: one.key,
    )
    units, skipped = build(
        objects, filters=ObjectFilter(include=["d/*"], exclude=["*/tmp.*"]), metadata=table
    )
    assert [unit.title for unit in units] == ["d/a.jpg"]
    assert skipped == [
        Skipped("d/", "folder marker"),
        Skipped("d/README", "not a media type that Encord supports: no extension"),
        Skipped("d/a.jpg.metadata.json", "metadata sidecar"),
        Skipped("d/empty.jpg", "empty object"),
        Skipped("d/labels.json", "metadata table"),
        Skipped("d/other.xyz", "not a media type that Encord supports: .xyz"),
        Skipped("d/tmp.jpg", "excluded by pattern '*/tmp.*'"),
        Skipped("x/a.jpg", "matches no include pattern"),
    ]


def test_units_and_left_out_objects_together_are_all_objects():
    keys = [f"{folder}/{name}" for folder in "ab" for name in ("1.dcm", "2.dcm", "x.jpg", "y.bin", "z.mp4")]
    units, skipped = build(listed(*keys))
    urls = [url.removeprefix("s3://b/") for unit in units for url in unit.urls]
    assert sorted(urls + [one.key for one in skipped]) == sorted(keys)


def test_globs_know_capitals():
    units, _ = build(listed("a.JPG", "b.jpg"), filters=ObjectFilter(include=["*.jpg"]))
    assert [unit.title for unit in units] == ["b.jpg"]


def test_naming_a_media_type_leaves_the_others_out():
    units, skipped = build(listed("a.jpg", "b.mp4", "c.bin", "d"), media="video")
    assert [unit.title for unit in units] == ["b.mp4", "d"]
    assert skipped == [
        Skipped("a.jpg", "of type image, but media is video"),
        Skipped("c.bin", "not a media type that Encord supports: .bin"),
    ]


def test_dicom_files_named_by_uid_are_taken_when_the_user_says_dicom():
    units, _ = build(listed("s/1.2.840.1", "s/1.2.840.10", "s/IM0001", "s/a.ima"), media="dicom_series")
    assert [len(unit.urls) for unit in units] == [4]


@pytest.mark.parametrize("media", ["image_group", "image_sequence"])
def test_images_are_grouped_by_folder(media):
    units, _ = build(listed("c/f10.png", "c/f9.png", "d/f1.png", "d/x.txt"), media=media)
    assert [(unit.media_type.name, unit.title, len(unit.urls)) for unit in units] == [
        (media, "c", 2),
        (media, "d", 1),
    ]
    assert units[0].urls[0].endswith("f9.png")


def test_images_are_grouped_by_a_pattern():
    keys = ("clip1_2.jpg", "clip1_10.jpg", "clip2_1.jpg", "other.jpg")
    units, skipped = build(listed(*keys), media="image_group", group_by=r"(?P<clip>clip[0-9]+)_[0-9]+\.jpg$")
    assert [(unit.title, unit.urls) for unit in units] == [
        ("clip1", ("s3://b/clip1_2.jpg", "s3://b/clip1_10.jpg")),
        ("clip2", ("s3://b/clip2_1.jpg",)),
    ]
    assert skipped == [Skipped("other.jpg", "belongs to no image_group: group_by gives it no name")]


def test_images_are_grouped_by_a_column_of_the_table():
    table = read_table("key,scene\na.jpg,night\nb.jpg,day\nc.jpg,night\nd.jpg,\n", source="t.csv")
    units, skipped = build(
        listed("a.jpg", "b.jpg", "c.jpg", "d.jpg"),
        media="image_group",
        group_by="column:scene",
        metadata=table,
    )
    assert [(unit.title, len(unit.urls), unit.client_metadata) for unit in units] == [
        ("day", 1, {"scene": "day"}),
        ("night", 2, {"scene": "night"}),
    ]
    assert [one.key for one in skipped] == ["d.jpg"]


def test_grouping_by_a_column_that_is_not_there_is_an_error():
    table = read_table("key,scene\na.jpg,night\n", source="t.csv")
    with pytest.raises(UploadSpecError, match=r"t.csv has no such column; it has scene"):
        build([], media="image_group", group_by="column:sceen", metadata=table)
    with pytest.raises(UploadSpecError, match="needs a metadata table"):
        build([], media="image_group", group_by="column:scene")


def test_path_and_table_become_client_metadata_and_the_table_wins():
    table = read_table("key,site,score\nsite=x/a.jpg,oslo,0.5\n", source="t.csv")
    units, _ = build(
        listed("site=x/a.jpg", "site=x/b.jpg"),
        key_pattern=KeyPattern.compile("site=(?P<site>[^/]+)"),
        metadata=table,
    )
    assert [unit.client_metadata for unit in units] == [{"site": "oslo", "score": "0.5"}, {"site": "x"}]


def test_a_table_may_name_objects_by_url():
    table = read_table("object_url,score\ns3://b/a.jpg,1\n", source="t.csv")
    units, _ = build(listed("a.jpg"), metadata=table)
    assert units[0].client_metadata == {"score": "1"}


def test_texts_from_paths_and_tables_take_the_type_of_the_schema():
    schema = parse_schema({"year": "number", "score": "number", "good": "boolean"})
    table = read_table("key,score,good\n2026/a.jpg,0.5,TRUE\n", source="t.csv")
    units, _ = build(
        listed("2026/a.jpg"), key_pattern=KeyPattern.compile("(?P<year>20..)/"), metadata=table, schema=schema
    )
    assert units[0].client_metadata == {"year": 2026, "score": 0.5, "good": True}


def test_a_cell_that_the_schema_refuses_names_file_line_row_key_and_type():
    table = read_table("key,score\na.jpg,1\nb.jpg,high\n", source="s3://b/labels.csv")
    with pytest.raises(
        MetadataValueError, match=r"s3://b/labels.csv, line 3, row 'b.jpg': 'score' must be a number"
    ):
        build(listed("a.jpg", "b.jpg"), metadata=table, schema=parse_schema({"score": "number"}))


def test_a_path_value_that_the_schema_refuses_names_the_key():
    with pytest.raises(MetadataValueError, match=r"key 'x/a.jpg', key pattern: 'dt' must be a datetime"):
        build(
            listed("x/a.jpg"),
            key_pattern=KeyPattern.compile("(?P<dt>[^/]+)/"),
            schema=parse_schema({"dt": "datetime"}),
        )


def test_a_series_gets_the_path_values_that_all_its_files_share():
    units, _ = build(
        listed("s/1.dcm", "s/2.dcm"), key_pattern=KeyPattern.compile(r"(?P<study>\w+)/(?P<slice>\d+)")
    )
    assert units[0].client_metadata == {"study": "s"}


def test_a_series_takes_the_row_of_any_of_its_files():
    table = read_table("key,site\ns/2.dcm,oslo\n", source="t.csv")
    units, _ = build(listed("s/1.dcm", "s/2.dcm"), metadata=table)
    assert units[0].client_metadata == {"site": "oslo"}


def test_rows_of_one_series_that_disagree_are_an_error():
    table = read_table("key,site\ns/1.dcm,oslo\ns/2.dcm,bergen\n", source="t.csv")
    with pytest.raises(
        MetadataTableError, match=r"t.csv, line 3, row 's/2.dcm' and line 2.*different values"
    ):
        build(listed("s/1.dcm", "s/2.dcm"), metadata=table)


def test_titles_come_from_a_template():
    units, _ = build(
        listed("site=x/dir/a.b.jpg", "site=x/ct/1.dcm"),
        key_pattern=KeyPattern.compile("site=(?P<site>[^/]+)"),
        title="{site}: {stem} ({name}) in {folder}",
    )
    assert [unit.title for unit in units] == ["x: ct (ct) in site=x", "x: a.b (a.b.jpg) in site=x/dir"]


@pytest.mark.parametrize("template", ["{kye}", "{key!r}", "{key:>9}", "{", "", "{key.upper}", "{0}"])
def test_a_title_template_that_cannot_be_filled_in_is_refused_at_once(template):
    with pytest.raises(UploadSpecError, match="title template"):
        build_units([], url_for=str, options=BuildOptions(title=template))


def test_a_title_field_that_the_pattern_does_not_give_leaves_the_object_out():
    pattern = KeyPattern.compile("site=(?P<site>.)")
    units, skipped = build(listed("a.jpg", "site=x/b.jpg"), key_pattern=pattern, title="{site}")
    assert [unit.title for unit in units] == ["x"]
    reason = "'a.jpg': the title template needs {site}, but the key pattern does not give it here"
    assert [(one.reason, one.kind) for one in skipped] == [(reason, SkipKind.UNUSABLE)]


def test_a_title_over_300_characters_leaves_the_object_out_and_names_the_limit():
    units, skipped = build(listed("a" * 300 + ".jpg", "b.jpg"))
    assert [unit.title for unit in units] == ["b.jpg"]
    assert [one.key for one in skipped] == ["a" * 300 + ".jpg"]
    assert "a title of 304 characters, the limit is 300" in skipped[0].reason


def test_objects_out_of_order_are_refused_rather_than_torn_apart():
    objects = [ListedObject("b/1.dcm", 1), ListedObject("a/1.dcm", 1)]
    with pytest.raises(UploadSpecError, match=r"order of their keys, but 'a/1.dcm' came after 'b/1.dcm'"):
        build(objects)


def test_an_object_listed_twice_is_registered_once():
    units, skipped = build([ListedObject("a.jpg", 1), ListedObject("a.jpg", 1)])
    assert len(units) == 1
    assert skipped == [Skipped("a.jpg", "listed twice")]


@pytest.mark.parametrize("key", ["a b.jpg", "x/../a.jpg", "a#1.jpg", "x" * 17_000 + ".jpg"])
def test_a_key_that_has_no_url_is_left_out(key):
    units, skipped, _ = build_units(
        listed("c.jpg", key),
        url_for=object_urls("b-1", style="s3"),
        options=BuildOptions(title="{stem}" if len(key) < 300 else "{folder}x"),
    )
    assert [unit.urls for unit in units] == [("s3://b-1/c.jpg",)]
    assert [(one.key, one.kind) for one in skipped] == [(key, SkipKind.UNUSABLE)]


def test_a_series_of_which_one_file_has_no_url_is_left_out_whole():
    units, skipped, _ = build_units(
        listed("a/1.dcm", "a/2 .dcm", "b/1.dcm"),
        url_for=object_urls("b-1", style="s3"),
        options=BuildOptions(),
    )
    assert [unit.title for unit in units] == ["b"]
    assert {one.key for one in skipped} == {"a/1.dcm", "a/2 .dcm"}


@pytest.mark.parametrize("media", ["scene", "movie", ""])
def test_an_unknown_media_is_refused(media):
    with pytest.raises(UploadSpecError, match=r"unknown media .*; use auto or video, image"):
        build_units([], url_for=str, options=BuildOptions(media=media))


def test_groups_whose_values_join_to_one_text_stay_apart():
    keys = ["x/y__z_1.jpg", "x__y/z_1.jpg"]
    units, _ = build(listed(*keys), media="image_group", group_by=r"^(?P<a>.+?)__(?P<b>.+?)_\d+\.jpg$")
    assert sorted((unit.title, unit.urls) for unit in units) == [
        ("x/y/z", ("s3://b/x/y__z_1.jpg",)),
        ("x/y/z", ("s3://b/x__y/z_1.jpg",)),
    ]


def test_groups_that_took_part_in_the_match_under_other_names_stay_apart():
    units, _ = build(
        listed("l1.jpg", "r1.jpg"), media="image_group", group_by=r"l(?P<left>\d)|r(?P<right>\d)"
    )
    assert [(unit.title, len(unit.urls)) for unit in units] == [("1", 1), ("1", 1)]


def test_numbers_of_thousands_of_digits_are_put_in_order_too():
    long = "1" * 5000
    units, _ = build(listed(f"a/{long}.dcm", "a/2.dcm", "a/010.dcm"))
    (unit,) = units
    assert [len(url) for url in unit.urls] == [len("s3://b/a/2.dcm"), len("s3://b/a/010.dcm"), 5013]
