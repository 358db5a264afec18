"""Ranges of a bucket's keys, read side by side.

A range begins behind a key (``StartAfter``) and goes on by continuation tokens. Whenever there is time for one more
call, the range that has the most before it is divided at a text of which it is guessed that keys lie on both sides,
see :mod:`encord_provider.listing.splitting`. A wrong guess costs a call and nothing else: what the parts hold does not
depend on where they end. How many calls may be wasted is bounded.

A process of its own fetches and reads the pages, see :mod:`encord_provider.listing.page`: in this one the data units
are built at the same time, and Python does one thing at a time. The requests are signed here. Whatever is not answered
by a page is asked once more by botocore, which repeats it, waits where S3 says to slow down, and raises its errors;
meanwhile nothing else is asked.
"""

from __future__ import annotations

import bisect
import logging
import os
import select
import struct
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from encord_provider.listing import page as page_module
from encord_provider.listing.calls import ListCalls
from encord_provider.listing.page import Page
from encord_provider.listing.splitting import Characters, shared_length, split_point

log = logging.getLogger(__name__)

SERIAL_PAGES = 4
"""So many pages are read one after the other: starting a process takes as long."""

_CALLS = 16
"""So many calls are under way at a time."""

_AHEAD_BYTES = 256 * 1024 * 1024
"""So much is kept, in a temporary file, of pages that nobody has taken yet; then only the next ones are asked for."""

_WASTED, _WASTED_SHARE = 4, 0.06
"""So many calls may be wasted, and so many more for each that gave a whole page."""

_PIPE_BYTES = 1024 * 1024
_HEADER = struct.Struct(">II")
_SLOW_DOWN = (429, 500, 503)


class PageOrderError(Exception):
    """S3 gave a page a second time, or one whose keys do not come behind those before.

    :param key: the key with which it begins.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(eq=False)
class _Range:
    """Keys that are greater than one text and not greater than another.

    :param after: the one.
    :param end: the other; None for no end.
    :param token: asks for the next page; None on the first.
    :param last: the last key that was read.
    :param before: a key before the range, where one was known when it was made.
    :param level: the position at which its first key differs from that one.
    :param span: how many characters the keys of its last page share.
    :param unsplit: how many pages came since it was last divided.
    :param pages: what was read and not taken.
    """

    after: str
    end: str | None
    token: str | None = None
    last: str | None = None
    before: str | None = None
    level: int | None = None
    span: int = 0
    unsplit: int = 0
    pages: deque[Page | tuple[int, int]] = field(default_factory=deque)
    asked: bool = False
    done: bool = False


class Ranges:
    """What is left of a listing behind its first pages. Make one with :meth:`of`.

    :param calls: the calls.
    :param rest: the range behind the first pages.
    :param settings: how the client sends requests.
    """

    def __init__(self, calls: ListCalls, rest: _Range, settings: dict[str, Any]) -> None:
        self._calls = calls
        self._ranges = [rest]
        self._settings = settings
        self._characters = Characters()
        self._asked: dict[int, _Range] = {}
        self._numbers = 0
        self._most = _CALLS
        self._kept = _Kept()
        self._answers = 0
        self._keys = 0

    @classmethod
    def of(cls, calls: ListCalls, page: Page) -> Ranges | None:
        """Divide what is left of a listing.

        :param calls: the calls.
        :param page: the page that was read last, which has keys and a token.
        :returns: the ranges; None where the rest is better listed page by page: the store does not know
            ``StartAfter`` or does not sort, or the client sends no requests over a network.
        :raises PageOrderError: when S3 gives a page of other keys than asked for.
        """
        settings = calls.session()
        if settings is None or not page.ordered() or not calls.sends(token=page.token):
            return None
        rest = _Range(
            after=page.keys[-1], end=None, token=page.token, last=page.keys[-1], unsplit=SERIAL_PAGES
        )
        rest.span = shared_length(page.keys[0], page.keys[-1])
        ranges = cls(calls, rest, settings)
        ranges._characters.saw(page.keys[0], page.keys[-1])
        split = ranges._divide()
        if split is None:
            return None
        # A store that does not know StartAfter gives its first page again, which is not behind the point.
        first = calls.page(after=split.after)
        if not first.ordered() or (first.keys and first.keys[0] <= split.after):
            return None
        ranges._take(split, first)
        return ranges

    def pages(self) -> Iterator[Page]:
        """Give the pages that are left, in the order of their keys."""
        with self._kept, _Process(self._settings) as process:
            while self._ranges:
                head = self._ranges[0]
                self._ask(process)
                self._hear(process, wait=not head.pages and not head.done)
                if head.pages:
                    taken = head.pages.popleft()
                    yield taken if isinstance(taken, Page) else Page.unpacked(self._kept.take(*taken))
                elif head.done:
                    del self._ranges[0]

    def _ask(self, process: _Process) -> None:
        """Send as many requests as there may be."""
        while len(self._asked) < self._most:
            # Where enough is there, only what is needed next is read on.
            near = self._ranges if self._kept.bytes < _AHEAD_BYTES else self._ranges[:1]
            one = next((one for one in near if not one.done and not one.asked), None)
            if one is None and self._kept.bytes < _AHEAD_BYTES:
                one = self._divide()
            if one is None:
                return
            self._numbers += 1
            one.asked = True
            self._asked[self._numbers] = one
            if not process.ended:
                process.send([self._numbers, *self._calls.signed(token=one.token, after=one.after)])

    def _divide(self) -> _Range | None:
        """Divide the range that has gone on for longest, if more calls may be wasted."""
        guesses = sum(one.last is None for one in self._asked.values())
        useful = self._keys / self._calls.page_size
        if self._answers + guesses / 2 - useful > _WASTED + _WASTED_SHARE * useful:
            return None
        open_ranges = [one for one in self._ranges if not one.done and one.unsplit]
        for one in sorted(open_ranges, key=self._room, reverse=True):
            one.unsplit = 0
            point = split_point(
                one.last or one.after,
                one.end,
                prefix=self._calls.prefix,
                characters=self._characters,
                span=one.span,
                level=one.level,
            )
            if point is not None:
                rest = _Range(after=point, end=one.end, before=one.last)
                one.end = point
                self._ranges.insert(self._ranges.index(one) + 1, rest)
                return rest
        return None

    def _room(self, one: _Range) -> tuple[int, int]:
        """Guess how much lies before a range: the earlier its end differs from its last key, the more."""
        last = one.last or one.after
        shared = len(self._calls.prefix) if one.end is None else shared_length(last, one.end)
        return one.span - shared, one.unsplit

    def _hear(self, process: _Process, *, wait: bool) -> None:
        """Take what has come; at least one answer where there is nothing to give otherwise."""
        while self._asked:
            answer = process.answer(wait=wait)
            if answer is None:
                if not process.ended:
                    return
                # Of a process that is no more, nothing comes: this one goes on, a page at a time.
                self._most = 1
                answer = (next(iter(self._asked)), 0, None, b"")
            wait = False
            number, status, head, data = answer
            one = self._asked.pop(number)
            one.asked = False
            if head is not None and head["ordered"]:
                self._took(one, head["count"], head["ends"], head["token"], data)
            else:
                if status in _SLOW_DOWN:
                    self._most = max(1, self._most // 2)
                self._take(one, self._calls.page(token=one.token, after=one.after))

    def _take(self, one: _Range, page: Page) -> None:
        if not page.ordered():
            raise PageOrderError(page.keys[0])
        self._took(one, len(page.keys), page.ends(), page.token, page)

    def _took(
        self, one: _Range, count: int, ends: Sequence[str] | None, token: str | None, page: Page | bytes
    ) -> None:
        """Put a page to its range."""
        self._answers += 1
        one.token = token
        one.done = token is None
        if ends is None:
            return
        first, last = ends
        if first <= (one.after if one.last is None else one.last):
            raise PageOrderError(first)
        self._characters.saw(first, last)
        if one.before is not None and one.last is None:
            one.level = shared_length(one.before, first)
        one.last = last
        one.span = shared_length(first, last)
        one.unsplit += 1
        if one.end is not None and last >= one.end:
            one.done = True
            whole = page if isinstance(page, Page) else Page.unpacked(page)
            count = bisect.bisect_right(whole.keys, one.end)
            page = whole.first(count)
        self._keys += count
        if count:
            one.pages.append(page if isinstance(page, Page) else self._kept.put(page))


class _Kept:
    """Pages that nobody has taken yet, in a file that goes with its use."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._end = 0
        self.bytes = 0
        """How much is kept."""

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, page: bytes) -> tuple[int, int]:
        """Keep a page.

        :param page: the page.
        :returns: where it is, for :meth:`take`.
        """
        if not self.bytes:
            self._end = 0
        self._file.seek(self._end)
        self._file.write(page)
        place = self._end, len(page)
        self._end += len(page)
        self.bytes += len(page)
        return place

    def take(self, start: int, size: int) -> bytes:
        """Give a page back, and keep it no longer.

        :param start: where it begins.
        :param size: how long it is.
        """
        self._file.seek(start)
        self.bytes -= size
        return self._file.read(size)


class _Process:
    """The process that fetches pages.

    :param settings: how it sends requests.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        # By its path: as a module of the package it would load Airflow.
        command = [sys.executable, "-P", str(Path(page_module.__file__))]
        self._buffer = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self.ended = False
        """Whether it is no more."""
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, pipesize=_PIPE_BYTES
            )
        except OSError as error:
            log.warning("The bucket is listed page by page, because no process can be started: %s", error)
            self.ended = True
            return
        self._input: Any = self._process.stdin
        self._output: Any = self._process.stdout
        self.send({**settings, "threads": _CALLS})

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._input.close()
        self._output.close()
        self._process.wait()

    def send(self, said: Any) -> None:
        """Write a line to the process.

        :param said: what it is told.
        """
        try:
            self._input.write(orjson.dumps(said) + b"\n")
        except BrokenPipeError:
            self.ended = True

    def answer(self, *, wait: bool) -> tuple[int, int, dict[str, Any] | None, bytes] | None:
        """Take an answer.

        :param wait: whether to wait for one.
        :returns: the number of the request, the status, what is told of the page, and the page; None for none yet, and
            for a process that has ended.
        """
        while not self.ended:
            if len(self._buffer) >= _HEADER.size:
                said, data = _HEADER.unpack_from(self._buffer)
                end = _HEADER.size + said + data
                if len(self._buffer) >= end:
                    number, status, head = orjson.loads(self._buffer[_HEADER.size : _HEADER.size + said])
                    page = bytes(self._buffer[_HEADER.size + said : end])
                    del self._buffer[:end]
                    return number, status, head, page
            ready, _, _ = select.select([self._output], [], [], None if wait else 0)
            if not ready:
                return None
            read = os.read(self._output.fileno(), _PIPE_BYTES)
            self._buffer += read
            self.ended = not read
        return None
