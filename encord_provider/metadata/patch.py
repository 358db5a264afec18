"""Client metadata onto storage items: find the item of each row, compare, patch only what differs."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Any
from urllib.parse import unquote

from encord_provider.api.calls import BULK_SIZE, get_child_items, get_storage_items, patch_storage_items
from encord_provider.api.client import EncordApi
from encord_provider.api.items import GROUP_TYPES, StorageItem
from encord_provider.exceptions import EncordRequestError, ObjectUrlError
from encord_provider.listing import parse_object_url

log = logging.getLogger(__name__)


class ItemKey(StrEnum):
    """What a row names its storage item by."""

    OBJECT_URL = "object_url"
    OBJECT_KEY = "object_key"
    UUID = "uuid"
    TITLE = "title"


class PatchMode(StrEnum):
    """What happens to the keys that an item has and its row has not."""

    MERGE = "merge"
    REPLACE = "replace"


class Outcome(StrEnum):
    """What became of a row."""

    PATCHED = "patched"
    UNCHANGED = "unchanged"
    UNMATCHED = "unmatched"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class MetadataRow:
    """Client metadata for one storage item.

    :param key: names the item: an object URL, an object key, a UUID or a title.
    :param metadata: the client metadata.
    :param where: where the row comes from, for reports.
    :param urls: all object URLs of an image group, sequence or series, where they are known; the item is then
        the one with exactly these files.
    :param title: the title of such an item, by which its candidates are found.
    """

    key: str
    metadata: Mapping[str, Any]
    where: str
    urls: tuple[str, ...] = ()
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """What became of one row, as the report has it.

    :param row: the row.
    :param outcome: what became of it.
    :param items: UUIDs of the items that it matched.
    :param reason: why it was not patched, in words.
    """

    row: MetadataRow
    outcome: Outcome
    items: tuple[str, ...] = ()
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the line of the report; it names the row and holds none of its values."""
        return {
            "outcome": self.outcome.value,
            "key": self.row.key,
            "where": self.row.where,
            "items": list(self.items),
            "reason": self.reason,
        }


@dataclass(kw_only=True)
class Tagger:
    """Patch the client metadata of storage items.

    :param api: the data plane.
    :param key: what the rows name items by.
    :param mode: ``merge`` keeps every key that a row does not have, ``replace`` removes them.
    :param remove_keys: keys that every patched item loses, unless its row gives them a value.
    :param conflicts: how many items somebody else changed between the listing and the patch; a merge starts
        from what they wrote.
    """

    api: EncordApi
    key: ItemKey = ItemKey.OBJECT_URL
    mode: PatchMode = PatchMode.MERGE
    remove_keys: frozenset[str] = frozenset()
    conflicts: int = field(init=False, default=0)

    def patch(self, rows: Sequence[MetadataRow], items: Iterable[StorageItem]) -> list[RowResult]:
        """Find the item of each row, and patch those that would change.

        A row that matches no item, or more than one, is reported and not guessed at, as are two rows for one
        item. A bundle that Encord refuses is divided until the items that it refuses are known.

        :param rows: the rows.
        :param items: the items that rows may name; read once.
        :return: what became of each row, in the order of the rows.
        :raises EncordUnavailableError: if Encord cannot be reached; what was patched by then stays patched, and
            patching again changes nothing there.
        """
        matches = _Matches(rows, self.key, self._children)
        matches.look_through(items)
        results: dict[int, RowResult] = {}
        candidates: dict[str, int] = {}
        found: dict[str, StorageItem] = {}
        for number, row in enumerate(rows):
            matched = matches.of_row(number)
            uuids = tuple(item.uuid for item in matched)
            if not matched:
                results[number] = RowResult(row=row, outcome=Outcome.UNMATCHED, reason="no such item")
            elif len(matched) > 1:
                reason = f"{len(matched)} items match"
                results[number] = RowResult(row=row, outcome=Outcome.AMBIGUOUS, items=uuids, reason=reason)
            elif matches.rows_of_item(uuids[0]) > 1:
                reason = "another row names the same item"
                results[number] = RowResult(row=row, outcome=Outcome.AMBIGUOUS, items=uuids, reason=reason)
            elif self._wanted(matched[0], row) == matched[0].client_metadata:
                results[number] = RowResult(row=row, outcome=Outcome.UNCHANGED, items=uuids)
            else:
                candidates[uuids[0]] = number
                found[uuids[0]] = matched[0]
        for uuids_of_bundle in _bundles(list(candidates)):
            outcomes = self._patch_bundle([found[uuid] for uuid in uuids_of_bundle], rows, candidates)
            for uuid, (outcome, reason) in outcomes.items():
                number = candidates[uuid]
                results[number] = RowResult(row=rows[number], outcome=outcome, items=(uuid,), reason=reason)
        return [results[number] for number in range(len(rows))]

    def patch_all(self, metadata: Mapping[str, Any], items: Iterable[StorageItem]) -> Iterator[RowResult]:
        """Give every item the same client metadata, a bundle at a time.

        :param metadata: the client metadata.
        :param items: the items.
        :return: what became of each item, under its URL or, where it has none, its UUID.
        :raises EncordUnavailableError: as :meth:`patch`.
        """
        remaining = iter(items)
        by_uuid = replace(self, key=ItemKey.UUID)
        while bundle := list(islice(remaining, BULK_SIZE)):
            rows = [MetadataRow(key=item.uuid, metadata=metadata, where="for all") for item in bundle]
            for item, result in zip(bundle, by_uuid.patch(rows, bundle), strict=True):
                named = MetadataRow(key=item.url or item.uuid, metadata=metadata, where=result.row.where)
                yield replace(result, row=named)
            self.conflicts += by_uuid.conflicts
            by_uuid.conflicts = 0

    def find(self, rows: Sequence[MetadataRow], items: Iterable[StorageItem]) -> Iterator[StorageItem]:
        """Give the items that rows name; none comes twice.

        :param rows: the rows.
        :param items: the items that rows may name; read once.
        """
        matches = _Matches(rows, self.key, self._children)
        matches.look_through(items)
        found = {item.uuid: item for number in range(len(rows)) for item in matches.of_row(number)}
        yield from found.values()

    def _wanted(self, item: StorageItem, row: MetadataRow) -> dict[str, Any]:
        if self.mode is PatchMode.REPLACE:
            return dict(row.metadata)
        kept = {key: value for key, value in item.client_metadata.items() if key not in self.remove_keys}
        return {**kept, **row.metadata}

    def _patch_bundle(
        self, listed: Sequence[StorageItem], rows: Sequence[MetadataRow], candidates: Mapping[str, int]
    ) -> dict[str, tuple[Outcome, str]]:
        """Read the items again, so that a merge keeps what was written meanwhile, and patch them."""
        fresh = {
            item.uuid: item for item in self.api.perform(get_storage_items([item.uuid for item in listed]))
        }
        outcomes: dict[str, tuple[Outcome, str]] = {}
        patches: dict[str, dict[str, Any]] = {}
        for item in listed:
            now = fresh.get(item.uuid)
            if now is None:
                outcomes[item.uuid] = (Outcome.FAILED, "the item is gone")
                continue
            if now.client_metadata != item.client_metadata:
                self.conflicts += 1
            patches[item.uuid] = self._wanted(now, rows[candidates[item.uuid]])
        for uuid, reason in self._send(patches).items():
            outcomes[uuid] = (Outcome.FAILED, reason) if reason else (Outcome.PATCHED, "")
        return outcomes

    def _send(self, patches: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Send patches; give an empty reason for each that was accepted."""
        if not patches:
            return {}
        try:
            self.api.perform(patch_storage_items(patches))
        except EncordRequestError as error:
            if len(patches) == 1:
                return {uuid: str(error) for uuid in patches}
            middle = len(patches) // 2
            rows = list(patches.items())
            return self._send(dict(rows[:middle])) | self._send(dict(rows[middle:]))
        log.info("Patched the client metadata of %d items.", len(patches))
        return dict.fromkeys(patches, "")

    def _children(self, item: StorageItem) -> list[str]:
        children = self.api.perform(get_child_items(item.folder, item.uuid))
        return [child.url for child in children if child.url]


class _Matches:
    """Which items each row matches."""

    def __init__(
        self, rows: Sequence[MetadataRow], key: ItemKey, children: Callable[[StorageItem], list[str]]
    ) -> None:
        self._rows = rows
        self._key = key
        self._children = children
        self._items: dict[int, dict[str, StorageItem]] = defaultdict(dict)
        self._rows_of_item: dict[str, set[int]] = defaultdict(set)
        self._by_key: dict[str, list[int]] = defaultdict(list)
        self._by_title: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            if row.urls and row.title is not None and key is ItemKey.OBJECT_URL:
                self._by_title[row.title].append(number)
            else:
                self._by_key[_same_url(row.key) if key is ItemKey.OBJECT_URL else row.key].append(number)

    def of_row(self, number: int) -> list[StorageItem]:
        return list(self._items[number].values())

    def rows_of_item(self, uuid: str) -> int:
        return len(self._rows_of_item[uuid])

    def look_through(self, items: Iterable[StorageItem]) -> None:
        groups: list[StorageItem] = []
        for item in items:
            if item.item_type in GROUP_TYPES:
                groups.append(item)
            for name in self._names(item, item.url):
                self._match(item, self._by_key.get(name, ()))
        if self._key not in (ItemKey.OBJECT_URL, ItemKey.OBJECT_KEY):
            return
        # The files of a group are asked for only where a row may mean it: one call for each group.
        some_left = any(not self._items[number] for numbers in self._by_key.values() for number in numbers)
        for group in groups:
            candidates = self._by_title.get(group.name, ())
            if not candidates and not some_left:
                continue
            urls = self._children(group)
            wanted = {_same_url(url) for url in urls}
            self._match(
                group, [one for one in candidates if set(map(_same_url, self._rows[one].urls)) == wanted]
            )
            if some_left:
                for url in urls:
                    for name in self._names(group, url):
                        self._match(group, self._by_key.get(name, ()))

    def _names(self, item: StorageItem, url: str | None) -> Iterator[str]:
        if self._key is ItemKey.UUID:
            yield item.uuid
        elif self._key is ItemKey.TITLE:
            yield item.name
        elif url and self._key is ItemKey.OBJECT_URL:
            yield _same_url(url)
        elif url:
            try:
                yield parse_object_url(url).key
            except ObjectUrlError:
                return

    def _match(self, item: StorageItem, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._items[number][item.uuid] = item
            self._rows_of_item[item.uuid].add(number)


def _same_url(url: str) -> str:
    """Give what two spellings of one URL share: ``dt=1`` and ``dt%3D1`` are the same key."""
    return unquote(url)


def _bundles(uuids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(uuids), BULK_SIZE):
        yield uuids[start : start + BULK_SIZE]
