"""Storage folders: the tree, who may do what in it, and which URLs a folder holds already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.errors import bad_request, conflict, forbidden
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.organisation.users.models import User
from encord_provider.emulator.storage.items.index import ItemIndex, Order
from encord_provider.emulator.storage.items.models import Item, Items


class Role(StrEnum):
    """Role of a user in a folder, spelled as on the wire."""

    USER = "user"
    ADMIN = "admin"


class Folder:
    """One storage folder.

    :ivar metadata: custom metadata as JSON text, or ``None``.
    :ivar user_roles: role by e-mail address, besides the owner, who is admin.
    :ivar group_roles: role by group UUID.
    :ivar remote_url: the bucket prefix that a cloud-synced folder mirrors, else ``None``.
    :ivar deleted: the folder is gone; jobs that still work for it stop.
    :ivar config: settings of the folder as the SDK wrote them.
    """

    __slots__ = (
        "_by_url",
        "children",
        "config",
        "created_at",
        "deleted",
        "description",
        "edited_at",
        "group_roles",
        "index",
        "integration",
        "metadata",
        "name",
        "owner",
        "parent",
        "remote_url",
        "synced_dataset",
        "tags",
        "user_roles",
        "uuid",
    )

    def __init__(
        self,
        *,
        uuid: str,
        name: str,
        parent: Folder | None,
        owner: str,
        created_at: float,
        description: str = "",
        metadata: str | None = None,
        integration: str | None = None,
        remote_url: str | None = None,
    ) -> None:
        self.uuid = uuid
        self.name = name
        self.parent = parent
        self.owner = owner
        self.created_at = created_at
        self.edited_at = created_at
        self.description = description
        self.metadata = metadata
        self.integration = integration
        self.remote_url = remote_url
        self.deleted = False
        self.synced_dataset: str | None = None
        self.config: dict[str, Any] = {}
        self.user_roles: dict[str, Role] = {}
        self.group_roles: dict[str, Role] = {}
        self.tags: list[str] = []
        self.children: dict[str, Folder] = {}
        self.index = ItemIndex()
        self._by_url: dict[str, Item | list[Item]] = {}

    def find_url(self, url_key: str) -> Item | None:
        """The item that was registered here under that URL, or ``None``."""
        found = self._by_url.get(url_key)
        return found[0] if isinstance(found, list) else found

    def remember_url(self, item: Item) -> None:
        """Note under which URL an item is registered here."""
        assert item.url_key is not None  # noqa: S101
        known = self._by_url.get(item.url_key)
        if known is None:
            self._by_url[item.url_key] = item
        elif isinstance(known, list):
            known.append(item)
        else:
            self._by_url[item.url_key] = [known, item]

    def forget_url(self, item: Item) -> None:
        """Undo :meth:`remember_url`."""
        known = self._by_url.get(item.url_key or "")
        if isinstance(known, list):
            remaining = [other for other in known if other is not item]
            self._by_url[item.url_key or ""] = remaining if len(remaining) > 1 else remaining[0]
        elif known is item:
            del self._by_url[item.url_key or ""]

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


class Folders:
    """The tree of folders.

    :param groups_of: gives the UUIDs of the groups that a user is in.
    """

    def __init__(
        self, clock: Clock, chance: Chance, items: Items, *, groups_of: Callable[[User], list[str]]
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._items = items
        self._by_uuid: dict[str, Folder] = {}
        self.roots: dict[str, Folder] = {}
        self._groups_of = groups_of

    def __len__(self) -> int:
        return len(self._by_uuid)

    def all(self) -> list[Folder]:
        """Every folder, in the order of creation."""
        return list(self._by_uuid.values())

    def find(self, uuid: str) -> Folder | None:
        """The folder of that UUID, or ``None``."""
        return self._by_uuid.get(uuid)

    def add(self, folder: Folder) -> Folder:
        """Put a folder into the tree."""
        self._by_uuid[folder.uuid] = folder
        self._siblings(folder.parent)[folder.uuid] = folder
        return folder

    def create(
        self,
        *,
        name: str,
        user: User,
        parent: Folder | None = None,
        description: str = "",
        metadata: str | None = None,
        integration: str | None = None,
        remote_url: str | None = None,
        unique_name: bool = False,
    ) -> Folder:
        """Make a folder.

        :raises ApiError: 400 if the name is empty, 409 if it is taken and ``unique_name``.
        """
        if not name.strip():
            raise bad_request("a folder needs a name")
        if unique_name and any(other.name == name for other in self._siblings(parent).values()):
            raise conflict(f"there is already a folder {name!r} here")
        return self.add(
            Folder(
                uuid=self._chance.uuid(),
                name=name,
                parent=parent,
                owner=user.email,
                created_at=self._clock.now(),
                description=description,
                metadata=metadata,
                integration=integration,
                remote_url=remote_url,
            )
        )

    def role(self, folder: Folder, user: User) -> Role | None:
        """The best role that a user has in a folder: as owner, by name or group, here or in a folder above."""
        groups = self._groups_of(user)
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

    def require(self, uuid: str, user: User, role: Role = Role.USER) -> Folder:
        """The folder of that UUID, for somebody who has at least ``role`` in it.

        :raises ApiError: 403, also if there is no such folder, as Encord answers.
        """
        folder = self._by_uuid.get(uuid)
        found = self.role(folder, user) if folder is not None else None
        if folder is None or found is None:
            raise forbidden(f"storage folder {uuid} does not exist or you do not have access to it")
        if role is Role.ADMIN and found is not Role.ADMIN:
            raise forbidden(f"this needs the admin role in storage folder {folder.name!r} ({uuid})")
        return folder

    def list(
        self,
        candidates: Iterator[Folder],
        user: User,
        *,
        search: str | None = None,
        dataset_synced: bool | None = None,
        tags: list[str] | None = None,
        order: Order = Order.NAME,
        desc: bool = False,
        any_role: bool = False,
    ) -> list[Folder]:
        """The folders among ``candidates`` that a user sees and that match, in order.

        :param search: part of the name, in any case.
        :param tags: names of organisation tags, all of which the folder must have.
        :param any_role: see also the folders of the organisation in which the user has no role.
        """
        needle = search.casefold() if search else None
        found = [
            folder
            for folder in candidates
            if (any_role or self.role(folder, user) is not None)
            and (needle is None or needle in folder.name.casefold())
            and (dataset_synced is None or dataset_synced == (folder.synced_dataset is not None))
            and all(tag in folder.tags for tag in tags or ())
        ]
        found.sort(key=lambda folder: folder.name if order is Order.NAME else "", reverse=desc)
        if order is Order.CREATED_AT:
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
        folder.edited_at = self._clock.now()

    def delete(self, folder: Folder) -> tuple[int, int]:
        """Remove a folder with everything in it.

        :returns: how many items and how many folders were removed.
        """
        items = folders = 0
        self._items.settle_listings(everything=True)
        for doomed in list(folder.tree()):
            for item in list(doomed.index):
                items += self._items.delete(item)
            del self._by_uuid[doomed.uuid]
            doomed.deleted = True
            folders += 1
        del self._siblings(folder.parent)[folder.uuid]
        return items, folders

    def forget_group(self, uuid: str) -> None:
        """Take a group out of all folders."""
        for folder in self._by_uuid.values():
            folder.group_roles.pop(uuid, None)

    def forget_user(self, email: str) -> None:
        """Take a user out of all folders."""
        for folder in self._by_uuid.values():
            folder.user_roles.pop(email, None)

    def forget_tag(self, name: str) -> None:
        """Take a tag off all folders."""
        for folder in self._by_uuid.values():
            folder.tags = [tag for tag in folder.tags if tag != name]

    def touch(self, folder: Folder) -> None:
        """Note that a folder was edited now."""
        folder.edited_at = self._clock.now()

    def _siblings(self, parent: Folder | None) -> dict[str, Folder]:
        return self.roots if parent is None else parent.children
