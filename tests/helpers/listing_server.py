"""A bucket of which only the list is there: ListObjectsV2, as fast as a process of Python can give it.

Every page is a slice of one prepared text, so that what a client costs can be measured beside it.
``python -m tests.helpers.listing_server MODULE:FUNCTION ARGUMENT [DELAY]`` serves the keys that a function gives.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import importlib
import subprocess
import sys
import threading
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote_plus, urlsplit
from urllib.request import urlopen

_TAIL = b"</ListBucketResult>"
_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Name>lake</Name><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>"
)


@dataclass
class ListingServer:
    """The bucket.

    :param keys: its keys, in order.
    :param delay: seconds before each answer.
    :param knows_start_after: whether it heeds ``StartAfter``.
    :param refuse: given the number of a call, the status and the error code that answer it; None for a page.
    :param change: given the number of a call and its answer, the answer that is sent.
    """

    keys: list[str]
    delay: float = 0.0
    knows_start_after: bool = True
    refuse: Callable[[int], tuple[int, str] | None] = lambda _: None
    change: Callable[[int, bytes], bytes] = lambda _, body: body
    calls: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._ends = array("Q", [0])
        text = bytearray()
        for number, key in enumerate(self.keys):
            text += _entry(number, key)
            self._ends.append(len(text))
        self._text = bytes(text)
        self._at_once = 0

    def answer(self, query: dict[str, str]) -> tuple[int, bytes]:
        self.calls.append(query)
        number = len(self.calls)
        if refused := self.refuse(number):
            return refused[0], b"<Error><Code>%s</Code><Message>no</Message></Error>" % refused[1].encode()
        prefix = query.get("prefix", "")
        if token := query.get("continuation-token"):
            start = int(token)
        else:
            start = bisect.bisect_left(self.keys, prefix)
            if "marker" in query:  # the older ListObjects
                start = max(start, bisect.bisect_right(self.keys, query["marker"]))
            if self.knows_start_after and "start-after" in query:
                start = max(start, bisect.bisect_right(self.keys, query["start-after"]))
        end = min(len(self.keys), start + int(query.get("max-keys", "1000")))
        while end > start and not self.keys[end - 1].startswith(prefix):
            end = bisect.bisect_left(self.keys, True, start, end, key=lambda key: not key.startswith(prefix))
        more = end < len(self.keys) and self.keys[end].startswith(prefix) and end > start
        said = b"<IsTruncated>%s</IsTruncated>" % (b"true" if more else b"false")
        if more:
            said += b"<NextContinuationToken>%d</NextContinuationToken>" % end
        body = b"".join((_HEAD, said, self._text[self._ends[start] : self._ends[end]], _TAIL))
        return 200, self.change(number, body)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                parts = urlsplit(request.split(b" ", 2)[1].decode())
                if parts.path == "/_calls":
                    status, body = 200, b"%d" % len(self.calls)
                else:
                    self._at_once += 1
                    self.most_at_once = max(self.most_at_once, self._at_once)
                    if self.delay:
                        await asyncio.sleep(self.delay)
                    query = parse_qs(parts.query, keep_blank_values=True)
                    status, body = self.answer({name: values[0] for name, values in query.items()})
                    self._at_once -= 1
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
                await writer.drain()
        writer.close()

    async def run(self, ready: Callable[[str], None], end: asyncio.Event | None = None) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        ready(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await (end or asyncio.Event()).wait()
        server.close()


@contextlib.contextmanager
def serving(server: ListingServer) -> Iterator[str]:
    """Serve in a thread; gives the URL."""
    said: list[str] = []
    begun, loop = threading.Event(), asyncio.new_event_loop()
    end = asyncio.Event()

    def ready(url: str) -> None:
        said.append(url)
        begun.set()

    def run() -> None:
        loop.run_until_complete(server.run(ready, end))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    try:
        yield said[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()


@contextlib.contextmanager
def in_process(keys: str, argument: str, *, delay: float = 0.0) -> Iterator[str]:
    """Serve in a process of its own the keys that ``module:function`` gives for an argument; gives the URL."""
    command = [sys.executable, "-m", __name__, keys, argument, str(delay)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def calls_of(url: str) -> int:
    """How often a bucket of :func:`in_process` was asked so far."""
    with urlopen(f"{url}/_calls") as answer:
        return int(answer.read())


def _entry(number: int, key: str) -> bytes:
    return (
        b"<Contents><Key>%s</Key><LastModified>2025-03-%02dT%02d:%02d:%02d.000Z</LastModified>"
        b"<ETag>&quot;%016x%016x&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
        b"<ChecksumType>FULL_OBJECT</ChecksumType><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>"
        % (
            quote_plus(key, safe="/*").encode(),
            1 + number % 28,
            number % 24,
            number % 60,
            number // 60 % 60,
            number * 0x9E3779B97F4A7C15 % (1 << 64),
            number * 0xC2B2AE3D27D4EB4F % (1 << 64),
            100_000 + number * 7919 % 4_000_000,
        )
    )


def _main() -> None:
    where, argument, delay = sys.argv[1:4]
    module, _, name = where.partition(":")
    keys: Iterable[str] = getattr(importlib.import_module(module), name)(argument)
    asyncio.run(ListingServer(list(keys), float(delay)).run(lambda url: print(url, flush=True)))


if __name__ == "__main__":
    _main()
