"""Storage folders: the tree, and who may do what in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from encord_provider.emulator.core.calls import Call, Caller
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.errors import bad_request, conflict, forbidden
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Entry, SharedTable, no_access
from encord_provider.emulator.organisation.groups.models import Groups
from encord_provider.emulator.organisation.tags.models import OrganisationTag


class Role(StrEnum):
    """Role of a user in a folder, spelled as on the wire."""

    USER = "user"
    ADMIN = "admin"


@dataclass(eq=False, slots=True, kw_only=True)
class Folder(Entry):
    """One storage folder.

    :param parent: the folder above, ``None`` at the root.
    :param metadata: custom metadata as JSON text, or ``None``.
    :param remote_url: the bucket prefix that a cloud-synced folder mirrors, else ``None``.
    :param integration: UUID of the integration with which it does that.
    :param synced_dataset: UUID of the dataset that mirrors the folder, else ``None``.
    :param config: settings of the folder as the SDK wrote them.
    :param user_roles: role by e-mail address, besides the owner, who is admin.
    :param group_roles: role by group UUID.
    :param tags: names of organisation tags.
    :ivar deleted: the folder is gone; jobs that still work for it stop.
    """

    name: str
    parent: Folder | None
    owner: str
    description: str = ""
    metadata: str | None = None
    integration: str | None = None
    remote_url: str | None = None
    synced_dataset: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    user_roles: dict[str, Role] = field(default_factory=dict)
    group_roles: dict[str, Role] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    children: dict[str, Folder] = field(init=False, default_factory=dict)
    deleted: bool = field(init=False, default=False)

    def ancestors(self) -> list[Folder]:
        """The folders above, the nearest first."""
        found: list[Folder] = []
        folder = self.parent
        while folder is not None:
            found.append(folder)
            folder = folder.parent
        return found

    def tree(self) -> Iterator[Folder]:
        """This folder and all below it."""
        yield self
        for child in self.children.values():
            yield from child.tree()

    def path(self) -> str:
        """Names from the root down, with ``/`` between them."""
        return "/".join(folder.name for folder in [*reversed(self.ancestors()), self])

    def as_json(self, role: Role | None) -> dict[str, Any]:
        """The folder on the wire, as a user with ``role`` sees it."""
        return {
            "uuid": self.uuid,
            "parent": self.parent.uuid if self.parent else None,
            "name": self.name,
            "description": self.description,
            "clientMetadata": self.metadata,
            "owner": self.owner,
            "createdAt": iso(self.created_at),
            "lastEditedAt": iso(self.edited_at),
            "userRole": role or Role.USER,
            "syncedDatasetHash": self.synced_dataset,
            "pathToRoot": [
                {
                    "uuid": step.uuid,
                    "parentUuid": step.parent.uuid if step.parent else None,
                    "name": step.name,
                    "syncedDatasetHash": step.synced_dataset,
                }
                for step in [self, *self.ancestors()]
            ],
            "folderType": "cloudLinked" if self.remote_url is not None else "generic",
            "integrationHash": self.integration,
            "remoteUrl": self.remote_url,
        }


class Folders(SharedTable[Folder]):
    """The tree of folders."""

    entry = Folder
    called = "a folder"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.roots: dict[str, Folder] = {}

    def add(self, folder: Folder) -> Folder:
        """Put a folder into the tree."""
        self._siblings(folder.parent)[folder.uuid] = folder
        return super().add(folder)

    def kept(self) -> Iterator[Folder]:
        """What a snapshot holds: every folder behind the one above it."""
        return (folder for root in self.roots.values() for folder in root.tree())

    def create(
        self,
        *,
        name: str,
        user: Caller,
        parent: Folder | None = None,
        unique_name: bool = False,
        **fields: Any,
    ) -> Folder:
        """Make a folder.

        :param fields: what else is known of it, by the names of its fields.
        :raises ApiError: 400 if the name is empty, 409 if it is taken and ``unique_name``.
        """
        if unique_name and any(other.name == name for other in self._siblings(parent).values()):
            raise conflict(f"there is already a folder {name!r} here")
        return self.new(name=name, parent=parent, owner=user.email, **fields)

    def role(self, folder: Folder, user: Caller) -> Role | None:
        """The best role that a user has in a folder: as owner, by name or group, here or in a folder above."""
        groups = self._store[Groups].of_user(user)
        best: Role | None = None
        for level in [folder, *folder.ancestors()]:
            if level.owner == user.email:
                return Role.ADMIN
            granted = [level.group_roles[group] for group in groups if group in level.group_roles]
            if user.email in level.user_roles:
                granted.append(level.user_roles[user.email])
            if Role.ADMIN in granted:
                return Role.ADMIN
            best = best or (Role.USER if granted else None)
        return best

    def require(self, uuid: str, user: Caller, role: Role = Role.USER) -> Folder:
        """The folder of that UUID, for somebody who has at least ``role`` in it.

        :raises ApiError: 403, also if there is no such folder, as Encord answers.
        """
        folder = self._entries.get(uuid)
        found = self.role(folder, user) if folder is not None else None
        if folder is None or found is None:
            raise no_access("storage folder", uuid)
        if role is Role.ADMIN and found is not Role.ADMIN:
            raise forbidden(f"this needs the admin role in storage folder {folder.name!r} ({uuid})")
        return folder

    def matching(
        self,
        candidates: Iterable[Folder],
        user: Caller,
        *,
        search: str | None = None,
        dataset_synced: bool | None = None,
        tags: Sequence[str] = (),
        by_time: bool = False,
        desc: bool = False,
        any_role: bool = False,
    ) -> list[Folder]:
        """The folders among ``candidates`` that a user sees and that match, in order.

        :param search: part of the name, in any case.
        :param tags: names of organisation tags, all of which the folder must have.
        :param by_time: in the order of their creation, instead of by name.
        :param any_role: see also the folders of the organisation in which the user has no role.
        """
        needle = search.casefold() if search else None
        found = [
            folder
            for folder in candidates
            if (any_role or self.role(folder, user) is not None)
            and (needle is None or needle in folder.name.casefold())
            and (dataset_synced is None or dataset_synced == (folder.synced_dataset is not None))
            and all(tag in folder.tags for tag in tags)
        ]
        found.sort(key=lambda folder: "" if by_time else folder.name, reverse=desc)
        if by_time:
            found.sort(key=lambda folder: folder.created_at, reverse=desc)
        return found

    def move(self, folder: Folder, parent: Folder | None) -> None:
        """Hang a folder elsewhere.

        :raises ApiError: 400 if the target lies inside the folder itself.
        """
        if parent is not None and (parent is folder or folder in parent.ancestors()):
            raise bad_request(f"folder {folder.name!r} cannot be moved into itself")
        del self._siblings(folder.parent)[folder.uuid]
        folder.parent = parent
        self._siblings(parent)[folder.uuid] = folder
        self.touch(folder)

    def delete(self, folder: Folder) -> int:
        """Remove a folder and all below it, after everybody was told (``forget_folder``).

        :returns: how many folders were removed.
        """
        doomed = list(folder.tree())
        for one in doomed:
            self._store.tell("forget_folder", one)
            one.deleted = True
            self.remove(one)
        del self._siblings(folder.parent)[folder.uuid]
        return len(doomed)

    def forget_tag(self, tag: OrganisationTag) -> None:
        """Take a tag off all folders."""
        for folder in self._entries.values():
            folder.tags = [name for name in folder.tags if name != tag.name]

    def _siblings(self, parent: Folder | None) -> dict[str, Folder]:
        return self.roots if parent is None else parent.children


def folder_of(call: Call, role: Role = Role.USER) -> Folder:
    """The folder that the path of a call names, for a caller who has at least ``role`` in it.

    :raises ApiError: 403 if the caller has not, or there is no such folder.
    """
    return call.store[Folders].require(call.path["folder"], call.user, role)


def upload_folder(folder: Folder) -> Folder:
    """A folder that takes uploads.

    :raises ApiError: 400 if it is synced with a bucket.
    """
    if folder.remote_url is not None:
        raise bad_request(f"folder {folder.name!r} is synced with {folder.remote_url} and takes no uploads")
    return folder
