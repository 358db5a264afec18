"""Steering the emulator as a whole: state, snapshots, requests, faults, clock, settings."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from encord_provider.emulator.core import snapshot
from encord_provider.emulator.core.calls import Answer
from encord_provider.emulator.core.control import Controlled, ControlRoute, body_of, number
from encord_provider.emulator.core.errors import bad_request, not_found
from encord_provider.emulator.core.faults import Fault
from encord_provider.emulator.core.request_log import MAX_ENTRIES


def state_json(owner: Controlled) -> dict[str, Any]:
    """An overview of the state."""
    store = owner.store
    overview = owner.overview()
    return {
        "time": store.clock.now(),
        "clockSpeed": store.clock.speed,
        "seed": store.chance.seed,
        "settings": store.settings.as_dict(),
        **overview,
        "counts": {**overview["counts"], "requests": store.requests.count},
        "faults": [fault.as_dict() for fault in store.faults.all()],
    }


async def get_state(owner: Controlled, _: Request) -> Any:
    """Overview: time, settings, counts, users, integrations, faults."""
    return state_json(owner)


async def reset(owner: Controlled, _: Request) -> Any:
    """Begin again with an empty state, no faults, and the settings of the start."""
    owner.reset()
    return state_json(owner)


async def get_snapshot(owner: Controlled, _: Request) -> Any:
    """The whole state as JSON lines, to be restored later."""
    return Answer(b"".join(snapshot.dump(owner.store)), "application/x-ndjson")


async def restore_snapshot(owner: Controlled, request: Request) -> Any:
    """Begin again with the state of a snapshot."""
    owner.restore((await request.body()).splitlines())
    return state_json(owner)


async def get_requests(owner: Controlled, request: Request) -> Any:
    """The latest requests: those after number ``after``, at most ``limit``."""
    entries = owner.store.requests.entries(after=number(request, "after", 0))
    limit = number(request, "limit", MAX_ENTRIES)
    return [entry.as_dict() for entry in entries[max(0, len(entries) - limit) :]]


async def clear_requests(owner: Controlled, _: Request) -> Any:
    """Forget the requests so far."""
    owner.store.requests.clear()
    return None


async def get_faults(owner: Controlled, _: Request) -> Any:
    """The faults in force."""
    return [fault.as_dict() for fault in owner.store.faults.all()]


async def add_fault(owner: Controlled, request: Request) -> Any:
    """Put a fault into force."""
    return owner.store.faults.add(Fault.from_json((await body_of(request)).document)).as_dict()


async def remove_faults(owner: Controlled, request: Request) -> Any:
    """End one fault, or all."""
    fault_id = request.path_params.get("fault")
    if fault_id is None:
        owner.store.faults.clear()
    elif not owner.store.faults.remove(fault_id):
        raise not_found(f"there is no fault {fault_id}")
    return None


async def get_clock(owner: Controlled, _: Request) -> Any:
    """The time and its speed."""
    return {"time": owner.store.clock.now(), "speed": owner.store.clock.speed}


async def set_clock(owner: Controlled, request: Request) -> Any:
    """Change the speed (0 stops the clock), or move the clock forward by ``advance`` seconds."""
    document = (await body_of(request)).document
    unknown = document.keys() - {"speed", "advance"}
    if unknown or not all(isinstance(value, int | float) for value in document.values()):
        raise bad_request("give speed (virtual seconds per second) or advance (seconds), as numbers")
    if "speed" in document:
        owner.store.clock.set_speed(document["speed"])
    if "advance" in document:
        owner.store.clock.advance(document["advance"])
    return await get_clock(owner, request)


async def change_settings(owner: Controlled, request: Request) -> Any:
    """Change some settings."""
    owner.store.settings = owner.store.settings.changed((await body_of(request)).document)
    return owner.store.settings.as_dict()


ROUTES = [
    ControlRoute("GET", "state", get_state),
    ControlRoute("POST", "reset", reset),
    ControlRoute("GET", "snapshot", get_snapshot),
    ControlRoute("POST", "restore", restore_snapshot),
    ControlRoute("GET", "requests", get_requests),
    ControlRoute("DELETE", "requests", clear_requests),
    ControlRoute("GET", "faults", get_faults),
    ControlRoute("POST", "faults", add_fault),
    ControlRoute("DELETE", "faults", remove_faults),
    ControlRoute("DELETE", "faults/{fault:int}", remove_faults),
    ControlRoute("GET", "clock", get_clock),
    ControlRoute("POST", "clock", set_clock),
    ControlRoute("PATCH", "settings", change_settings),
]
