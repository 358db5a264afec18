"""What the readings of a folder leave in the workspace, so that the next one need not read all of it again.

For every item that a folder lists there is one record: its UUID, and short hashes of the object, the object key and the
title that it had. A hash says where to look, and never what an item is: whoever finds an item by it reads the item.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import IO
from uuid import UUID

import orjson

from encord_provider.api.items import StorageItem
from encord_provider.exceptions import EncordError
from encord_provider.listing import ObjectIdentity, identity_of
from encord_provider.text.stored import opened, stamped
from encord_provider.workspace.files import child, path_of, remove, write_whole

log = logging.getLogger(__name__)

NEWEST = 2_000
"""How many of the newest items are remembered by name: two pages, so that one of them holds nothing new."""

MAX_AGE = 30 * 86_400.0
"""Seconds after which a folder is read whole again: not every change can be seen, see
:mod:`~encord_provider.metadata.folder_reading`."""

_FILE = "memory.json"
SEGMENT_ITEMS = 100_000
_FIELDS = 5
_RECORD = struct.Struct(f"<{_FIELDS}Q")
_LOW = (1 << 64) - 1


@dataclass(frozen=True, kw_only=True)
class Contents:
    """How much a folder holds, as its summary counts it.

    :param files: files, also those that were taken away from a folder that mirrors a bucket.
    :param groups: image groups, image sequences and series.
    """

    files: int
    groups: int


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A file of records.

    :param name: its name in the folder of the memory.
    :param sha256: the hash of its content.
    :param items: how many records it has.
    """

    name: str
    sha256: str
    items: int


@dataclass(kw_only=True)
class Marks:
    """What may name the items that are looked for: hashes, and the first halves of UUIDs."""

    uuids: set[int] = field(default_factory=set)
    urls: set[int] = field(default_factory=set)
    keys: set[int] = field(default_factory=set)
    titles: set[int] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class FolderMemory:
    """What is known of one folder.

    :param folder: its UUID.
    :param read_at: when all of it was read last, in seconds since the epoch.
    :param contents: what its summary counted when the memory was complete.
    :param newest: UUIDs of its newest items, the newest first.
    :param segments: the files with the records of all its items.
    """

    folder: str
    read_at: float
    contents: Contents
    newest: tuple[str, ...]
    segments: tuple[Segment, ...]

    @property
    def items(self) -> int:
        """How many items are known."""
        return sum(segment.items for segment in self.segments)


class FolderMemories:
    """The memory of one folder, as files below the workspace.

    What cannot be read counts as forgotten: the folder is read whole then.

    :param uri: the URI of the folder of the memory in the workspace.
    :param folder: the UUID of the storage folder.
    """

    def __init__(self, uri: str, folder: str) -> None:
        self.uri = uri
        self.folder = folder

    def load(self) -> FolderMemory | None:
        """Give what is known, or None."""
        try:
            found = opened(orjson.loads(path_of(child(self.uri, _FILE)).read_bytes()), FolderMemory)
        except (OSError, ValueError, EncordError):
            return None
        is_young = 0 <= time.time() - found.read_at < MAX_AGE
        return found if found.folder == self.folder and is_young else None

    def find(self, memory: FolderMemory, marks: Marks) -> dict[str, int] | None:
        """Give the items that have one of the marks, and perhaps a few others.

        :param memory: what :meth:`load` gave.
        :param marks: what is looked for.
        :returns: UUID -> the hash of the item's object, as :func:`mark_of_url` gives it; None where a file of the
            memory is missing or damaged.
        """
        columns = ((0, marks.uuids), (2, marks.urls), (3, marks.keys), (4, marks.titles))
        found: dict[str, int] = {}
        for segment in memory.segments:
            content = self._content(segment)
            if content is None:
                return None
            values = struct.unpack(f"<{_FIELDS * segment.items}Q", content)
            for offset, wanted in columns:
                column = values[offset::_FIELDS]
                if wanted.isdisjoint(column):
                    continue
                for number, value in enumerate(column):
                    if value in wanted:
                        first, second, url = values[number * _FIELDS : number * _FIELDS + 3]
                        found[str(UUID(int=first << 64 | second))] = url
        return found

    def extend(self, memory: FolderMemory, new: Collection[StorageItem], latest: FolderMemory) -> None:
        """Add new items to what is known.

        :param memory: what :meth:`load` gave.
        :param new: the items that it lacks.
        :param latest: the memory with what else is new in it.
        """
        *full, last = memory.segments
        tail = self._content(last) if last.items < SEGMENT_ITEMS else None
        with tempfile.TemporaryFile() as file:
            file.write(tail or b"")
            for item in new:
                file.write(record_of(item))
            kept = full if tail is not None else memory.segments
            self._keep(latest, tuple(kept), file, before=memory.segments)

    def renew(self, latest: FolderMemory, records: IO[bytes]) -> None:
        """Replace what is known.

        :param latest: the memory, without segments.
        :param records: an open file with the records of all items.
        """
        before = self.load()
        self._keep(latest, (), records, before=before.segments if before else ())

    def _keep(
        self,
        latest: FolderMemory,
        kept: tuple[Segment, ...],
        records: IO[bytes],
        *,
        before: tuple[Segment, ...],
    ) -> None:
        """Write the records as segments, then the file that names them, then remove what nothing names any more."""
        records.seek(0)
        segments = list(kept)
        try:
            while content := records.read(_RECORD.size * SEGMENT_ITEMS):
                sha256 = hashlib.sha256(content).hexdigest()
                name = f"{sha256[:32]}.records"
                write_whole(child(self.uri, name), content)
                segments.append(Segment(name=name, sha256=sha256, items=len(content) // _RECORD.size))
            whole = replace(latest, segments=tuple(segments))
            write_whole(child(self.uri, _FILE), orjson.dumps(stamped(asdict(whole))))
            for old in {one.name for one in before} - {one.name for one in segments}:
                with suppress(OSError, EncordError):
                    remove(child(self.uri, old))
        except (OSError, EncordError) as error:
            # The work itself is done; only the next run has more to read.
            log.warning("What folder %s holds could not be noted in %s: %s", self.folder, self.uri, error)

    def _content(self, segment: Segment) -> bytes | None:
        try:
            content = path_of(child(self.uri, segment.name)).read_bytes()
        except (OSError, EncordError):
            return None
        is_whole = hashlib.sha256(content).hexdigest() == segment.sha256
        return content if is_whole and len(content) == _RECORD.size * segment.items else None


def record_of(item: StorageItem) -> bytes:
    """Give the record of an item."""
    uuid = UUID(item.uuid).int
    identity = identity_of(item.url) if item.url else None
    key = identity.key if isinstance(identity, ObjectIdentity) else None
    return _RECORD.pack(
        uuid >> 64,
        uuid & _LOW,
        mark_of_object(identity) if identity is not None else 0,
        mark_of(key) if key is not None else 0,
        mark_of(item.name),
    )


def mark_of_url(url: str | None) -> int:
    """Give the hash of the object that a URL names; 0 for no URL."""
    return mark_of_object(identity_of(url)) if url else 0


def mark_of_object(identity: ObjectIdentity | str) -> int:
    """Give the hash of the identity of an object."""
    if isinstance(identity, str):
        return mark_of(identity)
    version = identity.version or ""
    return mark_of("\n".join((identity.store, identity.bucket, identity.key, version)))


def mark_of(text: str) -> int:
    """Give the hash of a title or a key; it is never 0, which stands for none."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def mark_of_uuid(uuid: str) -> int:
    """Give the first half of a UUID."""
    return UUID(uuid).int >> 64


def recorded(items: Iterable[StorageItem], file: IO[bytes], newest: list[str]) -> Iterator[StorageItem]:
    """Give items as they come, and note them.

    :param items: the items of a folder, the newest first.
    :param file: where their records go.
    :param newest: where the UUIDs of the first ones go.
    """
    for item in items:
        file.write(record_of(item))
        if len(newest) < NEWEST:
            newest.append(item.uuid)
        yield item
