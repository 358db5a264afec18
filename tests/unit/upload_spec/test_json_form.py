import json
import re

import pytest
from encord.orm.storage import DataUploadItems  # noqa: TID253
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import UploadSpecError
from encord_provider.upload_spec import (
    MEDIA_TYPES,
    DataUnit,
    UploadSpec,
    parse_manifest,
    to_data_items,
    to_manifest,
)
from encord_provider.upload_spec.media_metadata import DICOM_TAGS

VIDEO = {
    "fps": 23.98,
    "duration": 29.09,
    "width": 1280,
    "height": 720,
    "file_size": 54,
    "mime_type": "video/mp4",
}
IMAGE = {"mime_type": "image/png", "file_size": 5, "height": 2, "width": 3}
TAGS = {"tags": {**dict.fromkeys(DICOM_TAGS), "00280010": {"vr": "US", "Value": [512]}}}


def test_every_type_is_read():
    spec = parse_manifest(
        {
            "videos": [{"objectUrl": "https://h/v.mp4", "createVideo": False, "videoMetadata": VIDEO}],
            "images": [{"objectUrl": "https://h/i.png", "title": "i", "clientMetadata": {"a": None}}],
            "image_groups": [
                {"title": "sequence", "objectUrl_0": "https://h/0.png"},
                {
                    "title": "group",
                    "createVideo": False,
                    "objectUrl_1": "https://h/1.png",
                    "objectUrl_0": "s3://b/0",
                },
            ],
            "dicom_series": [{"title": "ct", "objectUrl_0": "https://h/1.dcm", "dicomMetadata_0": TAGS}],
            "audio": [{"objectUrl": "gs://b/a.mp3"}],
            "pdfs": [{"objectUrl": "https://h/p.pdf", "pdfMetadata": {"file_size": 1, "num_pages": 2}}],
            "text": [
                {"objectUrl": "https://h/t.txt", "textMetadata": {"file_size": 1, "mime_type": "text/plain"}}
            ],
            "nifti": [{"objectUrl": "https://h/n.nii"}],
            "scenes": [
                {"title": "s", "scene": {"lidar": {"type": "pcd", "events": [{"uri": "s3://b/1.pcd"}]}}}
            ],
            "time_series": [{"objectUrl": "https://h/t.csv", "settings": {"channels": {}}}],
            "skip_duplicate_urls": True,
        }
    )
    assert [unit.media_type.name for unit in spec.units] == [
        *("video", "image", "image_sequence", "image_group", "dicom_series", "audio", "pdf", "text"),
        *("nifti", "scene", "time_series"),
    ]
    assert spec.units[3].urls == ("s3://b/0", "https://h/1.png")
    assert spec.units[9].urls == ("s3://b/1.pcd",)
    assert spec.skip_duplicate_urls


def test_a_group_without_create_video_is_a_sequence_as_in_encord():
    spec = parse_manifest({"image_groups": [{"title": "t", "objectUrl_0": "https://h/0.png"}]})
    assert spec.units[0].media_type is MEDIA_TYPES["image_sequence"]
    assert to_manifest(spec)["image_groups"][0]["createVideo"] is True


def test_frames_are_ordered_by_number_not_by_text():
    group = {
        f"objectUrl_{number}": f"https://h/{number}.png" for number in (10, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9)
    }
    spec = parse_manifest({"image_groups": [{"title": "t", "createVideo": False, **group}]})
    assert spec.units[0].urls[10] == "https://h/10.png"


def test_a_byte_order_mark_is_no_error():
    assert parse_manifest(b'\xef\xbb\xbf{"images":[{"objectUrl":"https://h/i.png"}]}').units


def test_errors_name_file_line_and_place():
    text = """{
  "images": [
    {"objectUrl": "https://h/ok.png"},
    {"objectURL": "https://h/a.png"},
    {"objectUrl": "https://h/b c.png"}
  ],
  "image_groups": [
    {
      "createVideo": false,
      "objectUrl_0": "https://h/0.png",
      "objectUrl_2": "https://h/2.png"
    }
  ]
}"""
    with pytest.raises(UploadSpecError) as caught:
        parse_manifest(text, source="spec.json")
    assert str(caught.value).split("\n") == [
        "spec.json: 4 errors",
        "line 4, images[1]: objectUrl is missing; 'objectURL' is not it",
        "line 4, images[1].objectURL: a unit of type image has no key 'objectURL'; did you mean 'objectUrl'?",
        "line 5, images[2].objectUrl: whitespace or a control character in the object URL 'https://h/b c.png'; "
        "write a blank as %20",
        "line 8, image_groups[0]: objectUrl_1 is missing: positions run from 0 without a gap",
    ]


def test_a_long_list_of_errors_is_cut_short_with_its_count():
    with pytest.raises(UploadSpecError, match=r"spec: 50 errors\n(.*\n){20}\.\.\. and 30 more"):
        parse_manifest({"images": [{"objectUrl": ""}] * 50}, source="spec")


def test_unknown_keys_are_kept_when_the_user_allows_them():
    document = {
        "images": [{"objectUrl": "https://h/a.png", "someNewField": [1]}],
        "skip_duplicate_urls": False,
        "another": {"x": 1},
    }
    spec = parse_manifest(json.dumps(document), allow_unknown=True)
    assert to_manifest(spec) == document


def test_the_second_array_of_one_name_is_never_lost():
    text = '{\n"image_groups": [],\n"images": [],\n"image_groups": []\n}'
    with pytest.raises(
        UploadSpecError, match="line 4, column 1: the key 'image_groups' is given twice; put image"
    ):
        parse_manifest(text)


def test_a_url_in_an_error_does_not_show_its_signature():
    with pytest.raises(UploadSpecError) as caught:
        parse_manifest({"images": [{"objectUrl": "https://h/a b.png?X-Amz-Signature=abcdef"}]})
    assert "abcdef" not in str(caught.value)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
URLS = st.integers(0, 10**6).map(lambda number: f"https://h/{number}")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
METADATA = st.dictionaries(TEXT, JSON, max_size=3)
SINGLE = st.sampled_from([one for one in MEDIA_TYPES.values() if not one.is_grouped and one.urls_in is None])
GROUPED = st.sampled_from([one for one in MEDIA_TYPES.values() if one.is_grouped])
UNITS = st.one_of(
    st.builds(
        DataUnit,
        media_type=SINGLE,
        urls=URLS.map(lambda url: (url,)),
        title=st.none() | TEXT.filter(bool),
        client_metadata=METADATA,
    ),
    st.builds(
        DataUnit,
        media_type=GROUPED,
        urls=st.lists(URLS, min_size=1, max_size=12).map(tuple),
        title=TEXT.filter(bool),
        client_metadata=METADATA,
    ),
    st.builds(
        DataUnit,
        media_type=st.just(MEDIA_TYPES["video"]),
        urls=st.just(("s3://b/v",)),
        media_metadata=st.just(VIDEO),
    ),
    st.builds(
        DataUnit,
        media_type=st.just(MEDIA_TYPES["image_group"]),
        urls=st.just(("s3://b/0", "s3://b/1")),
        title=st.just("t"),
        file_metadata=st.just((None, IMAGE)),
    ),
)
SPECS = st.builds(
    UploadSpec, units=st.lists(UNITS, min_size=1, max_size=6).map(tuple), skip_duplicate_urls=st.booleans()
)


@given(spec=SPECS)
def test_any_spec_comes_back_from_its_json(spec):
    manifest = to_manifest(spec)
    again = parse_manifest(json.dumps(manifest))
    assert to_manifest(again) == manifest
    assert sorted(map(repr, again.units)) == sorted(map(repr, spec.units))
    assert again.skip_duplicate_urls == spec.skip_duplicate_urls


@given(spec=SPECS)
def test_what_is_sent_for_any_spec_is_what_the_sdk_would_send(spec):
    items = DataUploadItems.from_dict(to_data_items(spec))
    assert items.to_dict() == to_data_items(spec)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            '{"scenes": [{"title": "x", "scene": {"a": 1}}]}',
            "line 1, scenes[0].scene: the scene names no file",
        ),
        (
            '{"images": [{"objectUrl": "s3://b/a.jpg", "clientMetadata": "null"}]}',
            "line 1, images[0].clientMetadata: clientMetadata must be an object, got 'null'",
        ),
        (
            '{"images": [{"objectUrl": "s3://b/a.jpg",\n"clientMetadata": {"a": ' + "1" * 400 + "}}]}",
            "line 2, column 25: a number with too many digits",
        ),
        (
            '{"images": [{"objectUrl": "s3://b/a.jpg", "clientMetadata": {"a": ' + "9" * 25 + "}}]}",
            "line 1, images[0].clientMetadata: client metadata: 'a': an integer of 84 bits, the limit is 64",
        ),
    ],
)
def test_what_could_not_be_sent_is_named(document, says):
    with pytest.raises(UploadSpecError, match=re.escape(says)):
        parse_manifest(document)


def test_long_digits_in_a_text_or_behind_a_point_are_no_long_number():
    long = "1" * 400
    text = f'{{"images": [{{"objectUrl": "s3://b/{long}.jpg", "clientMetadata": {{"a": 0.{long}}}}}]}}'
    assert len(parse_manifest(text).units) == 1
