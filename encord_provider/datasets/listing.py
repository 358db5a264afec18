"""The data rows of a dataset and the label rows of a project, each with the storage item behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from encord_provider.api.calls import BULK_SIZE
from encord_provider.api.items import StorageItem
from encord_provider.hooks.sdk import call_sdk
from encord_provider.metadata.selection import SelectedItems

if TYPE_CHECKING:
    from encord_provider.hooks.encord import EncordHook

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ListedRow:
    """A data row, or the label row that a project has of one.

    :param title: its title.
    :param data_row: UUID of the data row.
    :param dataset: UUID of the dataset.
    :param item_uuid: UUID of the storage item behind it; None for data from before Encord had storage items.
    :param label_row: UUID of the label row; None for a data row, and where labelling has not begun.
    :param stage: the workflow stage of the label row; None for a data row.
    :param item: the item; None where it cannot be read.
    """

    title: str
    data_row: str
    dataset: str
    item_uuid: str | None
    label_row: str | None = None
    stage: str | None = None
    item: StorageItem | None = None


def data_rows_of(hook: EncordHook, dataset: str) -> Iterator[ListedRow]:
    """List the data rows of a dataset.

    :param hook: the connection.
    :param dataset: UUID of the dataset.
    :raises EncordRequestError: if there is no such dataset, or the user may not see it.
    """
    listed = _ask(hook, f"list the data rows of dataset {dataset}", lambda: hook.client.get_dataset(dataset))
    rows = (
        ListedRow(title=row.title, data_row=str(row.uid), dataset=dataset, item_uuid=_item_uuid(row))
        for row in listed.data_rows
    )
    return _with_items(hook, rows)


def label_rows_of(hook: EncordHook, project: str) -> Iterator[ListedRow]:
    """List the label rows of a project.

    :param hook: the connection.
    :param project: UUID of the project.
    :raises EncordRequestError: if there is no such project, or the user may not see it.
    """
    listed = _ask(
        hook,
        f"list the label rows of project {project}",
        lambda: hook.client.get_project(project).list_label_rows_v2(),
    )
    rows = (
        ListedRow(
            title=row.data_title,
            data_row=str(row.data_hash),
            dataset=str(row.dataset_hash),
            item_uuid=_item_uuid(row),
            label_row=None if row.label_hash is None else str(row.label_hash),
            stage=None if row.workflow_graph_node is None else row.workflow_graph_node.title,
        )
        for row in listed
    )
    return _with_items(hook, rows)


def _with_items(hook: EncordHook, rows: Iterable[ListedRow]) -> Iterator[ListedRow]:
    remaining = iter(rows)
    while bundle := list(islice(remaining, BULK_SIZE)):
        uuids = tuple(dict.fromkeys(row.item_uuid for row in bundle if row.item_uuid is not None))
        items = {item.uuid: item for item in SelectedItems(uuids=uuids).read(hook)} if uuids else {}
        for row in bundle:
            yield replace(row, item=items.get(row.item_uuid or ""))


def _item_uuid(row: Any) -> str | None:
    try:
        uuid = row.backing_item_uuid
    except NotImplementedError:
        return None
    return None if uuid is None else str(uuid)


def _ask(hook: EncordHook, what: str, look: Callable[[], T]) -> T:
    return call_sdk(look, what=what, domain=hook.credentials.domain, budget=hook.budget)
