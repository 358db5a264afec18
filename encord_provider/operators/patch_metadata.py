"""EncordPatchMetadataOperator: bring the client metadata of storage items to what a table or a spec says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from encord_provider.exceptions import EncordInputError, EncordPermanentError
from encord_provider.jobs.parts import index_uri_of, places_of
from encord_provider.lineage import Lineage, Place
from encord_provider.links import (
    EncordDatasetLink,
    EncordFolderLink,
    EncordProjectLink,
    EncordReportLink,
    show_link,
)
from encord_provider.metadata.edits import checked_edits
from encord_provider.metadata.matching import Match
from encord_provider.metadata.patch import MetadataPatcher, PatchMode
from encord_provider.metadata.results import PatchSummary, RowOutcome
from encord_provider.metadata.rows import ItemKey, MetadataRow, checked_rows, rows_of
from encord_provider.metadata.selection import SelectedItems
from encord_provider.operators.base import EncordInputsOperator
from encord_provider.options import ItemSelection
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import patch_report
from encord_provider.workspace.files import child, folder_memories, write_whole
from encord_provider.workspace.templates import limit_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

Choice = TypeVar("Choice", ItemKey, PatchMode)


class EncordPatchMetadataOperator(EncordInputsOperator):
    """Give storage items the client metadata that a table, a mapping or an upload spec holds.

    The items are those of a folder, unless ``items`` says otherwise. A row finds its item by object URL unless told
    otherwise. Only items that would change are patched, in bundles of 1,000. A merge starts from what an item has at
    that moment, so that keys of others stay.

    Key frames of a video are client metadata under the key ``keyframes``: a list of frame numbers.

    :param metadata: the index URI, or the output, of
        :class:`~encord_provider.operators.build_upload_spec.EncordBuildUploadSpecOperator`; the URI
        of a CSV, JSONL or Parquet table; a mapping from item key to metadata; or rows, each a mapping that has the
        key under ``key``'s name. Of exported tables, only what was edited is checked and patched. (templated)
    :param for_all: client metadata for every item, instead of ``metadata``. (templated)
    :param folder: the storage folder whose items are meant: UUID or name path. (templated)
    :param items: which items are meant beside or instead of those of the folder:
        :class:`~encord_provider.options.ItemSelection`, or a mapping with the same names. (templated)
    :param key: what names an item: ``object_url`` (also when empty), ``object_key``, ``file_url``, ``file_key``,
        ``uuid`` or ``title``. ``file_url`` and ``file_key`` are also those of one file of a group or series, whose
        files are read for that, one call for each group. An upload spec names items by object URL always. (templated)
    :param key_column: the column of a table that holds the key; None or empty for the first usual one. (templated)
    :param mode: ``merge`` (also when empty) keeps the other keys of an item, ``replace`` removes them. (templated)
    :param remove_keys: keys that patched items lose. Without ``metadata`` and ``for_all``, all items lose them.
        (templated)
    :param validate: whether to check the values against the organisation's metadata schema first. Whether Encord can
        store them as JSON is checked always.
    :param max_unmatched: how many rows may match no item, or several, before the task fails, after the others were
        patched; None or empty to fail only when no row matches an item. (templated)

    :returns: ``{"patched", "unchanged", "unmatched", "ambiguous", "failed", "conflicts", "repaired",
        "report"}``: counts of rows, and the URI of a JSONL file with a line for every row that is not unchanged.
    :raises EncordInputError: if a table, a row or a value is wrong, and nothing has been sent; or if too many rows
        match no item, after all others were patched.
    :raises EncordPermanentError: if Encord refused some items, after all others were patched; the report names them.
    """

    template_fields: tuple[str, ...] = (
        *EncordInputsOperator.template_fields,
        "metadata",
        "for_all",
        "folder",
        "items",
        "key",
        "key_column",
        "mode",
        "remove_keys",
        "max_unmatched",
    )
    template_fields_renderers = {"metadata": "json", "for_all": "json"}

    operator_extra_links = (EncordFolderLink(), EncordDatasetLink(), EncordProjectLink(), EncordReportLink())

    def __init__(
        self,
        *,
        metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | XComArg | None = None,
        for_all: Mapping[str, Any] | None = None,
        folder: str | XComArg | None = None,
        items: ItemSelection | Mapping[str, Any] | None = None,
        key: Literal["object_url", "object_key", "file_url", "file_key", "uuid", "title"] = "object_url",
        key_column: str | None = None,
        mode: Literal["merge", "replace"] = "merge",
        remove_keys: Sequence[str] = (),
        validate: bool = True,
        max_unmatched: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if metadata is not None and for_all is not None:
            raise EncordInputError("Give either 'metadata' for each item, or 'for_all'.")
        if metadata is None and for_all is None and not remove_keys:
            raise EncordInputError("Give 'metadata', 'for_all' or 'remove_keys': there is nothing to change.")
        if remove_keys and mode == "replace":
            raise EncordInputError(
                "Mode 'replace' removes every key that is not given: leave out 'remove_keys'."
            )
        self.metadata = metadata
        self.for_all = for_all
        self.folder = folder
        self.items = items
        self.key = key
        self.key_column = key_column
        self.mode = mode
        self.remove_keys = remove_keys
        self.validate = validate
        self.max_unmatched = max_unmatched
        self._said: TaskReport | None = None

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """Read and check the rows, find their items, patch, and report."""
        key = _choice(ItemKey, self.key or ItemKey.OBJECT_URL, "key")
        allowed = limit_of(self.max_unmatched, parameter="max_unmatched")
        mode = _choice(PatchMode, self.mode or PatchMode.MERGE, "mode")
        selected = SelectedItems.of(folder=self.folder, items=self.items)
        patcher = MetadataPatcher(api=self.hook.api, mode=mode, remove_keys=frozenset(self.remove_keys))
        matches = self._same_for_all(selected) if self.metadata is None else self._row_by_row(selected, key)
        if page := selected.page(self.hook):
            show_link(self, context, *page)
        done = PatchSummary.of(patcher.patch(matches))
        report = child(self.task_folder(context), "report.jsonl")
        write_whole(report, done.report)
        summary = {outcome.value: count for outcome, count in done.counts.items()}
        self._said = patch_report(summary, done.report, file=report)
        self.log.info("Client metadata of %s: %s. Report: %s", selected, summary, report)
        if done.first_failed is not None:
            # What Encord refuses and what cannot be read stays so until somebody changes it.
            raise EncordPermanentError(
                f"Encord did not take the client metadata of {done.counts[RowOutcome.FAILED]} items; "
                f"{done.counts[RowOutcome.PATCHED]} were patched. The first: {done.first_failed.row.key} "
                f"({done.first_failed.reason}). All of them: {report}"
            )
        if problem := done.astray_problem(allowed):
            raise EncordInputError(
                f"{problem}\n{done.counts[RowOutcome.PATCHED]} others were patched. All rows: {report}"
            )
        return {**summary, "conflicts": done.conflicts, "repaired": done.repaired, "report": report}

    def report(self, result: Any) -> TaskReport | None:
        """Say which rows were patched, and which were not."""
        return self._said

    def lineage(self) -> Lineage:
        """Say which table or spec the metadata came from, and whose items have it now."""
        given = cast("Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | None", self.metadata)
        uris = places_of(given) if isinstance(given, str) or index_uri_of(given) else []
        inputs = [Place.of_uri(uri) for uri in uris]
        if self._said is None:
            return Lineage(inputs=inputs)
        outputs = SelectedItems.of(folder=self.folder, items=self.items).places(self.hook)
        return Lineage(inputs=inputs, outputs=outputs, rows=self._said.counts[RowOutcome.PATCHED.value])

    def _row_by_row(self, selected: SelectedItems, key: ItemKey) -> Iterable[Match]:
        """Match the given rows; everything that can be wrong with them is found before an item is patched."""
        # Once rendered, an XComArg is its value.
        given = cast("Mapping[str, Any] | Sequence[Mapping[str, Any]] | str", self.metadata)
        rows = list(rows_of(given, key=key, key_column=self.key_column or None, aws_conn_id=self.aws_conn_id))
        if selected.frames and any(row.urls for row in rows):
            raise EncordInputError(
                "An upload spec holds the metadata of whole groups, not of their frames: give a table for 'frames'."
            )
        if not rows:
            return ()
        memory = folder_memories(self.workspace)
        matches = selected.match(self.hook, self._checked(rows), memory=memory)
        return checked_edits(matches, self.hook.metadata_schema if self.validate else None)

    def _same_for_all(self, selected: SelectedItems) -> Iterable[Match]:
        """Give every selected item a row with the same metadata, which is checked before an item is read."""
        (row,) = self._checked([MetadataRow(key="", metadata=self.for_all or {}, where="for_all")])
        return (
            replace(match, row=replace(match.row, metadata=row.metadata))
            for match in selected.matches(self.hook)
        )

    def _checked(self, rows: Sequence[MetadataRow]) -> Sequence[MetadataRow]:
        if not any(row.metadata and not row.exported for row in rows):
            return rows
        return checked_rows(rows, self.hook.metadata_schema() if self.validate else None)


def _choice(kind: type[Choice], value: str, parameter: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise EncordInputError(
            f"The parameter {parameter} is {value!r}; it must be one of: {', '.join(kind)}."
        ) from None
