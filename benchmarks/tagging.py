"""How many calls to Encord it takes to tag a day of items, and to synchronise a small table, by the folder's size.

``python benchmarks/tagging.py [--sizes 1000,100000,1000000]`` starts the emulator as a process of its own for each
size, fills a folder, lets one run read all of it, registers a day of 1,000 items and tags them; then it brings 100 rows
to items of all days. It counts calls in the emulator's request log, compares the result with a reading of all items,
and prints one table in Markdown with the ratio of the largest size to the smallest. Exits with 1 if that is above 1.5.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import requests

DAY = 1_000
SYNCED = 100
MOST_RATIO = 1.5
JOB_UNITS = 100_000
HOST = "https://fleet.s3.eu-west-1.amazonaws.com"


def key(number: int) -> str:
    """The key of an object; a day has 1,000 of them."""
    return f"site=oslo/day={number // DAY:05}/camera-{number % DAY:03}.jpg"


@contextmanager
def emulator(workspace: str) -> Iterator[str]:
    """The emulator, and Airflow's connection to it; gives its address."""
    command = [sys.executable, "-m", "encord_provider.emulator", "--set", "units_per_second=1e9"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        private_key = Path(ready["private_key_path"]).read_text(encoding="ascii")
        extra = {"domain": ready["url"], "private_key": private_key}
        os.environ["AIRFLOW_CONN_ENCORD_DEFAULT"] = json.dumps({"conn_type": "encord", "extra": extra})
        os.environ["AIRFLOW__ENCORD__WORKSPACE"] = workspace
        yield ready["url"]
    finally:
        process.terminate()
        process.wait()


class Folder:
    """A folder of the emulator, and what it costs to work on it."""

    def __init__(self, address: str) -> None:
        from encord_provider.hooks.encord import EncordHook

        self.address = address
        self.hook = EncordHook()
        self.uuid = self.hook.find_folder("fleet", create=True)
        self.integration = str(self.hook.client.get_cloud_integrations()[0].id)
        self.count = 0

    def register(self, count: int) -> None:
        """Register the next items."""
        from encord_provider.api.calls import UploadRequest, get_upload_job, start_upload_job

        for start in range(self.count, self.count + count, JOB_UNITS):
            end = min(start + JOB_UNITS, self.count + count)
            images = [
                {"objectUrl": f"{HOST}/{key(number)}", "title": key(number)} for number in range(start, end)
            ]
            request = UploadRequest(
                folder=self.uuid,
                data_items={"images": images, "skipDuplicateUrls": True},
                integration=self.integration,
                skips_duplicates=True,
            )
            job = self.hook.api.perform(start_upload_job(request))
            while not self.hook.api.perform(get_upload_job(self.uuid, job, hold=60)).state.is_terminal:
                pass
        self.count += count

    def tag(self, numbers: Iterator[int] | range, **metadata: Any) -> dict[str, Any]:
        """Run the operator, and count its calls; nothing but it may call meanwhile."""
        from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
        from tests.helpers.operators import run

        rows = {f"{HOST}/{key(number)}": metadata for number in numbers}
        requests.delete(f"{self.address}/_emulator/requests", timeout=60).raise_for_status()
        began = time.perf_counter()
        done = run(EncordPatchMetadataOperator(task_id="tag", metadata=rows, folder=self.uuid))
        seconds = time.perf_counter() - began
        assert done["patched"] == len(rows), done
        answer = requests.get(f"{self.address}/_emulator/requests", timeout=60).json()
        calls = Counter(one["route"] for one in answer)
        return {"calls": sum(calls.values()), "seconds": seconds, "by_route": dict(calls)}

    def check(self, expected: dict[int, dict[str, Any]]) -> None:
        """Read every item, and compare what it has with what it must have."""
        left = {key(number): metadata for number, metadata in expected.items()}
        total = 0
        for item in self.hook.api.folder_items(self.uuid):
            total += 1
            assert dict(item.client_metadata) == left.pop(item.name, {}), item
        assert (total, left) == (self.count, {})


def measure(size: int) -> dict[str, dict[str, Any]]:
    """The calls at one size of the folder, the day's items included."""
    with tempfile.TemporaryDirectory() as workspace, emulator(Path(workspace).as_uri()) as address:
        folder = Folder(address)
        expected: dict[int, dict[str, Any]] = {}
        found = {}
        if size > DAY:
            folder.register(size - DAY)
            first = range(SYNCED)
            found["first reading of the folder"] = folder.tag(first, first=True)
            expected |= {number: {"first": True} for number in first}
        folder.register(DAY)
        day = range(size - DAY, size)
        found[f"a day of {DAY:,} rows"] = folder.tag(day, weather="rain")
        expected |= {number: {"weather": "rain"} for number in day}
        table = range(size // SYNCED - 1, size, size // SYNCED)
        found[f"a sync of {SYNCED} rows"] = folder.tag(table, score=1)
        for number in table:
            expected[number] = {**expected.get(number, {}), "score": 1}
        folder.check(expected)
        return found


def main() -> int:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="1000,100000,1000000", help="how many items the folder has")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
        logging.disable(logging.WARNING)
        found = {size: measure(size) for size in sizes}
    print("| calls (seconds) | " + " | ".join(f"{size:,} items" for size in sizes) + " | ratio |")
    print("|---|" + "---:|" * (len(sizes) + 1))
    ratios = []
    for name in found[sizes[-1]]:
        cells = [
            f"{one['calls']} ({one['seconds']:.1f})" if (one := found[size].get(name)) else "-"
            for size in sizes
        ]
        ratio = "-"
        if name in found[sizes[0]]:
            ratios.append(found[sizes[-1]][name]["calls"] / found[sizes[0]][name]["calls"])
            ratio = f"{ratios[-1]:.2f}"
        print(f"| {name} | " + " | ".join(cells) + f" | {ratio} |")
    return int(any(ratio > MOST_RATIO for ratio in ratios))


if __name__ == "__main__":
    raise SystemExit(main())
