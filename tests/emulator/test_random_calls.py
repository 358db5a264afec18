"""Random sequences of SDK calls and faults leave the emulator in the state that a small model predicts."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from encord_provider.emulator.server import EncordEmulator
from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS
from tests.emulator.conftest import sdk_client
from tests.helpers.emulator_state import read_back_differs

AWS = DEFAULT_INTEGRATIONS[0][0]
URLS = st.lists(st.sampled_from([f"s3://fleet/{number}.jpg" for number in range(3)]), min_size=1, max_size=2)
METADATA = st.dictionaries(
    st.sampled_from(["site", "weather", "n"]), st.integers(0, 9) | st.none(), max_size=3
)
FLAGS = st.sampled_from([(False, False), (True, False), (True, True)])
NAMES = st.sampled_from(["Trucks", "trucks", "Oslo", "Bergen"])
MOST_FOLDERS = 3
WRONG = "s3://fleet/wrong.mp4"


class Model:
    """What the emulator should hold: for each folder its name, parent and items as (URL, metadata)."""

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self.parents: dict[Any, Any] = {}
        self.items: dict[Any, dict[str, dict[str, Any]]] = {}

    def below(self, folder: Any) -> list[Any]:
        found = [folder]
        for other, parent in self.parents.items():
            if parent == folder:
                found += self.below(other)
        return found


class EmulatorMachine(RuleBasedStateMachine):
    """Calls of the SDK, some of which meet a fault; every call is repeated by hand where its answer was lost."""

    emulator: EncordEmulator

    @initialize()
    def begin(self) -> None:
        self.emulator.reset()
        self.emulator.change_settings(units_per_second=1e9)
        self.client = sdk_client(self.emulator)
        self.model = Model()
        self._know(self.client.create_storage_folder("Trucks").uuid, "Trucks", None)

    @precondition(lambda self: len(self.model.names) < MOST_FOLDERS)
    @rule(name=NAMES)
    def create_folder(self, name: str) -> None:
        folder = self.client.create_storage_folder(name)
        self._know(folder.uuid, name, None)

    @precondition(lambda self: 0 < len(self.model.names) < MOST_FOLDERS)
    @rule(data=st.data(), name=NAMES)
    def create_subfolder(self, data: st.DataObject, name: str) -> None:
        parent = self._folder(data)
        folder = self.client.get_storage_folder(parent).create_subfolder(name)
        self._know(folder.uuid, name, parent)

    @precondition(lambda self: len(self.model.names) < MOST_FOLDERS)
    @rule(name=NAMES, before=st.booleans())
    def create_folder_with_a_lost_connection(self, name: str, before: bool) -> None:
        self.emulator.inject_fault(
            "reset_before" if before else "reset_after", route="create_folder", count=1
        )
        with pytest.raises(Exception, match="send failed"):
            self.client.create_storage_folder(name)
        made = {folder.uuid for folder in self.client.list_storage_folders()}
        new = made - {folder for folder, parent in self.model.parents.items() if parent is None}
        assert len(new) == (0 if before else 1)
        for uuid in new:
            self._know(uuid, name, None)

    @precondition(lambda self: self.model.names)
    @rule(data=st.data(), urls=URLS, flags=FLAGS, metadata=METADATA)
    def register(
        self, data: st.DataObject, urls: list[str], flags: tuple[bool, bool], metadata: dict[str, Any]
    ) -> None:
        folder = self._folder(data)
        skip, upsert = flags
        spec = {
            "images": [{"objectUrl": url, "clientMetadata": metadata} for url in urls],
            "skip_duplicate_urls": skip,
            "upsert_metadata": upsert,
        }
        result = self._run(folder, spec)
        assert (result.status.value, result.units_done_count) == ("DONE", len(urls))
        expected = self.model.items[folder]
        new = {str(item.item_uuid): item.name for item in result.items_with_names}
        fresh = iter(new)
        for url in urls:
            known = [uuid for uuid, item in expected.items() if item["url"] == url]
            if skip and known:
                if upsert and metadata:
                    expected[known[0]]["metadata"] = metadata
            else:
                expected[next(fresh)] = {"url": url, "metadata": metadata}
        assert next(fresh, None) is None

    @precondition(lambda self: self.model.names)
    @rule(data=st.data(), urls=URLS, ignore_errors=st.booleans())
    def register_with_a_bad_unit(self, data: st.DataObject, urls: list[str], ignore_errors: bool) -> None:
        folder = self._folder(data)
        spec = {"images": [{"objectUrl": url} for url in [*urls, WRONG]]}
        result = self._run(folder, spec, ignore_errors=ignore_errors)
        assert result.status.value == ("DONE" if ignore_errors else "ERROR")
        assert [error.object_urls for error in result.unit_errors] == [[WRONG]]
        if ignore_errors:
            for item, url in zip(result.items_with_names, urls, strict=True):
                self.model.items[folder][str(item.item_uuid)] = {"url": url, "metadata": {}}

    @precondition(lambda self: any(self.model.items.values()))
    @rule(metadata=METADATA, data=st.data(), fault=st.sampled_from([None, 503, "reset_after"]))
    def patch(self, metadata: dict[str, Any], data: st.DataObject, fault: Any) -> None:
        folder, uuid = self._item(data)
        item = self.client.get_storage_item(uuid)
        if fault == 503:
            self.emulator.inject_fault("status", status=503, route="patch_item", count=1)
        elif fault:
            self.emulator.inject_fault(fault, route="patch_item", count=1)
        with (
            contextlib.nullcontext() if fault is None else pytest.raises(Exception, match=r"503|send failed")
        ):
            item.update(client_metadata=metadata)
        if fault != 503:
            self.model.items[folder][uuid]["metadata"] = metadata

    @precondition(lambda self: any(self.model.items.values()))
    @rule(data=st.data())
    def delete_item(self, data: st.DataObject) -> None:
        folder, uuid = self._item(data)
        self.client.get_storage_item(uuid).delete()
        del self.model.items[folder][uuid]

    @precondition(lambda self: any(self.model.items.values()))
    @rule(data=st.data())
    def move_item(self, data: st.DataObject) -> None:
        source, uuid = self._item(data)
        destination = self._folder(data)
        self.client.get_storage_item(uuid).move_to_folder(destination)
        self.model.items[destination][uuid] = self.model.items[source].pop(uuid)

    @precondition(lambda self: self.model.names)
    @rule(data=st.data())
    def move_folder(self, data: st.DataObject) -> None:
        folder, destination = self._folder(data), self._folder(data)
        moved = self.client.get_storage_folder(folder)
        if destination in self.model.below(folder):
            with pytest.raises(Exception, match="into itself"):
                moved.move_to_folder(destination)
        else:
            moved.move_to_folder(destination)
            self.model.parents[folder] = destination

    @precondition(lambda self: len(self.model.names) == MOST_FOLDERS)
    @rule(data=st.data())
    def delete_folder(self, data: st.DataObject) -> None:
        folder = self._folder(data)
        self.client.get_storage_folder(folder).delete()
        for gone in self.model.below(folder):
            del self.model.names[gone], self.model.parents[gone], self.model.items[gone]

    @rule()
    def restart_from_a_snapshot(self) -> None:
        assert read_back_differs(self.emulator) == []
        self.emulator.restore(self.emulator.snapshot())
        self.client = sdk_client(self.emulator)

    @invariant()
    def folders_are_as_predicted(self) -> None:
        found = {folder.uuid: folder for folder in self.client.find_storage_folders(page_size=2)}
        assert {uuid: folder.name for uuid, folder in found.items()} == self.model.names
        assert {uuid: folder.parent_uuid for uuid, folder in found.items()} == self.model.parents

    @invariant()
    def items_are_as_predicted(self) -> None:
        for uuid, expected in self.model.items.items():
            items = list(self.client.get_storage_folder(uuid).list_items(page_size=2))
            listed = {str(item.uuid): {"url": item.url, "metadata": item.client_metadata} for item in items}
            assert listed == expected
            assert [item.name for item in items] == sorted(item.name for item in items)
            assert Counter(item.item_type.value for item in items).keys() <= {"image"}

    def teardown(self) -> None:
        """After all calls, a kill would lose nothing."""
        assert read_back_differs(self.emulator) == []

    def _folder(self, data: st.DataObject) -> Any:
        return data.draw(st.sampled_from(list(self.model.names)))

    def _item(self, data: st.DataObject) -> tuple[Any, str]:
        known = [(folder, uuid) for folder, items in self.model.items.items() for uuid in items]
        return data.draw(st.sampled_from(known))

    def _know(self, uuid: Any, name: str, parent: Any) -> None:
        self.model.names[uuid], self.model.parents[uuid], self.model.items[uuid] = name, parent, {}

    def _run(self, folder: Any, spec: dict[str, Any], *, ignore_errors: bool = False) -> Any:
        handle = self.client.get_storage_folder(folder)
        job = handle.add_private_data_to_folder_start(AWS, spec, ignore_errors=ignore_errors)
        return handle.add_private_data_to_folder_get_result(job)


def test_any_sequence_of_calls_leaves_the_predicted_state(tmp_path: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    with EncordEmulator(state_file=tmp_path / "state") as emulator:
        machine = type("Machine", (EmulatorMachine,), {"emulator": emulator})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=20,
                stateful_step_count=25,
                # Shrinking a failure takes minutes over HTTP; a sequence of 25 calls can be read as it is.
                phases=[Phase.generate],
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
