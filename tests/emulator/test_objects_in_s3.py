"""Objects are looked up in the S3 endpoint: what is there is registered, what is not is a failed unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS

if TYPE_CHECKING:
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator

AWS = DEFAULT_INTEGRATIONS[0][0]
S3_COMPATIBLE = DEFAULT_INTEGRATIONS[4][0]
KEYS = [
    "plain.jpg",
    "with blank.jpg",
    "a+b.jpg",
    "Grüße (1).jpg",
    "100%.jpg",
    "a#b?c.jpg",
    "x%20y.jpg",
    "d//e.jpg",
]


def url_styles(bucket: str, key: str) -> dict[str, str]:
    quoted = quote(key, safe="/")
    return {
        "virtual host": f"https://{bucket}.s3.eu-west-1.amazonaws.com/{quoted}",
        "path": f"https://s3.eu-west-1.amazonaws.com/{bucket}/{quoted}",
        "s3": f"s3://{bucket}/{key}",
    }


def register(folder: StorageFolder, integration: str, **lists: Any) -> Any:
    job = folder.add_private_data_to_folder_start(integration, {**lists}, ignore_errors=True)
    return folder.add_private_data_to_folder_get_result(job)


@pytest.mark.parametrize("key", KEYS)
def test_an_object_is_found_under_every_style_of_url(
    s3: Any, bucket: str, s3_folder: StorageFolder, key: str
) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"jpeg", ContentType="image/jpeg")
    urls = [url for style, url in url_styles(bucket, key).items() if style != "s3" or " " not in key]

    result = register(s3_folder, AWS, images=[{"objectUrl": url} for url in urls])

    assert [error.error for error in result.unit_errors] == []
    assert sorted(item.url for item in s3_folder.list_items()) == sorted(urls)
    assert {item.file_size for item in s3_folder.list_items()} == {4}


@pytest.mark.parametrize("host", ["{bucket}.s3.amazonaws.com", "{bucket}.s3-eu-west-1.amazonaws.com"])
def test_a_legacy_url_is_accepted_only_if_told(
    s3: Any, bucket: str, s3_emulator: EncordEmulator, s3_folder: StorageFolder, host: str
) -> None:
    s3.put_object(Bucket=bucket, Key="a.jpg", Body=b"jpeg", ContentType="image/jpeg")
    url = f"https://{host.format(bucket=bucket)}/a.jpg"

    refused = register(s3_folder, AWS, images=[{"objectUrl": url}])
    s3_emulator.change_settings(legacy_s3_urls="accept")
    accepted = register(s3_folder, AWS, images=[{"objectUrl": url}])

    assert (refused.units_error_count, accepted.units_done_count) == (1, 1)
    assert url in refused.unit_errors[0].error


def test_what_is_behind_a_multi_region_access_point_is_not_looked_up(s3_folder: StorageFolder) -> None:
    url = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap/a/x.jpg"

    result = register(s3_folder, AWS, images=[{"objectUrl": url}])

    assert [error.error for error in result.unit_errors] == []
    assert [item.url for item in s3_folder.list_items()] == [url]


def test_s3_compatible_url_names_the_bucket_in_its_path(
    s3: Any, bucket: str, s3_folder: StorageFolder
) -> None:
    s3.put_object(Bucket=bucket, Key="a b.jpg", Body=b"jpeg")
    url = f"https://minio.example.com/{bucket}/a%20b.jpg"

    result = register(s3_folder, S3_COMPATIBLE, images=[{"objectUrl": url}])

    assert result.units_done_count == 1
    assert [item.storage_location.value for item in s3_folder.list_items()] == ["s3Compatible"]


def test_a_plus_in_a_url_may_stand_for_a_blank_as_in_the_s3_console(
    s3: Any, bucket: str, s3_folder: StorageFolder
) -> None:
    s3.put_object(Bucket=bucket, Key="front left.jpg", Body=b"jpeg")
    url = f"https://{bucket}.s3.eu-west-1.amazonaws.com/front+left.jpg"

    assert register(s3_folder, AWS, images=[{"objectUrl": url}]).units_done_count == 1


def test_a_missing_object_is_a_failed_unit_that_names_its_url(
    s3: Any, bucket: str, s3_folder: StorageFolder
) -> None:
    s3.put_object(Bucket=bucket, Key="here.jpg", Body=b"jpeg")
    urls = [f"s3://{bucket}/here.jpg", f"s3://{bucket}/gone.jpg"]

    result = register(s3_folder, AWS, images=[{"objectUrl": url} for url in urls])

    assert (result.units_done_count, result.units_error_count) == (1, 1)
    assert result.unit_errors[0].object_urls == [urls[1]]
    assert "gone.jpg' in bucket" in result.unit_errors[0].error


def test_one_missing_frame_fails_the_whole_group(s3: Any, bucket: str, s3_folder: StorageFolder) -> None:
    s3.put_object(Bucket=bucket, Key="0.jpg", Body=b"jpeg")
    group = {
        "title": "rig",
        "createVideo": False,
        "objectUrl_0": f"s3://{bucket}/0.jpg",
        "objectUrl_1": f"s3://{bucket}/1.jpg",
    }

    result = register(s3_folder, AWS, image_groups=[group])

    assert result.unit_errors[0].object_urls == [f"s3://{bucket}/0.jpg", f"s3://{bucket}/1.jpg"]
    assert list(s3_folder.list_items()) == []


def test_an_unknown_extension_is_judged_by_content_type(
    s3: Any, bucket: str, s3_folder: StorageFolder
) -> None:
    s3.put_object(Bucket=bucket, Key="image", Body=b"x", ContentType="image/jpeg")
    s3.put_object(Bucket=bucket, Key="page", Body=b"x", ContentType="text/html")

    result = register(
        s3_folder, AWS, images=[{"objectUrl": f"s3://{bucket}/image"}, {"objectUrl": f"s3://{bucket}/page"}]
    )

    assert [error.error for error in result.unit_errors] == [
        "Expected an image, got a file of type text/html"
    ]


def test_signed_url_gives_the_object(s3: Any, bucket: str, s3_folder: StorageFolder) -> None:
    s3.put_object(Bucket=bucket, Key="a b.png", Body=b"pixels")
    register(s3_folder, AWS, images=[{"objectUrl": f"https://{bucket}.s3.eu-west-1.amazonaws.com/a%20b.png"}])
    [item] = s3_folder.list_items()

    answer = requests.get(item.get_signed_url(), timeout=10)

    assert (answer.content, answer.headers["Content-Type"]) == (b"pixels", "image/png")


def test_url_of_another_cloud_is_refused(s3_folder: StorageFolder) -> None:
    result = register(s3_folder, AWS, images=[{"objectUrl": "gs://bucket/a.jpg"}])

    assert "is not an object URL of AWS S3" in result.unit_errors[0].error
