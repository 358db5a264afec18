"""Read access to the S3 endpoint that stands in for the clouds (moto, MinIO, rclone ...)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree

from encord_provider.emulator.core.store import Store
from encord_provider.emulator.storage.objects.urls import ObjectName

if TYPE_CHECKING:
    import aiohttp

_PARALLEL = 16


class ObjectError(Exception):
    """An object or bucket cannot be read.

    :ivar status: the HTTP status, or 0 if the endpoint did not answer.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What S3 says of an object.

    :param size: bytes, or ``None`` if not known.
    :param content_type: as stored, or ``None``.
    :param etag: changes when the content does, or ``None``.
    """

    size: int | None = None
    content_type: str | None = None
    etag: str | None = None


class ObjectStore:
    """Objects behind an S3 endpoint, addressed path-style.

    Requests are signed with the credentials of the environment (``AWS_ACCESS_KEY_ID``,
    ``AWS_SECRET_ACCESS_KEY``), or with dummy ones, which every stand-in for S3 accepts.

    :ivar endpoint: for example ``http://127.0.0.1:9000``; empty if there is none, and objects are taken to exist.
    """

    def __init__(self, store: Store) -> None:
        self.endpoint = (store.s3_endpoint or "").rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(_PARALLEL)

    async def head(self, name: ObjectName) -> ObjectInfo:
        """Look an object up.

        :raises ObjectError: it does not exist or may not be read.
        """
        headers, _ = await self._object("HEAD", name)
        length = headers.get("Content-Length")
        return ObjectInfo(
            size=int(length) if length is not None else None,
            content_type=headers.get("Content-Type"),
            etag=headers.get("ETag"),
        )

    async def read(self, name: ObjectName) -> tuple[bytes, str]:
        """An object's content and content type.

        :raises ObjectError: it does not exist or may not be read.
        """
        headers, content = await self._object("GET", name)
        return content, headers.get("Content-Type", "application/octet-stream")

    async def list_pages(self, bucket: str, prefix: str) -> AsyncIterator[list[tuple[str, ObjectInfo]]]:
        """All objects under a prefix, page by page, in the order of their keys.

        :raises ObjectError: the bucket does not exist or may not be listed.
        """
        token = ""
        while True:
            query = f"list-type=2&prefix={quote(prefix, safe='')}"
            if token:
                query = f"continuation-token={quote(token, safe='')}&{query}"
            _, content = await self._fetch("GET", f"{self.endpoint}/{bucket}?{query}", f"bucket {bucket!r}")
            page = ElementTree.fromstring(content)  # noqa: S314 - the user's own endpoint  # nosec B314
            yield [
                (
                    _text(entry, "Key"),
                    ObjectInfo(size=int(_text(entry, "Size") or 0), etag=_text(entry, "ETag")),
                )
                for entry in page.iterfind("{*}Contents")
            ]
            token = _text(page, "NextContinuationToken")
            if _text(page, "IsTruncated") != "true" or not token:
                return

    async def stop(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _object(self, method: str, name: ObjectName) -> tuple[Mapping[str, str], bytes]:
        try:
            return await self._keyed(method, name.bucket, name.key)
        except ObjectError as error:
            if name.other_key is None or error.status != 404:
                raise
            return await self._keyed(method, name.bucket, name.other_key)

    async def _keyed(self, method: str, bucket: str, key: str) -> tuple[Mapping[str, str], bytes]:
        url = f"{self.endpoint}/{bucket}/{quote(key, safe='/-_.~')}"
        async with self._slots:
            return await self._fetch(method, url, f"object {key!r} in bucket {bucket!r}")

    async def _fetch(self, method: str, url: str, what: str) -> tuple[Mapping[str, str], bytes]:
        import aiohttp
        from yarl import URL

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        try:
            # encoded=True: keys keep exactly the escapes that were signed.
            async with self._session.request(
                method, URL(url, encoded=True), headers=_signed_headers(method, url)
            ) as response:
                status, headers, content = response.status, response.headers, await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise ObjectError(f"the storage does not answer ({type(error).__name__})", 0) from None
        if status == 404:
            raise ObjectError(f"{what} does not exist", status)
        if status in (401, 403):
            raise ObjectError(f"access to {what} is denied", status)
        if status != 200:
            raise ObjectError(f"storage answered {status} for {what}", status)
        return headers, content


def _signed_headers(method: str, url: str) -> dict[str, str]:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    credentials = Credentials(
        os.environ.get("AWS_ACCESS_KEY_ID", "testing"),
        os.environ.get("AWS_SECRET_ACCESS_KEY", "testing"),
        os.environ.get("AWS_SESSION_TOKEN"),
    )
    request = AWSRequest(method=method, url=url)
    S3SigV4Auth(credentials, "s3", os.environ.get("AWS_DEFAULT_REGION", "us-east-1")).add_auth(request)
    return dict(request.headers)


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""
