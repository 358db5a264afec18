"""Reading a folder at the cost of what is new: the same matches as from all its items, whatever became of it."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encord_provider.api.calls import get_child_items
from encord_provider.api.items import ItemPage, StorageItem
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.storage.folders.models import Folder, Folders
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.media_types import MEDIA_TYPES
from encord_provider.hooks.encord import EncordHook
from encord_provider.metadata import folder_memory, folder_reading
from encord_provider.metadata.folder_memory import FolderMemories
from encord_provider.metadata.folder_reading import FolderReading, match_in_folders
from encord_provider.metadata.matching import Match, match_rows
from encord_provider.metadata.rows import ItemKey, MetadataRow
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from tests.helpers.folders import new_folder, url
from tests.helpers.operators import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
OBJECTS = [f"o{number}.jpg" for number in range(6)]
SPELLINGS: tuple[Callable[[str], str], ...] = (url, lambda name: f"s3://lake/{name}")
TITLES = ("scan 1", "scan 2", "scan 3", "quay")
GROUPS = ("imageGroup", "dicomSeries")


class Lake:
    """A folder of the emulator, which changes behind the back of the API."""

    def __init__(self, emulator: EncordEmulator, memory: str) -> None:
        self.emulator = emulator
        self.uuid, self.other = str(new_folder("lake").uuid), str(new_folder("other").uuid)
        self.hook = EncordHook()
        self.memories = FolderMemories(memory, self.uuid)

    def change(self, function: Callable[[Items, Folder, Folder], Any]) -> Any:
        def act(store: Store) -> Any:
            folders = store[Folders]
            lake, other = folders.get(self.uuid), folders.get(self.other)
            assert lake is not None
            assert other is not None
            return function(store[Items], lake, other)

        return self.emulator.call(act)

    def add(self, kind: str, name: str, urls: list[str], *, elsewhere: bool = False) -> None:
        def register(items: Items, lake: Folder, other: Folder) -> None:
            folder = other if elsewhere else lake

            def make(kind: str, one: str | None, **fields: Any) -> Any:
                return items.make(
                    type=MEDIA_TYPES[kind], name=name, folder=folder, owner="ada", url=one, **fields
                )

            if kind in GROUPS:
                files = [make(str(MEDIA_TYPES[kind].members), one, hidden=True) for one in urls]
                items.register(make(kind, None, children=files))
            else:
                items.register(make(kind, urls[0] if urls else None))

        self.change(register)

    def fill(self, count: int) -> None:
        for number in range(count):
            self.add("image", f"old {number}", [url(f"old/{number}.jpg")])

    def pick(self, chance: random.Random, *, elsewhere: bool = False) -> Callable[..., Any]:
        """A function that does something with one of the items, if there is one."""

        def act(function: Callable[[Items, Any], Any]) -> None:
            def chosen(items: Items, lake: Folder, other: Folder) -> None:
                there = list(items.contents(other if elsewhere else lake))
                if there:
                    function(items, chance.choice(there))

            self.change(chosen)

        return act

    def files_of(self, group: StorageItem) -> list[str]:
        files = self.hook.api.perform(get_child_items(group.folder, group.uuid))
        return [file.url for file in files if file.url]

    def found(self, rows: list[MetadataRow]) -> list[Match]:
        return match_in_folders(self.hook.api, rows, [self.memories], files_of=self.files_of)

    def plainly(self, rows: list[MetadataRow]) -> list[Match]:
        return match_rows(rows, self.hook.api.folder_items(self.uuid), files_of=self.files_of)

    @contextmanager
    def calls(self) -> Iterator[list[str]]:
        """The names of the calls that are made inside."""
        names: list[str] = []
        self.emulator.call(lambda store: store.requests.clear())
        yield names
        names += [str(one["route"]) for one in self.emulator.requests()]


@pytest.fixture
def lake(encord_emulator: EncordEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty folder, in pages of four items."""
    monkeypatch.setattr(folder_reading, "PAGE_SIZE", 4)
    monkeypatch.setattr(folder_reading, "NEWEST", 8)
    monkeypatch.setattr(folder_memory, "NEWEST", 8)
    return Lake(encord_emulator, (tmp_path / "memory").as_uri())


def row(key: str, by: ItemKey = ItemKey.OBJECT_URL, **more: Any) -> MetadataRow:
    return MetadataRow(key=key, by=by, metadata={}, where="the test", **more)


def shown(matches: list[Match]) -> list[tuple[MetadataRow, frozenset[str], bool]]:
    return [(one.row, frozenset(item.uuid for item in one.items), one.contested) for one in matches]


URLS = st.builds(lambda spell, name: spell(name), st.sampled_from(SPELLINGS), st.sampled_from(OBJECTS))


@st.composite
def some_rows(draw: st.DrawFn) -> list[MetadataRow]:
    """Rows of the same kinds as a table or a spec has."""
    if draw(st.booleans()):
        by = draw(st.sampled_from([ItemKey.OBJECT_URL, ItemKey.FILE_URL, ItemKey.OBJECT_KEY, ItemKey.TITLE]))
        names = {
            ItemKey.OBJECT_KEY: st.sampled_from(OBJECTS),
            ItemKey.TITLE: st.sampled_from(TITLES),
        }.get(by, URLS)
        return [row(name, by) for name in draw(st.lists(names, min_size=1, max_size=4))]
    units = st.builds(
        lambda urls, title, scene: row(urls[0], urls=tuple(urls), title=title, scene=scene),
        st.lists(URLS, min_size=1, max_size=2),
        st.sampled_from(TITLES),
        st.booleans(),
    )
    return draw(st.lists(units | URLS.map(row), min_size=1, max_size=4))


def test_the_matches_are_those_of_reading_everything(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator, memories = lake.emulator, lake.memories.uri
    read_whole = Counter[bool]()
    read_all = FolderReading.all

    def noted(reading: FolderReading) -> Iterator[StorageItem]:
        wholes.append(reading)
        return read_all(reading)

    numbers = itertools.count()
    wholes: list[FolderReading] = []
    monkeypatch.setattr(FolderReading, "all", noted)

    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def compare(data: st.DataObject) -> None:
        lake = Lake(emulator, f"{memories}/{next(numbers)}")
        lake.fill(data.draw(st.sampled_from([2, 12])))
        for name in data.draw(st.lists(st.sampled_from(OBJECTS), min_size=2, unique=True)):
            lake.add("image", data.draw(st.sampled_from(TITLES)), [url(name)])
        for name in data.draw(st.lists(st.sampled_from(OBJECTS), max_size=2)):
            lake.add(data.draw(st.sampled_from(GROUPS)), data.draw(st.sampled_from(TITLES)), [url(name)])
        for name in data.draw(st.lists(st.sampled_from(OBJECTS), max_size=2)):
            lake.add("image", data.draw(st.sampled_from(TITLES)), [url(name)], elsewhere=True)
        lake.fill(data.draw(st.sampled_from([0, 8])))
        for number in range(4):
            if number:
                change(lake, data)
            rows = data.draw(some_rows())
            wholes.clear()
            found = shown(lake.found(rows))
            read_whole[bool(wholes)] += 1
            assert found == shown(lake.plainly(rows))

    compare()
    assert read_whole[False] > sum(read_whole.values()) // 5, read_whole


def change(lake: Lake, data: st.DataObject) -> None:
    """Let something happen to the folder, such as may happen between two runs."""
    chance = random.Random(data.draw(st.integers(0, 2**16)))
    here, elsewhere = lake.pick(chance), lake.pick(chance, elsewhere=True)
    source, target = lake.change(lambda items, lake, other: (lake, other))
    removes = data.draw(st.booleans())
    many = ["add", "add", "add", "elsewhere", "title", "title", "url", "move", "move"]
    for what in data.draw(st.lists(st.sampled_from(many), max_size=3)):
        title = data.draw(st.sampled_from(TITLES))
        if what in ("add", "elsewhere"):
            kind = data.draw(st.sampled_from(["image", "video", "scene", *GROUPS]))
            urls = data.draw(st.lists(URLS, min_size=0 if kind == "scene" else 1, max_size=2))
            lake.add(kind, title, urls, elsewhere=what == "elsewhere")
        elif what == "title":
            here(lambda items, item, title=title: items.rename(item, title))
        elif what == "url":
            # To an object that no row names, and not into a folder that another item leaves: see the module.
            here(lambda items, item: items.relocate(item, url=url("gone.jpg"), integration=None))
        elif removes:
            here(lambda items, item: items.move(item, target))
        else:
            elsewhere(lambda items, item: items.move(item, source))


def test_a_later_reading_costs_what_is_new(lake: Lake) -> None:
    lake.fill(80)
    rows = [row(url("old/3.jpg")), row(url("old/70.jpg"))]
    with lake.calls() as calls:
        lake.found(rows)
    assert calls.count("list_folder_items") >= 20
    lake.add("image", "new", [url("new.jpg")])
    lake.add("imageGroup", "new group", [url("g/1.jpg"), url("g/2.jpg")])
    rows += [
        row(url("new.jpg")),
        row(url("g/1.jpg"), urls=(url("g/1.jpg"), url("g/2.jpg")), title="new group"),
    ]
    with lake.calls() as calls:
        found = lake.found(rows)
    assert shown(found) == shown(lake.plainly(rows))
    assert all(len(one.items) == 1 for one in found)
    assert Counter(calls) == {
        "list_folder_items": 2 + 1,
        "get_folder_summary": 1,
        "get_items": 1,
        "list_child_items": 1,
    }


def test_a_table_that_names_few_of_the_items_reads_few(lake: Lake) -> None:
    lake.fill(80)
    rows = [row(f"old/{number}.jpg", ItemKey.OBJECT_KEY) for number in range(0, 80, 20)]
    lake.found(rows)
    with lake.calls() as calls:
        found = lake.found(rows)
    assert [len(one.items) for one in found] == [1] * 4
    assert Counter(calls) == {"list_folder_items": 1, "get_folder_summary": 1, "get_items": 1}


def test_a_day_costs_the_same_in_a_folder_of_one_page_and_of_twenty(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tag(day: int) -> int:
        lake.emulator.call(lambda store: store.requests.clear())
        rows = {url(f"day {day}/{number}.jpg"): {"score": day} for number in range(4)}
        task = EncordPatchMetadataOperator(
            task_id="tag", metadata=rows, folder=lake.uuid, validate=False, workspace=tmp_path.as_uri()
        )
        assert run(task)["patched"] == 4
        return len(lake.emulator.requests())

    def register(day: int) -> None:
        for number in range(4):
            lake.add("image", f"day {day}, {number}", [url(f"day {day}/{number}.jpg")])

    register(1)
    small = tag(1)
    lake.fill(72)
    register(2)
    tag(2)  # the first reading of a long folder is one of all its items
    register(3)
    assert tag(3) <= 1.5 * small


def test_a_row_without_an_item_is_looked_for_among_all_of_them(lake: Lake) -> None:
    lake.fill(20)
    lake.found([row(url("old/1.jpg"))])
    lake.change(
        lambda items, folder, _: items.relocate(
            next(iter(items.contents(folder))), url=url("moved.jpg"), integration=None
        )
    )
    with lake.calls() as calls:
        found = lake.found([row(url("moved.jpg")), row(url("typo.jpg"))])
    assert [len(one.items) for one in found] == [1, 0]
    assert calls.count("list_folder_items") > 5


def test_items_are_found_by_their_uuid(lake: Lake) -> None:
    lake.fill(20)
    lake.add("imageGroup", "group", [url("frame.jpg")])
    uuids = [item.uuid for item in lake.hook.api.folder_items(lake.uuid)]
    (frame,) = lake.change(lambda items, folder, _: [one.uuid for one in items if one.hidden])
    rows = [row(uuid, ItemKey.UUID) for uuid in (uuids[0], uuids[1].upper(), frame, "no uuid", lake.uuid)]
    for _ in range(2):
        found = lake.found(rows)
        assert [len(one.items) for one in found] == [1, 0, 0, 0, 0]
        assert shown(found) == shown(lake.plainly(rows))
    with lake.calls() as calls:
        lake.found(rows[:1])
    assert calls.count("list_folder_items") == 1


@pytest.mark.parametrize("damage", ["shorter", "other", "gone", "no memory", "another form"])
def test_a_damaged_memory_counts_as_forgotten(lake: Lake, tmp_path: Path, damage: str) -> None:
    lake.fill(20)
    rows = [row(url("old/1.jpg"))]
    lake.found(rows)
    (records,) = (tmp_path / "memory").glob("*.records")
    memory = tmp_path / "memory" / "memory.json"
    if damage == "shorter":
        records.write_bytes(records.read_bytes()[:-1])
    elif damage == "other":
        records.write_bytes(bytes(len(records.read_bytes())))
    elif damage == "gone":
        records.unlink()
    elif damage == "no memory":
        memory.write_bytes(b"{")
    else:
        memory.write_bytes(memory.read_bytes().replace(b'"form":1', b'"form":2'))
    with lake.calls() as calls:
        (match,) = lake.found(rows)
    assert match.items[0].name == "old 1"
    assert calls.count("list_folder_items") > 5
    with lake.calls() as calls:
        lake.found(rows)
    assert calls.count("list_folder_items") == 1


def test_a_memory_is_forgotten_after_a_month(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.fill(20)
    rows = [row(url("old/1.jpg"))]
    lake.found(rows)
    monkeypatch.setattr(folder_memory, "MAX_AGE", 0.0)
    with lake.calls() as calls:
        lake.found(rows)
    assert calls.count("list_folder_items") > 5


def test_a_memory_grows_by_what_is_new_and_leaves_no_file_behind(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_memory, "SEGMENT_ITEMS", 8)
    lake.fill(20)
    rows = [row(url("old/1.jpg"))]
    lake.found(rows)
    for number in range(12):
        lake.add("image", f"new {number}", [url(f"new/{number}.jpg")])
        with lake.calls() as calls:
            lake.found([*rows, row(url(f"new/{number // 2}.jpg"))])
        assert calls.count("list_folder_items") == 2
    memory = lake.memories.load()
    assert memory is not None
    assert [one.items for one in memory.segments] == [8, 8, 8, 8]
    assert {file.name for file in (tmp_path / "memory").iterdir()} == {
        "memory.json",
        *(one.name for one in memory.segments),
    }


def test_a_workspace_that_cannot_be_written_costs_only_the_memory(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_memory, "write_whole", full)
    lake.fill(20)
    (match,) = lake.found([row(url("old/1.jpg"))])
    assert match.items[0].name == "old 1"
    assert "No space left" in caplog.text


class TestWhatMayNotBeMissed:
    """Each is read as from all items, though a row finds an item among the new and remembered ones."""

    @pytest.fixture
    def long(self, lake: Lake) -> Lake:
        """A folder of many pages, of which everything is remembered."""
        lake.add("image", "scan 1", [url("o0.jpg")])
        lake.add("image", "five", [url("o5.jpg")])
        for title in ("scan 2", "scan 3"):
            lake.add("imageGroup", title, [url("o1.jpg")])
        lake.add("image", "quay", [url("o0.jpg")], elsewhere=True)
        lake.fill(20)
        lake.found([row(url("old/1.jpg"))])
        return lake

    def test_another_item_of_the_object_that_came_from_another_folder(self, long: Lake) -> None:
        one = [row(url("o0.jpg"))]
        assert [len(match.items) for match in long.found(one)] == [1]
        long.change(
            lambda items, lake, other: [items.move(item, lake) for item in list(items.contents(other))]
        )
        assert [len(match.items) for match in long.found(one)] == [2]

    def test_another_item_of_the_object_in_another_spelling(self, long: Lake) -> None:
        long.add("image", "quay", ["s3://lake/o0.jpg"])
        assert [len(match.items) for match in long.found([row(url("o0.jpg"))])] == [2]

    def test_another_group_with_the_file(self, long: Lake) -> None:
        long.add("imageGroup", "new", [url("o1.jpg")])
        one = [row(url("o1.jpg"), ItemKey.FILE_URL)]
        assert [len(match.items) for match in long.found(one)] == [3]

    def test_another_group_of_the_same_files_where_the_title_is_of_none(self, long: Lake) -> None:
        long.add("imageGroup", "new", [url("o1.jpg")])
        one = [row(url("o1.jpg"), urls=(url("o1.jpg"),), title="scan 9")]
        assert [len(match.items) for match in long.found(one)] == [3]

    def test_another_item_that_was_given_the_title(self, long: Lake) -> None:
        def rename(items: Items, lake: Folder, _: Folder) -> None:
            items.rename(next(item for item in items.contents(lake) if item.name == "old 7"), "scan 2")

        group = [row(url("o1.jpg"), urls=(url("o1.jpg"),), title="scan 2")]
        titled = [row("scan 2", ItemKey.TITLE)]
        assert [len(match.items) for match in long.found(group) + long.found(titled)] == [1, 1]
        long.change(rename)
        with long.calls() as calls:
            assert [len(match.items) for match in long.found(titled)] == [2]
        assert calls.count("list_folder_items") == 2
        long.change(
            lambda items, lake, _: [
                items.rename(item, "scan 2") for item in list(items.contents(lake)) if item.name == "scan 3"
            ]
        )
        assert [len(match.items) for match in long.found(group)] == [2]

    def test_an_item_that_was_pointed_at_another_object(self, long: Lake) -> None:
        long.add("image", "quay", [url("o0.jpg")])
        one = [row(url("o0.jpg"))]
        assert [len(match.items) for match in long.found(one)] == [2]
        long.change(
            lambda items, lake, _: [
                items.relocate(item, url=url("o5.jpg"), integration=None)
                for item in list(items.contents(lake))
                if item.name == "scan 1"
            ]
        )
        assert [len(match.items) for match in long.found([*one, row(url("o5.jpg"))])] == [1, 2]

    def test_a_search_that_does_not_find_what_has_the_title(self, long: Lake) -> None:
        titled = [row("scan 1", ItemKey.TITLE)]
        perform = long.hook.api.perform

        def finds_nothing(call: Any) -> Any:
            answer = perform(call)
            return ItemPage(items=(), next_page_token=None) if "search" in dict(call.query) else answer

        long.hook.api.perform = finds_nothing  # type: ignore[method-assign, assignment]
        assert [len(match.items) for match in long.found(titled)] == [1]
