"""Which storage items are meant: those of a folder, a dataset or a project, or single ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from encord_provider.api.calls import BULK_SIZE, get_child_items, get_storage_items
from encord_provider.api.items import GROUP_TYPES, StorageItem
from encord_provider.exceptions import EncordInputError, EncordRequestError
from encord_provider.hooks.folders import is_uuid
from encord_provider.hooks.sdk import call_sdk

if TYPE_CHECKING:
    from encord_provider.hooks.encord import EncordHook

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ItemScope:
    """Some storage items, named by exactly one of the parameters.

    :param folder: a storage folder: UUID or name path.
    :param recursive: whether the folders below it count too.
    :param dataset: the UUID of a dataset, for the items behind its data rows.
    :param project: the UUID of a project, for the items behind its label rows.
    :param items: UUIDs of items.
    :raises EncordInputError: if none or several are given, or a UUID is none.
    """

    folder: str | None = None
    recursive: bool = False
    dataset: str | None = None
    project: str | None = None
    items: Sequence[str] | None = None

    def __post_init__(self) -> None:
        given = [
            name for name in ("folder", "dataset", "project", "items") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise EncordInputError(
                "Give one of 'folder', 'dataset', 'project' and 'items' to say which items are meant; "
                f"got {' and '.join(given) or 'none'}."
            )
        if self.recursive and self.folder is None:
            raise EncordInputError("'recursive' is about the sub-folders of a 'folder'.")
        for name, uuids in (("dataset", [self.dataset]), ("project", [self.project]), ("items", self.items)):
            for uuid in uuids or ():
                if uuid is not None and not is_uuid(uuid):
                    raise EncordInputError(f"{name}: {uuid!r} is no UUID.")

    def read(self, hook: EncordHook) -> Iterator[StorageItem]:
        """Read the items with their client metadata, a page at a time; none comes twice.

        Single items that do not exist, or that the user may not see, do not come.

        :param hook: the connection.
        :raises EncordInputError: if there is no such folder.
        :raises EncordPermissionError: if there is no such dataset or project, or the user may not see it.
        """
        if self.folder is not None:
            yield from self._folder_items(hook, self.folder)
            return
        if self.dataset is not None:
            uuids: Iterable[str] = _dataset_items(hook, self.dataset)
        elif self.project is not None:
            uuids = _project_items(hook, self.project)
        else:
            uuids = self.items or ()
        remaining = iter(dict.fromkeys(uuids))
        while bundle := list(islice(remaining, BULK_SIZE)):
            yield from hook.api.perform(get_storage_items(bundle))

    def __str__(self) -> str:
        if self.folder is not None:
            return f"folder {self.folder}{' and those below it' if self.recursive else ''}"
        if self.items is not None:
            return f"{len(self.items)} items"
        return f"dataset {self.dataset}" if self.dataset is not None else f"project {self.project}"

    def _folder_items(self, hook: EncordHook, folder: str) -> Iterator[StorageItem]:
        waiting = [hook.find_folder(folder)]
        while waiting:
            current = waiting.pop()
            yield from hook.api.folder_items(current)
            if self.recursive:
                waiting.extend(reversed(_subfolders(hook, current)))


def frames_of(hook: EncordHook, items: Iterable[StorageItem]) -> Iterator[StorageItem]:
    """Read the files of those items that are image groups, image sequences and series; none comes twice.

    :param hook: the connection.
    :param items: the items.
    """
    seen: set[str] = set()
    for item in items:
        if item.item_type not in GROUP_TYPES:
            continue
        for frame in hook.api.perform(get_child_items(item.folder, item.uuid)):
            if frame.uuid not in seen:
                seen.add(frame.uuid)
                yield frame


def _subfolders(hook: EncordHook, folder: str) -> list[str]:
    def look() -> list[str]:
        parent = hook.client.get_storage_folder(UUID(folder))
        return [str(one.uuid) for one in parent.list_subfolders(page_size=BULK_SIZE)]

    return _asked(hook, f"list the folders below {folder}", look)


def _dataset_items(hook: EncordHook, dataset: str) -> list[str]:
    def look() -> list[str]:
        return [str(row.backing_item_uuid) for row in hook.client.get_dataset(dataset).list_data_rows()]

    return _asked(hook, f"list the data rows of dataset {dataset}", look)


def _project_items(hook: EncordHook, project: str) -> list[str]:
    def look() -> list[str]:
        rows = hook.client.get_project(project).list_label_rows_v2(include_workflow_graph_node=False)
        return [str(row.backing_item_uuid) for row in rows if row.backing_item_uuid is not None]

    return _asked(hook, f"list the label rows of project {project}", look)


def _asked(hook: EncordHook, what: str, look: Callable[[], T]) -> T:
    def act() -> T:
        try:
            return look()
        except NotImplementedError:
            # A data row from before Encord kept its files as storage items (SDK, DataRow.backing_item_uuid).
            raise EncordRequestError(
                f"Could not {what}: some rows have no storage item behind them."
            ) from None

    return call_sdk(act, what=what, domain=hook.credentials.domain, budget=hook.budget)
