"""What all triggers of a connection in one process share: one HTTP session, and one pace at which Encord is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from encord_provider.jobs.wait import Pace

if TYPE_CHECKING:
    from encord_provider.api.async_client import AsyncEncordApi
    from encord_provider.hooks.credentials import Credentials
    from encord_provider.hooks.encord import EncordHook


@dataclass(eq=False, kw_only=True)
class Shared:
    """What the triggers of one connection share.

    :param api: the data plane, open as long as a trigger uses it.
    :ivar pace: how often they ask Encord together.
    :ivar users: how many use it now.
    """

    api: AsyncEncordApi
    pace: Pace = field(init=False, default_factory=Pace)
    users: int = field(init=False, default=0)


@dataclass(eq=False)
class _OfLoop:
    """What is open on one event loop, by credentials."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    open: dict[Credentials, Shared] = field(default_factory=dict)
    reading: dict[str, asyncio.Task[Credentials]] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it or is about to."""
        return not self.open and not self.reading and not self.lock.locked()


_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = WeakKeyDictionary()


def _made(hook: EncordHook, credentials: Credentials) -> AsyncEncordApi:
    # What this hook would read by itself may be newer, and belong to another key.
    hook.__dict__["credentials"] = credentials
    return hook.async_api()


async def _credentials(hook: EncordHook, there: _OfLoop) -> Credentials:
    """Read what a connection says; those who ask while it is being read share the answer.

    Thousands of triggers start at once when a triggerer does, and each reading is a call to Airflow's API server.
    """
    reading = there.reading.get(hook.encord_conn_id)
    if reading is None:
        # Off the event loop: it reads the connection, and masks secrets.
        reading = asyncio.create_task(asyncio.to_thread(lambda: hook.credentials))
        there.reading[hook.encord_conn_id] = reading

        def read(task: asyncio.Task[Credentials]) -> None:
            del there.reading[hook.encord_conn_id]
            if not task.cancelled():
                task.exception()  # those who asked may all have been cancelled

        reading.add_done_callback(read)
    # Whoever is cancelled does not take it from the others.
    return await asyncio.shield(reading)


@asynccontextmanager
async def shared_api(hook: EncordHook) -> AsyncIterator[Shared]:
    """Use what the triggers of a connection share; the last one closes it.

    Triggers share where the connection says the same, whatever its id: a connection that was changed meanwhile is
    another one.

    :param hook: the connection, read off the event loop.
    :raises EncordConfigError: if the connection cannot be used as it is.
    """
    loop = asyncio.get_running_loop()
    key = await _credentials(hook, _LOOPS.setdefault(loop, _OfLoop()))
    there = _LOOPS.setdefault(loop, _OfLoop())
    shared = there.open.get(key)
    if shared is None:
        # Thousands may start at once, and none of them has made it yet.
        async with there.lock:
            shared = there.open.get(key)
            if shared is None:
                # It imports the SDK.
                api = await asyncio.to_thread(lambda: _made(hook, key))
                await api.__aenter__()
                shared = there.open[key] = Shared(api=api)
    shared.users += 1
    try:
        yield shared
    finally:
        shared.users -= 1
        if not shared.users:
            # Nobody finds it any more while it is being closed.
            del there.open[key]
            if there.is_idle:
                _LOOPS.pop(loop, None)
            await shared.api.__aexit__()
