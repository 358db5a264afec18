"""How fast and how large the emulator is: registering, listing, patching, small signed requests, memory.

``python benchmarks/emulator.py [--sizes 10000,100000,1000000] [--state]`` starts the emulator as a process of its
own for each size and prints one table in Markdown. Exits with 1 if a target is missed. The CPU figures tell a slow
emulator from a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import requests

JOB_UNITS = 100_000
PAGE_SIZE = 1_000
SMALL_REQUESTS = 3_000
AWS = "a5000000-0000-4000-8000-000000000001"
TARGETS = {
    "ready after (s)": 2.0,
    "page of 1,000, median (ms)": 100.0,
    "page of 1,000, 99 % of them (ms)": 100.0,
    "signed requests per second": 500.0,
    "memory, resident (MB)": 3_000.0,
}
MORE_IS_BETTER = {"signed requests per second"}


class Client:
    """Signed calls over one kept connection."""

    def __init__(self, url: str, private_key: str) -> None:
        from encord.configs import SshConfig

        self._url = url + "/v2/public/"
        self._config = SshConfig.from_ssh_private_key(private_key, domain=url)
        self._session = requests.Session()

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        request = requests.Request(
            method, self._url + path, params=query, data=None if body is None else orjson.dumps(body)
        )
        answer = self._session.send(self._config.define_headers_v2(request.prepare()), timeout=600)
        answer.raise_for_status()
        return orjson.loads(answer.content)


def measure(size: int, state: str | None) -> dict[str, float]:
    """All figures at one size.

    :param state: a folder in which the emulator keeps its state, or ``None`` to keep none.
    """
    command = [sys.executable, "-m", "encord_provider.emulator", "--set", "units_per_second=1e9"]
    if state is not None:
        command += ["--state", f"{state}/{size}"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        figures = {"ready after (s)": time.perf_counter() - began}
        key = Path(ready["private_key_path"]).read_text(encoding="ascii")
        figures |= _measure(size, lambda: Client(ready["url"], key), process.pid)
    finally:
        process.terminate()
        process.wait()
    return figures


def _measure(size: int, connect: Callable[[], Client], pid: int) -> dict[str, float]:
    client = connect()
    folder = client.call("POST", "storage/folders", {"name": "Trucks"})["uuid"]
    began = time.perf_counter()
    for start in range(0, size, JOB_UNITS):
        _register(client, folder, start, min(JOB_UNITS, size - start))
    figures = {"registered per second": size / (time.perf_counter() - began)}

    pages, token, uuids = [], None, []
    cpu = _cpu_seconds(pid)
    while True:
        query = {"pageSize": PAGE_SIZE, "signUrls": "False"} | ({"pageToken": token} if token else {})
        began = time.perf_counter()
        page = client.call("GET", f"storage/folders/{folder}/items", **query)
        pages.append((time.perf_counter() - began) * 1000)
        uuids += [item["uuid"] for item in page["results"]]
        token = page["nextPageToken"]
        if token is None:
            break
    assert len(set(uuids)) == size
    figures["listed per second"] = size / (sum(pages) / 1000)
    figures["page of 1,000, median (ms)"] = statistics.median(pages)
    figures["page of 1,000, 99 % of them (ms)"] = sorted(pages)[max(0, round(len(pages) * 0.99) - 1)]
    figures["page of 1,000, slowest (ms)"] = max(pages)
    figures["page of 1,000, CPU of the emulator (ms)"] = (_cpu_seconds(pid) - cpu) * 1000 / len(pages)

    patches = {uuid: {"clientMetadata": {"patched": True}} for uuid in uuids[:PAGE_SIZE]}
    began = time.perf_counter()
    client.call("PATCH", "storage/items/patch-bulk", {"itemPatches": patches})
    figures["bulk patch of 1,000 (ms)"] = (time.perf_counter() - began) * 1000

    cpu = _cpu_seconds(pid)
    began = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        shares = [
            uuids[start : start + SMALL_REQUESTS // 4]
            for start in range(0, SMALL_REQUESTS, SMALL_REQUESTS // 4)
        ]
        done = sum(pool.map(lambda share: _get_each(connect(), share), shares))
    figures["signed requests per second"] = done / (time.perf_counter() - began)
    figures["signed request, CPU of the emulator (ms)"] = (_cpu_seconds(pid) - cpu) * 1000 / done
    figures["memory, resident (MB)"] = _memory(pid, "VmRSS")
    figures["memory, highest (MB)"] = _memory(pid, "VmHWM")
    return figures


def _register(client: Client, folder: str, start: int, count: int) -> None:
    images = [
        {
            "objectUrl": f"https://fleet.s3.eu-west-1.amazonaws.com/site=oslo/dt=2025-03-01/camera-{number:08}.jpg",
            "title": f"site=oslo/dt=2025-03-01/camera-{number * 7919 % 100_000_007:08}.jpg",
            "clientMetadata": {"site": "oslo", "number": number, "weather": "rain"},
        }
        for number in range(start, start + count)
    ]
    body = {
        "dataItems": {"images": images, "skipDuplicateUrls": True},
        "integrationHash": AWS,
        "ignoreErrors": True,
    }
    job = client.call("POST", f"storage/folders/{folder}/data-upload-jobs", body)
    while True:
        state = client.call("GET", f"storage/folders/{folder}/data-upload-jobs/{job}", timeoutSeconds=60)
        if state["status"] != "PENDING":
            break
    assert state["unitsDoneCount"] == count, state["errors"][:3]


def _get_each(client: Client, uuids: list[str]) -> int:
    for uuid in uuids:
        client.call("GET", f"storage/items/{uuid}", signUrl="False")
    return len(uuids)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith(field + ":")]
    return int(line.split()[1]) / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", default="10000,100000,1000000", help="numbers of items (default %(default)s)"
    )
    parser.add_argument("--state", action="store_true", help="let the emulator keep its state in a file")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="emulator-state-") as folder:
        results = {size: measure(size, folder if options.state else None) for size in sizes}
    print("| figure | " + " | ".join(f"{size:,} items" for size in sizes) + " | target |")
    print("|---" * (len(sizes) + 2) + "|")
    missed = False
    for name in results[sizes[0]]:
        target = TARGETS.get(name)
        values = [results[size][name] for size in sizes]
        if target is not None:
            missed |= min(values) < target if name in MORE_IS_BETTER else max(values) > target
        bound = "" if target is None else f"{'at least' if name in MORE_IS_BETTER else 'under'} {target:,g}"
        print(f"| {name} | " + " | ".join(f"{value:,.4g}" for value in values) + f" | {bound} |")
    print(
        f"\nLoad of the machine, which has {os.cpu_count()} cores, over the last minute: {os.getloadavg()[0]:.1f}"
    )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
