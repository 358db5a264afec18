"""Making things go wrong inside of a worker or a triggerer, which is a process of its own."""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from encord_provider.api.client import EncordApi
from encord_provider.jobs import journal, receipts, report, wait
from encord_provider.jobs.journal import TaskStateJournal
from encord_provider.triggers import upload_job
from tests.helpers.kills import vanish

SKEW = 600.0
_WRITING_CALLS = ("start_upload_job", "cancel_upload_job")


def watch_writes(on_write: Callable[[str], None], after_write: Callable[[str], None]) -> None:
    """Have a look at every line that writes: files, the state store, and calls that change something in Encord."""

    def watched(name: str, original: Any, counts: Callable[..., bool] = lambda *_: True) -> Any:
        def write(*args: Any, **kwargs: Any) -> Any:
            if not counts(*args):
                return original(*args, **kwargs)
            on_write(name)
            result = original(*args, **kwargs)
            after_write(name)
            return result

        return write

    for module in (journal, receipts, report):
        for name in ("write_whole", "remove"):
            if hasattr(module, name):
                setattr(module, name, watched("file", getattr(module, name)))
    for name in ("save", "delete"):
        setattr(TaskStateJournal, name, watched("store", getattr(TaskStateJournal, name)))
    changes = watched("call", EncordApi.perform, lambda _api, call: call.name in _WRITING_CALLS)
    EncordApi.perform = changes  # type: ignore[method-assign]


def kill_at_write(nth: int, *, after: bool, counted_in: Path) -> None:
    """Let this process die at the n-th write of all attempts together."""

    def count(_: str) -> None:
        with counted_in.open("ab") as file:
            file.write(b".")
        if not after and counted_in.stat().st_size == nth:
            vanish()

    def written(_: str) -> None:
        if after and counted_in.stat().st_size == nth:
            vanish()

    watch_writes(count, written)


def fail_writes(kind: str, *, probability: float, error: int, seed: str) -> None:
    """Let writes of a kind fail, as on a full disk."""
    dice = random.Random(f"{seed}/{os.getpid()}")

    def refuse(name: str) -> None:
        if name == kind and dice.random() < probability:
            raise OSError(error, os.strerror(error))

    watch_writes(refuse, lambda _: None)


def kill_after(seconds: float) -> None:
    """Let this process die at some moment."""
    timer = threading.Timer(seconds, vanish)
    timer.daemon = True
    timer.start()


def set_clock(seconds: float) -> None:
    """Let the clock by which this process waits be wrong."""
    clock = SimpleNamespace(time=lambda: time.time() + seconds, monotonic=time.monotonic)
    wait.time = upload_job.time = clock  # type: ignore[assignment]


def lose(folder: Path) -> None:
    """Let a workspace be gone, as that of another worker."""
    shutil.rmtree(folder, ignore_errors=True)
