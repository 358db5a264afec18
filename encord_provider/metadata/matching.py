"""Which items each row means.

URLs are compared as the objects that they name, whatever their spelling. What a row means depends on that row and on
the items alone. Other rows change its match in one way only: two rows that mean the same item are both marked as
contested.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from encord_provider.api.items import GROUP_TYPES, SCENE_TYPE, StorageItem
from encord_provider.exceptions import ObjectUrlError
from encord_provider.listing import ObjectIdentity, identity_of, parse_object_url
from encord_provider.metadata.rows import ItemKey, MetadataRow

_OWN_KIND = {ItemKey.FILE_URL: ItemKey.OBJECT_URL, ItemKey.FILE_KEY: ItemKey.OBJECT_KEY}
"""What names an item itself, for the kinds of name that may also be those of a file of a group."""

_Name = tuple[ItemKey, ObjectIdentity | str]


@dataclass(frozen=True, kw_only=True)
class Match:
    """What one row means.

    :param row: the row.
    :param items: the items that it matches; it means one only if that is the only one.
    :param contested: whether another row matches one of these items too.
    :param unread_groups: how many groups were among the items whose files this row was not compared with.
    """

    row: MetadataRow
    items: tuple[StorageItem, ...] = ()
    contested: bool = False
    unread_groups: int = 0


def match_rows(
    rows: Sequence[MetadataRow],
    items: Iterable[StorageItem],
    *,
    files_of: Callable[[StorageItem], Collection[str]],
) -> list[Match]:
    """Find the items that rows mean.

    A row means the item that itself has its name. Only a row by ``file_url`` or ``file_key`` that no item matches so
    is compared with the files of all groups. A row with ``urls`` means the group of its title with exactly these
    files, or else, where a group was renamed, any group with exactly these files. The row of a scene means the scene
    that has one of its URLs, or else the scene of its title.

    :param rows: the rows.
    :param items: the items that they may mean; read once.
    :param files_of: gives the object URLs of the files of a group; one call to Encord, made at most once for each
        group, and for none that no row may mean.
    :returns: the match of each row, in the order of the rows.
    """
    if not rows:
        return []
    by_name: dict[_Name, list[int]] = defaultdict(list)
    by_all_files: dict[frozenset[ObjectIdentity | str], list[int]] = defaultdict(list)
    scenes = _Scenes()
    for number, row in enumerate(rows):
        if row.scene:
            scenes.add(number, row)
        elif row.urls:
            by_all_files[frozenset(map(identity_of, row.urls))].append(number)
        else:
            by_name[_name_of(row)].append(number)
    titles = {rows[number].title for numbers in by_all_files.values() for number in numbers}
    kinds = {kind for kind, _ in by_name}

    found: list[dict[str, StorageItem]] = [{} for _ in rows]
    groups: dict[str, StorageItem] = {}
    for item in items:
        if item.item_type in GROUP_TYPES:
            groups[item.uuid] = item
        scenes.look_at(item)
        for name in _names_of(item, kinds):
            for number in by_name.get(name, ()):
                found[number][item.uuid] = item
    for number, items_of_row in scenes.found().items():
        found[number] = items_of_row

    by_one_file: dict[_Name, list[int]] = {}
    for name, numbers in by_name.items():
        if left := [number for number in numbers if rows[number].by in _OWN_KIND and not found[number]]:
            by_one_file[name] = left
    files: dict[str, Collection[str]] = {}
    for group in groups.values():
        if by_one_file or group.name in titles or None in titles:
            files[group.uuid] = files_of(group)
            for number in by_all_files.get(frozenset(map(identity_of, files[group.uuid])), ()):
                if rows[number].title in (group.name, None):
                    found[number][group.uuid] = group
            for url in files[group.uuid] if by_one_file else ():
                for name in _names_of_url(url, kinds):
                    for number in by_one_file.get(name, ()):
                        found[number][group.uuid] = group
    renamed = {number for numbers in by_all_files.values() for number in numbers if not found[number]}
    for group in groups.values() if renamed else ():
        urls = files[group.uuid] if group.uuid in files else files_of(group)
        for number in by_all_files.get(frozenset(map(identity_of, urls)), ()):
            if number in renamed:
                found[number][group.uuid] = group

    matching = Counter(uuid for matched in found for uuid in matched)
    return [
        Match(
            row=row,
            items=tuple(matched.values()),
            contested=any(matching[uuid] > 1 for uuid in matched),
            unread_groups=len(groups) if row.by in _OWN_KIND.values() and not row.urls else 0,
        )
        for row, matched in zip(rows, found, strict=True)
    ]


def names_itself(row: MetadataRow, item: StorageItem) -> bool:
    """Whether an item itself has the name that a row gives, and not one of its files.

    :param row: a row without ``urls``.
    :param item: an item.
    """
    name = _name_of(row)
    return name in _names_of(item, {name[0]})


class _Scenes:
    """The rows of scenes. A scene shows none of its files, or one of them as its own."""

    def __init__(self) -> None:
        self._by_url: dict[ObjectIdentity | str, list[int]] = defaultdict(list)
        self._by_title: dict[str | None, list[int]] = defaultdict(list)
        self._with_url: dict[int, dict[str, StorageItem]] = defaultdict(dict)
        self._with_title: dict[int, dict[str, StorageItem]] = defaultdict(dict)

    def add(self, number: int, row: MetadataRow) -> None:
        for identity in set(map(identity_of, row.urls)):
            self._by_url[identity].append(number)
        self._by_title[row.title].append(number)

    def look_at(self, item: StorageItem) -> None:
        if item.item_type != SCENE_TYPE or not self._by_title:
            return
        for number in self._by_url.get(identity_of(item.url), ()) if item.url else ():
            self._with_url[number][item.uuid] = item
        for number in self._by_title.get(item.name, ()):
            self._with_title[number][item.uuid] = item

    def found(self) -> dict[int, dict[str, StorageItem]]:
        """The scenes that each row means, by the number of the row."""
        return self._with_title | self._with_url


def _name_of(row: MetadataRow) -> _Name:
    kind = _OWN_KIND.get(row.by, row.by)
    return kind, identity_of(row.key) if kind is ItemKey.OBJECT_URL else row.key


def _names_of(item: StorageItem, kinds: Collection[ItemKey]) -> Iterator[_Name]:
    if ItemKey.UUID in kinds:
        yield ItemKey.UUID, item.uuid
    if ItemKey.TITLE in kinds:
        yield ItemKey.TITLE, item.name
    if item.url:
        yield from _names_of_url(item.url, kinds)


def _names_of_url(url: str, kinds: Collection[ItemKey]) -> Iterator[_Name]:
    if ItemKey.OBJECT_URL in kinds:
        yield ItemKey.OBJECT_URL, identity_of(url)
    if ItemKey.OBJECT_KEY in kinds:
        try:
            yield ItemKey.OBJECT_KEY, parse_object_url(url).key
        except ObjectUrlError:
            return
