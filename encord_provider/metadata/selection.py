"""Which storage items are meant: those of a folder, dataset, project or collection, single ones, or their files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from encord_provider.api.at_once import at_once
from encord_provider.api.calls import BULK_SIZE, get_child_items, get_storage_items
from encord_provider.api.items import GROUP_TYPES, StorageItem
from encord_provider.exceptions import EncordInputError, EncordRequestError
from encord_provider.hooks.names import uuid_of
from encord_provider.hooks.sdk import call_sdk
from encord_provider.jobs.parts import index_uri_of
from encord_provider.lineage import Place
from encord_provider.links import EncordDatasetLink, EncordFolderLink, EncordLink, EncordProjectLink
from encord_provider.metadata.dividing import DIVISIBLE, Divided, divided
from encord_provider.metadata.folder_memory import FolderMemories
from encord_provider.metadata.folder_reading import match_in_folders
from encord_provider.metadata.matching import Match, match_rows
from encord_provider.metadata.rows import ItemKey, MetadataRow, rows_of_index
from encord_provider.options import ItemSelection
from encord_provider.workspace.files import child

if TYPE_CHECKING:
    from encord_provider.hooks.encord import EncordHook

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SelectedItems:
    """Some storage items, named by exactly one of ``folder``, ``dataset``, ``project``, ``collection`` and ``uuids``.

    :param folder: a storage folder: UUID or name path.
    :param recursive: whether the folders below it count too.
    :param dataset: the UUID of a dataset, for the items behind its data rows.
    :param project: the UUID of a project, for the items behind its label rows.
    :param collection: the UUID of a collection, for its items.
    :param uuids: UUIDs of items.
    :param upload_spec: the index URI of an upload spec, for its objects only.
    :param frames: whether the files of groups are meant instead of the items.
    :raises EncordInputError: if none or several are given, or something is not a UUID.
    """

    folder: str | None = None
    recursive: bool = False
    dataset: str | None = None
    project: str | None = None
    collection: str | None = None
    uuids: tuple[str, ...] | None = None
    upload_spec: str | None = None
    frames: bool = False

    def __post_init__(self) -> None:
        places = ("folder", "dataset", "project", "collection", "uuids")
        given = [name for name in places if getattr(self, name) is not None]
        if len(given) != 1:
            raise EncordInputError(
                "Give one of 'folder', 'dataset', 'project', 'collection' and 'uuids' to say which items are meant; "
                f"got {' and '.join(given) or 'none'}."
            )
        if self.recursive and self.folder is None:
            raise EncordInputError("'recursive' is about the sub-folders of a 'folder'.")
        if self.upload_spec is not None and self.uuids is not None:
            raise EncordInputError(
                "Give 'uuids' or an 'upload_spec'; the objects of a spec are looked for in a 'folder', 'dataset', "
                "'project' or 'collection'."
            )
        for name in places[1:]:
            given_uuids = getattr(self, name)
            for uuid in (given_uuids,) if isinstance(given_uuids, str) else given_uuids or ():
                if uuid is not None and uuid_of(uuid) is None:
                    raise EncordInputError(f"{name}: {uuid!r} is not a UUID.")

    @classmethod
    def of(cls, *, folder: Any, items: ItemSelection | Mapping[str, Any] | None) -> SelectedItems:
        """Read what an operator was given, its templates rendered; blank texts are nothing.

        :param folder: the operator's ``folder``.
        :param items: the operator's ``items``.
        :raises EncordInputError: if the arguments do not fit together.
        """
        items = ItemSelection.of(items)
        return cls(
            folder=_text(folder),
            recursive=bool(items.recursive),
            dataset=_text(items.dataset),
            project=_text(items.project),
            collection=_text(items.collection),
            uuids=cast("tuple[str, ...] | None", items.uuids),
            upload_spec=_index(items.upload_spec),
            frames=bool(items.frames),
        )

    def matches(self, hook: EncordHook) -> Iterator[Match]:
        """Read the items, each as the match of a row without metadata.

        What the user named one by one (by UUID, or as an object of an upload spec) has a match also where no item
        was found for it.

        :param hook: the connection.
        :raises EncordInputError: if there is no such folder.
        :raises EncordPermissionError: if there is no such dataset or project, or the user may not see it.
        """
        if self.frames:
            return map(_match_of_item, child_items_of(hook, self._items_of(self._named(hook))))
        return self._named(hook)

    def page(self, hook: EncordHook) -> tuple[EncordLink, str] | None:
        """Give the button and the address of the page on which a person sees the items.

        :param hook: the connection.
        :returns: None for a collection and single items, and where the connection's web app is not known.
        :raises EncordInputError: if there is no such folder.
        """
        app = hook.web_app
        if app is None:
            return None
        if self.folder is not None:
            return EncordFolderLink(), app.folder(hook.find_folder(self.folder))
        if self.dataset is not None:
            return EncordDatasetLink(), app.dataset(self.dataset)
        if self.project is not None:
            return EncordProjectLink(), app.project(self.project)
        return None

    def places(self, hook: EncordHook) -> list[Place]:
        """Give the folder, dataset, project or collection that has the items; nothing for single items.

        :param hook: the connection.
        :raises EncordInputError: if there is no such folder.
        """
        if self.folder is not None:
            return [Place.in_encord(hook, "folder", hook.find_folder(self.folder), named=self.folder)]
        named = {"dataset": self.dataset, "project": self.project, "collection": self.collection}
        return [Place.in_encord(hook, kind, uuid) for kind, uuid in named.items() if uuid is not None]

    def read(self, hook: EncordHook) -> Iterator[StorageItem]:
        """Read the items with their client metadata, a page at a time.

        Single items that do not exist, or that the user may not see, do not come. It raises what :meth:`matches`
        raises.

        :param hook: the connection.
        """
        return self._items_of(self.matches(hook))

    def match(self, hook: EncordHook, rows: Sequence[MetadataRow], *, memory: str) -> list[Match]:
        """Find the items that rows mean among these. It raises what :meth:`matches` raises.

        The items of a folder are not all read each time, see :mod:`~encord_provider.metadata.folder_reading`.

        :param hook: the connection.
        :param rows: the rows.
        :param memory: the URI below which is kept what is known of folders.
        """
        if self.folder is None or self.frames or self.upload_spec is not None:
            return match_in(hook, rows, self.read(hook))
        folders = list(self._folders(hook, self.folder))
        memories = [FolderMemories(child(memory, folder), folder) for folder in folders]
        return match_in_folders(hook.api, rows, memories, files_of=partial(_files_of, hook))

    def __str__(self) -> str:
        if self.folder is not None:
            return f"folder {self.folder}{' and those below it' if self.recursive else ''}"
        if self.uuids is not None:
            return f"{len(self.uuids)} items"
        named = {"dataset": self.dataset, "project": self.project, "collection": self.collection}
        return next(f"{kind} {uuid}" for kind, uuid in named.items() if uuid is not None)

    def _items_of(self, matches: Iterable[Match]) -> Iterator[StorageItem]:
        items = (item for match in matches for item in match.items)
        # Two objects of a spec may match the same item; a listing, which may be long, has none twice.
        return iter({item.uuid: item for item in items}.values()) if self.upload_spec else items

    def _named(self, hook: EncordHook) -> Iterator[Match]:
        if self.upload_spec is not None:
            return iter(match_in(hook, list(rows_of_index(self.upload_spec)), self._listed(hook)))
        if self.uuids is not None:
            return _named_by_uuid(hook, self.uuids, where="uuids")
        if self.collection is not None:
            # Also those that the user may not see, so that they are missed.
            return _named_by_uuid(hook, _collection_items(hook, self.collection), where=str(self))
        return map(_match_of_item, self._listed(hook))

    def _listed(self, hook: EncordHook) -> Iterator[StorageItem]:
        if self.folder is not None:
            return self._folder_items(hook, self.folder)
        if self.dataset is not None:
            return _items_by_uuid(hook, _dataset_items(hook, self.dataset))
        if self.project is not None:
            return _items_by_uuid(hook, _project_items(hook, self.project))
        if self.collection is not None:
            return _items_by_uuid(hook, _collection_items(hook, self.collection))
        return _items_by_uuid(hook, self.uuids or ())

    def _folder_items(self, hook: EncordHook, folder: str) -> Iterator[StorageItem]:
        for one in self._folders(hook, folder):
            yield from hook.api.folder_items(one)

    def _folders(self, hook: EncordHook, folder: str) -> Iterator[str]:
        waiting = [hook.find_folder(folder)]
        while waiting:
            current = waiting.pop()
            yield current
            if self.recursive:
                waiting.extend(reversed(_subfolders(hook, current)))


def match_in(hook: EncordHook, rows: Sequence[MetadataRow], items: Iterable[StorageItem]) -> list[Match]:
    """Find the items that rows mean, and ask Encord for the files of groups where that needs them.

    :param hook: the connection.
    :param rows: the rows.
    :param items: the items that they may mean; read once.
    """
    return match_rows(rows, items, files_of=partial(_files_of, hook))


def _files_of(hook: EncordHook, group: StorageItem) -> list[str]:
    children = hook.api.perform(get_child_items(group.folder, group.uuid))
    return [file.url for file in children if file.url]


def child_items_of(hook: EncordHook, items: Iterable[StorageItem]) -> Iterator[StorageItem]:
    """Read the files of those items that are image groups, image sequences and series; none comes twice.

    :param hook: the connection.
    :param items: the items.
    """
    seen: set[str] = set()
    for item in items:
        if item.item_type not in GROUP_TYPES:
            continue
        for file in hook.api.perform(get_child_items(item.folder, item.uuid)):
            if file.uuid not in seen:
                seen.add(file.uuid)
                yield file


def _match_of_item(item: StorageItem) -> Match:
    row = MetadataRow(key=item.url or item.uuid, metadata={}, where="all items")
    return Match(row=row, items=(item,))


def _named_by_uuid(hook: EncordHook, uuids: Iterable[str], *, where: str) -> Iterator[Match]:
    named = [
        MetadataRow(key=uuid, by=ItemKey.UUID, metadata={}, where=where) for uuid in dict.fromkeys(uuids)
    ]
    return iter(match_in(hook, named, _items_by_uuid(hook, (row.key for row in named))))


def _text(value: Any) -> str | None:
    """Give a rendered text, or None for an argument that was not given or is blank."""
    return str(value).strip() or None if value is not None else None


def _index(value: Any) -> str | None:
    index = index_uri_of(value)
    if index is None and value is not None and value != "":
        raise EncordInputError(
            "'upload_spec' is neither the URI of a spec's index.json nor the output of the build operator."
        )
    return index


def _items_by_uuid(hook: EncordHook, uuids: Iterable[str]) -> Iterator[StorageItem]:
    for read in at_once(partial(_readable, hook), _bundles(uuids)):
        refusal = next(iter(read.refused.values()), None)
        if refusal is not None and (read.given_up or not read.answers):
            raise read.given_up or refusal
        if read.refused:
            log.warning(
                "Encord refused to show %d items, which are left out. The first: %s (%s)",
                len(read.refused),
                next(iter(read.refused)),
                refusal,
            )
        for items in read.answers:
            yield from items


def _bundles(uuids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(dict.fromkeys(uuids))
    while bundle := list(islice(remaining, BULK_SIZE)):
        yield bundle


def _readable(hook: EncordHook, bundle: Sequence[str]) -> Divided[list[StorageItem]]:
    """Read items; those that Encord refuses to show are known by name."""
    return divided(
        bundle,
        lambda uuids: hook.api.perform(get_storage_items(uuids)),
        may_divide=lambda error: error.status == 403 or error.status in DIVISIBLE,
    )


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


def _collection_items(hook: EncordHook, collection: str) -> list[str]:
    def look() -> list[str]:
        listed = hook.client.get_collection(collection).list_items_include_inaccessible(
            include_client_metadata=False, page_size=BULK_SIZE
        )
        return [str(item.uuid) for item in listed]

    return _asked(hook, f"list the items of collection {collection}", look)


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
