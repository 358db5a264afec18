import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import UploadSpecError
from encord_provider.upload_spec import MEDIA_TYPES, parse_manifest, parse_spec, to_data_items, to_manifest


def read(text, **options):
    spec = parse_spec(text, source="spec.csv", **options)
    return [(unit.media_type.name, unit.title, list(unit.urls)) for unit in spec.units]


U = "https://storage/frame"


def test_videos_with_blank_titles_take_their_file_name():
    assert read(f"ObjectUrl,Video title\n{U}1.mp4,Video 1\n{U}%202.mp4,\n") == [
        ("video", "Video 1", [f"{U}1.mp4"]),
        ("video", "frame 2.mp4", [f"{U}%202.mp4"]),
    ]


def test_headers_are_read_in_any_case_and_order():
    assert read(f"image TITLE,OBJECTURL\nImage 1,{U}1.jpg\n") == [("image", "Image 1", [f"{U}1.jpg"])]


def test_a_single_column_means_videos():
    assert read(f"ObjectUrl\n{U}1.mp4\n") == [("video", "frame1.mp4", [f"{U}1.mp4"])]


def test_rows_of_one_title_are_one_image_group():
    text = "ObjectUrl,Image group title,Create video\n" + "".join(
        f"{U}{number}.jpg,Group {number % 2},{value}\n"
        for number, value in enumerate(["false", "FALSE", "False"])
    )
    assert read(text) == [
        ("image_group", "Group 0", [f"{U}0.jpg", f"{U}2.jpg"]),
        ("image_group", "Group 1", [f"{U}1.jpg"]),
    ]


@pytest.mark.parametrize("value", ["", "true", "TRUE"])
def test_a_blank_create_video_means_an_image_sequence(value):
    text = f"ObjectUrl,Image group title,Create video\n{U}1.jpg,S,{value}\n{U}2.jpg,S,{value}\n"
    assert read(text) == [("image_sequence", "S", [f"{U}1.jpg", f"{U}2.jpg"])]


def test_without_the_column_create_video_groups_are_image_sequences():
    assert read(f"ObjectUrl,Image group title\n{U}1.jpg,S\n") == [("image_sequence", "S", [f"{U}1.jpg"])]


def test_dicom_rows_of_one_title_are_one_series_and_blank_titles_are_one_each():
    text = f"ObjectUrl,Series title\n{U}1.dcm,ct\n{U}2.dcm,\n{U}3.dcm,ct\n{U}4.dcm,\n"
    assert read(text) == [
        ("dicom_series", "ct", [f"{U}1.dcm", f"{U}3.dcm"]),
        ("dicom_series", "frame2.dcm", [f"{U}2.dcm"]),
        ("dicom_series", "frame4.dcm", [f"{U}4.dcm"]),
    ]


MIXED = f"""ObjectUrl,Image group title,Create video
{U}1.jpg,Sequence 1,true
{U}2.jpg,Sequence 1,true
{U}5.jpg,Group 1,false
ObjectUrl,Image title,Create video
{U}1.jpg,Image 1,false

ObjectUrl,Image title,Create video
https://storage/video.mp4,Video 1,false
"""


def test_a_new_header_starts_a_new_section():
    assert [one[:2] for one in read(MIXED)] == [
        ("image_sequence", "Sequence 1"),
        ("image_group", "Group 1"),
        ("image", "Image 1"),
        ("image", "Video 1"),
    ]


def test_the_extension_may_override_a_mislabelled_section():
    assert [one[:2] for one in read(MIXED, by_extension=True)][2:] == [
        ("image", "Image 1"),
        ("video", "Video 1"),
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_no_error():
    assert read(f"\ufeffObjectUrl,Video title\r\n{U}1.mp4,V\r\n".encode()) == [("video", "V", [f"{U}1.mp4"])]


GROUP = "ObjectUrl,Image group title,Create video\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "spec.csv: nothing to register"),
        ("ObjectUrl,Video title\n", "nothing to register: the file has no row below a header"),
        (f"{U}1.mp4,V\n", "line 1: the file must start with a header line with the column ObjectURL"),
        ("ObjectUrl;Video title\n", "line 1: the file must start with .*; separate columns by commas"),
        (
            "ObjectUrl,Audio title\n",
            "line 1: there is no column 'audio title'; columns are ObjectURL, Video title",
        ),
        ("ObjectUrl,Video title,Image title\n", "line 1: 'video title' and 'image title' in one header"),
        ("ObjectUrl,ObjectURL\n", "line 1: a column is given twice"),
        (f"ObjectUrl,Video title\n{U}1.mp4\n", "line 2: 1 fields, but the header has 2"),
        (f"ObjectUrl,Video title\n{U}1.mp4,a,b\n", "line 2: 3 fields, but the header has 2"),
        (f"ObjectUrl,Video title\n{U} 1.mp4,a\n", "line 2: whitespace .*; write a blank as %20"),
        ("ObjectUrl,Video title\n,a\n", "line 2: the object URL is empty"),
        ("ObjectUrl,Video title\nvideo.mp4,a\n", "line 2: 'video.mp4' is not an object URL"),
        (f"ObjectUrl,Video title\n{U},{'t' * 301}\n", "line 2: a title of 301 characters"),
        (f"{GROUP}{U}1.jpg,,false\n", "line 2: the image group title is blank"),
        (f"{GROUP}{U}1.jpg,G,maybe\n", "line 2: Create video must be true or false, got 'maybe'"),
        (
            f"{GROUP}{U}1.jpg,G,false\n{U}2.jpg,G,\n",
            "line 3: 'G' is an image group on line 2 and an image sequence",
        ),
        (
            f"ObjectUrl,Image title,Create video\n{U}1.jpg,I,\n",
            "line 2: Create video is blank, which means true",
        ),
        (
            f"ObjectUrl,Image title,Create video\n{U}1.jpg,I,true\n",
            "line 2: Create video is true, but this section",
        ),
        (f'ObjectUrl,Video title\n{U}1.mp4,"a\n', "line 2: broken CSV: unexpected end of data"),
        (b"ObjectUrl,Video title\n\xff,a\n", "line 2, column 1: byte 0xff is not UTF-8"),
    ],
)
def test_what_is_wrong_is_named_by_line(text, message):
    with pytest.raises(UploadSpecError, match=message):
        read(text)


def test_all_errors_are_named_at_once():
    with pytest.raises(UploadSpecError, match=r"spec.csv: 2 errors\nline 2: .*\nline 3: "):
        read(f"{GROUP}{U}1.jpg,,false\n{U}1.jpg,G,maybe\n")


TITLES = st.text("abc ,\"'", max_size=4)
ROWS = st.lists(
    st.tuples(st.integers(0, 99).map(lambda number: f"{U}{number}"), TITLES), min_size=1, max_size=6
)
HEADERS = st.sampled_from(["Video title", "Image title", "Series title", "Image group title"])


@given(sections=st.lists(st.tuples(HEADERS, ROWS), min_size=1, max_size=4))
def test_any_csv_becomes_json_that_says_the_same(sections):
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for header, rows in sections:
        writer.writerow(["ObjectURL", header])
        if header == "Image group title":
            rows = [(url, title.strip() or "x") for url, title in rows]
        writer.writerows(rows)
    spec = parse_spec(out.getvalue(), source="spec.csv")
    again = parse_manifest(to_manifest(spec))
    assert to_data_items(again) == to_data_items(spec)
    assert sorted(url for unit in spec.units for url in unit.urls) == sorted(
        url for _, rows in sections for url, _ in rows
    )
    assert all(unit.title for unit in spec.units)
    assert all(
        len(unit.urls) == 1
        for unit in spec.units
        if unit.media_type in (MEDIA_TYPES["video"], MEDIA_TYPES["image"])
    )
