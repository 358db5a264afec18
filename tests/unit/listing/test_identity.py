"""One object, many spellings: compared with the URLs that botocore itself makes."""

from __future__ import annotations

import itertools
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import ObjectUrlError
from encord_provider.listing import ObjectIdentity, identity_of, is_url, parse_object_url

BUCKETS = ("lake", "my.dotted.bucket", "a.s3.b", "s3-eu", "bucket", "x--y")
REGIONS = ("eu-west-2", "us-east-1", "us-gov-west-1", "cn-north-1", "ap-southeast-5")
KEYS = ("a/x.jpg", "/leading", "d//e.jpg", "site=a/1+1 (2)#?%41&ü.jpg", "a%25b.png", "S3://x", "~/._-")


def signed_url(bucket: str, key: str, region: str, **options: object) -> str:
    """The URL that botocore itself would call for an object."""
    import boto3
    from botocore.config import Config

    style = options.pop("addressing_style", "auto")
    client = boto3.client(
        "s3",
        region_name=region,
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(
            signature_version="s3v4",
            use_fips_endpoint=bool(options.pop("fips", False)),
            use_dualstack_endpoint=bool(options.pop("dualstack", False)),
            s3={"addressing_style": style, **options},
        ),
    )
    params = {"Bucket": bucket, "Key": key}
    return str(client.generate_presigned_url("get_object", Params=params))


@pytest.mark.parametrize(
    ("region", "fips"),
    # AWS has no FIPS endpoints in China.
    [
        (region, fips)
        for region in REGIONS
        for fips in (False, True)
        if not (fips and region.startswith("cn-"))
    ],
)
@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("dualstack", [False, True])
def test_every_url_that_botocore_makes_is_the_same_object(
    region: str, style: str, fips: bool, dualstack: bool
) -> None:
    for bucket, key in itertools.product(BUCKETS, KEYS):
        url = signed_url(bucket, key, region, addressing_style=style, fips=fips, dualstack=dualstack)
        assert parse_object_url(url) == ObjectIdentity("s3", bucket, key), url
        assert identity_of(url) == identity_of(f"s3://{bucket}/{key}") == ObjectIdentity("s3", bucket, key)


@pytest.mark.parametrize("dualstack", [False, True])
def test_accelerated_urls_are_the_same_object(dualstack: bool) -> None:
    url = signed_url("lake", "a b.jpg", "eu-west-2", use_accelerate_endpoint=True, dualstack=dualstack)
    assert "accelerate" in url
    assert parse_object_url(url) == ObjectIdentity("s3", "lake", "a b.jpg")


@pytest.mark.parametrize(("fips", "dualstack"), itertools.product([False, True], repeat=2))
def test_an_access_point_is_a_store_of_its_own_with_the_same_keys(fips: bool, dualstack: bool) -> None:
    arn = "arn:aws:s3:us-west-2:123456789012:accesspoint/scans"
    url = signed_url(arn, "d/a b.jpg", "us-west-2", fips=fips, dualstack=dualstack)
    assert "s3-accesspoint" in url
    assert parse_object_url(url) == ObjectIdentity(
        "s3-accesspoint:us-west-2", "scans-123456789012", "d/a b.jpg"
    )


def test_a_directory_bucket_keeps_its_name() -> None:
    url = "https://lake--euw1-az1--x-s3.s3express-euw1-az1.eu-west-1.amazonaws.com/d/a%20b.jpg"
    assert parse_object_url(url) == ObjectIdentity("s3", "lake--euw1-az1--x-s3", "d/a b.jpg")


@pytest.mark.parametrize(
    ("url", "store", "bucket", "key"),
    [
        ("https://lake.storage.googleapis.com/d/a%20b.jpg", "gs", "lake", "d/a b.jpg"),
        ("https://storage.googleapis.com/lake/d/a.jpg?generation=7", "gs", "lake", "d/a.jpg"),
        ("https://storage.cloud.google.com/lake/d/a.jpg", "gs", "lake", "d/a.jpg"),
        ("gs://lake/d/a.jpg", "gs", "lake", "d/a.jpg"),
        ("https://s3.eu-central-2.wasabisys.com/lake/a.jpg", "wasabi", "lake", "a.jpg"),
        ("https://lake.s3.eu-central-2.wasabisys.com/a.jpg", "wasabi", "lake", "a.jpg"),
        ("https://lake.nyc3.digitaloceanspaces.com/a.jpg", "digitaloceanspaces:nyc3", "lake", "a.jpg"),
        ("https://nyc3.digitaloceanspaces.com/lake/a.jpg", "digitaloceanspaces:nyc3", "lake", "a.jpg"),
        ("https://lake.obs.eu-de.otc.t-systems.com/a.jpg", "obs.eu-de.otc", "lake", "a.jpg"),
        ("https://acc.blob.core.windows.net/c/d/a.jpg", "azure:acc", "c", "d/a.jpg"),
        ("https://acc.dfs.core.windows.net/c/d/a.jpg", "azure:acc", "c", "d/a.jpg"),
        ("https://acc.blob.core.windows.net/a.jpg", "azure:acc", "$root", "a.jpg"),
        (f"https://{'a1' * 16}.r2.cloudflarestorage.com/lake/a.jpg", f"r2:{'a1' * 16}", "lake", "a.jpg"),
        ("http://127.0.0.1:9000/lake/d/a.jpg", "127.0.0.1:9000", "lake", "d/a.jpg"),
        ("http://localhost:9000/lake/d/a.jpg", "localhost:9000", "lake", "d/a.jpg"),
    ],
)
def test_other_stores(url: str, store: str, bucket: str, key: str) -> None:
    found = parse_object_url(url)
    assert (found.store, found.bucket, found.key) == (store, bucket, key)


def test_what_cannot_be_told_is_not_a_key() -> None:
    for url in ("https://cdn.example.com/lake/a.jpg", "https://lake.unknown-store.io/a.jpg"):
        with pytest.raises(ObjectUrlError, match=r"does not tell its bucket and key"):
            parse_object_url(url)
    assert identity_of("https://cdn.example.com/a%20b.jpg") == identity_of("http://CDN.example.com/a b.jpg")
    assert identity_of("https://cdn.example.com/f?id=1") != identity_of("https://cdn.example.com/f?id=2")
    assert identity_of("https://cdn.example.com/f?id=1&sig=x") == identity_of(
        "https://cdn.example.com/f?id=1"
    )


def test_an_endpoint_tells_the_bucket_below_it_or_in_front_of_it() -> None:
    endpoint = "https://minio.example.com/root"
    wanted = ObjectIdentity("minio.example.com", "lake", "d/a.jpg")
    assert parse_object_url("https://minio.example.com/root/lake/d/a.jpg", endpoint=endpoint) == wanted
    assert parse_object_url("https://lake.minio.example.com/root/d/a.jpg", endpoint=endpoint) == wanted
    with pytest.raises(ObjectUrlError):
        parse_object_url("https://minio.example.com.evil.org/root/lake/d/a.jpg", endpoint=endpoint)


def test_accounts_hosts_and_versions_keep_objects_apart() -> None:
    different = (
        "https://one.blob.core.windows.net/c/a.jpg",
        "https://two.blob.core.windows.net/c/a.jpg",
        "s3://c/a.jpg",
        "gs://c/a.jpg",
        "https://c.s3.eu-west-2.amazonaws.com/a.jpg?versionId=1",
        "https://c.s3.eu-west-2.amazonaws.com/a.jpg?versionId=2",
        "https://one.example.com/c/a.jpg",
        "https://two.example.com/c/a.jpg",
    )
    assert len({identity_of(url) for url in different}) == len(different)


def test_protocol_forms_have_no_quoting_and_broken_escapes_are_not_read() -> None:
    assert identity_of("s3://lake/a%25b.png") != identity_of("s3://lake/a%b.png")
    assert identity_of("https://lake.s3.eu-west-2.amazonaws.com/a%25b.png") == identity_of(
        "s3://lake/a%b.png"
    )
    broken = "https://lake.s3.eu-west-2.amazonaws.com/a%b.png"
    assert identity_of(broken) == broken
    with pytest.raises(ObjectUrlError, match="%25"):
        parse_object_url(broken)


@given(key=st.text(min_size=1, max_size=40).filter(lambda key: key.encode("utf-8", "ignore").decode() == key))
def test_any_key_is_found_by_its_quoted_and_its_plain_spelling(key: str) -> None:
    quoted = f"https://lake.s3.eu-west-2.amazonaws.com/{quote(key, safe='/')}"
    lazily = f"https://lake.s3.eu-west-2.amazonaws.com/{quote(key, safe='/=+()!*:@,;$&')}"
    assert identity_of(quoted) == identity_of(lazily) == ObjectIdentity("s3", "lake", key)


@given(text=st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    for candidate in (text, f"https://{text}", f"s3://{text}", f"arn:aws:s3::{text}"):
        identity_of(candidate)
        is_url(candidate)
