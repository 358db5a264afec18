"""EncordPatchMetadataOperator: bring the client metadata of storage items to what a table or a spec says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import orjson

from encord_provider.api.items import StorageItem
from encord_provider.exceptions import EncordError, EncordInputError
from encord_provider.jobs.parts import index_uri_of
from encord_provider.metadata.patch import ItemKey, MetadataRow, Outcome, PatchMode, RowResult, Tagger
from encord_provider.metadata.rows import rows_of, rows_of_index
from encord_provider.metadata.scope import ItemScope, frames_of
from encord_provider.operators.base import EncordInputsOperator
from encord_provider.schema import check_metadata
from encord_provider.workspace.files import child, write_whole
from encord_provider.workspace.templates import value_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

Choice = TypeVar("Choice", ItemKey, PatchMode)


class EncordPatchMetadataOperator(EncordInputsOperator):
    """Give storage items the client metadata that a table, a mapping or an upload spec holds.

    The items are those of a folder, a dataset or a project, or single ones. A row finds its item by object URL
    unless told otherwise. Only items that would change are patched, in bundles of 1,000. A merge starts from what an
    item has at that moment, so that keys of others stay.

    Key frames of a video are client metadata under the key ``keyframes``: a list of frame numbers.

    :param metadata: the index URI, or the output, of
        :class:`~encord_provider.operators.build_upload_spec.EncordBuildUploadSpecOperator`; the URI
        of a CSV, JSONL or Parquet table; a mapping from item key to metadata; or rows, each a mapping that has the
        key under ``key``'s name. Columns ``encord_...``, as exported tables have them, are left aside. (templated)
    :param for_all: client metadata for every item, instead of ``metadata``. (templated)
    :param folder: the storage folder whose items are meant: UUID or name path. (templated)
    :param recursive: whether the folders below it count too.
    :param dataset: the UUID of the dataset whose data rows are meant, by the items behind them. (templated)
    :param project: the UUID of the project whose label rows are meant, by the items behind them. (templated)
    :param items: the UUIDs of the items that are meant; or, beside ``folder``, ``dataset`` or ``project``, the
        index URI or the output of the build operator, for the objects of that upload spec only. (templated)
    :param frames: whether the files of image groups, image sequences and series are meant instead of these
        themselves. A group as a whole has client metadata of its own.
    :param key: what names an item: ``object_url`` (also when empty), ``object_key``, ``uuid`` or ``title``.
        (templated)
    :param key_column: the column of a table that holds the key; None or empty for the first usual one. (templated)
    :param mode: ``merge`` (also when empty) keeps the other keys of an item, ``replace`` removes them. (templated)
    :param remove_keys: keys that patched items lose. Without ``metadata`` and ``for_all``, all items lose them.
        (templated)
    :param validate: whether to check the values against the organisation's metadata schema first.

    :return: ``{"patched", "unchanged", "unmatched", "ambiguous", "failed", "conflicts", "report"}``: counts of
        rows, and the URI of a JSONL file with a line for every row that is not unchanged.
    :raises EncordInputError: if a table, a row or a value is wrong; nothing has been sent.
    :raises EncordError: if Encord refused some items, after all others were patched; the report names them.
    """

    template_fields: tuple[str, ...] = (
        *EncordInputsOperator.template_fields,
        "metadata",
        "for_all",
        "folder",
        "dataset",
        "project",
        "items",
        "key",
        "key_column",
        "mode",
        "remove_keys",
    )
    template_fields_renderers = {"metadata": "json", "for_all": "json"}

    def __init__(
        self,
        *,
        metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | XComArg | None = None,
        for_all: Mapping[str, Any] | None = None,
        folder: str | XComArg | None = None,
        recursive: bool = False,
        dataset: str | XComArg | None = None,
        project: str | XComArg | None = None,
        items: Sequence[str] | Mapping[str, Any] | str | XComArg | None = None,
        frames: bool = False,
        key: Literal["object_url", "object_key", "uuid", "title"] = "object_url",
        key_column: str | None = None,
        mode: Literal["merge", "replace"] = "merge",
        remove_keys: Sequence[str] = (),
        validate: bool = True,
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
        self.recursive = recursive
        self.dataset = dataset
        self.project = project
        self.items = items
        self.frames = frames
        self.key = key
        self.key_column = key_column
        self.mode = mode
        self.remove_keys = remove_keys
        self.validate = validate

    def execute(self, context: Context) -> dict[str, Any]:
        """Read and check the rows, find their items, patch, and report."""
        tagger = Tagger(
            api=self.hook.api,
            key=_choice(ItemKey, self.key or ItemKey.OBJECT_URL, "key"),
            mode=_choice(PatchMode, self.mode or PatchMode.MERGE, "mode"),
            remove_keys=frozenset(self.remove_keys),
        )
        uuids, index = self._named_items()
        scope = ItemScope(
            folder=_text(self.folder),
            recursive=self.recursive,
            dataset=_text(self.dataset),
            project=_text(self.project),
            items=uuids,
        )
        counts: Counter[Outcome] = Counter()
        lines: list[bytes] = []
        first_failed: RowResult | None = None
        for result in self._results(tagger, scope, index):
            counts[result.outcome] += 1
            if result.outcome is not Outcome.UNCHANGED:
                lines.append(orjson.dumps(result.as_json()) + b"\n")
            if result.outcome is Outcome.FAILED and first_failed is None:
                first_failed = result
        report = child(self.task_folder(context), "report.jsonl")
        write_whole(report, b"".join(lines))
        summary = {outcome.value: counts[outcome] for outcome in Outcome}
        self.log.info("Client metadata of %s: %s. Report: %s", scope, summary, report)
        if first_failed is not None:
            raise EncordError(
                f"Encord did not take the client metadata of {counts[Outcome.FAILED]} items; "
                f"{counts[Outcome.PATCHED]} were patched. The first: {first_failed.row.key} "
                f"({first_failed.reason}). All of them: {report}"
            )
        return {**summary, "conflicts": tagger.conflicts, "report": report}

    def _results(self, tagger: Tagger, scope: ItemScope, index: str | None) -> Iterable[RowResult]:
        """Patch the items; everything that can be wrong with the rows is found before."""
        if self.metadata is None:
            metadata = self._checked_metadata(self.for_all or {})
            if index is not None and not self.frames:
                by_url = replace(tagger, key=ItemKey.OBJECT_URL)
                results = by_url.patch(list(rows_of_index(index, metadata=metadata)), scope.read(self.hook))
                tagger.conflicts = by_url.conflicts
                return results
            if scope.items is not None and not self.frames:
                by_uuid = replace(tagger, key=ItemKey.UUID)
                rows = [
                    MetadataRow(key=uuid, metadata=metadata, where="for all")
                    for uuid in dict.fromkeys(scope.items)
                ]
                results = by_uuid.patch(rows, scope.read(self.hook))
                tagger.conflicts = by_uuid.conflicts
                return results
            return tagger.patch_all(metadata, self._candidates(scope, index))
        # Once rendered, an XComArg is its value.
        given = cast("Mapping[str, Any] | Sequence[Mapping[str, Any]] | str", self.metadata)
        rows = list(
            rows_of(given, key=tagger.key, key_column=self.key_column or None, aws_conn_id=self.aws_conn_id)
        )
        if self.frames and any(row.urls for row in rows):
            raise EncordInputError(
                "An upload spec holds the metadata of whole groups, not of their frames: give a table for 'frames'."
            )
        rows = self._checked(rows)
        return tagger.patch(rows, self._candidates(scope, index)) if rows else ()

    def _candidates(self, scope: ItemScope, index: str | None) -> Iterator[StorageItem]:
        """The items of the scope, or their frames; of an upload spec's objects only, where there is an index."""
        found = scope.read(self.hook)
        if index is not None:
            found = Tagger(api=self.hook.api).find(list(rows_of_index(index)), found)
        return frames_of(self.hook, found) if self.frames else found

    def _named_items(self) -> tuple[Sequence[str] | None, str | None]:
        """Give the UUIDs in ``items``, or the index that it names."""
        items = value_of(self.items, dict, list, str, parameter="items")
        index = index_uri_of(items)
        if index is not None:
            if not (self.folder or self.dataset or self.project):
                raise EncordInputError(
                    "'items' is an upload spec: give the 'folder', 'dataset' or 'project' that has its objects too."
                )
            return None, index
        if items is None or items == "":
            return None, None
        if isinstance(items, str):
            return [items], None
        return [str(uuid) for uuid in cast("Sequence[str]", items)], None

    def _checked(self, rows: Sequence[MetadataRow]) -> list[MetadataRow]:
        if not self.validate or not rows:
            return list(rows)
        schema = self.hook.metadata_schema()
        return [replace(row, metadata=check_metadata(row.metadata, schema, where=row.where)) for row in rows]

    def _checked_metadata(self, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        (row,) = self._checked([MetadataRow(key="", metadata=metadata, where="for_all")])
        return row.metadata


def _choice(kind: type[Choice], value: str, parameter: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise EncordInputError(
            f"The parameter {parameter} is {value!r}; it must be one of: {', '.join(kind)}."
        ) from None


def _text(value: Any) -> str | None:
    """Give a rendered text, or None for an argument that was not given or is blank."""
    return str(value).strip() or None if value is not None else None
