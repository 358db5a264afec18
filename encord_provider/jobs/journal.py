"""The journal: what is remembered of an import while it runs, so that a retry goes on where the last attempt stopped.

It says which parts are under way and as which job, and lives in Airflow's task state store (3.3 and later) or, below
that, in a file of the workspace. An intent stays in it until it is certain what became of it, whatever fails or dies
meanwhile. When the import succeeds, it says so, for the retry of a worker that died before
Airflow heard of it; clearing a successful task imports again. How a part ended is not in it but in the part's receipt
(:mod:`encord_provider.jobs.receipts`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import orjson

from encord_provider.text.stored import opened, stamped
from encord_provider.workspace.files import path_of, remove, write_whole

log = logging.getLogger(__name__)

_STORE_KEY = "encord_import"


@dataclass(frozen=True, kw_only=True)
class ActiveJob:
    """A part that is under way.

    :param file_name: the name that its job carries in Encord.
    :param sha256: the hash of the part.
    :param job_id: the job, or None while it is not known whether the job was started.
    """

    file_name: str
    sha256: str
    job_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """That an import has succeeded, though Airflow may not have heard of it: its worker can die in between.

    A retry then returns the same value. Clearing the task imports again; it raises ``max_tries``, and a run that
    was deleted and made anew begins at the first try and another time.

    :param value: what the task returned.
    :param try_number: the try that returned it.
    :param max_tries: how many retries the task instance had then.
    :param run_started: when the DAG run started, ISO 8601.
    """

    value: Mapping[str, Any]
    try_number: int
    max_tries: int
    run_started: str

    def is_retried_by(self, *, try_number: int, max_tries: int, run_started: str) -> bool:
        """Whether a try is an automatic retry of the one that had finished."""
        same = self.max_tries == max_tries and self.run_started == run_started
        return same and try_number > self.try_number


@dataclass(kw_only=True)
class Journal:
    """Which parts of an import are under way.

    :param token: names this import; receipts of another import do not count.
    :param folder: UUID of the storage folder that the import goes into.
    :param integration: UUID of the cloud integration, or None.
    :param attempt: which attempt is under way, from 1; a part that failed in an earlier one is sent again.
    :param active: part name -> what is under way.
    :param gone: how many jobs Encord did not know any more.
    :param sent: how many parts have been sent; each of them is under way or has a receipt, or memory was lost.
    :param in_doubt: whether earlier attempts may have sent parts of which nothing is known any more.
    :param finished: what the import returned and to which task instance, once it has succeeded.
    :param version: how often the journal has been stored.
    """

    token: str = field(default_factory=lambda: uuid4().hex)
    folder: str = ""
    integration: str | None = None
    attempt: int = 0
    active: dict[str, ActiveJob] = field(default_factory=dict)
    gone: int = 0
    sent: int = 0
    in_doubt: bool = False
    finished: Finished | None = None
    version: int = 0

    def as_json(self) -> dict[str, Any]:
        """Give the journal as JSON values."""
        return stamped(asdict(self))

    @classmethod
    def from_json(cls, value: Any) -> Journal:
        """Read what :meth:`as_json` gave.

        :returns: the journal; one that is in doubt where the value is damaged or of another version of this package.
        """
        try:
            return opened(value, cls)
        except ValueError as error:
            log.warning(
                "The journal of this import cannot be used (%s). Parts that ask Encord to skip duplicates are sent "
                "again.",
                error,
            )
            return cls(in_doubt=True)


class JournalStore(Protocol):
    """Where a journal is kept."""

    def load(self) -> Journal | None:
        """Read the journal, None if there is none."""

    def save(self, journal: Journal) -> None:
        """Keep the journal; when this returns, a killed worker cannot lose it."""

    def delete(self) -> None:
        """Forget the journal."""


class TaskStateJournal:
    """A journal in Airflow's task state store, which survives retries of a task instance.

    :param store: ``context["task_state_store"]``.
    """

    def __init__(self, store: Any) -> None:
        self._store = store

    def load(self) -> Journal | None:
        """Read the journal, None if there is none."""
        value = self._store.get(_STORE_KEY)
        return Journal.from_json(value) if value else None

    def save(self, journal: Journal) -> None:
        """Keep the journal."""
        self._store.set(_STORE_KEY, journal.as_json())

    def delete(self) -> None:
        """Forget the journal."""
        self._store.delete(_STORE_KEY)


class FileJournal:
    """A journal in a file of the workspace, for Airflow below 3.3.

    :param uri: the URI of the file.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def load(self) -> Journal | None:
        """Read the journal, None if there is none."""
        try:
            content = path_of(self._uri).read_bytes()
        except FileNotFoundError:
            return None
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError:
            value = None
        return Journal.from_json(value)

    def save(self, journal: Journal) -> None:
        """Keep the journal."""
        write_whole(self._uri, orjson.dumps(journal.as_json()))

    def delete(self) -> None:
        """Forget the journal."""
        remove(self._uri)
