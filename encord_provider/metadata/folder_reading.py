"""Which items of folders rows mean, read at the cost of what is new in the folders where that is certain.

Encord's API does not find an item by its object URL, so that the first time all items are read. What they were called
is remembered (:mod:`~encord_provider.metadata.folder_memory`). From then on three readings give every item that a row
may mean: the newest items, up to a page without a new one; the remembered items with the object or the key of a row;
and a search by what the titles of the rows share, because titles change. What a row means is decided on the items as
they are now, by the same rules.

That this leaves nothing out is checked: a folder's summary must count exactly as many more files and groups as there
are new items; a remembered item must still be in the folder, with the object that it had; a search must give every
remembered item that has one of the titles. A row that finds no item, and a group or series that was renamed, need all
items in any case. Wherever one of these is not so, the folder is read whole, as it always was.

What no check can see is an item that was brought into the folder from another one while another item left it, or that
was pointed at another object (by a migration of the storage), and that then has the object of a row which finds an item
already. Therefore a folder is read whole again once in a while.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from typing import TYPE_CHECKING

from encord_provider.api.at_once import at_once
from encord_provider.api.calls import BULK_SIZE, PAGE_SIZE, get_folder_summary, get_storage_items, list_items
from encord_provider.api.items import DATA_GROUP_TYPE, GROUP_TYPES, StorageItem
from encord_provider.exceptions import EncordRequestError
from encord_provider.hooks.names import uuid_of
from encord_provider.listing import identity_of
from encord_provider.metadata.folder_memory import (
    NEWEST,
    Contents,
    FolderMemories,
    FolderMemory,
    Marks,
    mark_of,
    mark_of_object,
    mark_of_url,
    mark_of_uuid,
    recorded,
)
from encord_provider.metadata.matching import Match, match_rows, names_itself
from encord_provider.metadata.rows import ItemKey, MetadataRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from encord_provider.api.client import EncordApi

log = logging.getLogger(__name__)

_MOST_NEW_PAGES = 50
"""After so many pages of new items a folder is read whole: they are held in memory."""

_TRIES = 2
"""How often the newest items are read where somebody adds items at the same time."""

_COUNTED_GROUPS = ("imageGroups", "imageSequences", "dicomSeries")


def match_in_folders(
    api: EncordApi,
    rows: Sequence[MetadataRow],
    memories: Sequence[FolderMemories],
    *,
    files_of: Callable[[StorageItem], Collection[str]],
) -> list[Match]:
    """Find the items of folders that rows mean, exactly as if all items were read.

    :param api: the data plane.
    :param rows: the rows.
    :param memories: what is known of each of the folders.
    :param files_of: gives the object URLs of the files of a group; one call to Encord.
    :returns: the match of each row, in the order of the rows.
    """
    asked: dict[str, Collection[str]] = {}

    def files_once(group: StorageItem) -> Collection[str]:
        if group.uuid not in asked:
            asked[group.uuid] = files_of(group)
        return asked[group.uuid]

    wanted = _Wanted.of(rows)
    readings = [FolderReading(api=api, memories=one, files_of=files_once) for one in memories]
    if wanted is not None and (likely := _likely(readings, wanted)) is not None:
        matches = match_rows(rows, likely, files_of=files_once)
        if all(reading.is_whole for reading in readings) or all(map(_is_settled, matches)):
            return matches
    return match_rows(rows, chain.from_iterable(one.all() for one in readings), files_of=files_once)


def _likely(readings: Sequence[FolderReading], wanted: _Wanted) -> list[StorageItem] | None:
    """Every item that a row may mean; None where only the whole folders tell."""
    found: list[StorageItem] = []
    for reading in readings:
        try:
            items = reading.likely(wanted)
        except _Unclear as reason:
            log.info("Folder %s is read whole: %s.", reading.memories.folder, reason)
            return None
        if items is None:
            return None
        found += items
    return found


def _is_settled(match: Match) -> bool:
    """Whether items that were not read cannot change what a row means."""
    row = match.row
    if row.scene:
        return bool(match.items)
    if row.urls:
        return bool(match.items) and all(item.name == row.title for item in match.items)
    return bool(match.items) and all(names_itself(row, item) for item in match.items)


class _Unclear(Exception):  # noqa: N818 - no error: it is answered by reading everything
    """What is remembered of a folder does not tell which items a row may mean."""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What rows name.

    :param marks: where to look in what is remembered.
    :param titles: the titles among the names.
    """

    marks: Marks
    titles: frozenset[str]

    @classmethod
    def of(cls, rows: Sequence[MetadataRow]) -> _Wanted | None:
        """Give what rows name; None where one of them names what only all items tell."""
        marks, titles = Marks(), set[str]()
        for row in rows:
            if row.scene or row.urls:
                if row.title is None:
                    return None
                titles.add(row.title)
                if row.scene:
                    marks.urls.update(mark_of_object(identity_of(url)) for url in row.urls)
            elif row.by is ItemKey.TITLE:
                titles.add(row.key)
            elif row.by is ItemKey.UUID:
                if uuid_of(row.key) is not None:
                    marks.uuids.add(mark_of_uuid(row.key))
            elif row.by in (ItemKey.OBJECT_KEY, ItemKey.FILE_KEY):
                marks.keys.add(mark_of(row.key))
            else:
                marks.urls.add(mark_of_object(identity_of(row.key)))
        marks.titles.update(map(mark_of, titles))
        return cls(marks=marks, titles=frozenset(titles))


@dataclass(kw_only=True)
class FolderReading:
    """The reading of one folder for some rows.

    :param api: the data plane.
    :param memories: what is known of the folder.
    :param files_of: gives the object URLs of the files of a group; one call to Encord.
    :ivar is_whole: whether all items have been read.
    """

    api: EncordApi
    memories: FolderMemories
    files_of: Callable[[StorageItem], Collection[str]]
    is_whole: bool = field(init=False, default=False)
    _is_long: bool = field(init=False, default=False)

    def likely(self, wanted: _Wanted) -> list[StorageItem] | None:
        """Give every item that a row may mean, and others; None where nothing is remembered, or too much is new.

        :param wanted: what rows name.
        :raises _Unclear: where that is not certain.
        """
        memory = self.memories.load()
        for _ in range(_TRIES):
            read = self._newest(memory)
            if memory is None or read is None or self.is_whole:
                return read
            new = [item for item in read if item.uuid not in set(memory.newest)]
            contents = self._grown(memory, new)
            if contents is not None:
                break
        else:
            raise _Unclear("items were taken from it, brought from elsewhere, or are being added")
        found = {item.uuid: item for item in read}
        remembered = self.memories.find(memory, wanted.marks)
        if remembered is None:
            raise _Unclear("what was noted of it is damaged")
        known = self._read_again({uuid: mark for uuid, mark in remembered.items() if uuid not in found})
        if known is None:
            raise _Unclear("remembered items have left it, or have other objects")
        found |= known
        if wanted.titles:
            titled = self._titled(wanted.titles)
            if titled is None:
                raise _Unclear("what the titles of the rows share does not narrow a search")
            if any(item.name in wanted.titles and uuid not in titled for uuid, item in found.items()):
                raise _Unclear("a search for the titles did not find all items that have them")
            found |= titled
        if new:
            newest = dict.fromkeys([*(item.uuid for item in read), *memory.newest])
            latest = replace(memory, contents=contents, newest=tuple(newest)[:NEWEST])
            self.memories.extend(memory, new, latest)
        log.info(
            "Folder %s: read %d items, of which %d are new; %d are known from the last reading.",
            self.memories.folder,
            len(found),
            len(new),
            memory.items,
        )
        return list(found.values())

    def all(self) -> Iterator[StorageItem]:
        """Read all items, and note them for the next time if none came or went meanwhile."""
        if not self._is_long:
            page, token = self._page(None)
            if token is None:
                yield from page
                return
        before = self._contents()
        began = time.time()
        newest: list[str] = []
        with tempfile.TemporaryFile() as records:
            token = None
            while True:
                page, token = self._page(token)
                yield from recorded(page, records, newest)
                if token is None:
                    break
            if before is not None and self._contents() == before:
                latest = FolderMemory(
                    folder=self.memories.folder,
                    read_at=began,
                    contents=before,
                    newest=tuple(newest),
                    segments=(),
                )
                self.memories.renew(latest, records)

    def _newest(self, memory: FolderMemory | None) -> list[StorageItem] | None:
        """Read the newest items up to a page without a new one; None where there are too many pages."""
        known = frozenset(memory.newest) if memory is not None else frozenset()
        items: dict[str, StorageItem] = {}
        token = None
        for _ in range(_MOST_NEW_PAGES if known else 1):
            page, token = self._page(token)
            items |= {item.uuid: item for item in page}
            if token is None:
                self.is_whole = True
                return list(items.values())
            self._is_long = True
            if all(item.uuid in known for item in page):
                return list(items.values())
        return None

    def _grown(self, memory: FolderMemory, new: Sequence[StorageItem]) -> Contents | None:
        """Give what the folder holds now, if that is what it held and the new items; None otherwise."""
        groups = [item for item in new if item.item_type in GROUP_TYPES]
        # The items of a data group are items of a folder themselves.
        held = [item for item in groups if item.item_type != DATA_GROUP_TYPE]
        contents = self._contents()
        if contents is None or contents.groups != memory.contents.groups + len(held):
            return None
        files = len(new) - len(groups) + sum(len(self.files_of(group)) for group in held)
        return contents if contents.files == memory.contents.files + files else None

    def _contents(self) -> Contents | None:
        counted = self.api.perform(get_folder_summary(self.memories.folder))
        if "files" not in counted:
            return None
        # An object that vanished from a mirrored bucket is counted as a tombstone, and is an item still.
        return Contents(
            files=int(counted["files"] + counted.get("tombstones", 0)),
            groups=int(sum(counted.get(kind, 0) for kind in _COUNTED_GROUPS)),
        )

    def _read_again(self, objects: Mapping[str, int]) -> dict[str, StorageItem] | None:
        """Read remembered items; None unless all are in the folder, each with the object that it had."""
        uuids = list(objects)
        found: dict[str, StorageItem] = {}
        calls = (get_storage_items(uuids[at : at + BULK_SIZE]) for at in range(0, len(uuids), BULK_SIZE))
        try:
            for items in at_once(self.api.perform, calls):
                found |= {item.uuid: item for item in items if item.folder == self.memories.folder}
        except EncordRequestError:
            return None
        is_same = found.keys() == objects.keys() and all(
            mark_of_url(item.url) == objects[uuid] for uuid, item in found.items()
        )
        return found if is_same else None

    def _titled(self, titles: Collection[str]) -> dict[str, StorageItem] | None:
        """Search for the items that have one of the titles; None where the search would read too much."""
        first, last = min(titles), max(titles)
        pairs = zip(first, last, strict=False)
        shared = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)).strip()
        if not shared:
            return None
        found: dict[str, StorageItem] = {}
        token = None
        for _ in range(2 + len(titles) // PAGE_SIZE):
            page, token = self._page(token, search=shared)
            found |= {item.uuid: item for item in page}
            if token is None:
                return found
        return None

    def _page(
        self, token: str | None, *, search: str | None = None
    ) -> tuple[Sequence[StorageItem], str | None]:
        page = self.api.perform(
            list_items(
                self.memories.folder,
                page_token=token,
                search=search,
                page_size=PAGE_SIZE,
                newest_first=True,
            )
        )
        return page.items, page.next_page_token
