"""Keeping the state in a file, so that it survives a restart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from encord_provider.emulator.core import snapshot
from encord_provider.emulator.core.store import Store

_INTERVAL_SECONDS = 1.0
_PAUSE_PER_SAVING = 20


class StateFile:
    """A file that holds the state; readable for its owner only, because it holds bearer tokens.

    :param path: the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved: tuple[int, ...] | None = None

    def load(self, store: Store) -> None:
        """Read the state, if there is one, into an empty store.

        :raises ApiError: the file is not a snapshot.
        """
        if self._path.exists():
            with self._path.open("rb") as file:
                snapshot.load(store, file)

    def save(self, store: Store) -> None:
        """Write the state; the file is complete at every moment."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(snapshot.dump(store))
        temporary.replace(self._path)

    async def keep_saving(self, present: Callable[[], Store]) -> None:
        """Save whenever something may have changed, about every second, less often if saving takes long."""
        while True:
            store = present()
            mark = (id(store), *store.progress())
            began = time.monotonic()
            if mark != self._saved:
                with contextlib.suppress(OSError):
                    self.save(store)
                    self._saved = mark
            await asyncio.sleep(max(_INTERVAL_SECONDS, (time.monotonic() - began) * _PAUSE_PER_SAVING))
