"""From a bucket's listing to the parts of an upload spec, against the script of Encord's documentation and against
Airflow's ``S3ListOperator``.

``python benchmarks/listing.py [--sizes 100000,1000000] [--delays 0,0.05] [--alternatives-at 100000]`` serves a bucket
from a process of its own, in which every answer is ready, and prints tables in Markdown: seconds and what a key costs,
the calls, the peak memory, and the microseconds of CPU a key by step. What the alternatives take grows in a straight
line with the keys, so they are measured once, with fewer keys, and their rate is compared. Every result is checked
against the keys that are in the bucket. Exits with 1 if a result is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.helpers.listing_server import calls_of, in_process

PREFIX = "raw/"
BUCKET = "lake"
PATTERN = "site=(?P<site>[^/]+)/dt=(?P<day>[0-9-]+)/"
LAYOUTS = ("dated", "flat", "hashed")


def keys(said: str) -> list[str]:
    """The keys of a bucket: ``layout,count``."""
    layout, _, number = said.partition(",")
    count = int(number)
    if layout == "flat":
        return [f"{PREFIX}camera-{one:08d}.jpg" for one in range(count)]
    if layout == "hashed":
        names = (hashlib.md5(b"%d" % one).hexdigest() for one in range(count))
        return sorted(f"{PREFIX}{name[:2]}/{name}.jpg" for name in names)
    folders = [
        f"{PREFIX}site={site}/dt=2025-{month:02d}-{day:02d}/"
        for site in ("lima", "oslo", "paris", "rome")
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    each = -(-count // len(folders))
    return [f"{folder}camera-{one:06d}.jpg" for folder in folders for one in range(each)][:count]


def client(url: str) -> Any:
    import boto3

    return boto3.client(
        "s3", region_name="eu-west-2", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x"
    )


def script(url: str, folder: Path) -> int:
    """What the script of the documentation does, for a prefix in place of one folder."""
    import boto3

    bucket = boto3.Session(
        region_name="eu-west-2", aws_access_key_id="x", aws_secret_access_key="x"
    ).resource("s3", endpoint_url=url)
    images = []
    for summary in bucket.Bucket(BUCKET).objects.filter(Prefix=PREFIX):
        images.append({"objectUrl": f"https://s3.eu-west-2.amazonaws.com/{BUCKET}/{summary.key}"})  # noqa: PERF401
    with (folder / "upload.json").open("w") as file:
        json.dump({"images": images, "skip_duplicate_urls": True}, file, indent=4)
    return len(images)


def airflow_operator(url: str, folder: Path) -> int:
    """Airflow's operator gives the keys; what a spec needs beside them is as in the script."""
    os.environ["AIRFLOW_CONN_LAKE"] = json.dumps(
        {"conn_type": "aws", "login": "x", "password": "x",
         "extra": {"region_name": "eu-west-2", "endpoint_url": url}}
    )  # fmt: skip
    from airflow.providers.amazon.aws.operators.s3 import S3ListOperator

    found = S3ListOperator(task_id="list", bucket=BUCKET, prefix=PREFIX, aws_conn_id="lake").execute({})
    images = [{"objectUrl": f"https://s3.eu-west-2.amazonaws.com/{BUCKET}/{key}"} for key in found]
    with (folder / "upload.json").open("w") as file:
        json.dump({"images": images, "skip_duplicate_urls": True}, file, indent=4)
    return len(images)


def ours(url: str, folder: Path) -> int:
    return _spec(_objects(url), folder)


def ours_with_metadata(url: str, folder: Path) -> int:
    """With a key pattern, a schema, and a table that has a row for each tenth object."""
    table = Path(os.environ["BENCHMARK_TABLE"])
    return _spec(_objects(url), folder, table)


def ours_listing(url: str, _: Path) -> int:
    return sum(1 for _ in _objects(url))


def ours_listing_and_units(url: str, _: Path) -> int:
    return sum(1 for _ in _units(_objects(url), None).units)


def _objects(url: str) -> Iterator[Any]:
    from encord_provider.listing import list_s3

    return list_s3(client(url), BUCKET, PREFIX)


def _units(objects: Iterator[Any], table: Path | None) -> Any:
    from encord_provider.listing import object_urls
    from encord_provider.schema.types import Enum, MetadataSchema, Scalar, ScalarType
    from encord_provider.tables.metadata_table import read_table
    from encord_provider.upload_spec import BuildOptions, build_units
    from encord_provider.upload_spec.key_pattern import KeyPattern

    options, schema = BuildOptions(), None
    if table is not None:
        options = BuildOptions(key_pattern=KeyPattern.compile(PATTERN), metadata=read_table(table))
        schema = MetadataSchema(
            {
                "site": Enum(("lima", "oslo", "paris", "rome")),
                "day": Scalar(ScalarType.DATETIME),
                "score": Scalar(ScalarType.NUMBER),
                "weather": Scalar(ScalarType.VARCHAR),
            }
        )
    return build_units(
        objects, url_for=object_urls(BUCKET, region="eu-west-2"), options=options, schema=schema
    )


def _spec(objects: Iterator[Any], folder: Path, table: Path | None = None) -> int:
    from encord_provider.upload_spec import write_parts

    build = _units(objects, table)
    return write_parts(build.units, folder, skipped=build.skipped).units


WORKS: dict[str, Callable[[str, Path], int]] = {
    one.__name__: one
    for one in (script, airflow_operator, ours, ours_with_metadata, ours_listing, ours_listing_and_units)
}


def measured(work: str, url: str, said: str, folder: Path) -> dict[str, float]:
    """Do a work in a process of its own, as a task is, and give what it took."""
    called = calls_of(url)
    command = [sys.executable, __file__, "--work", work, "--url", url, "--folder", str(folder)]
    environment = {**os.environ, "BENCHMARK_KEYS": said, "BENCHMARK_TABLE": str(folder / "table.csv")}
    environment["AWS_EC2_METADATA_DISABLED"] = "true"
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    found["calls"] = calls_of(url) - called
    return found


def do(work: str, url: str, folder: Path) -> None:
    """Do one work, and print what it took beyond the imports, which every task of Airflow has made."""
    import boto3

    for name in ("listing", "tables.metadata_table", "upload_spec", "upload_spec.key_pattern"):
        importlib.import_module(f"encord_provider.{name}")
    if work == "airflow_operator":
        importlib.import_module("airflow.providers.amazon.aws.operators.s3")
    boto3.client("s3", region_name="eu-west-2", aws_access_key_id="x", aws_secret_access_key="x")
    began, cpu, others = time.perf_counter(), time.process_time(), _others()
    child = [0.0]
    threading.Thread(target=_watch, args=(child,), daemon=True).start()
    count = WORKS[work](url, folder)
    said = {
        "count": count,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "others": _others() - others,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "memory of the other": child[0],
    }
    print(json.dumps(said))


def _watch(most: list[float]) -> None:
    """Note the memory of the process that fetches pages; what the system counts for children has ours in it."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while True:
        for child in children.read_text().split():
            with contextlib.suppress(OSError, ValueError):
                status = Path(f"/proc/{child}/status").read_text()
                found = re.search(r"VmHWM:\s+(\d+)", status)
                # Before it has begun it is a copy of this one.
                if found and "page.py" in Path(f"/proc/{child}/cmdline").read_text():
                    most[0] = max(most[0], int(found[1]) / 1000)
        time.sleep(0.1)


def _others() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wrong(work: str, said: str, folder: Path) -> str | None:
    """Say what is wrong with the spec that was written."""
    import orjson

    listed = keys(said)
    if work in ("script", "airflow_operator"):
        found = [
            one["objectUrl"].split(f"/{BUCKET}/")[1]
            for one in json.loads((folder / "upload.json").read_bytes())["images"]
        ]
        return None if found == listed else "the keys differ"
    from urllib.parse import unquote

    index = orjson.loads((folder / "spec" / "index.json").read_bytes())
    place, rows = 0, 0
    for part in index["parts"]:
        data = (folder / "spec" / part["name"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != part["sha256"]:
            return f"{part['name']}: another hash"
        for item in orjson.loads(data)["images"]:
            key = listed[place]
            if item["title"] != key or unquote(item["objectUrl"].split(".com/")[1]) != key:
                return f"{item} in place of {key}"
            metadata = item.get("clientMetadata", {})
            if work == "ours_with_metadata" and (metadata["site"], metadata["day"]) != _told(key):
                return f"{item}: wrong metadata"
            rows += "score" in metadata
            place += 1
    if work == "ours_with_metadata" and rows != len(listed[::10]):
        return f"{rows} rows of the table"
    return None if place == len(listed) else f"{place} of {len(listed)} units"


def _told(key: str) -> tuple[str, str]:
    _, site, day, _ = key.split("/")
    return site.removeprefix("site="), day.removeprefix("dt=")


def table_of(said: str, folder: Path) -> None:
    with (folder / "table.csv").open("w") as file:
        file.write("object_key,score,weather\n")
        file.writelines(f"{key},{one / 7:.4f},rain\n" for one, key in enumerate(keys(said)[::10]))


NAMES = {
    "script": "the documents' script",
    "airflow_operator": "`S3ListOperator` and the script's loop",
    "ours": "ours",
    "ours_with_metadata": "ours with key pattern, schema and table",
}


def main() -> int:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="100000,1000000", help="numbers of keys (default %(default)s)")
    parser.add_argument("--delays", default="0,0.05", help="seconds a page (default %(default)s)")
    parser.add_argument("--layouts", default="dated", help=f"of {', '.join(LAYOUTS)} (default %(default)s)")
    parser.add_argument(
        "--alternatives-at",
        type=int,
        default=100_000,
        help="at most so many keys for these (default %(default)s)",
    )
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        do(asked.work, asked.url, Path(asked.folder))
        return 0
    faults = 0
    sizes = [int(size) for size in asked.sizes.split(",")]
    columns = (
        "keys",
        "seconds",
        "us a key",
        "times the script",
        "CPU us a key",
        "calls per 1,000 keys",
        "peak MB",
    )
    print("| layout, delay a page | work | " + " | ".join(columns) + " |\n|---|---|" + "---:|" * len(columns))
    for layout in asked.layouts.split(","):
        for delay in map(float, asked.delays.split(",")):
            rate = None
            for size in sizes:
                said = f"{layout},{size}"
                works = ["ours", "ours_with_metadata"] if layout == "dated" else ["ours"]
                if rate is None:
                    rates: dict[str, float] = {}
                    faults += _alternatives(layout, min(size, asked.alternatives_at), delay, rates)
                    rate = rates["script"]
                with _served(said, delay) as (url, at):
                    table_of(said, at)
                    for work in works:
                        found = measured(work, url, said, at)
                        faults += _row(layout, delay, work, said, found, rate, at)
    faults += _steps(asked.layouts.split(",")[0], sizes[0])
    print(f"\nLoad of the machine, which has {os.cpu_count()} cores, at the end: {os.getloadavg()[0]:.1f}")
    return int(faults > 0)


@contextlib.contextmanager
def _served(said: str, delay: float) -> Iterator[tuple[str, Path]]:
    with (
        in_process("benchmarks.listing:keys", said, delay=delay) as url,
        tempfile.TemporaryDirectory() as folder,
    ):
        yield url, Path(folder)


def _alternatives(layout: str, size: int, delay: float, rates: dict[str, float]) -> int:
    said, faults = f"{layout},{size}", 0
    with _served(said, delay) as (url, at):
        for work in ("script", "airflow_operator"):
            found = measured(work, url, said, at)
            rates[work] = found["seconds"] / found["count"]
            faults += _row(layout, delay, work, said, found, rates["script"], at)
    return faults


def _row(
    layout: str, delay: float, work: str, said: str, found: dict[str, float], rate: float, at: Path
) -> int:
    count = found["count"]
    each = found["seconds"] / count
    cpu = 1e6 * (found["cpu"] + found["others"]) / count
    calls = found["calls"] / count * 1000
    fault = wrong(work, said, at)
    memory = f"{found['memory']:.0f}" + (f" + {found['memory of the other']:.0f}" if found["others"] else "")
    print(
        f"| {layout}, {delay * 1000:.0f} ms | {NAMES[work]} | {count:,} | {found['seconds']:.1f} | {each * 1e6:.1f} | "
        f"{rate / each:.1f} | {cpu:.1f} | {calls:.2f} | {memory} |{f' wrong: {fault}' if fault else ''}",
        flush=True,
    )
    return int(fault is not None)


def _steps(layout: str, size: int) -> int:
    """The CPU of a key by step, from works that do one step more each."""
    said = f"{layout},{size}"
    with _served(said, 0.0) as (url, at):
        table_of(said, at)
        took = {
            work: measured(work, url, said, at)
            for work in ("ours_listing", "ours_listing_and_units", "ours", "ours_with_metadata")
        }
    each = {work: 1e6 * found["cpu"] / size for work, found in took.items()}
    steps = {
        "fetching and reading pages (the other process)": 1e6 * took["ours"]["others"] / size,
        "signing, taking pages over, objects": each["ours_listing"],
        "units": each["ours_listing_and_units"] - each["ours_listing"],
        "writing parts": each["ours"] - each["ours_listing_and_units"],
        "key pattern, schema and table": each["ours_with_metadata"] - each["ours"],
    }
    print(f"\n| step, {size:,} keys | us of CPU a key |\n|---|---:|")
    for name, cost in steps.items():
        print(f"| {name} | {cost:.1f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
