"""How fast client metadata is written into many items, beside what the documentation and the SDK offer.

``python benchmarks/patching.py [--items 100000] [--saved 2000] [--milliseconds 25]`` starts the emulator as a process
of its own, which takes so long for each call, and gives as many items metadata three times: by the loop of the product
documentation over data rows (measured on the first ones, per item), by the SDK's bulk calls in bundles of 1,000, and
by the operator. Each result is read back and compared. Exits with 1 if the operator is not 300 and 5 times as fast.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent.parent))

import requests

from benchmarks.tagging import Folder, emulator

BUNDLE = 1_000
LEAST = {"data_row.save()": 300.0, "the SDK in bundles of 1,000": 5.0}


def save_rows(folder: Folder, uuids: Sequence[str]) -> float:
    """The loop of the documentation: every data row of a dataset is saved by itself."""
    from encord.orm.dataset import DatasetAccessSettings, StorageLocation

    client = folder.hook.client
    created = client.create_dataset("fleet", StorageLocation.AWS, create_backing_folder=False)
    dataset = client.get_dataset(created.dataset_hash)
    dataset.link_items([UUID(uuid) for uuid in uuids])
    dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))
    rows = dataset.data_rows
    assert len(rows) == len(uuids)
    began = time.perf_counter()
    for row in rows:
        row.client_metadata = {**(row.client_metadata or {}), "way": "saved"}
        row.save()
    return time.perf_counter() - began


def update_bundles(folder: Folder, uuids: Sequence[str]) -> float:
    """The SDK's bulk calls: read 1,000 items, merge, write them in one bundle."""
    from encord.http.bundle import Bundle

    began = time.perf_counter()
    for start in range(0, len(uuids), BUNDLE):
        items = folder.hook.client.get_storage_items(uuids[start : start + BUNDLE])
        with Bundle(bundle_size=BUNDLE) as bundle:
            for item in items:
                metadata = {**(item.client_metadata or {}), "way": "bundled"}
                item.update(client_metadata=metadata, bundle=bundle)
    return time.perf_counter() - began


def run_operator(folder: Folder, items: int) -> float:
    """The operator, which finds the items by itself, and looks at all that it wrote once more."""
    from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
    from tests.helpers.operators import run

    task = EncordPatchMetadataOperator(task_id="patch", for_all={"way": "operator"}, folder=folder.uuid)
    began = time.perf_counter()
    done = run(task)
    seconds = time.perf_counter() - began
    assert done["patched"] == items, done
    return seconds


def measure(items: int, saved: int, milliseconds: float) -> dict[str, tuple[int, float]]:
    """How many items each way was given, and the seconds that it took."""
    with tempfile.TemporaryDirectory() as workspace, emulator(Path(workspace).as_uri()) as address:
        folder = Folder(address)
        folder.register(items)
        uuids = [item.uuid for item in folder.hook.api.folder_items(folder.uuid)]
        settings = {"latency_seconds": milliseconds / 1_000}
        requests.patch(f"{address}/_emulator/settings", json=settings, timeout=60).raise_for_status()

        def check(way: str, given: Sequence[str]) -> None:
            found = {
                item.uuid: item.client_metadata.get("way")
                for item in folder.hook.api.folder_items(folder.uuid)
            }
            assert [found[uuid] for uuid in given] == [way] * len(given)

        found = {"data_row.save()": (saved, save_rows(folder, uuids[:saved]))}
        check("saved", uuids[:saved])
        found["the SDK in bundles of 1,000"] = (items, update_bundles(folder, uuids))
        check("bundled", uuids)
        found["the operator"] = (items, run_operator(folder, items))
        check("operator", uuids)
        return found


def main() -> int:
    """Measure the three ways and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--saved", type=int, default=2_000, help="items for the loop of the documentation")
    parser.add_argument(
        "--milliseconds", type=float, default=25.0, help="how long the service takes for a call"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
        logging.disable(logging.WARNING)
        found = measure(given.items, given.saved, given.milliseconds)
    count, seconds = found["the operator"]
    ours = seconds / count
    print("| way | items | seconds | ms an item | the operator is faster |")
    print("|---|---:|---:|---:|---:|")
    missed = False
    for way, (count, seconds) in found.items():
        factor = seconds / count / ours
        missed |= factor < LEAST.get(way, 0)
        print(f"| {way} | {count:,} | {seconds:.1f} | {1_000 * seconds / count:.3f} | {factor:.1f} times |")
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
