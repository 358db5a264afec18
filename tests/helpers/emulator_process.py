"""The emulator in a process of its own, for tests that kill processes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests


class Encord:
    """The emulator in a process of its own, steered over HTTP."""

    def __init__(self, address: str, private_key: str) -> None:
        self.url = address
        self.connection = {"conn_type": "encord", "extra": {"domain": address, "private_key": private_key}}

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_emulator/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text

    def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "jobs")
        return found

    def pending(self) -> list[str]:
        return [job["uuid"] for job in self.jobs() if job["status"] == "PENDING"]

    def registered(self) -> Counter[str]:
        lines = [json.loads(line) for line in self.control("GET", "snapshot").splitlines()]
        return Counter(row[1]["url"] for row in lines if isinstance(row, list) and row[0] == "items")


@contextlib.contextmanager
def emulator(*, units_per_second: float) -> Iterator[Encord]:
    """Run an emulator for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="chaos-key-") as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "encord_provider.emulator"),
                *("--key-file", f"{folder}/key", "--set", f"units_per_second={units_per_second}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Encord(ready["url"], Path(ready["private_key_path"]).read_text())
        finally:
            process.terminate()
            process.wait(10)
