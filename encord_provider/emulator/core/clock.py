"""The emulator's clock: real, faster than real, or moved by hand."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime


class Clock:
    """Virtual time, in seconds since the epoch.

    :param speed: virtual seconds per real second: 1 is real time, 60 makes a minute pass in a second, and 0
        stops the clock, so that only :meth:`advance` moves it.

    Must be used from one event loop only.
    """

    def __init__(self, *, speed: float = 1.0) -> None:
        self._speed = _checked_speed(speed)
        self._virtual = time.time()
        self._real = time.monotonic()
        self._changed = asyncio.Event()

    @property
    def speed(self) -> float:
        """Virtual seconds per real second; 0 when stepped by hand."""
        return self._speed

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        return self._virtual + (time.monotonic() - self._real) * self._speed

    def set_speed(self, speed: float) -> None:
        """Go on from the present moment at another speed (see the class)."""
        checked = _checked_speed(speed)
        self._rebase(self.now())
        self._speed = checked
        self._wake()

    def advance(self, seconds: float) -> None:
        """Jump forward.

        :param seconds: how far, in virtual seconds, not negative.
        :raises ValueError: ``seconds`` is negative or not a number.
        """
        if not (seconds >= 0 and math.isfinite(seconds)):
            raise ValueError(
                f"the clock cannot move by {seconds} s: give a number of seconds that is not negative"
            )
        self._rebase(self.now() + seconds)
        self._wake()

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of virtual time."""
        await self.wait(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, seconds: float, *, real_limit: float | None = None) -> bool:
        """Wait until ``event`` is set or ``seconds`` of virtual time have passed.

        :param real_limit: give up after that many real seconds as well, so that nobody hangs on a stopped clock.
        :returns: whether the event is set.
        """
        deadline = self.now() + seconds
        real_deadline = math.inf if real_limit is None else time.monotonic() + real_limit
        while not event.is_set():
            remaining = deadline - self.now()
            if remaining <= 0 or time.monotonic() >= real_deadline:
                break
            real_wait = remaining / self._speed if self._speed > 0 else math.inf
            real_wait = min(real_wait, real_deadline - time.monotonic())
            await first_of(event, self._changed, None if math.isinf(real_wait) else real_wait)
        return event.is_set()

    def _rebase(self, virtual: float) -> None:
        self._virtual, self._real = virtual, time.monotonic()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def iso(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, the form of every time on the wire."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _checked_speed(speed: float) -> float:
    if not (speed >= 0 and math.isfinite(speed)):
        raise ValueError(f"clock speed {speed} is not usable: 0 (stepped by hand), 1 (real time) or more")
    return speed


async def first_of(one: asyncio.Event, other: asyncio.Event, timeout: float | None = None) -> None:
    """Wait until one of two events is set, or for ``timeout`` real seconds."""
    waiters = [asyncio.ensure_future(one.wait()), asyncio.ensure_future(other.wait())]
    try:
        await asyncio.wait(waiters, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()
