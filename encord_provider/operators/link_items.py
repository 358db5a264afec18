"""EncordLinkItemsOperator: make data rows of storage items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import orjson

from encord_provider.datasets.contents import DatasetContents
from encord_provider.datasets.linking import Linking
from encord_provider.datasets.naming import dataset_of
from encord_provider.datasets.targets import LinkOutcome, LinkResult, Targets
from encord_provider.exceptions import EncordInputError, EncordPermanentError
from encord_provider.lineage import Lineage, Place
from encord_provider.links import EncordDatasetLink, EncordReportLink, show_link
from encord_provider.metadata.selection import SelectedItems
from encord_provider.operators.base import EncordWorkspaceOperator
from encord_provider.options import ItemSelection
from encord_provider.report.reporting import reported
from encord_provider.report.section import TaskReport
from encord_provider.report.tasks import link_report
from encord_provider.workspace.files import child, path_of, write_whole
from encord_provider.workspace.templates import limit_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

_DUPLICATES = ("skip", "refuse")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a task changes.

    :param selected: which items are meant.
    :param dataset: UUID of the dataset.
    :param items: the items of which data rows were made or deleted so far.
    """

    selected: SelectedItems
    dataset: str
    items: Sequence[str]


class EncordDatasetItemsOperator(EncordWorkspaceOperator):
    """Base of the operators that link items to a dataset, or take them out.

    :param dataset: the dataset: UUID, exact title, or the output of a task that returns one. (templated)
    :param folder: the storage folder whose items are meant: UUID or name path. (templated)
    :param items: which items are meant beside or instead of those of the folder:
        :class:`~encord_provider.options.ItemSelection`, or a mapping with the same names. (templated)
    """

    template_fields: tuple[str, ...] = (
        *EncordWorkspaceOperator.template_fields,
        "dataset",
        "folder",
        "items",
    )

    operator_extra_links = (EncordDatasetLink(), EncordReportLink())

    def __init__(
        self,
        *,
        dataset: Mapping[str, Any] | str | XComArg,
        folder: str | XComArg | None = None,
        items: ItemSelection | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.folder = folder
        self.items = items
        self._said: TaskReport | None = None
        self._changed: Change | None = None

    def report(self, result: Any) -> TaskReport | None:
        """Say what became of the items."""
        return self._said

    def lineage(self) -> Lineage:
        """Say of which items data rows were made or deleted, and in which dataset."""
        if self._changed is None:
            return Lineage()
        changed = self._changed
        return Lineage(
            inputs=changed.selected.places(self.hook),
            outputs=[Place.in_encord(self.hook, "dataset", changed.dataset)],
            rows=len(changed.items),
        )

    def _selection(self) -> SelectedItems:
        """Read which items are meant."""
        self.end_calls_in_time()
        selected = SelectedItems.of(folder=self.folder, items=self.items)
        if selected.frames:
            raise EncordInputError(
                "The files of groups and series are no data rows; the groups are: leave out 'frames'."
            )
        return selected

    def _opened(self, context: Context) -> DatasetContents:
        uuid = dataset_of(self.hook, self.dataset)
        if app := self.hook.web_app:
            show_link(self, context, EncordDatasetLink(), app.dataset(uuid))
        return DatasetContents(self.hook, uuid)

    @contextmanager
    def _summed_up(self, sum_up: Callable[[], dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Sum up what was done, also where it was not all: that stays, and the next attempt does the rest."""
        summary: dict[str, Any] = {}
        try:
            yield summary
        except Exception:
            try:
                sum_up()
            except Exception as problem:
                self.log.error("What was done could not be written down: %s", problem)
            raise
        summary.update(sum_up())

    def _write(
        self, context: Context, title: str, counts: Mapping[str, int], results: Sequence[LinkResult]
    ) -> str:
        """Write the report of all results, and give its URI."""
        file = child(self.task_folder(context), "report.jsonl")
        write_whole(file, b"".join(result.as_line() for result in results))
        self._said = link_report(title, counts, results, file=file)
        self.log.info("%s %s: %s. Report: %s", title, self.dataset, dict(counts), file)
        return file


class EncordLinkItemsOperator(EncordDatasetItemsOperator):
    """Link storage items to a dataset, so that each becomes a data row, and wait until the dataset shows them.

    What the dataset has already is not linked again, and running it again changes nothing. Which items are meant is
    known, and checked, before the first of them is linked.

    :param duplicates: ``skip`` passes over items that the dataset has already; ``refuse`` fails when it has any that
        this task has not linked itself in an earlier attempt.
    :param max_unmatched: how many of the objects or UUIDs that were named may be no item, or several, before the task
        fails with nothing linked; None or empty to fail only when none of them is an item. (templated)
    :param allow_empty: whether a selection without items is right; otherwise the task fails.

    :returns: ``{"dataset", "selected", "linked", "already_there", "refused", "unmatched", "ambiguous", "report"}``:
        the UUID, counts of items and of names, and the URI of a JSONL file with a line for every item that was not
        there before and for every name in vain.
    :raises EncordInputError: if the dataset or a name is wrong; nothing has been linked.
    :raises EncordError: if objects of an upload spec are no items, which a retry may find; nothing has been linked.
    :raises EncordPermanentError: if Encord refused some items, after all others were linked.
    :raises EncordUnavailableError: if Encord could not be reached, or does not show what it has linked.
    """

    template_fields: tuple[str, ...] = (*EncordDatasetItemsOperator.template_fields, "max_unmatched")

    patience: ClassVar[float] = 300.0
    """Seconds for which Encord may not show data rows of items that it has linked."""

    def __init__(
        self,
        *,
        duplicates: Literal["skip", "refuse"] = "skip",
        max_unmatched: int | str | XComArg | None = None,
        allow_empty: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if duplicates not in _DUPLICATES:
            raise EncordInputError(
                f"The parameter duplicates is {duplicates!r}; it must be one of: {', '.join(_DUPLICATES)}."
            )
        self.duplicates = duplicates
        self.max_unmatched = max_unmatched
        self.allow_empty = allow_empty

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """Find the items, link those that are not there, and look whether they are."""
        allowed = self._allowed()
        selected = self._selection()
        contents = self._opened(context)
        targets = Targets.of(selected.matches(self.hook), place=str(selected))
        # What an import has just registered may not be listed yet.
        targets.check(allowed, may_appear=selected.upload_spec is not None)
        if not targets.items and not self.allow_empty:
            raise EncordInputError(
                f"{selected} has no items: nothing would be linked to the dataset {contents.title!r}. If that is "
                "right, set allow_empty=True."
            )
        linking = Linking(contents=contents, targets=targets, patience=self.patience)
        if self.duplicates == "refuse":
            self._refuse_duplicates(linking, child(self.task_folder(context), "intended.json"))
        self._changed = Change(selected=selected, dataset=contents.uuid, items=linking.linked)
        with self._summed_up(lambda: self._summary(context, linking, targets)) as summary:
            linking.run()
        if linking.refused:
            item, error = next(iter(linking.refused.items()))
            raise EncordPermanentError(
                f"Encord did not link {len(linking.refused)} items to the dataset {contents.title!r}; "
                f"{len(linking.linked)} were linked, {linking.already_there} were there. The first: "
                f"{targets.items[item].key} ({item}): {error} All of them: {summary['report']}"
            )
        return {"dataset": contents.uuid, **summary}

    def _allowed(self) -> int | None:
        """Read how much may be named in vain."""
        return limit_of(self.max_unmatched, parameter="max_unmatched")

    def _refuse_duplicates(self, linking: Linking, intended: str) -> None:
        """Refuse what others have linked; what this task means to link is noted, so that a retry knows it again."""
        try:
            ours = orjson.loads(path_of(intended).read_bytes())
        except FileNotFoundError:
            ours = []
        linking.refuse_duplicates(but=ours)
        write_whole(intended, orjson.dumps([*ours, *linking.wanted]))

    def _summary(self, context: Context, linking: Linking, targets: Targets) -> dict[str, Any]:
        counts = {
            "selected": len(targets.items),
            "linked": len(linking.linked),
            "already_there": linking.already_there,
            "refused": len(linking.refused),
            "unmatched": targets.count(LinkOutcome.UNMATCHED),
            "ambiguous": targets.count(LinkOutcome.AMBIGUOUS),
        }
        file = self._write(context, "Linked to the dataset", counts, list(linking.results()))
        if left := len(linking.wanted) - len(linking.linked) - len(linking.refused):
            self.log.warning(
                "%d of %d items are not linked, or not known to be; the next attempt goes on with them.",
                left,
                len(linking.wanted),
            )
        if targets.astray:
            self.log.warning("%d names are no item, or several: see %s", len(targets.astray), file)
        return {**counts, "report": file}
