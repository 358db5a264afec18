import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import ObjectUrlError
from encord_provider.listing import ObjectUrlStyle, object_urls, parse_object_url

MRAP = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"

STYLES = [
    (ObjectUrlStyle.VIRTUAL_HOSTED, "my-bucket", {"region": "eu-west-2"}),
    (ObjectUrlStyle.VIRTUAL_HOSTED, "a.s3.b", {"region": "cn-north-1"}),
    (ObjectUrlStyle.PATH, "Old_Bucket", {"region": "us-east-1"}),
    (ObjectUrlStyle.S3, "my-bucket", {}),
    (ObjectUrlStyle.MRAP, MRAP, {}),
    (ObjectUrlStyle.GS, "my-bucket", {}),
    (ObjectUrlStyle.GCS, "my.bucket", {}),
    (ObjectUrlStyle.AZURE, "container", {"endpoint": "myaccount"}),
    (ObjectUrlStyle.AZURE, "$root", {"endpoint": "https://myaccount.blob.core.windows.net"}),
    (ObjectUrlStyle.OTC, "my-bucket", {}),
    (ObjectUrlStyle.ENDPOINT, "my-bucket", {"endpoint": "http://127.0.0.1:9000"}),
    (ObjectUrlStyle.ENDPOINT, "my-bucket", {"endpoint": "https://store.example.com/root/"}),
]


@pytest.mark.parametrize(
    ("style", "bucket", "place", "url"),
    [
        ("virtual-hosted", "b-1", {"region": "eu-west-2"}, "https://b-1.s3.eu-west-2.amazonaws.com/a/x.jpg"),
        (
            "virtual-hosted",
            "b-1",
            {"region": "cn-north-1"},
            "https://b-1.s3.cn-north-1.amazonaws.com.cn/a/x.jpg",
        ),
        ("path", "b-1", {"region": "eu-west-2"}, "https://s3.eu-west-2.amazonaws.com/b-1/a/x.jpg"),
        ("s3", "b-1", {}, "s3://b-1/a/x.jpg"),
        ("mrap", MRAP, {}, f"{MRAP}/a/x.jpg"),
        ("gs", "b-1", {}, "gs://b-1/a/x.jpg"),
        ("gcs", "b-1", {}, "https://storage.cloud.google.com/b-1/a/x.jpg"),
        ("azure", "c", {"endpoint": "acc"}, "https://acc.blob.core.windows.net/c/a/x.jpg"),
        ("otc", "b-1", {}, "https://b-1.obs.eu-de.otc.t-systems.com/a/x.jpg"),
        (
            "endpoint",
            "b-1",
            {"endpoint": "https://minio.example.com/"},
            "https://minio.example.com/b-1/a/x.jpg",
        ),
    ],
)
def test_each_cloud_gets_the_form_that_encord_documents(style, bucket, place, url):
    assert object_urls(bucket, style=style, **place)("a/x.jpg") == url


def test_https_forms_quote_what_a_reader_of_urls_would_change():
    url = object_urls("b-1", style="path", region="eu-west-2")("dir a/1+1 (2)#?%41&ü.jpg")
    assert url == ("https://s3.eu-west-2.amazonaws.com/b-1/dir%20a/1%2B1%20%282%29%23%3F%2541%26%C3%BC.jpg")


KEYS = st.text(min_size=1, max_size=60).filter(
    lambda key: (
        key.encode("utf-8", "ignore").decode() == key
        and not any(segment in (".", "..") for segment in key.split("/"))
    )
)


@pytest.mark.parametrize(("style", "bucket", "place"), STYLES)
@given(key=KEYS)
def test_any_key_comes_back_from_its_url_or_is_refused(style, bucket, place, key):
    try:
        url = object_urls(bucket, style=style, **place)(key)
    except ObjectUrlError:
        assert style in (ObjectUrlStyle.S3, ObjectUrlStyle.GS, ObjectUrlStyle.MRAP) or bucket == "$root"
        return
    assert not any(character.isspace() for character in url)
    found = parse_object_url(url, endpoint=place.get("endpoint"))
    # Of an access point's ARN its name is the bucket.
    assert (found.bucket, found.key) == (
        bucket.rpartition("/")[2] if style is ObjectUrlStyle.MRAP else bucket,
        key,
    )


@given(
    bucket=st.from_regex(r"[a-z0-9][a-z0-9.-]{1,30}[a-z0-9]", fullmatch=True),
    region=st.sampled_from(["eu-west-2", "us-gov-west-1", "cn-northwest-1", "ap-south-1"]),
    style=st.sampled_from(["virtual-hosted", "path"]),
)
def test_any_bucket_name_comes_back(bucket, region, style):
    found = parse_object_url(object_urls(bucket, style=style, region=region)("k"))
    assert (found.store, found.bucket, found.key) == ("s3", bucket, "k")


@pytest.mark.parametrize("key", ["a/./b", "../b", "a/..", "."])
@pytest.mark.parametrize("style", ["path", "s3", "gs"])
def test_a_key_that_readers_of_urls_resolve_is_refused(style, key):
    with pytest.raises(ObjectUrlError, match=r"'\.' and '\.\.'.*exclude it"):
        object_urls("b-1", style=style, region="eu-west-2")(key)


@pytest.mark.parametrize("key", ["a b.jpg", "a\tb", "a#b", "a?b", "a%20b", "a\\b", "a\u2028b"])
@pytest.mark.parametrize(("style", "instead"), [("s3", "virtual-hosted"), ("gs", "gcs")])
def test_protocol_forms_refuse_what_they_cannot_quote_and_say_what_to_use(style, instead, key):
    with pytest.raises(ObjectUrlError, match=f"no quoting; use an https style such as '{instead}'"):
        object_urls("b-1", style=style)(key)


def test_a_leading_slash_is_part_of_the_key():
    url = object_urls("b-1", region="eu-west-2")("/a.jpg")
    assert parse_object_url(url).key == "/a.jpg"


def test_a_url_over_16_kb_is_refused_with_the_limit():
    assert object_urls("b", style="path", region="eu-west-2")("ü" * 2000)
    with pytest.raises(ObjectUrlError, match="the limit is 16,384"):
        object_urls("b", style="path", region="eu-west-2")("ü" * 3000)


@pytest.mark.parametrize(
    ("bucket", "style", "place", "message"),
    [
        ("b-1", "virtual-hosted", {}, "needs the region of the bucket"),
        ("b-1", "path", {"region": "eu west"}, "needs the region of the bucket, got 'eu west'"),
        ("Old_Bucket", "virtual-hosted", {"region": "us-east-1"}, "use object URL style 'path' or 's3'"),
        ("s3://b-1", "s3", {}, "is not a bucket name"),
        ("b-1", "endpoint", {}, "needs the root URL of the store"),
        ("b-1", "endpoint", {"endpoint": "minio:9000"}, "needs the root URL of the store"),
        ("b-1", "azure", {}, "needs the storage account as endpoint"),
        ("b-1", "mrap", {}, "takes the ARN of a Multi-Region Access Point"),
        ("b-1", "ftp", {}, "unknown object URL style 'ftp'; known are virtual-hosted, path"),
    ],
)
def test_what_does_not_fit_the_style_is_refused(bucket, style, place, message):
    with pytest.raises(ObjectUrlError, match=message):
        object_urls(bucket, style=style, **place)("a.jpg")


def test_an_endpoint_with_a_password_is_refused_without_showing_it():
    with pytest.raises(ObjectUrlError) as caught:
        object_urls("b-1", style="endpoint", endpoint="https://user:hunter2@minio.example.com")("a.jpg")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "ref"),
    [
        ("https://b-1.s3.amazonaws.com/a.jpg", ("b-1", "a.jpg")),
        ("https://s3-eu-west-1.amazonaws.com/b-1/a.jpg", ("b-1", "a.jpg")),
        ("https://storage.googleapis.com/b-1/a%20b.jpg", ("b-1", "a b.jpg")),
        ("https://b-1.s3.eu-west-2.amazonaws.com/a.jpg?X-Amz-Signature=1", ("b-1", "a.jpg")),
        ("S3://b-1/a.jpg", ("b-1", "a.jpg")),
    ],
)
def test_older_and_signed_forms_are_read(url, ref):
    found = parse_object_url(url)
    assert (found.bucket, found.key) == ref


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "is empty"),
        ("a/b.jpg", "is not an object URL"),
        ("s3://b-1", "lacks the key"),
        ("s3:///a", "lacks the bucket"),
        ("https://b-1.s3.eu-west-2.amazonaws.com/", "lacks the key"),
        ("https://[::1/a/b", "is not a valid URL"),
        ("https://h.example/b/%FF", "is not UTF-8"),
        ("arn:aws:s3:::b/k", "is not the ARN of a Multi-Region"),
        ("https://h.example/b/a b", "whitespace"),
    ],
)
def test_a_url_that_names_no_object_is_refused(url, message):
    with pytest.raises(ObjectUrlError, match=message):
        parse_object_url(url)


def test_a_signature_never_shows_in_an_error():
    with pytest.raises(ObjectUrlError) as caught:
        parse_object_url("https://b-1.s3.eu-west-2.amazonaws.com/a b?X-Amz-Signature=" + string.ascii_letters)
    assert string.ascii_letters not in str(caught.value)


def test_a_key_that_is_no_unicode_is_refused():
    with pytest.raises(ObjectUrlError, match="the key is not valid Unicode"):
        object_urls("b-1", style="path", region="eu-west-2")("a\udcff")


def test_an_empty_key_is_refused():
    with pytest.raises(ObjectUrlError, match="the key is empty"):
        object_urls("b-1", style="s3")("")
