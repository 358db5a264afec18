"""An emulator with a state file is killed under load, again and again: all that the SDK was told is there then."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

ROUNDS = 4
WORKERS = 3
UNITS = 40
UNITS_PER_SECOND = 60
DEADLINE_SECONDS = 60
"""For what takes a second or two: only a hung emulator needs so long."""


@dataclass
class Told:
    """What one user of the SDK was told is done, and what was under way when the emulator died.

    :ivar metadata: by item: what was answered last, and what was sent since and not answered.
    """

    folder: Any = None
    dataset: Any = None
    collection: Any = None
    subfolders: dict[Any, str] = field(default_factory=dict)
    jobs: dict[Any, list[str]] = field(default_factory=dict)
    done: dict[Any, int] = field(default_factory=dict)
    items: set[Any] = field(default_factory=set)
    files: set[Any] = field(default_factory=set)
    metadata: dict[Any, list[dict[str, int]]] = field(default_factory=dict)
    linked: set[Any] = field(default_factory=set)
    collected: set[Any] = field(default_factory=set)
    deleted: set[Any] = field(default_factory=set)
    being_deleted: set[Any] = field(default_factory=set)
    unanswered_jobs: list[list[str]] = field(default_factory=list)

    def certain(self) -> list[Any]:
        """Items that must be there."""
        return sorted(self.items - self.deleted - self.being_deleted, key=str)


class User:
    """One user of the SDK who does random things and remembers what came of them."""

    def __init__(self, number: int, image: Path) -> None:
        self.told = Told()
        self.chance = random.Random(number)
        self.calls = 0
        self._image = image
        self._client: Any = None
        self._folder: Any = None
        self._number = number

    def meet(self, client: Any) -> None:
        """Go on with an emulator that was just started."""
        from encord.orm.dataset import StorageLocation

        self._client = client
        if self.told.folder is None:
            self.told.folder = client.create_storage_folder(f"folder {self._number}").uuid
            self.told.dataset = client.create_dataset(
                "set", StorageLocation.AWS, create_backing_folder=False
            ).dataset_hash
            self.told.collection = client.create_collection(self.told.folder, "some").uuid
        self._folder = client.get_storage_folder(self.told.folder)

    def work(self) -> None:
        """Do one random thing after the other until the emulator is dead."""
        while True:
            self.chance.choice(
                [
                    self._start_job,
                    self._poll,
                    self._list,
                    self._make_subfolder,
                    self._patch,
                    self._patch,
                    self._link,
                    self._collect,
                    self._delete,
                    self._upload,
                ]
            )()
            self.calls += 1

    def _start_job(self) -> None:
        if len(self.told.jobs) + len(self.told.unanswered_jobs) > self.calls // 8:
            return
        urls = [f"s3://b/{self._number}-{self.chance.getrandbits(64):x}.jpg" for _ in range(UNITS)]
        self.told.unanswered_jobs.append(urls)
        job = self._folder.add_private_data_to_folder_start(
            self._client.get_cloud_integrations()[0].id, {"images": [{"objectUrl": url} for url in urls]}
        )
        self.told.unanswered_jobs.remove(urls)
        self.told.jobs[job] = urls

    def _poll(self) -> None:
        for job in list(self.told.jobs)[-2:]:
            result = self._folder.add_private_data_to_folder_get_result(job, timeout_seconds=0)
            self.told.done[job] = result.units_done_count
            self.told.items |= {item.item_uuid for item in result.items_with_names}

    def _list(self) -> None:
        self.told.items |= {item.uuid for item in self._folder.list_items(page_size=100)}

    def _make_subfolder(self) -> None:
        name = f"{self.chance.getrandbits(32)}"
        self.told.subfolders[self._folder.create_subfolder(name).uuid] = name

    def _patch(self) -> None:
        for uuid in self._some():
            self.calls += 1
            sent = {"n": self.calls}
            self.told.metadata.setdefault(uuid, [{}]).append(sent)
            self._client.get_storage_item(uuid).update(client_metadata=sent)
            self.told.metadata[uuid] = [sent]

    def _link(self) -> None:
        from encord.orm.dataset import DataLinkDuplicatesBehavior

        if chosen := self._some():
            dataset = self._client.get_dataset(self.told.dataset)
            dataset.link_items(chosen, DataLinkDuplicatesBehavior.SKIP)
            self.told.linked.update(chosen)

    def _collect(self) -> None:
        if chosen := self._some():
            self._client.get_collection(self.told.collection).add_items(chosen)
            self.told.collected.update(chosen)

    def _delete(self) -> None:
        if self.chance.random() < 0.5:
            doomed = set(self._some()[:1])
            self.told.being_deleted |= doomed
            if doomed:
                self._folder.delete_storage_items(list(doomed))
            self.told.deleted |= doomed

    def _upload(self) -> None:
        if self.chance.random() < 0.3:
            self.told.files.add(self._folder.upload_image(self._image))

    def _some(self) -> list[Any]:
        known = self.told.certain()
        return self.chance.sample(known, min(len(known), 3))

    def compare(self) -> None:
        """Hold what was told against what is there."""
        told, folder = self.told, self._folder
        there = {item.uuid: item for item in folder.list_items()}
        by_name = {found.uuid: found.name for found in folder.list_subfolders()}
        assert told.subfolders.items() <= by_name.items()
        gone = told.deleted | told.being_deleted
        assert (told.files - gone) | set(told.certain()) <= there.keys()
        assert not told.deleted & there.keys()
        for uuid in told.metadata.keys() & there.keys():
            assert there[uuid].client_metadata in told.metadata[uuid]
        for job, least in told.done.items():
            result = folder.add_private_data_to_folder_get_result(job, timeout_seconds=0)
            assert result.units_done_count >= least
        linked = {row.backing_item_uuid for row in self._client.get_dataset(told.dataset).list_data_rows()}
        collected = {item.uuid for item in self._client.get_collection(told.collection).list_items()}
        assert told.linked - gone <= linked
        assert told.collected - gone <= collected
        for uuid in told.files - gone:
            assert requests.get(there[uuid].get_signed_url(), timeout=30).content == b"pixels"

    def finish(self) -> None:
        """Wait for all jobs: each unit was registered, and none twice."""
        for job, urls in self.told.jobs.items():
            result = self._folder.add_private_data_to_folder_get_result(job)
            assert (result.status.value, result.units_done_count) == ("DONE", len(urls))
        registered = Counter(item.url for item in self._folder.list_items())
        assert max(registered.values(), default=1) == 1
        missing = {url for urls in self.told.jobs.values() for url in urls} - registered.keys()
        assert len(missing) <= len(self.told.being_deleted)


@contextlib.contextmanager
def emulator(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An emulator in a process of its own that keeps its state, and where it is; killed at the end of the block."""
    command = [
        *(sys.executable, "-m", "encord_provider.emulator", "--state", str(folder / "state")),
        *("--key-file", str(folder / "key"), "--set", f"units_per_second={UNITS_PER_SECOND}"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the emulator did not start"
        yield process, json.loads(line)["url"]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE_SECONDS)


def sdk(folder: Path, url: str) -> Any:
    from encord import EncordUserClient
    from encord.http.constants import RequestsSettings

    return EncordUserClient.create_with_ssh_private_key(
        (folder / "key").read_text(),
        domain=url,
        requests_settings=RequestsSettings(max_retries=0, connection_retries=0),
    )


@pytest.mark.emulator_only
def test_what_the_sdk_was_told_survives_kills_under_load(tmp_path: Path) -> None:
    image = tmp_path / "pixel.png"
    image.write_bytes(b"pixels")
    users = [User(number, image) for number in range(WORKERS)]
    chance = random.Random(5)
    under_way = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in range(ROUNDS):
            killed = threading.Event()

            def use(user: User, killed: threading.Event = killed) -> None:
                try:
                    user.work()
                except Exception:
                    if not killed.is_set():
                        raise

            with emulator(tmp_path) as (process, url):
                for user in users:
                    user.meet(sdk(tmp_path, url))
                    user.compare()
                goal = sum(user.calls for user in users) + chance.randrange(40, 150)
                running = [pool.submit(use, user) for user in users]
                deadline = time.monotonic() + DEADLINE_SECONDS
                while sum(user.calls for user in users) < goal and not any(one.done() for one in running):
                    assert time.monotonic() < deadline
                    time.sleep(chance.random() / 100)
                killed.set()
                process.send_signal(signal.SIGKILL)
                for one in running:
                    one.result(DEADLINE_SECONDS)
            under_way += sum(user.told.done.get(job, 0) < UNITS for user in users for job in user.told.jobs)
        with emulator(tmp_path) as (_, url):
            for user in users:
                user.meet(sdk(tmp_path, url))
                user.compare()
                user.finish()

    assert under_way, "no job was under way when the emulator was killed"
    for what in ("metadata", "linked", "collected", "deleted", "files", "subfolders"):
        assert any(getattr(user.told, what) for user in users), f"nothing was compared: {what}"
