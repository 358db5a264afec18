"""The forms that Encord's pages show, with the slips that those pages hold."""

import json

import pytest

from encord_provider.exceptions import UploadSpecError
from encord_provider.listing import parse_object_url
from encord_provider.upload_spec import parse_manifest, to_data_items

S3 = "https://food.s3.eu-west-2.amazonaws.com"


def types_of(document):
    return [unit.media_type.name for unit in parse_manifest(json.dumps(document)).units]


def test_videos_with_and_without_title_metadata_and_flag():
    document = {
        "videos": [
            {"objectUrl": f"{S3}/1.mp4"},
            {"objectUrl": f"{S3}/2.mp4", "title": "my-title.mp4", "clientMetadata": {"optional": "metadata"}},
        ],
        "skip_duplicate_urls": True,
    }
    items = to_data_items(parse_manifest(document))
    assert [one.get("title") for one in items["videos"]] == [None, "my-title.mp4"]
    assert items["skipDuplicateUrls"] is True


def test_video_metadata_for_strict_client_only_access():
    metadata = {"fps": 23.98, "duration": 29.09, "width": 1280, "height": 720}
    metadata |= {"file_size": 5468354, "mime_type": "video/mp4"}
    items = to_data_items(
        parse_manifest({"videos": [{"objectUrl": f"{S3}/1.mp4", "videoMetadata": metadata}]})
    )
    assert items["videos"][0]["videoMetadata"] == {
        **{"fps": 23.98, "duration": 29.09, "width": 1280, "height": 720},
        **{"fileSize": 5468354, "mimeType": "video/mp4"},
    }


def test_image_groups_and_image_sequences_in_one_array():
    document = {
        "images": [{"objectUrl": f"{S3}/Image1.png"}],
        "videos": [{"objectUrl": f"{S3}/Cooking.mp4"}, {"objectUrl": f"{S3}/Oranges.mp4"}],
        "image_groups": [
            {"title": "light", "createVideo": True, "objectUrl_0": f"{S3}/Light+Env/1+(32).jpg"},
            {"title": "dark", "createVideo": False, "objectUrl_0": f"{S3}/Dark+Env/1+(33).jpg"},
        ],
    }
    assert types_of(document) == ["image", "video", "video", "image_sequence", "image_group"]


def test_azure_google_and_telekom_urls():
    azure, google = "https://myaccount.blob.core.windows.net", "https://storage.cloud.google.com/images"
    telekom = "https://bucket-name.obs.eu-de.otc.t-systems.com"
    document = {
        "videos": [
            {"objectUrl": f"{azure}/myblob"},
            {"objectUrl": f"{azure}/mycontainer/myblobs/myblob.jpg"},
            {"objectUrl": "gs://example-url/object.mp4"},
        ],
        "image_groups": [{"title": "g", "objectUrl_0": f"{google}/1.jpg", "objectUrl_1": f"{google}/2.jpg"}],
        "dicom_series": [{"title": "s", "objectUrl_0": f"{telekom}/dicom-file-0"}],
    }
    spec = parse_manifest(document)
    refs = [parse_object_url(unit.urls[0]) for unit in spec.units]
    assert [(ref.bucket, ref.key) for ref in refs] == [
        ("$root", "myblob"),
        ("mycontainer", "myblobs/myblob.jpg"),
        ("example-url", "object.mp4"),
        ("images", "1.jpg"),
        ("bucket-name", "dicom-file-0"),
    ]


def test_a_group_that_leaves_create_video_out_becomes_a_sequence():
    assert types_of({"image_groups": [{"title": "g", "objectUrl_0": f"{S3}/1.jpg"}]}) == ["image_sequence"]


def test_objects_behind_a_multi_region_access_point():
    arn = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
    spec = parse_manifest({"videos": [{"objectUrl": f"{arn}/a/1.mp4"}]})
    assert parse_object_url(spec.units[0].urls[0]).key == "a/1.mp4"


def test_the_page_that_gives_one_array_twice_would_lose_the_first():
    text = '{"image_groups": [],\n "image_groups": [{"title": "g", "objectUrl_0": "https://h/1.jpg"}]}'
    assert len(json.loads(text)["image_groups"]) == 1
    with pytest.raises(UploadSpecError, match=r"line 2, column 2: the key 'image_groups' is given twice"):
        parse_manifest(text)


def test_the_page_with_trailing_commas_is_no_json():
    text = '{"dicom_series": [\n{"title": "s",\n"objectUrl_0": "https://h/1.dcm",\n}]}'
    with pytest.raises(UploadSpecError, match=r"line 3, column 33: trailing comma before '}'"):
        parse_manifest(text)


def test_placeholders_are_no_object_urls():
    with pytest.raises(UploadSpecError, match="whitespace"):
        parse_manifest({"videos": [{"objectUrl": "<object url>"}]})
    with pytest.raises(UploadSpecError, match=r"'video_file.mp4' is not an object URL"):
        parse_manifest({"videos": [{"objectUrl": "video_file.mp4"}]})
