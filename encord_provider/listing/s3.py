"""Objects of an S3 bucket, page by page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from encord_provider.exceptions import ListingError, StorageUnavailableError
from encord_provider.listing.calls import ListCalls
from encord_provider.listing.objects import ListedObject
from encord_provider.listing.order import in_key_order
from encord_provider.listing.page import Page
from encord_provider.listing.ranges import SERIAL_PAGES, PageOrderError, Ranges

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_PAGE_SIZE = 1000
"""Keys per answer of ListObjectsV2; S3 gives no more."""

_DIRECTORY_BUCKETS = ("--x-s3", "--xa-s3")
"""How the names of directory buckets, and of access points to them, end. Source: the Amazon S3 user guide."""

_REASONS = {
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "there is no such object",
    "InvalidBucketName": "that is not a valid bucket name",
    "AccessDenied": "not permitted; the credentials need the IAM action {action} on arn:aws:s3:::{bucket}",
    "AllAccessDisabled": "all access to the bucket is disabled",
    "InvalidAccessKeyId": "S3 does not know the access key of the Airflow connection",
    "SignatureDoesNotMatch": "S3 did not accept the secret key of the Airflow connection",
    "ExpiredToken": "the session token of the Airflow connection has expired",
    "InvalidToken": "S3 did not accept the session token of the Airflow connection",
    "PermanentRedirect": "the bucket is in another region than the client; set region_name in the connection",
    "AuthorizationHeaderMalformed": "the bucket is in another region than the client; "
    "set region_name in the connection",
}
_BY_STATUS = {"404": "NoSuchBucket", "403": "AccessDenied", "301": "PermanentRedirect"}


def list_s3(
    client: S3Client, bucket: str, prefix: str = "", *, page_size: int = MAX_PAGE_SIZE
) -> Iterator[ListedObject]:
    """List the objects under a prefix in key order, asking for the next page only when it is needed.

    Of a bucket of several pages, ranges of keys are read side by side, see :mod:`encord_provider.listing.ranges`;
    what is given does not depend on that. S3 sorts keys by their UTF-8 bytes; directory buckets (S3 Express) do not
    sort, so they are read whole and sorted here.

    :param client: a boto3 S3 client.
    :param bucket: the name of the bucket.
    :param prefix: what the keys must start with; nothing for the whole bucket.
    :param page_size: keys per call, at most 1,000.
    :returns: the objects.
    :raises ListingError: when the bucket does not exist or may not be listed.
    :raises StorageUnavailableError: for throttling, server errors and answers that make no sense which are left after
        botocore's own retries: a later attempt may succeed.
    """
    objects = _objects(client, bucket, prefix, page_size)
    return in_key_order(objects) if bucket.endswith(_DIRECTORY_BUCKETS) else objects


def _objects(client: S3Client, bucket: str, prefix: str, page_size: int) -> Iterator[ListedObject]:
    with (
        explained(bucket, f"prefix {prefix!r}", action="s3:ListBucket"),
        ListCalls(client, bucket, prefix, page_size=page_size) as calls,
    ):
        pages = _pages(calls, in_ranges=not bucket.endswith(_DIRECTORY_BUCKETS))
        try:
            for page in pages:
                yield from page.objects()
        except PageOrderError as error:
            raise StorageUnavailableError(
                f"cannot list bucket {bucket!r}, prefix {prefix!r}: S3 gave the page that begins with "
                f"{error.key!r} twice, or out of order"
            ) from None


def _pages(calls: ListCalls, *, in_ranges: bool) -> Iterator[Page]:
    begun: set[str] = set()
    token = None
    for number in itertools.count(1):
        page = calls.page(token=token)
        if page.keys and page.keys[0] in begun:
            raise PageOrderError(page.keys[0])
        begun.update(page.keys[:1])
        yield page
        token = page.token
        if token is None:
            return
        if (
            in_ranges
            and number == SERIAL_PAGES
            and page.keys
            and (ranges := Ranges.of(calls, page)) is not None
        ):
            yield from ranges.pages()
            return


def bucket_region(client: S3Client, bucket: str) -> str:
    """Find the region of a bucket, which an object URL of AWS names.

    :param client: a boto3 S3 client.
    :param bucket: the name of the bucket.
    :returns: the region, for example ``eu-west-2``; for a store that does not tell, the client's own.
    :raises ListingError: when the bucket does not exist or may not be read.
    """
    from botocore.exceptions import ClientError

    with explained(bucket, "its region", action="s3:ListBucket"):
        try:
            headers = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
        except ClientError as error:
            headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            if not headers.get("x-amz-bucket-region"):
                raise
    return str(headers.get("x-amz-bucket-region") or client.meta.region_name)


@contextmanager
def explained(bucket: str, what: str, *, action: str) -> Iterator[None]:
    """Turn what S3 will answer again next time into a :class:`ListingError`.

    :param bucket: the name of the bucket.
    :param what: what is read of it, for the message.
    :param action: the IAM action that this needs.
    :returns: a context manager around the calls.
    :raises ListingError: for such an answer.
    :raises StorageUnavailableError: for no answer, or one that makes no sense: a later attempt may succeed.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

    try:
        yield
    except ClientError as error:
        details: Mapping[str, Any] = error.response.get("Error", {})
        code = str(details.get("Code", ""))
        reason = _REASONS.get(_BY_STATUS.get(code, code))
        if reason is None:
            raise StorageUnavailableError(f"cannot list bucket {bucket!r}, {what}: {error}") from None
        explanation = reason.format(action=action, bucket=bucket)
        # In AWS the message says who was refused, and by which policy.
        said = f"{code}: {details['Message']}" if details.get("Message") else code
        raise ListingError(f"cannot list bucket {bucket!r}, {what}: {explanation} ({said})") from None
    except NoCredentialsError:
        raise ListingError(
            f"cannot list bucket {bucket!r}, {what}: the Airflow connection gives no AWS credentials"
        ) from None
    except ParamValidationError as error:
        raise ListingError(f"cannot list bucket {bucket!r}, {what}: {error}") from None
    except BotoCoreError as error:
        raise StorageUnavailableError(
            f"cannot list bucket {bucket!r}, {what}: S3 cannot be reached or gave an answer that cannot be read "
            f"({type(error).__name__}: {error})"
        ) from None
