"""EncordUnlinkItemsOperator: delete the data rows of storage items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from encord_provider.datasets.linking import Unlinking
from encord_provider.datasets.targets import LinkOutcome, Targets
from encord_provider.exceptions import EncordInputError
from encord_provider.operators.link_items import Change, EncordDatasetItemsOperator
from encord_provider.report.reporting import reported
from encord_provider.workspace.templates import limit_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg


class EncordUnlinkItemsOperator(EncordDatasetItemsOperator):
    """Take storage items out of a dataset: their data rows are deleted, the items stay.

    Encord deletes the files that it hosts itself with their data rows; such items are refused.

    The label rows that projects have of these data rows go with them. What the dataset does not have is passed over,
    so that running it again changes nothing.

    :param max_unlinked: how many items may be taken out; where it would be more, the task fails with nothing taken
        out. None or empty for any number. (templated)

    :returns: ``{"dataset", "selected", "unlinked", "not_there", "unmatched", "ambiguous", "report"}``: the UUID, counts
        of items and of names, and the URI of a JSONL file with a line for every item that was taken out and for every
        name in vain.
    :raises EncordInputError: if the dataset or a name is wrong, ``max_unlinked`` would be passed, the dataset
        mirrors the folder of the items, or Encord hosts their files; nothing has been taken out.
    """

    template_fields: tuple[str, ...] = (*EncordDatasetItemsOperator.template_fields, "max_unlinked")

    def __init__(self, *, max_unlinked: int | str | XComArg | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_unlinked = max_unlinked

    @reported
    def execute(self, context: Context) -> dict[str, Any]:
        """Find the items' data rows and delete them."""
        most = limit_of(self.max_unlinked, parameter="max_unlinked")
        selected = self._selection()
        contents = self._opened(context)
        targets = Targets.of(selected.matches(self.hook), place=str(selected))
        targets.check(None)
        unlinking = Unlinking(contents=contents, targets=targets)
        if most is not None and len(unlinking.rows) > most:
            raise EncordInputError(
                f"{len(unlinking.rows)} items would be taken out of the dataset {contents.title!r}, and max_unlinked "
                f"is {most}. Nothing was changed."
            )
        if not targets.items:
            self.log.warning("%s has no items: there is nothing to take out.", selected)
        self._changed = Change(selected=selected, dataset=contents.uuid, items=unlinking.unlinked)
        with self._summed_up(lambda: self._summary(context, unlinking, targets)) as summary:
            unlinking.run()
        return {"dataset": contents.uuid, **summary}

    def _summary(self, context: Context, unlinking: Unlinking, targets: Targets) -> dict[str, Any]:
        counts = {
            "selected": len(targets.items),
            "unlinked": len(unlinking.unlinked),
            "not_there": unlinking.not_there,
            "unmatched": targets.count(LinkOutcome.UNMATCHED),
            "ambiguous": targets.count(LinkOutcome.AMBIGUOUS),
        }
        file = self._write(context, "Taken out of the dataset", counts, list(unlinking.results()))
        if left := len(unlinking.rows) - len(unlinking.unlinked):
            self.log.warning(
                "%d of %d items are still there, or not known to be taken out; the next attempt goes on with them.",
                left,
                len(unlinking.rows),
            )
        return {**counts, "report": file}
