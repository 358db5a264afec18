"""Datasets: titles for selections of storage items, each of which is a data row there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from encord_provider.emulator.core.calls import Caller
from encord_provider.emulator.core.errors import conflict, forbidden
from encord_provider.emulator.core.legacy_gateway import LegacyCall
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Entry, Kept, SharedTable
from encord_provider.emulator.organisation.groups.models import Groups
from encord_provider.emulator.storage.folders.models import Folder, Folders
from encord_provider.emulator.storage.items.item import Item
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.jobs.models import Job, Jobs


class DatasetRole(IntEnum):
    """Role of a user in a dataset, numbered as on the wire."""

    ADMIN = 0
    USER = 1


class Duplicates(StrEnum):
    """What happens when an item that a dataset has already is linked to it again."""

    DUPLICATE = "DUPLICATE"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(eq=False, slots=True)
class DataRow:
    """An item's place in a dataset; title and metadata are the item's."""

    uuid: str
    dataset: Dataset
    item: Item
    created_at: float

    @property
    def frame_count(self) -> int:
        """How many frames it has; 1 if that is not known."""
        media = self.item.media or {}
        if self.item.children:
            return len(self.item.children)
        if media.get("frameCount"):
            return int(media["frameCount"])
        return max(1, round((media.get("duration") or 0) * (media.get("fps") or 0)))


@dataclass(eq=False, slots=True, kw_only=True)
class Dataset(Entry):
    """One dataset.

    :param backing_folder: the folder that a mirrored dataset shows, else ``None``.
    :param uploads: UUIDs of the jobs whose items become data rows.
    :param user_roles: role by e-mail address, besides the owner, who is admin.
    :param group_roles: role by group UUID.
    :ivar rows: data rows by UUID, in the order in which they were added.
    """

    title: str
    description: str
    owner: str
    backing_folder: Folder | None = None
    uploads: list[str] = field(default_factory=list)
    user_roles: dict[str, DatasetRole] = field(default_factory=dict)
    group_roles: dict[str, DatasetRole] = field(default_factory=dict)
    rows: dict[str, DataRow] = field(init=False, default_factory=dict)


class Datasets(SharedTable[Dataset]):
    """All datasets, kept in step with the items that they hold."""

    entry = Dataset
    called = "a dataset"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._rows_of: dict[str, list[DataRow]] = {}
        store[Items].listeners.append(self)

    def create(self, *, title: str, description: str, user: Caller, mirrored: bool) -> Dataset:
        """Make a dataset.

        :param mirrored: make a folder with it, whose items are its data rows.
        :raises ApiError: 400 if the title is empty.
        """
        dataset = self.new(title=title, description=description, owner=user.email)
        if mirrored:
            dataset.backing_folder = self._store[Folders].create(name=title, user=user)
            dataset.backing_folder.synced_dataset = dataset.uuid
        return dataset

    def role(self, dataset: Dataset, user: Caller) -> DatasetRole | None:
        """The best role that a user has in a dataset: as owner, by name or by group."""
        if dataset.owner == user.email:
            return DatasetRole.ADMIN
        roles = [
            dataset.group_roles[group]
            for group in self._store[Groups].of_user(user)
            if group in dataset.group_roles
        ]
        if user.email in dataset.user_roles:
            roles.append(dataset.user_roles[user.email])
        return min(roles, default=None)

    def require(self, uuid: str, user: Caller, role: DatasetRole = DatasetRole.USER) -> Dataset:
        """The dataset of that UUID, for somebody with at least ``role``; admins of the organisation have all.

        :raises ApiError: 404 if there is none, 403 if ``user`` lacks the role.
        """
        dataset = self.known(uuid)
        found = DatasetRole.ADMIN if user.is_organisation_admin else self.role(dataset, user)
        if found is None or found > role:
            raise forbidden(
                f"you do not have the {role.name.lower()} role in dataset {dataset.title!r} ({uuid})"
            )
        return dataset

    def link(
        self, dataset: Dataset, items: Iterable[Item], duplicates: Duplicates
    ) -> tuple[list[DataRow], list[DataRow]]:
        """Make data rows of items.

        :returns: the new rows, and those that were there already and skipped.
        :raises ApiError: 409 if an item is there already and that was to fail; then nothing is linked.
        """
        items = list(items)
        if duplicates is Duplicates.FAIL:
            seen: set[str] = set()
            for item in items:
                if item.uuid in seen or self._row_in(dataset, item) is not None:
                    raise conflict(
                        f"item {item.name!r} ({item.uuid}) is in dataset {dataset.title!r} already"
                    )
                seen.add(item.uuid)
        new, skipped = [], []
        for item in items:
            known = self._row_in(dataset, item) if duplicates is Duplicates.SKIP else None
            if known is not None:
                skipped.append(known)
            else:
                new.append(self.attach(self._row(dataset, item)))
        if new:
            self.touch(dataset)
        return new, skipped

    def attach(self, row: DataRow) -> DataRow:
        """Take in a data row."""
        row.dataset.rows[row.uuid] = row
        rows = self._rows_of.setdefault(row.item.uuid, [])
        rows.append(row)
        row.item.data_units = len(rows)
        self._store[DataRows].note(row)
        return row

    def unlink(self, row: DataRow) -> None:
        """Take a data row out of its dataset; the item stays."""
        del row.dataset.rows[row.uuid]
        rows = self._rows_of[row.item.uuid]
        rows.remove(row)
        row.item.data_units = len(rows)
        self._store[DataRows].note(row)
        if not rows:
            del self._rows_of[row.item.uuid]
        self.touch(row.dataset)

    def rows_of(self, item: Item) -> list[DataRow]:
        """The data rows that an item backs, in all datasets."""
        return self._rows_of.get(item.uuid, [])

    def follow(self, dataset: Dataset, job: Job) -> None:
        """Link what a job registers, as soon as it ends."""
        dataset.uploads.append(job.uuid)
        self._link_when_done(dataset, job)

    def restore(self, dataset: Dataset) -> Dataset:
        """Take in what a snapshot held, and follow its jobs."""
        for uuid in dataset.uploads:
            job = self._store[Jobs].get(uuid)
            if job is not None:
                self._link_when_done(dataset, job)
        return self.add(dataset)

    def forget_folder(self, folder: Folder) -> None:
        """Note that mirrored datasets have lost their folder."""
        for dataset in self:
            if dataset.backing_folder is folder:
                dataset.backing_folder = None

    def item_added(self, item: Item) -> None:
        """An item was registered: if that was in the folder of a mirrored dataset, it is a data row too."""
        dataset = self._entries.get(item.folder.synced_dataset or "")
        if dataset is not None and not item.hidden:
            self.link(dataset, [item], Duplicates.SKIP)

    def item_deleted(self, item: Item) -> None:
        """An item was removed, and with it its data rows."""
        for row in list(self.rows_of(item)):
            self.unlink(row)

    def item_moved(self, item: Item, source: Folder) -> None:
        """An item was moved: out of a mirrored dataset, or into one."""
        for row in list(self.rows_of(item)):
            if row.dataset.uuid == source.synced_dataset:
                self.unlink(row)
        self.item_added(item)

    def _link_when_done(self, dataset: Dataset, job: Job) -> None:
        def link(ended: Job) -> None:
            self.link(dataset, ended.items, Duplicates.SKIP)

        job.on_finish.append(link)

    def _row_in(self, dataset: Dataset, item: Item) -> DataRow | None:
        return next((row for row in self.rows_of(item) if row.dataset is dataset), None)

    def _row(self, dataset: Dataset, item: Item) -> DataRow:
        return DataRow(uuid=self._chance.uuid(), dataset=dataset, item=item, created_at=self._clock.now())


class DataRows(Kept[DataRow]):
    """The data rows of all datasets in a snapshot; the datasets themselves hold them."""

    entry = DataRow
    noted = True

    def __init__(self, store: Store) -> None:
        self._store = store

    def kept(self) -> Iterator[DataRow]:
        """What a snapshot holds: every data row."""
        return (row for dataset in self._store[Datasets] for row in dataset.rows.values())

    def holds(self, entry: DataRow) -> bool:
        """Whether :meth:`kept` has a data row."""
        return entry.dataset.rows.get(entry.uuid) is entry

    def restore(self, row: DataRow) -> DataRow:
        """Take in what a snapshot held."""
        return self._store[Datasets].attach(row)


def dataset_of(call: LegacyCall, role: DatasetRole = DatasetRole.USER) -> Dataset:
    """The dataset that a call of the older API is about, for a caller who has ``role`` in it.

    :raises ApiError: 404 if there is none, 403 if the caller lacks the role.
    """
    return call.store[Datasets].require(call.resource_id, call.user, role)
