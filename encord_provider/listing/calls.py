"""The calls that list a bucket: botocore signs and sends them, and repeats what fails; the answer is read here.

botocore spends 70 microseconds on each key of an answer, most of it on the time at which the object was written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from encord_provider.listing.page import Page, parse_page

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_EMPTY = b"<ListBucketResult/>"
_PAGE = "EncordPage"
_HELD_BACK = "x-encord-held-back"


class Signed(NamedTuple):
    """A request that anybody may send in our name for some minutes.

    :param url: where to.
    :param headers: the headers, with the signature.
    """

    url: str
    headers: Mapping[str, str]


class ListCalls:
    """Calls of ListObjectsV2 for one prefix. The client is used as it is, with all that is registered on it.

    :param client: a boto3 S3 client.
    :param bucket: the name of the bucket.
    :param prefix: what the keys must start with.
    :param page_size: keys per call, at most 1,000.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str, *, page_size: int) -> None:
        self.prefix = prefix
        self.page_size = page_size
        self._client = client
        self._asked = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": page_size}
        # The client may be listing something else in another thread, which is none of ours.
        self._here = threading.local()

    def __enter__(self) -> ListCalls:
        for event, handler in self._handlers():
            self._client.meta.events.register_last(event, handler, unique_id=f"{event}-{id(self)}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for event, handler in self._handlers():
            self._client.meta.events.unregister(event, handler, unique_id=f"{event}-{id(self)}")

    def page(self, *, token: str | None = None, after: str | None = None) -> Page:
        """Ask for a page.

        :param token: what the page before said; None for a first page.
        :param after: what the keys of a first page must be greater than; None for nothing.
        :returns: the page.
        :raises botocore.exceptions.ClientError: for what is left after botocore's own retries.
        :raises botocore.exceptions.BotoCoreError: for no answer, or one that makes no sense.
        """
        answer = self._call(token, after, "read")
        page = answer.get(_PAGE)
        return page if isinstance(page, Page) else _page_of(answer)

    def sends(self, *, token: str | None) -> bool:
        """Whether the client sends requests over a network, and nothing that is registered on it answers them.

        :param token: as for :meth:`page`.
        """
        self._here.signed = None
        headers = self._call(token, None, "sign").get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return self._here.signed is not None and _HELD_BACK in headers

    def signed(self, *, token: str | None, after: str | None) -> Signed:
        """Sign what :meth:`page` would send.

        :param token: as for :meth:`page`.
        :param after: as for :meth:`page`.
        :returns: the request.
        """
        self._call(token, after, "sign")
        signed: Signed = self._here.signed
        return signed

    def session(self) -> dict[str, Any] | None:
        """Give the settings with which the client sends requests.

        :returns: the arguments of ``botocore.httpsession.URLLib3Session``; None where they cannot be found.
        """
        from botocore.httpsession import URLLib3Session

        config: Any = self._client.meta.config
        try:
            session: Any = self._client._endpoint.http_session  # type: ignore[attr-defined]
            as_usual = type(session) is URLLib3Session
            if not as_usual:
                return None
            return {
                "verify": session._verify,
                "proxies": session._proxy_config._proxies,
                "proxies_config": config.proxies_config,
                "client_cert": config.client_cert,
                "timeout": (config.connect_timeout, config.read_timeout),
            }
        except AttributeError:
            return None

    def _handlers(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        yield "before-parse.s3.ListObjectsV2", self._read
        yield "before-send.s3.ListObjectsV2", self._held_back

    def _call(self, token: str | None, after: str | None, mode: str) -> dict[str, Any]:
        asked: dict[str, Any] = dict(self._asked)
        if token is not None:
            asked["ContinuationToken"] = token
        elif after is not None:
            asked["StartAfter"] = after
        self._here.mode = mode
        try:
            return dict(self._client.list_objects_v2(**asked))
        finally:
            self._here.mode = None

    def _read(
        self, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
    ) -> None:
        """Read a page in place of botocore; what is no usual page is left to it."""
        if getattr(self._here, "mode", None) != "read" or response_dict["status_code"] != 200:
            return
        if (page := parse_page(response_dict["body"])) is not None:
            customized_response_dict[_PAGE] = page
            response_dict["body"] = _EMPTY

    def _held_back(self, request: Any, **_: Any) -> Any:
        """Keep a request that is signed and would be sent now, in place of sending it."""
        from botocore.awsrequest import AWSResponse, HTTPHeaders

        if getattr(self._here, "mode", None) != "sign":
            return None
        signed = {
            name: value if isinstance(value, str) else value.decode()
            for name, value in request.headers.items()
        }
        self._here.signed = Signed(request.url, signed)
        headers = HTTPHeaders()
        headers[_HELD_BACK] = "true"
        return AWSResponse(request.url, 200, headers, _Nothing())


class _Nothing:
    """The body of an answer without keys."""

    def stream(self, **_: Any) -> list[bytes]:
        return [_EMPTY]


def _page_of(answer: Mapping[str, Any]) -> Page:
    """The page that botocore has read."""
    entries = answer.get("Contents", ())
    return Page(
        keys=[entry["Key"] for entry in entries],
        sizes=[entry["Size"] for entry in entries],
        times=[entry.get("LastModified") for entry in entries],
        classes=[entry.get("StorageClass") for entry in entries],
        etags=[entry.get("ETag", "").strip('"') or None for entry in entries],
        token=answer.get("NextContinuationToken"),
    )
