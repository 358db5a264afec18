"""EncordFolderChangedTrigger: tell Airflow that a storage folder has changed, for an AssetWatcher."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from encord_provider.api.calls import get_folder_summary, list_items
from encord_provider.exceptions import EncordError, EncordInputError
from encord_provider.hooks.encord import EncordHook
from encord_provider.triggers.shared import shared_api

log = logging.getLogger(__name__)

_TRIES = 3
"""How often the newest item is read while a folder is filling, before its number of files is taken as it was last."""

_NOT_CONTENTS = frozenset({"uploadJobs"})
"""What a summary counts beside the contents: a job that has just been started has changed nothing."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a folder looked like.

    :param folder: its UUID.
    :param counts: how many there are of each type, and their size.
    :param newest: the UUID of the item that was added last; empty where there is none.
    """

    folder: str
    counts: dict[str, float]
    newest: str

    @property
    def mark(self) -> dict[str, Any]:
        """What is remembered of it, as JSON values."""
        return {"folder": self.folder, "counts": self.counts, "newest": self.newest}


class EncordFolderChangedTrigger(BaseEventTrigger):  # type: ignore[misc, unused-ignore]
    """Start a DAG when items were added to a storage folder or removed from it, by whomever.

    It looks at the folder with two small calls, however much it holds. Changed client metadata and what happens in
    sub-folders is not seen by that. Encord lists no upload jobs, so that the end of an upload that somebody else has
    started is told by the folder: ``quiet_seconds`` after its last change.

    What it has told is remembered in the state of the asset (Airflow 3.3 and later), so that after a restart of the
    triggerer it neither tells it again nor misses what has happened meanwhile. Before Airflow 3.3 it begins with what
    it finds.

    :param folder: the storage folder: UUID or name path.
    :param poll_seconds: how often to look.
    :param quiet_seconds: for how long the folder must stay as it is before it is told; 0 to tell at once.
    :param encord_conn_id: the Airflow connection of type ``encord``.
    :raises EncordInputError: if a number of seconds is out of range.
    """

    def __init__(
        self,
        *,
        folder: str,
        poll_seconds: float = 60.0,
        quiet_seconds: float = 0.0,
        encord_conn_id: str = EncordHook.default_conn_name,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        if poll_seconds <= 0 or quiet_seconds < 0:
            raise EncordInputError(
                f"poll_seconds must be more than 0 and quiet_seconds 0 or more, not {poll_seconds} and {quiet_seconds}."
            )
        self.folder = folder
        self.poll_seconds = poll_seconds
        self.quiet_seconds = quiet_seconds
        self.encord_conn_id = encord_conn_id
        self._found: tuple[EncordHook, str] | None = None
        self._told: dict[str, Any] | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what Airflow needs to make this trigger again; it holds no secret."""
        return (
            "encord_provider.triggers.folder_changed.EncordFolderChangedTrigger",
            {
                "folder": self.folder,
                "poll_seconds": self.poll_seconds,
                "quiet_seconds": self.quiet_seconds,
                "encord_conn_id": self.encord_conn_id,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look again and again, and send an event for every change.

        The payload has ``folder`` (its UUID), ``files`` and ``files_before`` (how many it holds and held), and
        ``newest_item``.
        """
        seen: Look | None = None
        since = 0.0
        while True:
            look = await self._look()
            if look is not None:
                if look != seen:
                    seen, since = look, monotonic()
                told = await self._remembered()
                if told is None or told.get("folder") != look.folder:
                    await self._remember(look)
                elif told != look.mark and monotonic() - since >= self.quiet_seconds:
                    yield TriggerEvent(_payload(told, look))
                    # Behind the event: a triggerer that dies in between tells it again rather than never.
                    await self._remember(look)
            await asyncio.sleep(self.poll_seconds)

    async def _look(self) -> Look | None:
        """Look at the folder; None where that is not possible now, which is logged, as a watcher goes on for ever."""
        try:
            # Off the event loop: it reads the connection and imports the SDK.
            if self._found is None:
                self._found = await asyncio.to_thread(self._find)
            hook, folder = self._found
            async with shared_api(hook) as shared:
                counts = await shared.api.perform(get_folder_summary(folder))
                for _ in range(_TRIES):
                    page = await shared.api.perform(list_items(folder, page_size=1, newest_first=True))
                    before, counts = counts, await shared.api.perform(get_folder_summary(folder))
                    if counts == before:
                        # Nothing came between the two answers, so that they are of one moment.
                        break
        except EncordError as error:
            self._found = None
            log.error("The folder %s cannot be watched now: %s", self.folder, error)
            return None
        contents = {name: count for name, count in counts.items() if name not in _NOT_CONTENTS}
        return Look(folder=folder, counts=contents, newest=next((item.uuid for item in page.items), ""))

    def _find(self) -> tuple[EncordHook, str]:
        hook = EncordHook(encord_conn_id=self.encord_conn_id)
        return hook, hook.find_folder(self.folder)

    async def _remembered(self) -> dict[str, Any] | None:
        if self._told is None and self._store is not None:
            try:
                found = await self._store.aget(self._key)
            except Exception as problem:
                self._warn(problem)
            else:
                self._told = found if isinstance(found, dict) else None
        return self._told

    async def _remember(self, look: Look) -> None:
        self._told = look.mark
        if self._store is not None:
            try:
                await self._store.aset(self._key, look.mark)
            except Exception as problem:
                self._warn(problem)

    def _warn(self, problem: Exception) -> None:
        # Airflow has no state for a trigger that two assets share.
        log.warning(
            "What was told of the folder %s is remembered only until the triggerer ends: %s: %s",
            self.folder,
            type(problem).__name__,
            problem,
        )

    @property
    def _key(self) -> str:
        # One asset may be watched by several triggers.
        watched = f"{self.encord_conn_id}/{self.folder}/{self.quiet_seconds}"
        return f"encord_folder_{hashlib.sha256(watched.encode()).hexdigest()[:16]}"

    @property
    def _store(self) -> Any:
        """Give the state of the watched asset; None before Airflow 3.3."""
        return getattr(self, "asset_state_store", None)


def _payload(told: dict[str, Any], look: Look) -> dict[str, Any]:
    return {
        "folder": look.folder,
        "files": int(look.counts.get("files", 0)),
        "files_before": int(told["counts"].get("files", 0)),
        "newest_item": look.newest,
    }
