"""Prefixes with wildcards, resolved by what the bucket holds."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from encord_provider.exceptions import EncordInputError
from encord_provider.listing.s3 import explained

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def expand_prefix(client: S3Client, bucket: str, pattern: str) -> list[str]:
    """Find the prefixes of a bucket that a pattern names.

    A ``*`` stands for any text inside one segment, as in ``site=*/dt=2025-03-01/``. Only the levels that have
    one are listed, with a delimiter, so the effort grows with the folders and not with the objects.

    :param client: a boto3 S3 client.
    :param bucket: the name of the bucket.
    :param pattern: the prefix pattern; without a ``*`` it is the one result.
    :returns: the prefixes in order; empty if none exists.
    :raises EncordInputError: when the last segment, which is not a whole folder, has a ``*``.
    :raises ListingError: when the bucket does not exist or may not be listed.
    """
    *folders, last = pattern.split("/")
    if "*" in last:
        raise EncordInputError(
            f"The prefix pattern {pattern!r} ends inside a folder name that has a '*'. End it with '/'."
        )
    found = [""]
    for folder in folders:
        if "*" in folder:
            found = [below for prefix in found for below in _matching(client, bucket, prefix, folder)]
        else:
            found = [f"{prefix}{folder}/" for prefix in found]
    return sorted(f"{prefix}{last}" for prefix in found)


def distinct(prefixes: Iterable[str]) -> list[str]:
    """Bring prefixes into order, without those whose objects another one has too.

    ``dt=2025-03-1`` has the objects of ``dt=2025-03-10`` as well; listing both would list those twice.

    :param prefixes: the prefixes, in any order.
    :returns: the prefixes that are left, in order.
    """
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return kept


def _matching(client: S3Client, bucket: str, prefix: str, folder: str) -> Iterator[str]:
    literal = folder.partition("*")[0]
    # fnmatch knows more wildcards than we promise.
    wanted = folder.replace("[", "[[]").replace("?", "[?]")
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{prefix}{literal}", Delimiter="/"
    )
    with explained(bucket, f"prefix {prefix + literal!r}", action="s3:ListBucket"):
        for page in pages:
            for common in page.get("CommonPrefixes", ()):
                name = common["Prefix"][len(prefix) : -1]
                if fnmatch.fnmatchcase(name, wanted):
                    yield common["Prefix"]
