"""What many waiting triggers cost in one process, and how soon they see the end of their jobs.

``python benchmarks/triggers.py [--triggers 1000,10000] [--seconds 120]`` starts a service that knows nothing but
upload jobs, which end at random moments within so many seconds, and for each number a process with the usual limit of
1,024 open files that runs as many triggers with one job each. It prints one table in Markdown. Exits with 1 if a
target is missed or a trigger says something wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent.parent))

FOLDER = "f01d0000-0000-4000-8000-000000000001"
OPEN_FILES = 1_024
TARGETS = {
    "cores": 1.0,
    "memory, highest (MB)": 700.0,
    "connections, most": 200.0,
    "end seen after, 95 % of them (s)": 35.0,
}


def job_of(number: int) -> str:
    """The UUID of a job."""
    return str(UUID(int=number, version=4))


def ends_after(job: str, seconds: float) -> float:
    """When a job ends, in seconds from the start."""
    return random.Random(job).uniform(0, seconds)


def serve() -> None:
    """Be the service: answers polls of upload jobs, whose end is counted from a moment on that it is told."""
    from aiohttp import web

    begun = {"at": float("inf"), "seconds": 0.0}

    async def begin(request: web.Request) -> web.Response:
        begun.update(await request.json())
        return web.Response()

    async def poll(request: web.Request) -> web.Response:
        is_done = time.time() >= begun["at"] + ends_after(request.match_info["job"], begun["seconds"])
        answer = {
            "status": "DONE" if is_done else "PENDING",
            "itemsWithNames": [],
            "errors": [],
            "unitErrors": [],
            "unitsPendingCount": int(not is_done),
            "unitsDoneCount": int(is_done),
            "unitsErrorCount": 0,
            "unitsCancelledCount": 0,
        }
        return web.json_response(answer)

    app = web.Application()
    app.router.add_post("/begin", begin)
    app.router.add_get("/v2/public/storage/folders/{folder}/data-upload-jobs/{job}", poll)

    async def run() -> None:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


async def wait_for(count: int, address: str, seconds: float) -> dict[str, float]:
    """Run the triggers, and give the figures."""
    import aiohttp

    from encord_provider.triggers.upload_job import EncordUploadJobTrigger, UploadJobEvent

    seen: dict[str, float] = {}
    most = 0

    async def trigger(job: str) -> None:
        one = EncordUploadJobTrigger(encord_conn_id="encord_default", folder=FOLDER, job_ids=[job])
        async for event in one.run():
            read = UploadJobEvent.from_payload(event.payload)
            assert (read.status, read.jobs) == ("finished", {job: "done"}), read
            seen[job] = time.time()

    async def watch() -> None:
        nonlocal most
        while True:
            names = [one.readlink() for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
            most = max(most, sum(str(name).startswith("socket:") for name in names))
            await asyncio.sleep(0.5)

    watcher = asyncio.create_task(watch())
    began, cpu = time.time(), time.process_time()
    async with aiohttp.ClientSession() as session:
        await session.post(f"{address}/begin", json={"at": began, "seconds": seconds})
    jobs = [job_of(number) for number in range(count)]
    await asyncio.gather(*map(trigger, jobs))
    elapsed = time.time() - began
    watcher.cancel()
    late = sorted(seen[job] - began - ends_after(job, seconds) for job in jobs)
    assert late[0] >= -0.1, late[0]
    return {
        "cores": (time.process_time() - cpu) / elapsed,
        "memory, highest (MB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000,
        "connections, most": float(most),
        "end seen after, median (s)": statistics.median(late),
        "end seen after, 95 % of them (s)": late[int(0.95 * (len(late) - 1))],
        "end seen after, latest (s)": late[-1],
    }


def run_triggers(count: int, address: str, seconds: float) -> None:
    """Be the triggerer; prints the figures as JSON."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    key = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    extra = {"domain": address, "private_key": key.decode()}
    os.environ["AIRFLOW_CONN_ENCORD_DEFAULT"] = json.dumps({"conn_type": "encord", "extra": extra})
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(wait_for(count, address, seconds))))


def measure(count: int, seconds: float) -> dict[str, float]:
    """The figures for so many triggers, each in a process of its own."""
    this = [sys.executable, str(Path(__file__))]
    server = subprocess.Popen([*this, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [*this, "--triggers", str(count), "--seconds", str(seconds), "--address", address],
                env={**os.environ, "AIRFLOW_HOME": home, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found
    finally:
        server.terminate()
        server.wait()


def main() -> int:
    """Measure each number and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--triggers", default="1000,10000")
    parser.add_argument("--seconds", type=float, default=120.0, help="within which the jobs end")
    parser.add_argument("--address", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return 0
    counts = [int(count) for count in given.triggers.split(",")]
    if given.address:
        run_triggers(counts[0], given.address, given.seconds)
        return 0
    found = {count: measure(count, given.seconds) for count in counts}
    print("| figure | " + " | ".join(f"{count:,} triggers" for count in counts) + " | target |")
    print("|---|" + "---:|" * (len(counts) + 1))
    missed = False
    for name in found[counts[0]]:
        target = TARGETS.get(name)
        missed |= target is not None and found[counts[-1]][name] > target
        cells = " | ".join(f"{found[count][name]:.2f}" for count in counts)
        print(f"| {name} | {cells} | {'' if target is None else f'under {target:g}'} |")
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
