# ruff: noqa: TID253  (a test may import what the package must not)

import boto3
import pytest
from moto import mock_aws

from encord_provider.exceptions import EncordInputError, ListingError
from encord_provider.listing.prefixes import distinct, expand_prefix


@pytest.fixture
def client():
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_bucket(Bucket="media")
        for key in (
            "site=oslo/dt=2026-01-01/a.jpg",
            "site=oslo/dt=2026-01-02/a.jpg",
            "site=bergen/dt=2026-01-01/a.jpg",
            "site=bergen/dt=2026-01-01/deep/a.jpg",
            "sit[e]/dt=2026-01-01/a.jpg",
            "top.jpg",
        ):
            client.put_object(Bucket="media", Key=key, Body=b"x")
        yield client


@pytest.mark.parametrize(
    ("pattern", "prefixes"),
    [
        ("site=*/dt=2026-01-01/", ["site=bergen/dt=2026-01-01/", "site=oslo/dt=2026-01-01/"]),
        ("site=oslo/dt=*/", ["site=oslo/dt=2026-01-01/", "site=oslo/dt=2026-01-02/"]),
        ("*/dt=*-02/", ["site=oslo/dt=2026-01-02/"]),
        ("site=none*/", []),
        ("site=oslo/dt=2026-01-0", ["site=oslo/dt=2026-01-0"]),
        ("", [""]),
        ("sit[e]*/", ["sit[e]/"]),
    ],
)
def test_a_star_stands_for_any_text_inside_one_folder_name(client, pattern, prefixes):
    assert expand_prefix(client, "media", pattern) == prefixes


def test_a_star_inside_the_last_name_is_refused(client):
    with pytest.raises(EncordInputError, match="'site=\\*' ends inside a folder name"):
        expand_prefix(client, "media", "site=*")


def test_a_missing_bucket_is_named(client):
    with pytest.raises(ListingError, match="cannot list bucket 'other'"):
        expand_prefix(client, "other", "site=*/")


def test_a_prefix_inside_another_one_is_listed_once() -> None:
    assert distinct(["dt=2025-03-10/", "dt=2025-03-1", "dt=2025-03-2/"]) == ["dt=2025-03-1", "dt=2025-03-2/"]
