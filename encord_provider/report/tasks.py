"""What each kind of task says of itself in the report of a run."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from encord_provider.report.section import MOST_ROWS, ReportTable, TaskReport
from encord_provider.workspace.files import path_of

if TYPE_CHECKING:
    from encord_provider.jobs.receipts import Receipt
    from encord_provider.jobs.report import FailedObject
    from encord_provider.upload_spec import DataUnit


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
    skipped: int,
    unmatched: int,
    coverage: MetadataCoverage,
    index: str,
    skipped_uri: str,
) -> TaskReport:
    """Report a build.

    :param listed: how many objects were listed.
    :param counts: media type -> data units.
    :param skipped: how many objects were left out.
    :param unmatched: how many rows of the metadata table name no object.
    :param coverage: which keys the data units have.
    :param index: the URI of the spec's index.
    :param skipped_uri: the URI of the list of objects that were left out.
    """
    left_out = ReportTable(
        title="Objects left out",
        columns=("object", "reason"),
        rows=tuple((line["key"], line["reason"]) for line in _lines(skipped_uri)) if skipped else (),
        total=skipped,
        file=skipped_uri,
    )
    return TaskReport(
        title="Upload spec",
        counts={
            "objects listed": listed,
            **counts,
            "objects left out": skipped,
            "rows without an object": unmatched,
        },
        tables=(left_out, coverage.table()),
        files={"Upload spec": index},
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
        files={"Receipts": summary["receipts"], "Encord folder": summary["folder"]},
    )


_NOT_PATCHED = ("unmatched", "ambiguous", "failed")


def patch_report(counts: Mapping[str, int], report: str) -> TaskReport:
    """Report a patch.

    :param counts: how many rows had each outcome.
    :param report: the URI of the JSON lines of all rows that are not unchanged.
    """
    missed = sum(counts[name] for name in _NOT_PATCHED)
    rows = (line for line in _lines(report, most=None) if line["outcome"] in _NOT_PATCHED) if missed else ()
    return TaskReport(
        title="Client metadata",
        counts=counts,
        tables=(
            ReportTable(
                title="Rows that were not patched",
                columns=("row", "item", "outcome", "reason"),
                rows=tuple(
                    (str(line["where"]), str(line["key"]), line["outcome"], line["reason"])
                    for line in itertools.islice(rows, MOST_ROWS)
                ),
                total=missed,
                file=report,
            ),
        ),
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


def _lines(uri: str, most: int | None = MOST_ROWS) -> Iterator[dict[str, Any]]:
    with path_of(uri).open("rb") as file:
        for line in itertools.islice(file, most):
            yield orjson.loads(line)
