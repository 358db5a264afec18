"""Faults on demand: what shall go wrong, where, how often."""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Callable, Mapping, Set
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """The call is answered with an error status and not carried out."""
    RESET_BEFORE = "reset_before"
    """The connection is reset before the call is carried out."""
    RESET_AFTER = "reset_after"
    """The call is carried out, then the connection is reset: done, answer lost."""
    SLOW_BODY = "slow_body"
    """The answer arrives in pieces over ``seconds``."""
    TRUNCATED_BODY = "truncated_body"
    """The answer is cut in the middle, which leaves JSON that cannot be parsed."""
    DELAY = "delay"
    """The call is carried out after ``seconds``."""
    JOB_STUCK = "job_stuck"
    """A started upload job makes no progress until the fault is removed."""
    JOB_CANCELLED = "job_cancelled"
    """Somebody else cancels an upload job after ``after_units`` units."""
    UNIT_ERROR = "unit_error"
    """A unit with a URL that matches ``url`` fails with ``message``."""


CALL_FAULTS = frozenset(FaultKind) - {FaultKind.JOB_STUCK, FaultKind.JOB_CANCELLED, FaultKind.UNIT_ERROR}
"""The kinds that befall a call; the others befall an upload job."""


@dataclass(kw_only=True)
class Fault:
    """One thing that goes wrong.

    :param kind: what.
    :param route: name of the calls it befalls, ``*`` and ``?`` allowed, for example ``start_upload_job`` or
        ``*_item*``; the request log names them.
    :param method: only calls of this HTTP method.
    :param path: only calls whose path matches, ``*`` and ``?`` allowed.
    :param count: how often it strikes; ``None`` until it is removed.
    :param skip: how many matching calls pass before it strikes first.
    :param probability: chance that it strikes a matching call, 0 to 1.
    :param status: HTTP status, for kind ``status``.
    :param retry_after: value of ``Retry-After`` in seconds, for kind ``status``.
    :param message: text of the error, for kinds ``status`` and ``unit_error``.
    :param seconds: real seconds, for kinds ``slow_body`` and ``delay``.
    :param url: object URLs that are struck, ``*`` and ``?`` allowed, for kind ``unit_error``.
    :param after_units: for kind ``job_cancelled``.
    :ivar id: number under which it can be removed.
    :ivar struck: how often it struck.
    """

    kind: FaultKind
    route: str = "*"
    method: str = "*"
    path: str = "*"
    count: int | None = None
    skip: int = 0
    probability: float = 1.0
    status: int = 503
    retry_after: int | None = None
    message: str | None = None
    seconds: float = 1.0
    url: str = "*"
    after_units: int = 0
    id: int = 0
    struck: int = 0

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read a fault from JSON.

        :raises ValueError: an unknown field, a missing or unknown kind, or a value out of range.
        """
        names = {field.name for field in fields(cls)} - {"id", "struck"}
        unknown = document.keys() - names
        if unknown:
            raise ValueError(f"unknown fields {sorted(unknown)}; a fault has {sorted(names)}")
        try:
            kind = FaultKind(document.get("kind", ""))
        except ValueError:
            raise ValueError(f"kind must be one of {', '.join(FaultKind)}") from None
        fault = cls(**{**document, "kind": kind})
        fault.check()
        return fault

    def check(self) -> None:
        """Look at the values.

        :raises ValueError: a value is of the wrong type or out of range.
        """
        for name in ("route", "method", "path", "url"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be a string")
        for name in ("skip", "status", "after_units"):
            if not _is_count(getattr(self, name)):
                raise ValueError(f"{name} must be a whole number that is not negative")
        for name in ("count", "retry_after"):
            if getattr(self, name) is not None and not _is_count(getattr(self, name)):
                raise ValueError(f"{name} must be a whole number that is not negative, or null")
        if not isinstance(self.probability, int | float) or not 0 <= self.probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        if not isinstance(self.seconds, int | float) or not self.seconds >= 0:
            raise ValueError("seconds must not be negative")
        if self.kind is FaultKind.STATUS and not 400 <= self.status <= 599:
            raise ValueError("status must be between 400 and 599")

    def as_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)


class Faults:
    """The faults in force.

    :param happens: decides by probability.
    """

    def __init__(self, happens: Callable[[float], bool]) -> None:
        self._happens = happens
        self._ids = itertools.count(1)
        self._active: dict[int, Fault] = {}
        self.on_change: list[Callable[[], None]] = []

    def add(self, fault: Fault) -> Fault:
        """Put a fault into force."""
        fault.check()
        fault.id = next(self._ids)
        self._active[fault.id] = fault
        self._changed()
        return fault

    def remove(self, fault_id: int) -> bool:
        """End a fault; whether there was one of that number."""
        removed = self._active.pop(fault_id, None) is not None
        self._changed()
        return removed

    def clear(self) -> None:
        """End all faults."""
        self._active.clear()
        self._changed()

    def all(self) -> list[Fault]:
        """The faults in force, those that have struck as often as they should included."""
        return list(self._active.values())

    def for_call(self, *, route: str, method: str, path: str) -> Fault | None:
        """The fault that strikes this call, or ``None``; counts as having struck."""
        for fault in self._of(CALL_FAULTS):
            here = fnmatch.fnmatchcase(route, fault.route) and fnmatch.fnmatchcase(path, fault.path)
            if here and fault.method in ("*", method) and self._strikes(fault):
                return fault
        return None

    def for_unit(self, urls: list[str]) -> Fault | None:
        """The fault that strikes a unit with these URLs, or ``None``; counts as having struck."""
        for fault in self._of({FaultKind.UNIT_ERROR}):
            if any(fnmatch.fnmatchcase(url, fault.url) for url in urls) and self._strikes(fault):
                return fault
        return None

    def for_job(self) -> list[Fault]:
        """The faults that strike a job that begins; each counts as having struck."""
        return list(filter(self._strikes, self._of({FaultKind.JOB_STUCK, FaultKind.JOB_CANCELLED})))

    def is_active(self, fault: Fault) -> bool:
        """Whether a fault has not been removed."""
        return fault.id in self._active

    def any_for_units(self) -> bool:
        """Whether any fault could strike a unit."""
        return bool(self._of({FaultKind.UNIT_ERROR}))

    def _of(self, kinds: Set[FaultKind]) -> list[Fault]:
        return [fault for fault in self._active.values() if fault.kind in kinds]

    def _strikes(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.count is not None and fault.struck >= fault.count:
            return False
        if not self._happens(fault.probability):
            return False
        fault.struck += 1
        return True

    def _changed(self) -> None:
        for notify in self.on_change:
            notify()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
