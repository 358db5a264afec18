"""Bringing objects into the order of their keys when a source does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime

from encord_provider.listing.objects import ListedObject


def in_key_order(objects: Iterable[ListedObject]) -> Iterator[ListedObject]:
    """Sort objects by the UTF-8 bytes of their keys, as S3 lists them, in a temporary file instead of memory.

    :param objects: the objects in any order; read whole before the first one comes out.
    :returns: the same objects in order.
    """
    with closing(sqlite3.connect("")) as database:
        database.execute("CREATE TABLE objects (key TEXT, size INTEGER, time TEXT, class TEXT, etag TEXT)")
        database.executemany(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?)",
            (
                (
                    one.key,
                    one.size,
                    None if one.last_modified is None else one.last_modified.isoformat(),
                    one.storage_class,
                    one.etag,
                )
                for one in objects
            ),
        )
        for key, size, time, storage_class, etag in database.execute("SELECT * FROM objects ORDER BY key"):
            last_modified = None if time is None else datetime.fromisoformat(time)
            yield ListedObject(key, size, last_modified, storage_class, etag)
