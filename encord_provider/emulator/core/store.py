"""Everything that an emulated Encord knows: a few things of its own, and the parts that the entities register."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.faults import Faults
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.core.request_log import RequestLog
from encord_provider.emulator.core.settings import Settings

P = TypeVar("P")


class Store:
    """The whole state; a reset makes a new one.

    ``store[Folders]`` is the part of that class, and ``store.folders`` the same by its name.

    :param parts: name -> class of every part, in an order in which each needs only those before it; each is made
        with the store.
    :param first_key: public key, in hexadecimal, of the user that every emulator starts with.
    :param s3_endpoint: URL of the S3 endpoint, or ``None`` to take every object to exist.
    :param seed: decides every UUID and every probability.
    """

    def __init__(
        self,
        parts: Mapping[str, Callable[[Store], object]],
        *,
        first_key: str,
        s3_endpoint: str | None = None,
        settings: Settings | None = None,
        seed: int | None = None,
        clock_speed: float = 1.0,
    ) -> None:
        self._by_name: dict[str, Any] = {}
        self._by_class: dict[type, Any] = {}
        self.first_key = first_key
        self.s3_endpoint = s3_endpoint
        self.settings = settings or Settings()
        self.chance = Chance(seed)
        self.clock = Clock(speed=clock_speed)
        self.faults = Faults(self.chance.happens)
        self.requests = RequestLog()
        self.changes = 0
        """Counts calls that may have changed something, as they end."""
        for name, make in parts.items():
            part = make(self)
            self._by_name[name] = self._by_class[type(part)] = part

    def __getitem__(self, kind: type[P]) -> P:
        part: P = self._by_class[kind]
        return part

    if (
        not TYPE_CHECKING
    ):  # Names are for tests and consoles; the emulator itself asks by class, which is checked.

        def __getattr__(self, name):
            parts = self.__dict__.get("_by_name", {})
            if name not in parts:
                raise AttributeError(f"the store has no part {name!r}; it has {', '.join(parts)}")
            return parts[name]

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Names and parts, in the order in which they were made."""
        return iter(self._by_name.items())

    def tell(self, event: str, *details: object) -> None:
        """Call the method ``event`` of every part that has one.

        :param event: ``forget_user`` (e-mail address), ``forget_group`` (UUID), ``forget_tag`` (the tag),
            ``forget_folder`` (the folder), ``wake`` (answer everybody who waits) or ``resume`` (go on with what a
            snapshot left unfinished).
        """
        for part in list(self._by_name.values()):
            method = getattr(part, event, None)
            if method is not None:
                method(*details)

    def progress(self) -> tuple[int, ...]:
        """Numbers that differ whenever something may have changed: by a call, or by a part's running work."""
        return self.changes, *(
            part.progress() for part in self._by_name.values() if hasattr(part, "progress")
        )

    async def close(self) -> None:
        """Stop running work and close connections: await ``stop`` of every part that has it, the last made first."""
        for part in reversed(list(self._by_name.values())):
            if hasattr(part, "stop"):
                await part.stop()

    def close_soon(self) -> None:
        """Answer whoever waits, then :meth:`close`. Must be called in the event loop."""
        self.tell("wake")
        task = asyncio.ensure_future(self.close())
        _closing.add(task)
        task.add_done_callback(_closing.discard)


_closing: set[asyncio.Future[None]] = set()
