"""The trigger behind an AssetWatcher: what is a change, and that each is told once."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset, AssetWatcher
from airflow.sdk.module_loading import import_string
from airflow.triggers.base import BaseEventTrigger

from encord_provider.exceptions import EncordInputError
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.triggers.folder_changed import EncordFolderChangedTrigger
from tests.helpers.airflow_task import deserialize, serialize
from tests.helpers.dags import serialized_form
from tests.helpers.imports import ImportTask, write_spec
from tests.helpers.operators import run
from tests.helpers.versions import requires_airflow

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

LOOKS = "get_folder_summary"


class State:
    """The state of an asset, as Airflow 3.3 hands it to the trigger; it outlives the triggerer."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def aget(self, key: str) -> Any:
        return json.loads(self.kept[key]) if key in self.kept else None

    async def aset(self, key: str, value: Any) -> None:
        self.kept[key] = json.dumps(value)


class Watching:
    """The trigger in a triggerer."""

    def __init__(self, emulator: EncordEmulator, state: Any = None, **arguments: Any) -> None:
        self.emulator = emulator
        trigger = EncordFolderChangedTrigger(**{"folder": "lake/daily", "poll_seconds": 0.01, **arguments})
        path, stored = trigger.serialize()
        self.trigger = import_string(path)(**deserialize(json.loads(json.dumps(serialize(stored)))))
        self.trigger.asset_state_store = state
        self.events: list[dict[str, Any]] = []

    async def __aenter__(self) -> Watching:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        async for event in self.trigger.run():
            self.events.append(json.loads(json.dumps(event.payload)))

    async def looks(self, times: int = 3) -> None:
        """Wait until it has looked some times more, and has thought about all of these but the last."""
        wanted = len(self.emulator.requests(LOOKS)) + times
        async with asyncio.timeout(20):
            while len(self.emulator.requests(LOOKS)) < wanted:
                assert not self._task.done(), self._task
                await asyncio.sleep(0.005)


@pytest.fixture
def task(encord_emulator: EncordEmulator, tmp_path: Path) -> ImportTask:
    """Six images in a folder, and three more that may come."""
    task = ImportTask(encord_emulator, tmp_path)
    assert task.finish() == "success"
    return task


async def add(task: ImportTask, name: str, first: int) -> None:
    """Register three images; those from 0 on are there already."""
    operator = EncordImportDataOperator(
        task_id="add", **{**task.arguments, "spec": write_spec(task.home / name, 3, per_part=3, first=first)}
    )
    await asyncio.to_thread(run, operator, run_id=name)


async def test_what_is_there_at_first_is_no_change_and_each_later_one_is_told_once(task: ImportTask) -> None:
    async with Watching(task.encord) as watching:
        await watching.looks()
        assert watching.events == []
        await add(task, "more", 10)
        await watching.looks()
        await watching.looks()
        # Encord registers one after the other: whoever looks often sees them come.
        steps = [(one["files_before"], one["files"]) for one in watching.events]
        assert (steps[0][0], steps[-1][1]) == (6, 9)
        assert all(before <= after for before, after in steps)
        assert all(one[1] == two[0] for one, two in itertools.pairwise(steps))
        assert watching.events[0]["folder"] == task.record.returned["folder"]
        await add(task, "again", 20)
        await watching.looks()
        assert watching.events[-1]["files"] == 12


async def test_an_item_that_goes_while_another_comes_is_a_change(task: ImportTask) -> None:
    async with Watching(task.encord) as watching:
        await watching.looks()
        from encord.orm.storage import FoldersSortBy

        hook = EncordHook()
        folder = hook.client.get_storage_folder(task.record.returned["folder"])
        gone = [item.uuid for item in folder.list_items()][:3]
        await asyncio.to_thread(folder.delete_storage_items, gone)
        await add(task, "more", 10)
        await watching.looks()
        assert watching.events[-1]["files"] == 6
        newest = next(item.uuid for item in folder.list_items(order=FoldersSortBy.CREATED_AT, desc=True))
        assert watching.events[-1]["newest_item"] == str(newest)


async def test_metadata_and_an_upload_that_brings_nothing_are_no_change(task: ImportTask) -> None:
    async with Watching(task.encord) as watching:
        await watching.looks()
        await add(task, "again", 0)
        await watching.looks()
        assert watching.events == []


async def test_a_triggerer_that_starts_anew_tells_what_it_missed_and_nothing_twice(task: ImportTask) -> None:
    state = State()
    async with Watching(task.encord, state) as watching:
        await watching.looks()
    await add(task, "meanwhile", 10)
    async with Watching(task.encord, state) as watching:
        await watching.looks()
        assert [event["files"] for event in watching.events] == [9]
    async with Watching(task.encord, state) as watching:
        await watching.looks()
        assert watching.events == []


async def test_without_a_state_it_begins_with_what_it_finds(task: ImportTask) -> None:
    async with Watching(task.encord) as watching:
        await watching.looks()
    await add(task, "meanwhile", 10)
    async with Watching(task.encord) as watching:
        await watching.looks()
        assert watching.events == []


async def test_an_upload_is_told_when_the_folder_is_quiet(
    task: ImportTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("encord_provider.triggers.folder_changed.monotonic", lambda: now[0])
    async with Watching(task.encord, quiet_seconds=300) as watching:
        await watching.looks()
        await add(task, "first", 10)
        await watching.looks()
        now[0] += 299
        await watching.looks()
        await add(task, "second", 20)
        await watching.looks()
        now[0] += 299
        await watching.looks()
        assert watching.events == []
        now[0] += 1
        await watching.looks()
        assert [(one["files_before"], one["files"]) for one in watching.events] == [(6, 12)]


async def test_an_outage_does_not_end_the_watch(task: ImportTask, caplog: pytest.LogCaptureFixture) -> None:
    state = State()
    async with Watching(task.encord, state) as watching:
        await watching.looks()
        task.encord.inject_fault("status", status=403, route=LOOKS, count=2)
        await watching.looks(5)
        assert "lake/daily" in caplog.text
        await add(task, "more", 10)
        await watching.looks()
        assert watching.events[-1]["files"] == 9


@requires_airflow("3.3", "the state of assets")
async def test_two_assets_on_one_trigger_are_watched_without_a_state(
    task: ImportTask, caplog: pytest.LogCaptureFixture
) -> None:
    from airflow.sdk.execution_time.context import AssetStateStoreAccessors

    shared = AssetStateStoreAccessors(inlets=[Asset("one"), Asset("two")])
    async with Watching(task.encord, shared) as watching:
        await watching.looks()
        await add(task, "more", 10)
        await watching.looks()
        assert watching.events[-1]["files"] == 9
    assert "only until the triggerer ends" in caplog.text


@pytest.mark.parametrize("wrong", [{"poll_seconds": 0}, {"quiet_seconds": -1}])
def test_wrong_seconds_are_refused_when_the_dag_is_read(wrong: dict[str, float]) -> None:
    with pytest.raises(EncordInputError, match=next(iter(wrong))):
        EncordFolderChangedTrigger(folder="lake", **wrong)


def test_a_dag_with_the_watcher_can_be_stored() -> None:
    from airflow.sdk import DAG

    trigger = EncordFolderChangedTrigger(folder="lake/daily", quiet_seconds=300)
    assert isinstance(trigger, BaseEventTrigger)
    asset = Asset("uploaded", watchers=[AssetWatcher(name="lake_daily", trigger=trigger)])
    with DAG("after_the_upload", schedule=[asset]) as dag:
        pass
    stored = json.dumps(serialized_form().to_dict(dag))
    assert "folder_changed.EncordFolderChangedTrigger" in stored
    assert "lake/daily" in stored
