"""Datasets: titles for selections of storage items, each of which is a data row there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum, StrEnum

from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.errors import bad_request, conflict, forbidden, not_found
from encord_provider.emulator.core.filters import ListingFilter
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.organisation.users.models import User
from encord_provider.emulator.storage.folders.models import Folder, Folders
from encord_provider.emulator.storage.items.models import Item
from encord_provider.emulator.storage.jobs.models import Job


class DatasetRole(IntEnum):
    """Role of a user in a dataset, numbered as on the wire."""

    ADMIN = 0
    USER = 1


class Duplicates(StrEnum):
    """What happens when an item that a dataset has already is linked to it again."""

    DUPLICATE = "DUPLICATE"
    FAIL = "FAIL"
    SKIP = "SKIP"


class DataRow:
    """An item's place in a dataset; title and metadata are the item's."""

    __slots__ = ("created_at", "dataset", "item", "uuid")

    def __init__(self, *, uuid: str, dataset: Dataset, item: Item, created_at: float) -> None:
        self.uuid = uuid
        self.dataset = dataset
        self.item = item
        self.created_at = created_at


class Dataset:
    """One dataset.

    :ivar backing_folder: the folder that a mirrored dataset shows, else ``None``.
    :ivar rows: data rows by UUID, in the order in which they were added.
    :ivar user_roles: role by e-mail address, besides the owner, who is admin.
    :ivar group_roles: role by group UUID.
    """

    __slots__ = (
        "backing_folder",
        "created_at",
        "description",
        "edited_at",
        "group_roles",
        "owner",
        "rows",
        "title",
        "user_roles",
        "uuid",
    )

    def __init__(self, *, uuid: str, title: str, description: str, owner: str, created_at: float) -> None:
        self.uuid = uuid
        self.title = title
        self.description = description
        self.owner = owner
        self.created_at = created_at
        self.edited_at = created_at
        self.backing_folder: Folder | None = None
        self.rows: dict[str, DataRow] = {}
        self.user_roles: dict[str, DatasetRole] = {}
        self.group_roles: dict[str, DatasetRole] = {}


class Datasets:
    """All datasets, kept in step with the items that they hold.

    :param groups_of: gives the UUIDs of the groups that a user is in.
    """

    def __init__(
        self, *, clock: Clock, chance: Chance, folders: Folders, groups_of: Callable[[User], list[str]]
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._folders = folders
        self._groups_of = groups_of
        self._by_uuid: dict[str, Dataset] = {}
        self._rows_of: dict[str, list[DataRow]] = {}
        self._uploads: dict[str, Dataset] = {}
        self.reencodings: list[tuple[str, str]] = []
        """Dataset and re-encoding of every re-encoding of data rows; clients know them by their numbers."""

    def create(self, *, title: str, description: str, user: User, mirrored: bool) -> Dataset:
        """Make a dataset.

        :param mirrored: make a folder with it, whose items are its data rows.
        :raises ApiError: 400 if the title is empty.
        """
        if not title.strip():
            raise bad_request("a dataset needs a title")
        dataset = self.add(
            Dataset(
                uuid=self._chance.uuid(),
                title=title,
                description=description,
                owner=user.email,
                created_at=self._clock.now(),
            )
        )
        if mirrored:
            dataset.backing_folder = self._folders.create(name=title, user=user)
            dataset.backing_folder.synced_dataset = dataset.uuid
        return dataset

    def add(self, dataset: Dataset) -> Dataset:
        """Take in a dataset."""
        self._by_uuid[dataset.uuid] = dataset
        return dataset

    def all(self) -> list[Dataset]:
        """Every dataset, the oldest first."""
        return list(self._by_uuid.values())

    def get(self, uuid: str) -> Dataset | None:
        """The dataset of that UUID, or ``None``."""
        return self._by_uuid.get(uuid)

    def role(self, dataset: Dataset, user: User) -> DatasetRole | None:
        """The best role that a user has in a dataset: as owner, by name or by group."""
        if dataset.owner == user.email:
            return DatasetRole.ADMIN
        roles = [
            dataset.group_roles[group] for group in self._groups_of(user) if group in dataset.group_roles
        ]
        if user.email in dataset.user_roles:
            roles.append(dataset.user_roles[user.email])
        return min(roles, default=None)

    def require(self, uuid: str, user: User, role: DatasetRole = DatasetRole.USER) -> Dataset:
        """The dataset of that UUID, for somebody with at least ``role``; admins of the organisation have all.

        :raises ApiError: 404 if there is none, 403 if ``user`` lacks the role.
        """
        dataset = self._by_uuid.get(uuid)
        if dataset is None:
            raise not_found(f"there is no dataset {uuid}")
        found = DatasetRole.ADMIN if user.is_organisation_admin else self.role(dataset, user)
        if found is None or found > role:
            raise forbidden(
                f"you do not have the {role.name.lower()} role in dataset {dataset.title!r} ({uuid})"
            )
        return dataset

    def visible(self, user: User, wanted: ListingFilter, *, any_role: bool) -> list[Dataset]:
        """The datasets that a user sees and that match.

        :param any_role: see also the datasets of the organisation in which the user has no role.
        """
        return [
            dataset
            for dataset in self._by_uuid.values()
            if (any_role or self.role(dataset, user) is not None)
            and wanted.matches(
                title=dataset.title,
                description=dataset.description,
                created_at=dataset.created_at,
                edited_at=dataset.edited_at,
            )
        ]

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
        return row

    def unlink(self, row: DataRow) -> None:
        """Take a data row out of its dataset; the item stays."""
        del row.dataset.rows[row.uuid]
        rows = self._rows_of[row.item.uuid]
        rows.remove(row)
        row.item.data_units = len(rows)
        if not rows:
            del self._rows_of[row.item.uuid]
        self.touch(row.dataset)

    def rows_of(self, item: Item) -> list[DataRow]:
        """The data rows that an item backs, in all datasets."""
        return self._rows_of.get(item.uuid, [])

    def touch(self, dataset: Dataset) -> None:
        """Note that a dataset was edited now."""
        dataset.edited_at = self._clock.now()

    def follow(self, dataset: Dataset, job: Job) -> None:
        """Link what a job registers, as soon as it ends."""
        self._uploads[job.uuid] = dataset
        job.on_finish.append(self._link_registered)

    def upload_target(self, job: Job) -> Dataset | None:
        """The dataset that a job fills, or ``None``."""
        return self._uploads.get(job.uuid)

    def forget_deleted_folders(self) -> None:
        """Note which mirrored datasets have lost their folder."""
        for dataset in self._by_uuid.values():
            if dataset.backing_folder and self._folders.find(dataset.backing_folder.uuid) is None:
                dataset.backing_folder = None

    def forget_user(self, email: str) -> None:
        """Take a user out of all datasets."""
        for dataset in self._by_uuid.values():
            dataset.user_roles.pop(email, None)

    def forget_group(self, uuid: str) -> None:
        """Take a group out of all datasets."""
        for dataset in self._by_uuid.values():
            dataset.group_roles.pop(uuid, None)

    def item_added(self, item: Item) -> None:
        """An item was registered: if that was in the folder of a mirrored dataset, it is a data row too."""
        dataset = self._by_uuid.get(item.folder.synced_dataset or "")
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

    def _link_registered(self, job: Job) -> None:
        self.link(self._uploads[job.uuid], job.items, Duplicates.SKIP)

    def _row_in(self, dataset: Dataset, item: Item) -> DataRow | None:
        return next((row for row in self.rows_of(item) if row.dataset is dataset), None)

    def _row(self, dataset: Dataset, item: Item) -> DataRow:
        return DataRow(uuid=self._chance.uuid(), dataset=dataset, item=item, created_at=self._clock.now())
