"""How the upload jobs of an import ended: one receipt for each part, kept as files in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from encord_provider.api.upload_job import JobState, UploadJob
from encord_provider.text.stored import FORM_KEY, opened, stamped
from encord_provider.workspace.files import child, path_of, write_whole

_KNOWN = "known.json"
_JOB_FIELDS = ("job_id", "state", "units", "unit_errors", "errors", "items_added")
_OWN_FIELDS = ("part", "sha256", "attempt", "ended_at", "is_whole")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """How the upload job of one part ended.

    :param part: the part's name.
    :param sha256: the hash of the part that was sent.
    :param job: the job as Encord reported it last. Its id is empty where the part was found registered, and by which
        job is not known.
    :param attempt: the attempt of the import in which it ended.
    :param ended_at: when that was seen.
    :param is_whole: whether the errors of the job are here too; otherwise they are in the part's own file only.
    """

    part: str
    sha256: str
    job: UploadJob
    attempt: int = 1
    ended_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_whole: bool = True

    @property
    def is_stopped(self) -> bool:
        """Whether the job was ended before it had tried every data unit, or drops what it did."""
        return self.job.state.is_stopped

    @property
    def is_complete(self) -> bool:
        """Whether every unit of the part is registered, so that it need not be sent again."""
        return self.job.state is JobState.DONE

    def as_json(self) -> dict[str, Any]:
        """Give the receipt as JSON values, flat."""
        job = asdict(self.job)
        del job["poll_after"]
        own = {name: getattr(self, name) for name in _OWN_FIELDS}
        return stamped({**own, **job})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Receipt:
        """Read what :meth:`as_json` gave.

        :raises KeyError: if it lacks something.
        :raises ValueError: if it is damaged otherwise, or another version of this package wrote it.
        """
        job = {name: value[name] for name in _JOB_FIELDS}
        own = {name: value[name] for name in (FORM_KEY, *_OWN_FIELDS) if name in value}
        return opened({**own, "job": job}, cls)


class Receipts:
    """The receipts of one import, in a folder of the workspace.

    :param uri: the URI of the folder.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def write(self, receipt: Receipt) -> None:
        """Keep a receipt."""
        content = orjson.dumps(receipt.as_json(), option=orjson.OPT_INDENT_2)
        write_whole(child(self.uri, f"{receipt.part}.json"), content)

    def read(self, part: str, sha256: str) -> Receipt | None:
        """Read the receipt of a part, None if there is none for exactly this part or it is not whole."""
        try:
            receipt = Receipt.from_json(self._load(f"{part}.json"))
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None
        return receipt if receipt.sha256 == sha256 else None

    def whole(self, receipt: Receipt) -> Receipt:
        """Give a receipt with the errors of its job, which are read where they are not here."""
        return receipt if receipt.is_whole else self.read(receipt.part, receipt.sha256) or receipt

    def read_all(self, parts: Mapping[str, str], *, version: int) -> dict[str, Receipt]:
        """Read the receipts of parts.

        Those that :meth:`note_known` has noted at the same version of the journal are taken from that one file, so
        that an attempt that comes back from many deferrals does not read all receipts each time.

        :param parts: part name -> hash.
        :param version: the version of the journal.
        :returns: part name -> receipt, for the parts that have one.
        """
        try:
            known = self._load(_KNOWN)
            if known["version"] != version:
                raise ValueError("the journal has changed since")
            found = {row["part"]: Receipt.from_json(row) for row in known["receipts"]}
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            read = (self.read(name, sha256) for name, sha256 in parts.items())
            found = {receipt.part: receipt for receipt in read if receipt is not None}
        return {name: receipt for name, receipt in found.items() if parts.get(name) == receipt.sha256}

    def note_known(self, receipts: Mapping[str, Receipt], *, version: int) -> None:
        """Note all receipts that there are in one file, for the next process of the same attempt.

        Errors may be long and are left out: they are needed once, when the import is judged.

        :param receipts: part name -> receipt, for all parts that have one.
        :param version: the version of the journal; at any other, the note counts for nothing.
        """
        rows = []
        for receipt in receipts.values():
            has_errors = bool(receipt.job.unit_errors or receipt.job.errors)
            job = replace(receipt.job, unit_errors=(), errors=())
            short = replace(receipt, job=job, is_whole=receipt.is_whole and not has_errors)
            rows.append(short.as_json())
        write_whole(child(self.uri, _KNOWN), orjson.dumps({"version": version, "receipts": rows}))

    def _load(self, name: str) -> Any:
        return orjson.loads(path_of(child(self.uri, name)).read_bytes())
