"""Keeping the state in a file, so that it survives a restart and a kill.

The file is an SQLite database in WAL mode. What changed is written in one transaction before an answer leaves, so that
a process that is killed loses nothing that a client was told. There is no ``fsync`` for each answer: a power cut may
lose the latest of them, but leaves the file whole. Source: SQLite's "Write-Ahead Logging" and "PRAGMA synchronous".
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from encord_provider.emulator.core import snapshot
from encord_provider.emulator.core.errors import ApiError
from encord_provider.emulator.core.rows import Row, RowFormat
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Kept

log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
_PAUSE_PER_SAVING = 20
_MAGIC = b"SQLite format 3\0"
_LOCK_SECONDS = 1.0
_TABLES = (
    "CREATE TABLE IF NOT EXISTS basis (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS entries (place INTEGER PRIMARY KEY, part TEXT NOT NULL, key TEXT NOT NULL,"
    " content BLOB NOT NULL, UNIQUE (part, key))",
    # Lists that grow or shrink at their end, in pieces: an upload job would else be written whole at every poll.
    "CREATE TABLE IF NOT EXISTS pieces (part TEXT, key TEXT, field TEXT, start INTEGER, content BLOB NOT NULL,"
    " PRIMARY KEY (part, key, field, start)) WITHOUT ROWID",
)
_FORMAT = "format"


class StateFile:
    """A file that holds the state; readable for its owner only, because it holds bearer tokens.

    Must be used from one thread.

    :param path: the file; it need not exist. A text that :func:`encord_provider.emulator.core.snapshot.dump` made is
        read too, and replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._store: Store | None = None
        self._formats: snapshot.Formats = {}
        self._mark: tuple[int, ...] = ()
        self._changes = -1
        self._basis: dict[str, Any] = {}
        self._written: dict[str, dict[str, bytes]] = {}
        self._lists: dict[tuple[str, str, str], tuple[list[Any], int]] = {}

    def open(self, store: Store) -> None:
        """Read the state, if there is one, into an empty store, and go on with its jobs.

        :raises ApiError: the file does not hold a state.
        :raises OSError: it cannot be written, or another emulator has it open.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            if self._is_text():
                with self._path.open("rb") as file:
                    snapshot.load(store, file)
                self._replace_text(store)
            else:
                self._connection = _connect(self._path)
                with _transaction(self._connection):
                    found = self._connection.execute("SELECT EXISTS (SELECT * FROM basis)").fetchone()[0]
                if found:
                    snapshot.load_rows(store, _rows(self._connection, snapshot.formats(store)))
        except ApiError as error:
            raise ApiError(
                error.status, f"the state file {self._path} cannot be read: {error.message}"
            ) from None
        except sqlite3.Error as error:
            raise OSError(
                f"the state file {self._path} cannot be used: {error}; is another emulator running with it?"
            ) from None

    def keep(self, store: Store) -> None:
        """Write what has changed; when this returns, a kill does not lose it.

        :raises ApiError: 507 if it cannot be written.
        """
        connection = self._connection
        if connection is None:
            return
        try:
            with _transaction(connection):
                self._write(connection, store)
        except sqlite3.Error as error:
            # What was noted is gone from memory and not in the file: the next time everything is written.
            self._store = None
            raise ApiError(507, f"the state cannot be kept in {self._path}: {error}") from None

    async def keep_saving(self, present: Callable[[], Store]) -> None:
        """Write also what changes while nobody asks, about every second, less often if that takes long."""
        while True:
            store, began = present(), time.monotonic()
            mark = (id(store), *store.progress())
            if mark != self._mark:
                try:
                    self.keep(store)
                    self._mark = mark
                except ApiError as error:
                    log.warning("%s", error.message)
            await asyncio.sleep(max(_INTERVAL_SECONDS, (time.monotonic() - began) * _PAUSE_PER_SAVING))

    def close(self) -> None:
        """Let go of the file, which is whole by itself then."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_text(self) -> bool:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            return file.read(len(_MAGIC)) not in (b"", _MAGIC)
        return False

    def _replace_text(self, store: Store) -> None:
        new = self._path.with_name(self._path.name + ".new")
        for leftover in (new, _log_of(new), _log_of(self._path)):
            leftover.unlink(missing_ok=True)
        self._connection = _connect(new)
        self.keep(store)
        self.close()
        new.replace(self._path)
        self._connection = _connect(self._path)

    def _write(self, connection: sqlite3.Connection, store: Store) -> None:
        if store is not self._store:
            self._begin(connection, store)
        compare = store.changes != self._changes
        self._changes = store.changes
        for name, (part, rows) in self._formats.items():
            if part.noted:
                self._write_noted(connection, name, part, rows)
            elif compare or part.changed:
                self._write_compared(connection, name, part, rows)
                part.changed = {}
        for name, value in {_FORMAT: snapshot.FORMAT, **snapshot.basis(store)}.items():
            if self._basis.get(name) != value:
                self._basis[name] = value
                connection.execute("INSERT OR REPLACE INTO basis VALUES (?, ?)", (name, orjson.dumps(value)))

    def _begin(self, connection: sqlite3.Connection, store: Store) -> None:
        """Put a state in the place of another."""
        for statement in ("DELETE FROM basis", "DELETE FROM entries", "DELETE FROM pieces"):
            connection.execute(statement)
        self._store, self._changes, self._basis = store, -1, {}
        self._formats = snapshot.formats(store)
        self._written, self._lists = {name: {} for name in self._formats}, {}
        for part, _ in self._formats.values():
            part.changed = {getattr(entry, part.key): entry for entry in part.kept()} if part.noted else {}

    def _write_noted(
        self, connection: sqlite3.Connection, name: str, part: Kept[Any], rows: RowFormat[Any]
    ) -> None:
        if not part.changed:
            return
        noted, part.changed = part.changed, {}
        there, gone = [], []
        for key, entry in noted.items():
            if not part.holds(entry):
                gone.append(key)
            else:
                there.append((name, key, orjson.dumps(self._row(connection, name, key, part, rows, entry))))
                if part.unfinished(entry):
                    part.changed[key] = entry
                    continue
            for field in part.grown:
                self._lists.pop((name, key, field), None)
        _put(connection, there)
        _drop(connection, name, gone)

    def _write_compared(
        self, connection: sqlite3.Connection, name: str, part: Kept[Any], rows: RowFormat[Any]
    ) -> None:
        before = self._written[name]
        now = {getattr(entry, part.key): orjson.dumps(rows.write(entry)) for entry in part.kept()}
        if list(now) != [*(key for key in before if key in now), *(key for key in now if key not in before)]:
            # The order matters too: each row names only such as come before it.
            _drop(connection, name, list(before))
            before = {}
        _put(connection, [(name, key, row) for key, row in now.items() if before.get(key) != row])
        _drop(connection, name, [key for key in before if key not in now])
        self._written[name] = now

    def _row(
        self,
        connection: sqlite3.Connection,
        name: str,
        key: str,
        part: Kept[Any],
        rows: RowFormat[Any],
        entry: Any,
    ) -> Row:
        row = rows.write(entry, without=part.grown)
        for field in part.grown:
            values = getattr(entry, field)
            known, start = self._lists.get((name, key, field), (None, 0))
            if known is not values:
                start = 0
                connection.execute(
                    "DELETE FROM pieces WHERE (part, key, field) = (?, ?, ?)", (name, key, field)
                )
            if len(values) > start:
                content = orjson.dumps(rows.write_field(field, values[start:]))
                connection.execute(
                    "INSERT INTO pieces VALUES (?, ?, ?, ?, ?)", (name, key, field, start, content)
                )
            self._lists[name, key, field] = (values, len(values))
            row[field] = len(values)
        return row


def _put(connection: sqlite3.Connection, rows: list[tuple[str, str, bytes]]) -> None:
    connection.executemany(
        "INSERT INTO entries (part, key, content) VALUES (?, ?, ?)"
        " ON CONFLICT (part, key) DO UPDATE SET content = excluded.content",
        rows,
    )


def _drop(connection: sqlite3.Connection, part: str, keys: list[str]) -> None:
    for statement in (
        "DELETE FROM entries WHERE part = ? AND key = ?",
        "DELETE FROM pieces WHERE part = ? AND key = ?",
    ):
        connection.executemany(statement, [(part, key) for key in keys])


def _rows(connection: sqlite3.Connection, formats: snapshot.Formats) -> Iterator[Any]:
    """What the file holds, as a snapshot says it."""
    basis = {name: orjson.loads(value) for name, value in connection.execute("SELECT name, value FROM basis")}
    yield {_FORMAT: basis.pop(_FORMAT, None)}
    yield snapshot.BASIS, basis
    for name, (part, _) in formats.items():
        grown: dict[str, dict[str, list[Any]]] = {}
        for key, field, content in connection.execute(
            "SELECT key, field, content FROM pieces WHERE part = ? ORDER BY key, field, start", (name,)
        ):
            grown.setdefault(key, {}).setdefault(field, []).extend(orjson.loads(content))
        for key, content in connection.execute(
            "SELECT key, content FROM entries WHERE part = ? ORDER BY place", (name,)
        ):
            row, pieces = orjson.loads(content), grown.pop(key, {})
            for field in part.grown:
                row[field] = pieces.get(field, [])[: row[field]]
            yield name, row


def _connect(path: Path) -> sqlite3.Connection:
    # SQLite gives its log the mode of the file.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.fchmod(descriptor, 0o600)
    os.close(descriptor)
    connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None)
    try:
        for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {setting}").fetchall()
        with _transaction(connection):
            for table in _TABLES:
                connection.execute(table)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
