"""Re-encoding of videos."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.reencoding.models import Reencodings


async def reencode_videos(call: Call) -> Any:
    """Begin to re-encode videos; answers the UUID of the work."""
    uuids = call.body.uuids("storageItems")
    for uuid in uuids:
        item = call.store[Items].require(uuid, call.user)
        if not item.type.is_video:
            raise bad_request(f"item {item.name!r} is not a video")
    return call.store[Reencodings].start(uuids).uuid


async def get_reencoding(call: Call) -> Any:
    """How far re-encoding has come."""
    processes = call.store[Reencodings]
    process = processes.known(call.path["process"])
    done = processes.is_done(process)
    return {"status": "done" if done else "submitted", "result": list(process.items) if done else None}


ENTITY = Entity(
    name="reencodings",
    part=Reencodings,
    routes=[
        ApiRoute("POST", "storage/items/reencode", reencode_videos),
        ApiRoute("GET", "storage/items/reencode/{process:uuid}", get_reencoding),
    ],
)
