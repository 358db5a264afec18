"""What an entity registers: its part of the state, and its routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encord_provider.emulator.core.calls import ApiRoute
from encord_provider.emulator.core.control import ControlRoute
from encord_provider.emulator.core.legacy_gateway import LegacyRoute
from encord_provider.emulator.core.store import Store


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One kind of thing that the emulator knows.

    :param name: attribute of the store, and mark of its lines in a snapshot.
    :param part: makes its part of the state; that a snapshot keeps it follows from the class.
    :param routes: calls of the v2 API.
    :param legacy_routes: calls of the older API.
    :param control_routes: what ``/_emulator/`` offers for it.
    :param counts: given the part, how much there is of what, for the overview of the state.
    :param overview: given the part, what the overview of the state lists.
    """

    name: str
    part: Callable[[Store], object]
    routes: Sequence[ApiRoute] = ()
    legacy_routes: Sequence[LegacyRoute] = ()
    control_routes: Sequence[ControlRoute] = ()
    counts: Callable[[Any], Mapping[str, int]] | None = None
    overview: Callable[[Any], Mapping[str, Any]] | None = None
