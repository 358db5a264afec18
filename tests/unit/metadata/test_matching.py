"""Which items a row means, compared with a naive model that looks at every row and every item by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.api.items import StorageItem
from encord_provider.metadata.matching import Match, match_rows
from encord_provider.metadata.rows import ItemKey, MetadataRow

KEYS = ("dt=1/a.jpg", "dt=1/b.jpg", "100%.jpg", "100%25.jpg", "a%b.png", "a%25b.png", "é 1.jpg", "a+b.jpg")
TITLES = ("crane", "quay")

SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda key: f"https://lake.s3.eu-west-1.amazonaws.com/{quote(key)}",
    lambda key: f"https://lake.s3.eu-west-1.amazonaws.com/{quote(key, safe='/=+')}",
    lambda key: f"https://lake.s3.eu-west-1.amazonaws.com/{quote(key).replace('%3D', '%3d')}",
    lambda key: f"https://lake.s3.amazonaws.com/{quote(key)}",
    lambda key: f"https://s3.eu-west-1.amazonaws.com/lake/{quote(key)}",
    lambda key: f"https://lake.s3-fips.us-east-1.amazonaws.com/{quote(key)}",
    lambda key: f"https://lake.s3.dualstack.eu-west-1.amazonaws.com/{quote(key)}",
    lambda key: f"https://lake.s3-accelerate.amazonaws.com/{quote(key)}",
    lambda key: f"https://lake.s3.eu-west-1.amazonaws.com/{quote(key)}?X-Amz-Signature=0f",
    lambda key: f"s3://lake/{key}",
)
"""URLs of one object."""

ELSEWHERE = (
    lambda key: f"https://cdn.example.org/{quote(key)}",
    lambda key: f"https://cdn.example.org/{quote(key, safe='/=+')}",
)
"""URLs of one object that do not tell its key."""

NO_OBJECT = "https://"
OBJECT_OF = (
    {spelled(key): ("lake", key) for key in KEYS for spelled in SPELLINGS}
    | {spelled(key): ("cdn", key) for key in KEYS for spelled in ELSEWHERE}
    | {NO_OBJECT: ("", "")}
)
"""The bucket and key of every URL that the tests use."""

URLS = st.sampled_from(sorted(OBJECT_OF))


class Lake(NamedTuple):
    """Items, and the files of those that are groups by the UUID of the group."""

    items: list[StorageItem]
    files: dict[str, list[str]]


def url(key: str) -> str:
    """The usual object URL of a key."""
    return SPELLINGS[0](key)


@st.composite
def lakes(draw: st.DrawFn) -> Lake:
    lake = Lake([], {})
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["image", "scene", "imageGroup", "dicomSeries", "group"]))
        grouped = kind not in ("image", "scene")
        item = StorageItem(
            uuid=f"item-{number}",
            folder="folder",
            item_type=kind,
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
    scene = False
    if by is ItemKey.OBJECT_URL and draw(st.booleans()):
        urls = tuple(draw(st.lists(URLS, min_size=1, max_size=3)))
        title = draw(st.none() | st.sampled_from(TITLES))
        scene = draw(st.booleans())
    return MetadataRow(key=key, by=by, metadata={}, where="the model", urls=urls, title=title, scene=scene)


def names(row: MetadataRow, some_url: str | None) -> bool:
    """Whether the key of a row is that of an object."""
    if some_url is None:
        return False
    bucket, key = OBJECT_OF[some_url]
    if row.by in (ItemKey.OBJECT_URL, ItemKey.FILE_URL):
        return OBJECT_OF.get(row.key) == (bucket, key)
    return row.by in (ItemKey.OBJECT_KEY, ItemKey.FILE_KEY) and bucket == "lake" and row.key == key


def meant(row: MetadataRow, lake: Lake) -> list[str]:
    """The UUIDs of the items that one row means, from the row and the items alone."""
    objects = {OBJECT_OF[one] for one in row.urls}
    if row.scene:
        scenes = [item for item in lake.items if item.item_type == "scene"]
        with_url = [item.uuid for item in scenes if item.url and OBJECT_OF[item.url] in objects]
        return with_url or [item.uuid for item in scenes if item.name == row.title]
    if row.urls:
        same = [
            item
            for item in lake.items
            if item.uuid in lake.files and {OBJECT_OF[one] for one in lake.files[item.uuid]} == objects
        ]
        titled = [item.uuid for item in same if row.title in (None, item.name)]
        return titled or [item.uuid for item in same]
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
    """Whether the files of a group have to be read for a row, unless the group was renamed."""
    if row.scene:
        return False
    if row.urls:
        return row.title in (None, group.name)
    return row.by in (ItemKey.FILE_URL, ItemKey.FILE_KEY) and not any(
        names(row, item.url) for item in lake.items
    )


def is_astray(row: MetadataRow, lake: Lake) -> bool:
    """Whether no group of its title has the files of a row."""
    names = {item.uuid: item.name for item in lake.items}
    return (
        bool(row.urls)
        and not row.scene
        and not any(row.title in (None, names[uuid]) for uuid in meant(row, lake))
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
    groups = [item for item in lake.items if item.uuid in lake.files]
    needed = [one.uuid for one in groups if any(may_mean(row, one, lake) for row in given_rows)]
    # Whoever has no group of its title asks all the others.
    if any(is_astray(row, lake) for row in given_rows):
        needed += [one.uuid for one in groups if one.uuid not in needed]
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


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("spellings", [SPELLINGS, ELSEWHERE])
def test_every_spelling_of_a_url_names_the_object_and_no_other(
    spellings: Sequence[Callable[[str], str]], key: str
) -> None:
    items = [
        StorageItem(
            uuid=str(number),
            folder="folder",
            item_type="image",
            name="crane",
            url=spelled(one),
            client_metadata={},
        )
        for number, (one, spelled) in enumerate((one, spelled) for one in KEYS for spelled in spellings)
    ]
    for spelled in spellings:
        row = MetadataRow(key=spelled(key), metadata={}, where="the test")
        (match,), _ = matched([row], Lake(items, {}))
        assert {item.url for item in match.items} == {spelled(key) for spelled in spellings}


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
