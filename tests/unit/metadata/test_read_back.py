"""Several merges of the same items at once: whatever one of them overwrote is written again, and counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.api.calls import get_storage_items, list_items, patch_storage_items
from encord_provider.api.client import EncordApi
from encord_provider.hooks.encord import EncordHook
from encord_provider.metadata import read_back as looking
from encord_provider.metadata.patch import MetadataPatcher
from encord_provider.metadata.read_back import Written, read_back
from encord_provider.metadata.results import PatchSummary, RowOutcome
from encord_provider.metadata.rows import ItemKey, MetadataRow
from encord_provider.metadata.selection import match_in
from encord_provider.operators.import_data import EncordImportDataOperator
from tests.helpers.operators import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

ITEMS, WRITERS = 300, 6
URL = "https://lake.s3.eu-west-1.amazonaws.com/{}.jpg"


@pytest.fixture
def folder(encord_emulator: EncordEmulator, tmp_path: Any) -> str:
    images = [{"objectUrl": URL.format(number)} for number in range(ITEMS)]
    operator = EncordImportDataOperator(
        task_id="before",
        spec={"images": images, "skip_duplicate_urls": True},
        folder="lake",
        create_folder=True,
        integration="AWS S3",
        workspace=tmp_path.as_uri(),
    )
    return str(run(operator)["folder"])


def rows(metadata: dict[str, Any], count: int = ITEMS) -> list[MetadataRow]:
    return [
        MetadataRow(key=URL.format(number), by=ItemKey.OBJECT_URL, metadata=metadata, where=f"row {number}")
        for number in range(count)
    ]


def patch(folder: str, given: list[MetadataRow]) -> PatchSummary:
    hook = EncordHook()
    matches = match_in(hook, given, hook.api.folder_items(folder))
    return PatchSummary.of(MetadataPatcher(api=hook.api).patch(matches))


def test_six_merges_at_once_lose_no_key(
    encord_emulator: EncordEmulator, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SETTLE_SECONDS", 1.0)
    # Every writer has read before any of them writes.
    everybody_has_read = Barrier(WRITERS)
    perform = EncordApi.perform
    waited: set[int] = set()

    def together(api: EncordApi, call: Any) -> Any:
        if call.name == "patch_storage_items" and id(api) not in waited:
            waited.add(id(api))
            everybody_has_read.wait(timeout=60)
        return perform(api, call)

    monkeypatch.setattr(EncordApi, "perform", together)
    with ThreadPoolExecutor(WRITERS) as threads:
        done = list(threads.map(lambda number: patch(folder, rows({f"key{number}": number})), range(WRITERS)))

    api = EncordHook().api
    found = [item.client_metadata for item in api.folder_items(folder)]
    assert len(found) == ITEMS
    everything = {f"key{number}": number for number in range(WRITERS)}
    assert [metadata for metadata in found if metadata != everything] == []
    assert all(one.counts[RowOutcome.PATCHED] == ITEMS for one in done)
    assert sum(one.repaired for one in done) >= ITEMS, "who wrote first was overwritten"


def _overwrite(monkeypatch: pytest.MonkeyPatch, folder: str, metadata: dict[str, Any], *, times: int) -> None:
    """Let somebody who read earlier write after each of the first writes."""
    perform = EncordApi.perform
    left = [times]

    def performed(api: EncordApi, call: Any) -> Any:
        answer = perform(api, call)
        if call.name == "patch_storage_items" and left[0] > 0:
            left[0] -= 1
            uuids = [item.uuid for item in perform(api, list_items(folder)).items]
            perform(api, patch_storage_items(dict.fromkeys(uuids, metadata)))
        return answer

    monkeypatch.setattr(EncordApi, "perform", performed)


def test_what_somebody_else_wrote_meanwhile_stays(
    encord_emulator: EncordEmulator, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _overwrite(monkeypatch, folder, {"theirs": 1}, times=2)
    done = patch(folder, rows({"mine": 2}, 3))
    assert (done.repaired, done.counts[RowOutcome.PATCHED]) == (3, 3)
    assert done.report.count(b'"repaired":true') == 3
    found = [item.client_metadata for item in EncordHook().api.folder_items(folder)]
    assert sum(metadata == {"theirs": 1, "mine": 2} for metadata in found) == 3


def test_a_value_that_somebody_else_gave_the_same_key_is_theirs(
    encord_emulator: EncordEmulator, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _overwrite(monkeypatch, folder, {"key": "theirs"}, times=1)
    done = patch(folder, rows({"key": "mine"}, 3))
    assert done.repaired == 0
    assert all(item.client_metadata == {"key": "theirs"} for item in EncordHook().api.folder_items(folder))


def test_an_item_that_somebody_keeps_overwriting_is_a_failure(
    encord_emulator: EncordEmulator, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _overwrite(monkeypatch, folder, {}, times=1000)
    done = patch(folder, rows({"mine": 2}, 2))
    assert done.counts[RowOutcome.FAILED] == 2
    assert done.first_failed is not None
    assert "overwriting" in done.first_failed.reason


def test_an_old_value_that_comes_back_is_repaired() -> None:
    written = Written(given={"a": 2, "b": 1, "c": 1}, before={"a": 1, "b": 1})
    assert written.missing({"a": 1, "b": 1, "c": 1}) == {"a": 2}
    assert written.missing({"a": 3, "b": 5}) == {"c": 1}
    assert written.missing({"a": 2, "b": 1, "c": 1}) == {}


def test_an_item_that_is_gone_meanwhile_is_left_alone(encord_emulator: EncordEmulator, folder: str) -> None:
    hook = EncordHook()
    gone = "0f0d0000-0000-4000-8000-00000000dead"
    uuid = next(iter(hook.api.folder_items(folder))).uuid
    found = read_back(hook.api, {one: Written(given={"a": 1}, before={}) for one in (uuid, gone)})
    assert (found.repaired, found.lost) == ({uuid}, frozenset())
    (item,) = hook.api.perform(get_storage_items([uuid]))
    assert item.client_metadata == {"a": 1}
