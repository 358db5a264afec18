"""Which items each row means.

What a row means depends on that row and on the items alone. Other rows change its match in one way only: two rows
that mean the same item are both marked as contested.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from encord_provider.api.items import GROUP_TYPES, StorageItem
from encord_provider.exceptions import ObjectUrlError
from encord_provider.listing import parse_object_url
from encord_provider.metadata.rows import ItemKey, MetadataRow

_OWN_KIND = {ItemKey.FILE_URL: ItemKey.OBJECT_URL, ItemKey.FILE_KEY: ItemKey.OBJECT_KEY}
"""What names an item itself, for the kinds of name that may also be those of a file of a group."""

_Name = tuple[ItemKey, str]


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
    is compared with the files of all groups, and only a row with ``urls`` with those of the groups of its title.

    :param rows: the rows.
    :param items: the items that they may mean; read once.
    :param files_of: gives the object URLs of the files of a group; one call to Encord, made at most once for each
        group, and for none that no row may mean.
    :returns: the match of each row, in the order of the rows.
    """
    if not rows:
        return []
    by_name: dict[_Name, list[int]] = defaultdict(list)
    by_all_files: dict[tuple[str | None, frozenset[str]], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.urls:
            by_all_files[row.title, frozenset(map(_same_url, row.urls))].append(number)
        else:
            by_name[_name_of(row)].append(number)
    titles = {title for title, _ in by_all_files}
    kinds = {kind for kind, _ in by_name}

    found: list[dict[str, StorageItem]] = [{} for _ in rows]
    groups: dict[str, StorageItem] = {}
    for item in items:
        if item.item_type in GROUP_TYPES:
            groups[item.uuid] = item
        for name in _names_of(item, kinds):
            for number in by_name.get(name, ()):
                found[number][item.uuid] = item

    by_one_file: dict[_Name, list[int]] = {}
    for name, numbers in by_name.items():
        if left := [number for number in numbers if rows[number].by in _OWN_KIND and not found[number]]:
            by_one_file[name] = left
    for group in groups.values():
        if not by_one_file and group.name not in titles and None not in titles:
            continue
        urls = files_of(group)
        files = frozenset(map(_same_url, urls))
        for title in (group.name, None):
            for number in by_all_files.get((title, files), ()):
                found[number][group.uuid] = group
        for url in urls if by_one_file else ():
            for name in _names_of_url(url, kinds):
                for number in by_one_file.get(name, ()):
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


def _name_of(row: MetadataRow) -> _Name:
    kind = _OWN_KIND.get(row.by, row.by)
    return kind, _same_url(row.key) if kind is ItemKey.OBJECT_URL else row.key


def _names_of(item: StorageItem, kinds: Collection[ItemKey]) -> Iterator[_Name]:
    if ItemKey.UUID in kinds:
        yield ItemKey.UUID, item.uuid
    if ItemKey.TITLE in kinds:
        yield ItemKey.TITLE, item.name
    if item.url:
        yield from _names_of_url(item.url, kinds)


def _names_of_url(url: str, kinds: Collection[ItemKey]) -> Iterator[_Name]:
    if ItemKey.OBJECT_URL in kinds:
        yield ItemKey.OBJECT_URL, _same_url(url)
    if ItemKey.OBJECT_KEY in kinds:
        try:
            yield ItemKey.OBJECT_KEY, parse_object_url(url).key
        except ObjectUrlError:
            return


def _same_url(url: str) -> str:
    """Give what two spellings of one URL share: ``dt=1`` and ``dt%3D1`` are the same key."""
    return unquote(url)
