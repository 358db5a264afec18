"""Which items a row means, compared with a naive model that looks at every row and every item by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.api.items import StorageItem
from encord_provider.metadata.matching import Match, match_rows
from encord_provider.metadata.rows import ItemKey, MetadataRow

HOST = "https://lake.s3.eu-west-1.amazonaws.com/"
KEYS = ("dt=1/a.jpg", "dt=1/b.jpg", "100%.jpg", "é 1.jpg")
TITLES = ("crane", "quay")


class Lake(NamedTuple):
    """Items, and the files of those that are groups by the UUID of the group."""

    items: list[StorageItem]
    files: dict[str, list[str]]


def url(key: str, *, spelled: str = "quoted") -> str:
    """The object URL of a key, in one of the spellings that name the same object."""
    return HOST + {"quoted": quote(key), "equals signs as they are": quote(key, safe="/=")}[spelled]


URLS = st.builds(
    url, st.sampled_from(KEYS), spelled=st.sampled_from(["quoted", "equals signs as they are"])
) | st.just("https://")
"""Object URLs, and one that names no object, which has no key."""


@st.composite
def lakes(draw: st.DrawFn) -> Lake:
    lake = Lake([], {})
    for number in range(draw(st.integers(0, 5))):
        grouped = draw(st.booleans())
        item = StorageItem(
            uuid=f"item-{number}",
            folder="folder",
            item_type=draw(st.sampled_from(["imageGroup", "dicomSeries", "group"])) if grouped else "image",
            name=draw(st.sampled_from(TITLES)),
            url=None if grouped else draw(URLS | st.none()),
            client_metadata={},
        )
        lake.items.append(item)
        if grouped:
            lake.files[item.uuid] = draw(st.lists(URLS, min_size=1, max_size=3))
    return lake


@st.composite
def rows(draw: st.DrawFn) -> MetadataRow:
    by = draw(st.sampled_from(ItemKey))
    key = draw(
        {
            ItemKey.OBJECT_URL: URLS,
            ItemKey.FILE_URL: URLS,
            ItemKey.OBJECT_KEY: st.sampled_from((*KEYS, "typo.jpg")),
            ItemKey.FILE_KEY: st.sampled_from((*KEYS, "typo.jpg")),
            ItemKey.UUID: st.sampled_from([f"item-{number}" for number in range(6)]),
            ItemKey.TITLE: st.sampled_from((*TITLES, "typo")),
        }[by]
    )
    urls: tuple[str, ...] = ()
    title = None
    if by is ItemKey.OBJECT_URL and draw(st.booleans()):
        urls = tuple(draw(st.lists(URLS, min_size=1, max_size=3)))
        title = draw(st.none() | st.sampled_from(TITLES))
    return MetadataRow(key=key, by=by, metadata={}, where="the model", urls=urls, title=title)


def key_of(some_url: str) -> str | None:
    return unquote(some_url.removeprefix(HOST)) if some_url.startswith(HOST) else None


def names(row: MetadataRow, some_url: str | None) -> bool:
    """Whether the key of a row is that of an object."""
    if some_url is None:
        return False
    if row.by in (ItemKey.OBJECT_URL, ItemKey.FILE_URL):
        return unquote(row.key) == unquote(some_url)
    return row.by in (ItemKey.OBJECT_KEY, ItemKey.FILE_KEY) and row.key == key_of(some_url)


def meant(row: MetadataRow, lake: Lake) -> list[str]:
    """The UUIDs of the items that one row means, from the row and the items alone."""
    if row.urls:
        return [
            item.uuid
            for item in lake.items
            if item.uuid in lake.files
            and row.title in (None, item.name)
            and {unquote(one) for one in lake.files[item.uuid]} == {unquote(one) for one in row.urls}
        ]
    itself = [
        item.uuid
        for item in lake.items
        if names(row, item.url)
        or (row.by is ItemKey.UUID and row.key == item.uuid)
        or (row.by is ItemKey.TITLE and row.key == item.name)
    ]
    if itself or row.by not in (ItemKey.FILE_URL, ItemKey.FILE_KEY):
        return itself
    return [uuid for uuid, files in lake.files.items() if any(names(row, one) for one in files)]


def may_mean(row: MetadataRow, group: StorageItem, lake: Lake) -> bool:
    """Whether the files of a group have to be read for a row."""
    if row.urls:
        return row.title in (None, group.name)
    return row.by in (ItemKey.FILE_URL, ItemKey.FILE_KEY) and not any(
        names(row, item.url) for item in lake.items
    )


def matched(given_rows: Sequence[MetadataRow], lake: Lake) -> tuple[list[Match], list[str]]:
    """The matches, and the groups whose files were read, in order."""
    asked: list[str] = []

    def files_of(group: StorageItem) -> list[str]:
        asked.append(group.uuid)
        return lake.files[group.uuid]

    return match_rows(given_rows, iter(lake.items), files_of=files_of), asked


def uuids(match: Match) -> list[str]:
    return [item.uuid for item in match.items]


@given(st.lists(rows(), max_size=6), lakes())
def test_every_row_means_what_the_model_says(given_rows: list[MetadataRow], lake: Lake) -> None:
    matches, asked = matched(given_rows, lake)
    assert [match.row for match in matches] == given_rows
    expected = [meant(row, lake) for row in given_rows]
    assert [sorted(uuids(match)) for match in matches] == [sorted(one) for one in expected]
    for number, match in enumerate(matches):
        others = {uuid for other, one in enumerate(expected) if other != number for uuid in one}
        assert match.contested == bool(others & set(expected[number]))
    needed = [
        item.uuid
        for item in lake.items
        if item.uuid in lake.files and any(may_mean(row, item, lake) for row in given_rows)
    ]
    assert asked == needed


@given(rows(), st.lists(rows(), max_size=5), lakes())
def test_what_a_row_means_does_not_depend_on_the_rows_beside_it(
    row: MetadataRow, others: list[MetadataRow], lake: Lake
) -> None:
    (alone,), _ = matched([row], lake)
    beside = matched([*others, row], lake)[0][-1]
    assert uuids(alone) == uuids(beside)
    assert alone.unread_groups == beside.unread_groups
    if not any(set(meant(other, lake)) & set(uuids(alone)) for other in others):
        assert alone == beside


@pytest.mark.parametrize("by", ItemKey)
def test_a_typo_never_asks_unless_it_says_that_it_names_files(by: ItemKey) -> None:
    group = StorageItem(
        uuid="item-0", folder="folder", item_type="imageGroup", name="crane", url=None, client_metadata={}
    )
    lake = Lake([group], {"item-0": [url("dt=1/a.jpg")]})
    typo = MetadataRow(key="typo", by=by, metadata={}, where="the test")
    (match,), asked = matched([typo], lake)
    assert match.items == ()
    assert asked == (["item-0"] if by in (ItemKey.FILE_URL, ItemKey.FILE_KEY) else [])
    assert match.unread_groups == (1 if by in (ItemKey.OBJECT_URL, ItemKey.OBJECT_KEY) else 0)


def test_no_rows_read_no_items() -> None:
    def items() -> object:
        raise AssertionError("the items were read")
        yield

    assert match_rows([], items(), files_of=list) == []  # type: ignore[arg-type]
