"""Identifiers and chance, from one seed."""

from __future__ import annotations

import random
import secrets
import uuid


class Chance:
    """The only source of randomness of an emulator, so that a run can be repeated.

    :param seed: decides every UUID and every probability; taken from the system if ``None``.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = secrets.randbits(63) if seed is None else seed
        self._random = random.Random(self.seed)  # noqa: S311 - identifiers of a test double, not secrets

    def uuid(self) -> str:
        """A new version 4 UUID."""
        digits = f"{self._random.getrandbits(128):032x}"
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def happens(self, probability: float) -> bool:
        """True with the given probability."""
        return probability >= 1 or self._random.random() < probability

    def key_seed(self) -> bytes:
        """32 bytes to make a key from."""
        return self._random.randbytes(32)

    def token(self) -> str:
        """A long opaque token."""
        return self._random.randbytes(32).hex()

    def getstate(self) -> list[object]:
        """The state of the generator as JSON values (for snapshots)."""
        version, internal, gauss = self._random.getstate()
        return [version, list(internal), gauss]

    def setstate(self, state: list[object]) -> None:
        """Continue from a state that :meth:`getstate` gave."""
        version, internal, gauss = state
        self._random.setstate((version, tuple(internal), gauss))  # type: ignore[arg-type]


def canonical_uuid(text: object) -> str | None:
    """A UUID in its canonical spelling, or ``None`` if ``text`` is not one."""
    if not isinstance(text, str):
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
