"""Pages of a bucket's listing: reading S3's answer, and a process that fetches and reads many of them at once.

Run as a script this is the process: it is given signed requests, and gives back pages. It knows neither credentials
nor Airflow, and imports neither, so that it starts at once; it ends when its input does, however whoever started it
has ended.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from encord_provider.listing.objects import ListedObject

_TAG = re.compile(r"(\{[^}]*\})?ListBucketResult")
_TIMES = re.compile(
    r"(?:[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z\n)*+"
)


class Page(NamedTuple):
    """What one answer of ListObjectsV2 says, by column.

    :param keys: the keys, decoded.
    :param sizes: the sizes in bytes.
    :param times: when each was written, as a text of ISO 8601 where nobody has read it yet.
    :param classes: the storage classes.
    :param etags: the entity tags without quotes.
    :param token: asks for the next page; None on the last one.
    """

    keys: list[str]
    sizes: list[int | None]
    times: list[datetime | str | None]
    classes: list[str | None]
    etags: list[str | None]
    token: str | None

    def ends(self) -> tuple[str, str] | None:
        """Give the first key and the last; None without any."""
        return (self.keys[0], self.keys[-1]) if self.keys else None

    def ordered(self) -> bool:
        """Whether each key is greater than the one before."""
        return all(map(str.__lt__, self.keys, self.keys[1:]))

    def first(self, count: int) -> Page:
        """Give the first objects of the page, as a last page.

        :param count: how many.
        """
        return Page(
            self.keys[:count],
            self.sizes[:count],
            self.times[:count],
            self.classes[:count],
            self.etags[:count],
            None,
        )

    def objects(self) -> Iterator[ListedObject]:
        """Give the objects of the page."""
        from encord_provider.listing.objects import ListedObject

        # What the constructor does, without a step of Python for each object.
        make: Any = tuple.__new__
        return map(make, itertools.repeat(ListedObject), zip(*self[:5], strict=True))

    def packed(self) -> bytes:
        """Give the page as bytes, a third as many as S3 sends."""
        return orjson.dumps(tuple(self))

    @classmethod
    def unpacked(cls, data: bytes) -> Page:
        """Give the page of which :meth:`packed` made bytes."""
        return cls(*orjson.loads(data))


def parse_page(body: bytes) -> Page | None:
    """Read an answer of ListObjectsV2 that was asked for with ``encoding-type=url``.

    :param body: the body of the answer.
    :returns: the page; None for whatever is not just what S3 sends, so that it is left to botocore.
    """
    from lxml import etree  # type: ignore[import-untyped]

    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None
    match = _TAG.fullmatch(str(root.tag))
    if match is None or root.getroottree().docinfo.doctype:
        return None
    namespace = match[1] or ""

    def texts(name: str) -> list[str]:
        return [one.text or "" for one in root.iter(f"{namespace}{name}")]

    def one_text(name: str) -> str | None:
        return root.findtext(f"{namespace}{name}") or None

    count = sum(1 for _ in root.iterchildren(f"{namespace}Contents"))
    columns: list[list[Any]] = [
        texts(name) for name in ("Key", "Size", "LastModified", "StorageClass", "ETag")
    ]
    for position, column in enumerate(columns):
        if not column and position > 1:
            columns[position] = [None] * count
        elif len(column) != count:
            return None
    keys, sizes, times, classes, etags = columns
    if count and times[0] is not None and not _TIMES.fullmatch("\n".join([*times, ""])):
        return None
    try:
        numbers: list[int | None] = [int(size) for size in sizes]
    except ValueError:
        return None
    if one_text("EncodingType") == "url":
        keys = _decoded(keys)
    token = one_text("NextContinuationToken")
    if token is None and one_text("IsTruncated") == "true":
        return None
    return Page(keys, numbers, times, classes, [(etag and etag.strip('"')) or None for etag in etags], token)


def _decoded(keys: list[str]) -> list[str]:
    """Undo the quoting of all keys at once; a line end within a key is quoted."""
    from botocore.compat import unquote_str

    joined = "\n".join(keys)
    if "%0A" in joined or "%0a" in joined or joined.count("\n") != len(keys) - 1 or not joined.isascii():
        return [unquote_str(key) for key in keys]
    return unquote_str(joined).split("\n") if keys else []


def _serve() -> None:
    """Fetch what the input asks for, many at a time, and write each answer as it comes."""
    import os
    import signal
    import struct
    import sys
    import threading
    from queue import SimpleQueue

    from botocore.awsrequest import AWSPreparedRequest
    from botocore.httpsession import URLLib3Session

    # Whoever started this one decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = orjson.loads(sys.stdin.buffer.readline())
    threads = settings.pop("threads")
    timeout: Any = tuple(settings.pop("timeout"))
    certificate = settings.pop("client_cert")
    session = URLLib3Session(
        **settings,
        timeout=timeout,
        client_cert=tuple(certificate) if isinstance(certificate, list) else certificate,
        max_pool_connections=threads,
    )
    asked: SimpleQueue[Any] = SimpleQueue()
    lock = threading.Lock()
    answers = sys.stdout.buffer

    def answer(number: int, status: int, head: Any = None, data: bytes = b"") -> None:
        said = orjson.dumps([number, status, head])
        with lock:
            try:
                answers.write(struct.pack(">II", len(said), len(data)) + said + data)
                answers.flush()
            except OSError:
                # Nobody reads any more.
                os._exit(0)

    def fetch() -> None:
        while True:
            number, url, headers = asked.get()
            try:
                response = session.send(AWSPreparedRequest("GET", url, headers, None, False))
                status, body = response.status_code, response.content
                page = parse_page(body) if status == 200 else None
            except Exception:
                # Whatever it is, botocore meets it again and says it as it always does.
                answer(number, 0)
                continue
            if page is None:
                answer(number, 0 if status == 200 else status)
                continue
            head = {
                "count": len(page.keys),
                "ends": page.ends(),
                "token": page.token,
                "ordered": page.ordered(),
            }
            answer(number, 200, head, page.packed())

    for _ in range(threads):
        threading.Thread(target=fetch, daemon=True).start()
    for line in sys.stdin.buffer:
        asked.put(orjson.loads(line))
    os._exit(0)


if __name__ == "__main__":
    _serve()
