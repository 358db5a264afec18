"""What each kind of task says of itself in the report of a run."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

import orjson

from encord_provider.report.section import MOST_ROWS, ReportTable, TaskReport
from encord_provider.text.secrets import redacted

if TYPE_CHECKING:
    from encord_provider.datasets.targets import LinkResult
    from encord_provider.jobs.receipts import Receipt
    from encord_provider.jobs.report import FailedObject
    from encord_provider.upload_spec import DataUnit, Skipped


class MetadataCoverage:
    """How many data units have each metadata key."""

    def __init__(self) -> None:
        self.units = 0
        self.keys: Counter[str] = Counter()

    def counted(self, units: Iterable[DataUnit]) -> Iterator[DataUnit]:
        """Pass data units on, and count their keys.

        :param units: the data units.
        :returns: the same.
        """
        for unit in units:
            self.units += 1
            self.keys.update(unit.client_metadata.keys())
            yield unit

    def table(self) -> ReportTable:
        """Give a row for each key, the rarest first."""
        rows = sorted(self.keys.items(), key=lambda one: (one[1], one[0]))
        return ReportTable.of(
            "Client metadata by key",
            ("key", "data units that have it", "share"),
            ((key, count, f"{count / self.units:.0%}") for key, count in rows),
        )


def spec_report(
    *,
    listed: int,
    counts: Mapping[str, int],
    skipped: Iterable[Skipped],
    skipped_count: int,
    unmatched: int,
    coverage: MetadataCoverage,
    index: str,
    skipped_uri: str,
) -> TaskReport:
    """Report a build.

    :param listed: how many objects were listed.
    :param counts: media type -> data units.
    :param skipped: the first objects that were left out.
    :param skipped_count: how many were.
    :param unmatched: how many rows of the metadata table name no object.
    :param coverage: which keys the data units have.
    :param index: the URI of the spec's index.
    :param skipped_uri: the URI of the list of objects that were left out.
    """
    left_out = ReportTable(
        title="Objects left out",
        columns=("object", "reason"),
        rows=tuple((redacted(one.key), redacted(one.reason)) for one in islice(skipped, MOST_ROWS)),
        total=skipped_count,
        file=skipped_uri,
    )
    return TaskReport(
        title="Upload spec",
        counts={
            "objects listed": listed,
            **counts,
            "objects left out": skipped_count,
            "rows without an object": unmatched,
        },
        tables=(left_out, coverage.table()),
        files={"Upload spec": index},
    )


def read_report(*, counts: Mapping[str, int], coverage: MetadataCoverage, index: str) -> TaskReport:
    """Report what was read of a spec that somebody wrote.

    :param counts: media type -> data units.
    :param coverage: which keys the data units have.
    :param index: the URI of the spec's index.
    """
    return TaskReport(
        title="Upload spec",
        counts={"data units": sum(counts.values()), **counts},
        tables=(coverage.table(),),
        files={"Upload spec": index},
    )


def check_report(
    *, rows: int, wrong: int, keys: int, undeclared: Sequence[str], errors: Sequence[str], file: str | None
) -> TaskReport:
    """Report a check of a metadata table.

    :param rows: how many rows there are.
    :param wrong: how many of them do not fit the metadata schema.
    :param keys: how many metadata keys they have.
    :param undeclared: those of the keys that the schema does not have.
    :param errors: what does not fit, each with its row and its reason.
    :param file: the URI of the file that has all of it; None where all fits.
    """
    return TaskReport(
        title="Metadata check",
        counts={
            "rows": rows,
            "rows that do not fit": wrong,
            "keys": keys,
            "undeclared keys": len(undeclared),
        },
        tables=(
            ReportTable.of(
                "Values that do not fit", ("reason",), ((redacted(one),) for one in errors), file=file
            ),
            ReportTable.of("Keys that the schema does not have", ("key",), ((key,) for key in undeclared)),
        ),
    )


def export_report(
    *,
    items: int,
    unreadable: Sequence[tuple[str, str, str]],
    table: str,
    title: str = "Metadata export",
    called: str = "items",
) -> TaskReport:
    """Report an export.

    :param items: how many rows the table has.
    :param unreadable: UUID, name and reason of those whose client metadata cannot be read.
    :param table: the URI of the table.
    :param title: what was exported.
    :param called: what the rows are.
    """
    return TaskReport(
        title=title,
        counts={called: items, f"{called} that cannot be read": len(unreadable)},
        tables=(
            ReportTable.of(
                f"{called.capitalize()} that cannot be read", ("item", "name", "reason"), unreadable
            ),
        ),
        files={"Table": table},
    )


def import_report(
    summary: Mapping[str, Any], failed: Iterable[FailedObject], receipts: Sequence[Receipt]
) -> TaskReport:
    """Report an import.

    :param summary: what the operator returns of it.
    :param failed: what is not registered, with the reasons.
    :param receipts: the receipts of the parts that have ended.
    """
    jobs = (
        (
            receipt.part,
            receipt.job.job_id,
            receipt.job.state.value,
            receipt.job.units.done,
            receipt.job.units.failed,
            receipt.attempt,
        )
        for receipt in receipts
    )
    units = summary["units"]
    return TaskReport(
        title="Import",
        counts={
            "data units": units["total"],
            "registered": units["done"],
            "failed": units["failed"],
            "cancelled": units["cancelled"],
            "not sent or under way": units["pending"],
            "items added": summary["items_added"],
        },
        tables=(
            ReportTable.of(
                "Failed objects",
                ("object", "reason", "part"),
                ((one.object_url, one.reason, one.part) for one in failed),
                file=summary["failures"],
            ),
            ReportTable.of(
                "Upload jobs", ("part", "job", "state", "data units done", "failed", "attempt"), jobs
            ),
        ),
        progress=_progress(receipts),
        files={"Receipts": summary["receipts"], "Encord folder": summary["folder"]},
    )


def _progress(receipts: Sequence[Receipt]) -> tuple[tuple[datetime, int], ...]:
    """Say how many data units were registered when; of many parts not each one."""
    ended = sorted(receipts, key=lambda receipt: receipt.ended_at.timestamp())
    totals = accumulate(receipt.job.units.done for receipt in ended)
    points = [(receipt.ended_at, total) for receipt, total in zip(ended, totals, strict=True)]
    step = -(-len(points) // _MOST_POINTS) or 1
    # The last one is the whole.
    return tuple(points[::-step][::-1])


_MOST_POINTS = 200
_NOT_PATCHED = ("unmatched", "ambiguous", "failed")


def patch_report(counts: Mapping[str, int], lines: bytes, *, file: str) -> TaskReport:
    """Report a patch.

    :param counts: how many rows had each outcome.
    :param lines: a JSON line for every row that is not unchanged.
    :param file: the URI of the file that holds them.
    """
    missed = sum(counts[name] for name in _NOT_PATCHED)
    # Most rows of a large table are patched: none is read beyond the last that is shown.
    read = map(orjson.loads, io.BytesIO(lines)) if missed else ()
    shown = islice((row for row in read if row["outcome"] in _NOT_PATCHED), min(missed, MOST_ROWS))
    return TaskReport(
        title="Client metadata",
        counts=counts,
        tables=(
            ReportTable(
                title="Rows that were not patched",
                columns=("row", "item", "outcome", "reason"),
                rows=tuple((row["where"], row["key"], row["outcome"], row["reason"]) for row in shown),
                total=missed,
                file=file,
            ),
        ),
    )


def link_report(
    title: str, counts: Mapping[str, int], results: Iterable[LinkResult], *, file: str
) -> TaskReport:
    """Report items that were linked to a dataset, or taken out.

    :param title: what was done.
    :param counts: how many items had each outcome.
    :param results: what became of items and names; those with a reason are shown.
    :param file: the URI of the file that has all of them.
    """
    missed = ((redacted(one.key), one.outcome.value, redacted(one.reason)) for one in results if one.reason)
    return TaskReport(
        title=title,
        counts=counts,
        tables=(
            ReportTable.of("Items that were left out", ("item", "outcome", "reason"), missed, file=file),
        ),
    )


def sync_report(summary: Mapping[str, Any]) -> TaskReport:
    """Report the synchronisation of a folder.

    :param summary: what the operator returns of it.
    """
    units, pages = summary["units"], summary["pages"]
    return TaskReport(
        title="Synchronisation",
        counts={
            "files synchronised": units["done"],
            "failed": units["failed"],
            "cancelled": units["cancelled"],
            "under way": units["pending"],
            "pages of the bucket": pages["done"],
            "pages that could not be read": pages["failed"],
            "files in the folder": summary["files"],
            "items whose object is gone": summary["tombstones"],
        },
        files={"Encord folder": summary["folder"]},
    )


def schema_report(difference: Mapping[str, Sequence[str]]) -> TaskReport:
    """Report what became of the metadata schema.

    :param difference: what happened -> the keys to which it happened.
    """
    changed = ((key, what) for what, keys in difference.items() if what != "unchanged" for key in keys)
    return TaskReport(
        title="Metadata schema",
        counts={what: len(keys) for what, keys in difference.items()},
        tables=(ReportTable.of("Changed keys", ("key", "what happened"), changed),),
    )
