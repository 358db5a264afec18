"""The log of requests, for tests that ask what was called and for the web page."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

MAX_ENTRIES = 5_000
MAX_BODY = 4_096


@dataclass(kw_only=True, slots=True)
class LoggedRequest:
    """One request; headers are not kept, because they hold signatures and tokens.

    :param at: when it arrived, on the emulator's clock, seconds since the epoch.
    :param route: name of the call, as faults know it.
    :param target: path and query.
    :param user: e-mail address of the caller, or ``None`` if not authenticated.
    :param body: beginning of the request body, 4 KiB at most.
    :param body_bytes: size of the whole body.
    :param status: HTTP status of the answer, or ``None`` if the connection was reset.
    :param milliseconds: real time that it took, including what was held or delayed on purpose.
    :param fault: kind of the fault that struck it, or ``None``.
    """

    number: int
    at: float
    method: str
    route: str
    target: str
    user: str | None = None
    user_agent: str = ""
    body: str = ""
    body_bytes: int = 0
    status: int | None = None
    milliseconds: float = 0.0
    fault: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)


class RequestLog:
    """The latest requests."""

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=MAX_ENTRIES)
        self._count = 0

    @property
    def count(self) -> int:
        """How many requests there were in all."""
        return self._count

    def add(self, *, body: bytes, **known: Any) -> LoggedRequest:
        """Note a request; the caller fills in how it ended.

        :param known: other fields of the entry.
        """
        self._count += 1
        text = body[:MAX_BODY].decode("utf-8", "replace")
        entry = LoggedRequest(number=self._count, body=text, body_bytes=len(body), **known)
        self._entries.append(entry)
        return entry

    def entries(self, *, after: int = 0) -> list[LoggedRequest]:
        """Requests with a number greater than ``after``, the oldest first."""
        return [entry for entry in self._entries if entry.number > after]

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._count = 0
