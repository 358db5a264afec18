"""Random sequences of SDK calls on datasets and collections leave what a small model predicts, over snapshots too."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from encord_provider.emulator.server import EncordEmulator
from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS
from tests.emulator.conftest import sdk_client
from tests.helpers.emulator_state import read_back_differs

AWS = DEFAULT_INTEGRATIONS[0][0]
PICKS = st.lists(st.integers(0, 50), min_size=1, max_size=3)
SIDES = st.sampled_from(["plain", "mirrored"])


class CurationMachine(RuleBasedStateMachine):
    """A folder, a plain dataset, a mirrored one with its folder, and a collection on the plain folder.

    ``self.where`` says in which folder an item is, ``self.rows`` how often each dataset holds it.
    """

    emulator: EncordEmulator

    @initialize()
    def begin(self) -> None:
        from encord.orm.dataset import StorageLocation

        self.emulator.reset()
        self.emulator.change_settings(units_per_second=1e9)
        client = self.client = sdk_client(self.emulator)
        self.urls = (f"s3://fleet/{number}.jpg" for number in itertools.count())
        plain = client.create_dataset("plain", StorageLocation.AWS, create_backing_folder=False)
        mirrored = client.create_dataset("mirrored", StorageLocation.AWS, create_backing_folder=True)
        self.datasets = {
            "plain": client.get_dataset(plain.dataset_hash),
            "mirrored": client.get_dataset(mirrored.dataset_hash),
        }
        self.folders = {
            "plain": client.create_storage_folder("plain"),
            "mirrored": client.get_storage_folder(mirrored.backing_folder_uuid),
        }
        self.collection = client.create_collection(self.folders["plain"].uuid, "some")
        self.where: dict[Any, str] = {}
        self.rows: dict[str, Counter[Any]] = {"plain": Counter(), "mirrored": Counter()}
        self.collected: set[Any] = set()

    @rule(side=SIDES, count=st.integers(1, 3))
    def register(self, side: str, count: int) -> None:
        files = {"images": [{"objectUrl": next(self.urls)} for _ in range(count)]}
        folder = self.folders[side]
        result = folder.add_private_data_to_folder_get_result(
            folder.add_private_data_to_folder_start(AWS, files)
        )
        self._registered(side, [item.item_uuid for item in result.items_with_names])

    @rule(side=SIDES, count=st.integers(1, 3))
    def upload_into_a_dataset(self, side: str, count: int) -> None:
        files = {"images": [{"objectUrl": next(self.urls)} for _ in range(count)]}
        dataset = self.datasets[side]
        folder = self.folders["plain"] if side == "plain" else None
        job = dataset.add_private_data_to_dataset_start(AWS, files, folder=folder)
        result = dataset.add_private_data_to_dataset_get_result(job)
        uuids = [entry.backing_item_uuid for entry in result.data_hashes_with_titles]
        assert len(uuids) == count
        self._registered(side, uuids)
        if side == "plain":
            self.rows["plain"].update(uuids)

    @rule(picks=PICKS, behaviour=st.sampled_from(["SKIP", "FAIL", "DUPLICATE"]), lost=st.booleans())
    def link(self, picks: list[int], behaviour: str, lost: bool) -> None:
        from encord.exceptions import RequestException, ResourceExistsError
        from encord.orm.dataset import DataLinkDuplicatesBehavior

        uuids = self._picked(picks)
        rows = self.rows["plain"]
        refused = behaviour == "FAIL" and (len(set(uuids)) < len(uuids) or any(rows[uuid] for uuid in uuids))
        duplicates = DataLinkDuplicatesBehavior(behaviour)
        if lost:
            self.emulator.inject_fault("reset_after", route="link_items", count=1)
            with pytest.raises(RequestException):
                self.datasets["plain"].link_items(uuids, duplicates)
        elif refused:
            with pytest.raises(ResourceExistsError):
                self.datasets["plain"].link_items(uuids, duplicates)
        else:
            self.datasets["plain"].link_items(uuids, duplicates)
        if not refused:
            for uuid in uuids:
                if behaviour == "DUPLICATE" or not rows[uuid]:
                    rows[uuid] += 1

    @rule(side=SIDES, pick=st.integers(0, 50))
    def delete_a_data_row(self, side: str, pick: int) -> None:
        rows = self.datasets[side].list_data_rows()
        if not rows:
            return
        row = rows[pick % len(rows)]
        self.datasets[side].delete_data(row.uid)
        if side == "mirrored":
            self._gone(row.backing_item_uuid)
        else:
            self.rows["plain"][row.backing_item_uuid] -= 1

    @rule(pick=st.integers(0, 50))
    def delete_an_item(self, pick: int) -> None:
        for uuid in self._picked([pick]):
            self.folders[self.where[uuid]].delete_storage_items([uuid])
            self._gone(uuid)

    @rule(pick=st.integers(0, 50))
    def move_an_item(self, pick: int) -> None:
        for uuid in self._picked([pick]):
            source = self.where[uuid]
            target = "mirrored" if source == "plain" else "plain"
            self.folders[source].move_items_to_folder(
                self.folders[target], [uuid], allow_mirror_dataset_changes=True
            )
            self.where[uuid] = target
            self.rows["mirrored"][uuid] = 1 if target == "mirrored" else 0

    @rule(picks=PICKS, adding=st.booleans())
    def collect(self, picks: list[int], adding: bool) -> None:
        uuids = set(self._picked(picks))
        if adding:
            failed = self.collection.add_items(list(uuids)).failed_items
            assert set(failed) == {uuid for uuid in uuids if self.where[uuid] == "mirrored"}
            self.collected |= uuids - set(failed)
        else:
            failed = self.collection.remove_items(list(uuids)).failed_items
            assert set(failed) == uuids - self.collected
            self.collected -= uuids

    @rule()
    def restore_a_snapshot(self) -> None:
        before = [[row.uid for row in dataset.list_data_rows()] for dataset in self.datasets.values()]
        assert read_back_differs(self.emulator) == []
        self.emulator.restore(self.emulator.snapshot())
        after = [[row.uid for row in dataset.list_data_rows()] for dataset in self.datasets.values()]
        assert after == before

    @invariant()
    def datasets_hold_what_they_should(self) -> None:
        for side, dataset in self.datasets.items():
            listed = Counter(row.backing_item_uuid for row in dataset.list_data_rows())
            assert listed == +self.rows[side]

    @invariant()
    def items_count_their_data_rows(self) -> None:
        for folder in self.folders.values():
            for item in folder.list_items():
                expected = sum(rows[item.uuid] for rows in self.rows.values())
                assert item.backed_data_units_count == expected

    @invariant()
    def the_collection_holds_what_it_should(self) -> None:
        assert {item.uuid for item in self.collection.list_items()} == self.collected

    def teardown(self) -> None:
        """After all calls, a kill would lose nothing."""
        assert read_back_differs(self.emulator) == []

    def _picked(self, picks: list[int]) -> list[Any]:
        known = list(self.where)
        return [known[pick % len(known)] for pick in picks] if known else []

    def _registered(self, side: str, uuids: list[Any]) -> None:
        self.where.update(dict.fromkeys(uuids, side))
        if side == "mirrored":
            self.rows["mirrored"].update(uuids)

    def _gone(self, uuid: Any) -> None:
        del self.where[uuid]
        self.collected.discard(uuid)
        for rows in self.rows.values():
            del rows[uuid]


def test_random_calls_keep_datasets_and_collections_in_step(tmp_path: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    with EncordEmulator(state_file=tmp_path / "state") as emulator:
        machine = type("Machine", (CurationMachine,), {"emulator": emulator})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=20,
                stateful_step_count=20,
                # Shrinking a failure takes minutes over HTTP; a sequence of 20 calls can be read as it is.
                phases=[Phase.generate],
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
