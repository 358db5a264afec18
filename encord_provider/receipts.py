"""What is remembered of an import while it runs, so that a retry goes on where the last attempt stopped.

Two kinds of memory:

* the **journal** says which parts are under way and as which job. It lives in Airflow's task state store
  (3.3 and later) or, below that, in a file of the workspace, and it is deleted when the import succeeds, so
  that clearing a successful task imports again;
* a **receipt** says how the job of one part ended. Receipts are files in the workspace and stay.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

import orjson

from encord_provider.api.upload_job import JobState, UnitCounts, UnitError, UploadJob
from encord_provider.workspace import child, path_of, remove, write_whole

log = logging.getLogger(__name__)

_STORE_KEY = "encord_import"


@dataclass(frozen=True, kw_only=True)
class ActiveJob:
    """A part that is under way.

    :param file_name: the name that its job carries in Encord.
    :param job_id: the job, or None while it is not known whether the job was started.
    """

    file_name: str
    job_id: str | None = None


@dataclass(kw_only=True)
class Journal:
    """Which parts of an import are under way.

    :param token: names this import; receipts of another import do not count.
    :param active: part name -> what is under way.
    :param gone: how many jobs Encord did not know any more.
    """

    token: str = field(default_factory=lambda: uuid4().hex)
    active: dict[str, ActiveJob] = field(default_factory=dict)
    gone: int = 0

    def as_json(self) -> dict[str, Any]:
        """Give the journal as JSON values."""
        active = {name: asdict(job) for name, job in self.active.items()}
        return {"token": self.token, "active": active, "gone": self.gone}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Journal:
        """Read what :meth:`as_json` gave."""
        return cls(
            token=value["token"],
            active={name: ActiveJob(**job) for name, job in value["active"].items()},
            gone=value["gone"],
        )


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
        """Read the journal, None if there is none or it is not whole."""
        try:
            return Journal.from_json(orjson.loads(path_of(self._uri).read_bytes()))
        except FileNotFoundError:
            return None
        except (orjson.JSONDecodeError, KeyError, TypeError):
            log.warning(
                "The journal %s is damaged; every part is sent again, skipping duplicates.", self._uri
            )
            return None

    def save(self, journal: Journal) -> None:
        """Keep the journal."""
        write_whole(self._uri, orjson.dumps(journal.as_json()))

    def delete(self) -> None:
        """Forget the journal."""
        remove(self._uri)


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """How the upload job of one part ended.

    :param part: the part's name.
    :param sha256: the hash of the part that was sent.
    :param job_id: the job.
    :param state: how it ended; pending where the import gave up waiting.
    :param units: data units by outcome.
    :param items_added: items that Encord reports as added; skipped duplicates are not among them.
    :param unit_errors: the failed units.
    :param errors: errors that belong to no unit.
    """

    part: str
    sha256: str
    job_id: str
    state: JobState
    units: UnitCounts
    items_added: int = 0
    unit_errors: tuple[UnitError, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every unit of the part is registered, so that it need not be sent again."""
        return self.state is JobState.DONE

    @classmethod
    def of_job(cls, part: str, sha256: str, job: UploadJob) -> Receipt:
        """Make the receipt of a job."""
        return cls(
            part=part,
            sha256=sha256,
            job_id=job.job_id,
            state=job.state,
            units=job.units,
            items_added=job.items_added,
            unit_errors=job.unit_errors,
            errors=job.errors,
        )


class Receipts:
    """The receipts of one import, in a folder of the workspace.

    :param uri: the URI of the folder.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def write(self, receipt: Receipt) -> None:
        """Keep a receipt."""
        content = asdict(receipt) | {"written_at": datetime.now(UTC).isoformat()}
        write_whole(
            child(self.uri, f"{receipt.part}.json"), orjson.dumps(content, option=orjson.OPT_INDENT_2)
        )

    def read(self, part: str, sha256: str) -> Receipt | None:
        """Read the receipt of a part, None if there is none for exactly this part or it is not whole."""
        try:
            value = orjson.loads(path_of(child(self.uri, f"{part}.json")).read_bytes())
            receipt = Receipt(
                part=value["part"],
                sha256=value["sha256"],
                job_id=value["job_id"],
                state=JobState(value["state"]),
                units=UnitCounts(**value["units"]),
                items_added=value["items_added"],
                unit_errors=tuple(
                    UnitError(object_urls=tuple(row["object_urls"]), reason=row["reason"])
                    for row in value["unit_errors"]
                ),
                errors=tuple(value["errors"]),
            )
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None
        return receipt if receipt.sha256 == sha256 else None


def write_failures(uri: str, receipts: Iterable[Receipt]) -> str | None:
    """Write the failed files of an import to a CSV file, one row for each.

    :param uri: the URI of the file.
    :param receipts: the receipts of all parts.
    :return: ``uri``, or None if nothing failed; a file of an earlier attempt is then removed.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["part", "job_id", "object_url", "reason"])
    rows = 0
    for receipt in receipts:
        for error in receipt.unit_errors:
            for url in error.object_urls:
                writer.writerow([receipt.part, receipt.job_id, url, error.reason])
                rows += 1
        for reason in receipt.errors:
            writer.writerow([receipt.part, receipt.job_id, "", reason])
            rows += 1
    if not rows:
        remove(uri)
        return None
    write_whole(uri, out.getvalue().encode())
    return uri
