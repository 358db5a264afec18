"""Whether a state file holds what the emulator does."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import requests

from encord_provider.emulator.app import new_store
from encord_provider.emulator.core.snapshot import dump, load
from encord_provider.emulator.core.state_file import StateFile
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.server import EncordEmulator


def read_back_differs(emulator: EncordEmulator) -> list[bytes]:
    """Lines of a snapshot that the state file of an emulator, as a kill would leave it now, has not, or has too many.

    :returns: the lines of either side; empty if a restart would begin with the present state.
    """
    path = emulator.state_file
    assert path is not None

    def compare(store: Store) -> list[bytes]:
        with tempfile.TemporaryDirectory() as folder:
            for file in path.parent.glob(path.name + "*"):
                shutil.copy(file, folder)
            killed = _empty()
            copy = StateFile(Path(folder) / path.name)
            copy.open(killed)
            copy.close()
        restored = _empty()
        load(restored, dump(store))
        # Time and chance stand in the first lines; a draw may have come after the last answer.
        found, expected = list(dump(killed))[2:], list(dump(restored))[2:]
        for other in (killed, restored):
            other.close_soon()
        return [] if found == expected else sorted(set(found) ^ set(expected)) or [b"the order differs"]

    # What is promised is what was done before an answer: a call whose answer was lost waits for the next one.
    requests.get(emulator.url + "/_emulator/clock", timeout=30).raise_for_status()
    return emulator.call(compare)


def _empty() -> Store:
    return new_store(first_key="00" * 32, clock_speed=0)
