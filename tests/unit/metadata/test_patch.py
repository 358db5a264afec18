"""Patching client metadata: which item a row means, also inside groups, and what is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from encord_provider.api.calls import BULK_SIZE
from encord_provider.api.items import StorageItem
from encord_provider.exceptions import EncordRequestError
from encord_provider.hooks.encord import EncordHook
from encord_provider.metadata.matching import Match
from encord_provider.metadata.patch import MetadataPatcher, PatchMode, wanted
from encord_provider.metadata.results import PatchSummary, RowOutcome
from encord_provider.metadata.rows import ItemKey, MetadataRow
from encord_provider.metadata.selection import match_in
from encord_provider.operators.import_data import EncordImportDataOperator
from tests.helpers.operators import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

HOST = "https://lake.s3.eu-west-1.amazonaws.com/"


@pytest.fixture
def register(encord_emulator: EncordEmulator, tmp_path: Any) -> Callable[..., str]:
    """Register data into the folder ``lake``, and give its UUID. Every object exists."""

    def registered(**spec: Any) -> str:
        operator = EncordImportDataOperator(
            task_id="before",
            spec={**spec, "skip_duplicate_urls": True},
            folder="lake",
            create_folder=True,
            integration="AWS S3",
            workspace=tmp_path.as_uri(),
        )
        return str(run(operator)["folder"])

    return registered


def images(count: int) -> list[dict[str, str]]:
    return [{"objectUrl": f"{HOST}dt%3D1/{number}.jpg", "title": f"{number}.jpg"} for number in range(count)]


def row(key: str, by: ItemKey = ItemKey.OBJECT_URL, **metadata: Any) -> MetadataRow:
    return MetadataRow(key=key, by=by, metadata=metadata, where="the test")


def patch(folder: str, rows: list[MetadataRow], **arguments: Any) -> list[Any]:
    hook = EncordHook()
    matches = match_in(hook, rows, hook.api.folder_items(folder))
    return list(MetadataPatcher(api=hook.api, **arguments).patch(matches))


@pytest.mark.parametrize(
    ("mode", "remove_keys", "result"),
    [
        (PatchMode.MERGE, (), {"site": "rome", "old": 1, "score": None}),
        (PatchMode.MERGE, ("old", "never"), {"site": "rome", "score": None}),
        # A row that has a key gives it its value, also where the key is one to remove.
        (PatchMode.MERGE, ("old", "site"), {"site": "rome", "score": None}),
        (PatchMode.REPLACE, (), {"site": "rome", "score": None}),
        (PatchMode.REPLACE, ("site",), {"site": "rome", "score": None}),
    ],
)
def test_what_is_written(mode: PatchMode, remove_keys: tuple[str, ...], result: dict[str, Any]) -> None:
    current, given = {"site": "oslo", "old": 1}, {"site": "rome", "score": None}
    assert wanted(current, given, mode=mode, remove_keys=remove_keys) == result
    assert (current, given) == ({"site": "oslo", "old": 1}, {"site": "rome", "score": None})


def test_an_empty_row_changes_nothing_in_a_merge_and_empties_in_a_replacement() -> None:
    assert wanted({"site": "oslo"}, {}, mode=PatchMode.MERGE, remove_keys=()) == {"site": "oslo"}
    assert wanted({"site": "oslo"}, {}, mode=PatchMode.REPLACE, remove_keys=()) == {}


@pytest.mark.parametrize("spelling", ["dt=1/0.jpg", "dt%3D1/0.jpg", "dt%3d1/0.jpg"])
def test_one_url_may_be_spelled_in_several_ways(spelling: str, register: Any) -> None:
    folder = register(images=images(2))
    (result,) = patch(folder, [row(f"{HOST}{spelling}", score=1)])
    assert result.outcome is RowOutcome.PATCHED


def test_a_key_with_a_percent_sign_is_not_taken_for_another(register: Any) -> None:
    folder = register(images=[{"objectUrl": f"{HOST}100%2525.jpg", "title": "100%25.jpg"}])
    rows = [row(key, ItemKey.OBJECT_KEY, n=1) for key in ("100%.jpg", "100%25.jpg")]
    outcomes = [one.outcome for one in patch(folder, rows)]
    assert outcomes == [RowOutcome.UNMATCHED, RowOutcome.PATCHED]


def test_a_bundle_holds_a_thousand_items(register: Any, encord_emulator: EncordEmulator) -> None:
    folder = register(images=images(1001))
    rows = [row(f"{HOST}dt=1/{number}.jpg", score=number) for number in range(1001)]
    assert {one.outcome for one in patch(folder, rows)} == {RowOutcome.PATCHED}
    assert len(encord_emulator.requests("patch_items")) == 2
    assert {one.outcome for one in patch(folder, rows)} == {RowOutcome.UNCHANGED}
    assert len(encord_emulator.requests("patch_items")) == 2


@pytest.mark.parametrize(
    ("by", "key"), [(ItemKey.FILE_URL, f"{HOST}crane/1.jpg"), (ItemKey.FILE_KEY, "crane/1.jpg")]
)
def test_a_file_of_a_group_names_the_group(by: ItemKey, key: str, register: Any) -> None:
    group = {"title": "crane"} | {f"objectUrl_{number}": f"{HOST}crane/{number}.jpg" for number in range(3)}
    folder = register(image_groups=[group], images=images(1))
    (result,) = patch(folder, [row(key, by, score=1)])
    assert result.outcome is RowOutcome.PATCHED
    found = {item.name: item.client_metadata for item in EncordHook().api.folder_items(folder)}
    assert found["crane"] == {"score": 1}


def test_two_files_of_one_group_are_two_rows_for_one_item(register: Any) -> None:
    group = {"title": "crane"} | {f"objectUrl_{number}": f"{HOST}crane/{number}.jpg" for number in range(2)}
    folder = register(image_groups=[group])
    rows = [row(f"{HOST}crane/{number}.jpg", ItemKey.FILE_URL, score=number) for number in range(2)]
    assert [one.reason for one in patch(folder, rows)] == ["another row names the same item"] * 2


def test_a_typo_asks_for_the_files_of_no_group_and_is_told_how_a_file_names_one(
    register: Any, encord_emulator: EncordEmulator
) -> None:
    groups = [{"title": name, "objectUrl_0": f"{HOST}{name}/0.jpg"} for name in ("crane", "quay")]
    folder = register(image_groups=groups, images=images(1))
    results = patch(folder, [row(f"{HOST}typo.jpg", score=1), row(f"{HOST}dt=1/0.jpg", score=1)])
    assert [one.outcome for one in results] == [RowOutcome.UNMATCHED, RowOutcome.PATCHED]
    assert "2 groups" in results[0].reason
    assert "file_url" in results[0].reason
    assert encord_emulator.requests("list_child_items") == []


def test_an_item_that_is_also_a_file_of_a_group_is_meant_itself_whatever_rows_stand_beside_it(
    register: Any,
) -> None:
    both = f"{HOST}dt%3D1/0.jpg"
    folder = register(image_groups=[{"title": "crane", "objectUrl_0": both}], images=images(1))
    for number, others in enumerate(([], [row("nowhere", ItemKey.FILE_URL, n=1)])):
        result, *_ = patch(folder, [row(both, ItemKey.FILE_URL, n=number), *others])
        assert result.outcome is RowOutcome.PATCHED
        found = {item.name: item.client_metadata for item in EncordHook().api.folder_items(folder)}
        assert found == {"crane": {}, "0.jpg": {"n": number}}


def test_the_results_come_in_the_order_of_the_rows(register: Any) -> None:
    folder = register(images=images(2))
    rows = [row("nowhere", n=1), row(f"{HOST}dt=1/1.jpg", n=1), row(f"{HOST}dt=1/0.jpg", n=1)]
    results = patch(folder, rows, mode=PatchMode.REPLACE)
    assert [one.row.key for one in results] == [one.key for one in rows]
    assert [one.outcome for one in results] == [RowOutcome.UNMATCHED, RowOutcome.PATCHED, RowOutcome.PATCHED]


def test_a_line_of_the_report_holds_no_value(register: Any) -> None:
    folder = register(images=images(1))
    (result,) = patch(folder, [row("nowhere", patient="Jane Doe")])
    assert "Jane Doe" not in str(result.as_json())


class ApiOfOneBundle:
    """A data plane that has these items now, and refuses some of them by name."""

    def __init__(self, now: dict[str, dict[str, Any]], refuses: tuple[str, ...] = ()) -> None:
        self.now = now
        self.refuses = refuses

    def perform(self, call: Any) -> Any:
        if call.path.endswith("get-bulk"):
            return [item(uuid, **self.now[uuid]) for uuid in call.body["itemUuids"] if uuid in self.now]
        patches = call.body["itemPatches"]
        if any(uuid in self.refuses for uuid in patches):
            raise EncordRequestError("too long", status=400)
        self.now.update({uuid: patch["clientMetadata"] for uuid, patch in patches.items()})
        return None


def item(uuid: str, **metadata: Any) -> StorageItem:
    return StorageItem(
        uuid=uuid, folder="f", item_type="image", name=uuid, url=None, client_metadata=metadata
    )


def test_each_result_says_what_became_of_its_row_and_the_summary_sums_them_up() -> None:
    api = ApiOfOneBundle(
        {"changed": {"theirs": 1}, "same": {}, "refused": {"theirs": 2}, "has": {"n": 1}},
        refuses=("refused",),
    )
    names = ("changed", "gone", "has", "same", "refused")
    matches = [
        Match(row=row(name, n=1), items=(item(name, n=1) if name == "has" else item(name),)) for name in names
    ]
    results = list(MetadataPatcher(api=cast("Any", api)).patch(matches))
    assert [(one.row.key, one.outcome.value, one.conflict) for one in results] == [
        ("changed", "patched", True),
        ("gone", "failed", False),
        ("has", "unchanged", False),
        ("same", "patched", False),
        ("refused", "failed", True),
    ]
    assert api.now == {
        "changed": {"theirs": 1, "n": 1},
        "same": {"n": 1},
        "refused": {"theirs": 2},
        "has": {"n": 1},
    }
    summary = PatchSummary.of(results)
    assert summary.counts == {
        RowOutcome.PATCHED: 2,
        RowOutcome.UNCHANGED: 1,
        RowOutcome.UNMATCHED: 0,
        RowOutcome.AMBIGUOUS: 0,
        RowOutcome.FAILED: 2,
    }
    assert summary.conflicts == 2
    assert summary.first_failed == results[1]
    assert len(summary.report.splitlines()) == 4


def test_a_long_listing_is_not_held_until_its_end() -> None:
    api = ApiOfOneBundle({"a": {}})
    read: list[int] = []

    def matches() -> Any:
        yield Match(row=row("a", n=1), items=(item("a"),))
        for number in range(300_000):
            read.append(number)
            yield Match(row=row("b", n=1), items=(item("b", n=1),))

    first = next(iter(MetadataPatcher(api=cast("Any", api)).patch(matches())))
    assert first.outcome is RowOutcome.PATCHED
    assert len(read) < 80_000


def test_bundles_are_sent_at_once_and_their_results_stay_in_order() -> None:
    together = threading.Barrier(3)

    class Api(ApiOfOneBundle):
        def perform(self, call: Any) -> Any:
            if call.method == "PATCH":
                # Three patches are under way together, or this never ends.
                together.wait(30)
            return super().perform(call)

    names = [f"item {number}" for number in range(3 * BULK_SIZE)]
    api = Api({name: {} for name in names})
    matches = [Match(row=row(name, n=1), items=(item(name),)) for name in names]
    results = list(MetadataPatcher(api=cast("Any", api)).patch(matches))
    assert [one.row.key for one in results] == names
    assert {one.outcome for one in results} == {RowOutcome.PATCHED}
    assert all(metadata == {"n": 1} for metadata in api.now.values())
