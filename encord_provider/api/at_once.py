"""Several calls at a time, their results in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

CALLS_AT_ONCE = 8
"""How many calls of one task are under way at once."""


def begun(function: Callable[[], R]) -> Future[R]:
    """Begin something in a thread of its own, which does not keep the process from ending.

    :param function: what to do.
    :returns: what becomes of it.
    """
    future: Future[R] = Future()
    context = copy_context()

    def work() -> None:
        try:
            future.set_result(context.run(function))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="at-once", daemon=True).start()
    return future


def at_once(function: Callable[[T], R], given: Iterable[T], *, most: int = CALLS_AT_ONCE) -> Iterator[R]:
    """Do something for many things, a few at a time.

    Whatever is raised for one of them is raised in its turn; then no other is begun, and those under way are left to
    themselves.

    :param function: what to do; it is called in threads.
    :param given: the things; read no further ahead than needed, and never in two threads.
    :param most: how many are under way at once.
    :returns: the results, in the order of the things.
    """
    waiting: deque[Future[R]] = deque()
    for one in given:
        waiting.append(begun(lambda one=one: function(one)))  # type: ignore[misc]
        if len(waiting) == most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
