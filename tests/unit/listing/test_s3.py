# ruff: noqa: TID253  (a test may import what the package must not)

import datetime as dt

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from encord_provider.exceptions import EncordPermanentError, ListingError, StorageUnavailableError
from encord_provider.listing import bucket_region, list_s3


@pytest.fixture
def client():
    with mock_aws():
        client = boto3.client(
            "s3", region_name="eu-west-2", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_bucket(Bucket="media", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        yield client


@pytest.fixture
def unreachable():
    client = boto3.client(
        "s3", region_name="eu-west-2", aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(client) as stubber:
        yield client, stubber


def test_all_pages_under_the_prefix_are_listed_in_key_order(client):
    for number in range(25):
        client.put_object(Bucket="media", Key=f"in/{number:03d}.jpg", Body=b"x" * number)
    client.put_object(Bucket="media", Key="out/1.jpg", Body=b"x")
    objects = list(list_s3(client, "media", "in/", page_size=10))
    assert [(one.key, one.size) for one in objects] == [
        (f"in/{number:03d}.jpg", number) for number in range(25)
    ]
    assert isinstance(objects[0].last_modified, dt.datetime)
    assert objects[0].storage_class == "STANDARD"
    assert len(objects[0].etag) == 32


@pytest.mark.parametrize(
    "key", ["a b.jpg", "a+b.jpg", "ü/日本.png", "a%20b.jpg", "a&b<c>.jpg", "(1)#?.jpg", "a\nb"]
)
def test_keys_are_listed_as_they_are(client, key):
    client.put_object(Bucket="media", Key=key, Body=b"x")
    assert [one.key for one in list_s3(client, "media")] == [key]


def test_the_next_page_is_asked_for_only_when_it_is_needed(unreachable):
    client, stubber = unreachable
    entry = {"Key": "a.jpg", "Size": 1}
    stubber.add_response(
        "list_objects_v2", {"Contents": [entry], "IsTruncated": True, "NextContinuationToken": "t"}
    )
    assert next(list_s3(client, "media")).key == "a.jpg"


def test_a_prefix_without_objects_gives_nothing(client):
    assert list(list_s3(client, "media", "nothing/")) == []


def test_a_missing_bucket_is_named(client):
    with pytest.raises(
        ListingError, match="cannot list bucket 'other', prefix 'in/': there is no such bucket"
    ):
        list(list_s3(client, "other", "in/"))


def test_a_missing_permission_names_the_iam_action(unreachable):
    client, stubber = unreachable
    stubber.add_client_error("list_objects_v2", "AccessDenied", http_status_code=403)
    with pytest.raises(
        ListingError, match=r"prefix 'in/': not permitted.*s3:ListBucket on arn:aws:s3:::media"
    ):
        list(list_s3(client, "media", "in/"))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidAccessKeyId", "does not know the access key"),
        ("SignatureDoesNotMatch", "did not accept the secret key"),
        ("ExpiredToken", "the session token of the Airflow connection has expired"),
        ("PermanentRedirect", "the bucket is in another region"),
    ],
)
def test_what_will_not_go_away_is_explained(unreachable, code, message):
    client, stubber = unreachable
    stubber.add_client_error("list_objects_v2", code)
    with pytest.raises(ListingError, match=message):
        list(list_s3(client, "media"))


def test_what_may_go_away_stays_retryable(unreachable):
    client, stubber = unreachable
    stubber.add_client_error("list_objects_v2", "SlowDown", http_status_code=503)
    with pytest.raises(StorageUnavailableError, match="SlowDown"):
        list(list_s3(client, "media"))


def test_a_name_that_is_no_bucket_is_refused(client):
    with pytest.raises(ListingError, match="Invalid bucket name"):
        list(list_s3(client, "s3://media/in"))


def test_missing_credentials_are_a_listing_error(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    client = boto3.session.Session().client("s3", region_name="eu-west-2", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(ListingError, match="gives no AWS credentials"):
        list(list_s3(client, "media"))


def test_the_region_of_a_bucket_is_found(client):
    assert bucket_region(client, "media") == "eu-west-2"


def test_the_region_is_found_even_when_the_bucket_redirects(unreachable):
    client, stubber = unreachable
    stubber.add_client_error(
        "head_bucket", "301", http_status_code=301,
        response_meta={"HTTPHeaders": {"x-amz-bucket-region": "us-west-1"}},
    )  # fmt: skip
    assert bucket_region(client, "media") == "us-west-1"


def test_a_store_that_tells_no_region_has_that_of_the_client(unreachable):
    client, stubber = unreachable
    stubber.add_response("head_bucket", {"ResponseMetadata": {"HTTPHeaders": {}}})
    assert bucket_region(client, "media") == "eu-west-2"


def test_the_region_of_a_missing_bucket_is_an_error(client):
    with pytest.raises(ListingError, match="cannot list bucket 'other', its region: there is no such bucket"):
        bucket_region(client, "other")


def test_a_page_that_comes_twice_is_an_error_and_not_more_objects(unreachable):
    client, stubber = unreachable
    for token in ("t", "u"):
        page = {
            "Contents": [{"Key": "a.jpg", "Size": 1}],
            "IsTruncated": True,
            "NextContinuationToken": token,
        }
        stubber.add_response("list_objects_v2", page)
    with pytest.raises(StorageUnavailableError, match=r"'media'.*'a\.jpg'.*twice"):
        list(list_s3(client, "media"))


@pytest.mark.parametrize("body", [b"<ListBucketResult><Contents><Key>a", b"not XML", b"<a>" * 100_000])
def test_an_answer_that_was_cut_is_named_and_may_be_tried_again(body, monkeypatch):
    from botocore.awsrequest import AWSResponse
    from botocore.httpsession import URLLib3Session

    class _Raw:
        def stream(self, **_):
            yield body

    monkeypatch.setattr(URLLib3Session, "send", lambda _, request: AWSResponse(request.url, 200, {}, _Raw()))
    client = boto3.client(
        "s3", region_name="eu-west-2", aws_access_key_id="test", aws_secret_access_key="test"
    )
    with pytest.raises(StorageUnavailableError, match="'media'") as caught:
        list(list_s3(client, "media"))
    assert not isinstance(caught.value, EncordPermanentError)
