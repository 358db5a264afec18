"""Storage folders by name path, such as ``lake/site-a``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from encord_provider.api.retry import RetryBudget
from encord_provider.exceptions import EncordInputError
from encord_provider.hooks.names import several_named, uuid_of
from encord_provider.hooks.sdk import call_sdk

if TYPE_CHECKING:
    from encord.storage import StorageFolder
    from encord.user_client import EncordUserClient

log = logging.getLogger(__name__)

T = TypeVar("T")


def folder_path(text: str) -> tuple[str, ...]:
    """Split a name path at its slashes.

    :raises EncordInputError: if it is empty or has an empty part.
    """
    parts = tuple(part.strip() for part in text.strip().strip("/").split("/"))
    if not all(parts):
        raise EncordInputError(
            f"{text!r} names no folder: give a folder's UUID, or its name path such as 'lake/site-a'."
        )
    return parts


class FolderFinder:
    """Find storage folders, and create them where asked.

    Encord does not keep folder names unique, so two runs that create the same folder at once would leave two.
    After creating, the folder that was created first is the one that counts, for every run alike, and whoever
    created a later one deletes it while it is still empty. Where that fails, the later one stays and is passed over
    as long as it is empty; folders of one name that hold something are not guessed between.

    :param client: the SDK's client.
    :param domain: the API domain, for error messages.
    :param budget: how much patience a call has.
    """

    def __init__(self, *, client: EncordUserClient, domain: str, budget: RetryBudget) -> None:
        self._client = client
        self._domain = domain
        self._budget = budget

    def find(self, folder: str, *, create: bool = False) -> str:
        """Find one folder.

        :param folder: a UUID, or a name path from the top.
        :param create: whether to create what is missing of a name path.
        :returns: the folder's UUID.
        :raises EncordInputError: if no folder has that name and none may be created, or several have it.
        :raises EncordPermissionError: if a folder's UUID is unknown or not permitted.
        :raises EncordUnavailableError: if Encord could not be reached.
        """
        if (uuid := uuid_of(folder)) is not None:
            known = UUID(uuid)
            found = self._ask(f"find the folder {uuid}", lambda: self._client.get_storage_folder(known))
            return str(found.uuid)
        parent: StorageFolder | None = None
        parts = folder_path(folder)
        for depth, name in enumerate(parts):
            path = "/".join(parts[: depth + 1])
            parent = self._step(parent, name, path=path, create=create)
        if parent is None:  # pragma: no cover - folder_path gives at least one part
            raise EncordInputError(f"{folder!r} names no folder.")
        return str(parent.uuid)

    def there(self, folder: str) -> str | None:
        """Find one folder without creating any.

        :param folder: a UUID, or a name path from the top.
        :returns: its UUID; None if a part of the name path is missing.
        :raises EncordInputError: if several folders have that name.
        """
        if uuid_of(folder) is not None:
            return self.find(folder)
        parent: StorageFolder | None = None
        parts = folder_path(folder)
        for depth, name in enumerate(parts):
            path = "/".join(parts[: depth + 1])
            found = self._named(parent, name, path)
            if not found:
                return None
            parent = found[0] if len(found) == 1 else self._one_of(found, path)
        return None if parent is None else str(parent.uuid)

    def create_synced(self, name: str, *, remote_url: str, integration: str) -> str:
        """Create a cloud-synced folder, which Encord makes at the top only.

        :param name: its name.
        :param remote_url: what it mirrors.
        :param integration: UUID of the cloud integration.
        :returns: its UUID.
        """

        def create() -> str:
            from encord.orm.storage import CloudSyncedFolderParams

            # Also after a lost answer: what was created then is found here, and nothing is created twice.
            for before in self._named(None, name, name):
                return str(before.uuid)
            params = CloudSyncedFolderParams(integration_uuid=UUID(integration), remote_url=remote_url)
            return str(self._client.create_storage_folder(name, cloud_synced_folder_params=params).uuid)

        return self._ask(f"create the cloud-synced folder {name!r}", create)

    def _step(self, parent: StorageFolder | None, name: str, *, path: str, create: bool) -> StorageFolder:
        found = self._named(parent, name, path)
        if not found:
            if not create:
                raise EncordInputError(
                    f"There is no folder {path!r} that this user can see. Create it in Encord, or set "
                    "create_folder=True."
                )
            return self._ask(f"create the folder {path!r}", lambda: self._created(parent, name, path))
        return found[0] if len(found) == 1 else self._one_of(found, path)

    def _one_of(self, found: list[StorageFolder], path: str) -> StorageFolder:
        """Choose between folders of one name, which runs that create it at once may leave: the others are empty."""
        filled = [
            folder
            for folder in found
            if self._ask(f"look into the folder {path!r}", partial(_is_filled, folder))
        ]
        if len(filled) > 1:
            raise several_named("folders", path, (str(folder.uuid) for folder in found))
        chosen = filled[0] if filled else found[0]
        log.warning(
            "%d folders are named %r, of which %s is used; the others are empty, and may be deleted: %s.",
            len(found),
            path,
            chosen.uuid,
            ", ".join(str(folder.uuid) for folder in found if folder is not chosen),
        )
        return chosen

    def _created(self, parent: StorageFolder | None, name: str, path: str) -> StorageFolder:
        # Also after a lost answer: what was created then is found here, and nothing is created twice.
        before = self._named(parent, name, path)
        if before:
            return before[0] if len(before) == 1 else self._one_of(before, path)
        own = parent.create_subfolder(name) if parent else self._client.create_storage_folder(name)
        # A listing may not show it yet.
        first = next(iter(self._named(parent, name, path)), own)
        if first.uuid == own.uuid:
            log.info("Created the folder %s (%s).", path, own.uuid)
            return own
        # Another run had created one first.
        try:
            own.delete()
        except Exception as error:
            log.warning(
                "The empty folder %s (%s) could not be deleted: %s", path, own.uuid, type(error).__name__
            )
        return first

    def _named(self, parent: StorageFolder | None, name: str, path: str) -> list[StorageFolder]:
        """Give the folders of exactly that name, the one that was created first in front."""
        from encord.orm.storage import FoldersSortBy

        def look() -> list[StorageFolder]:
            level = parent.list_subfolders if parent else self._client.list_storage_folders
            listed = level(search=name, order=FoldersSortBy.CREATED_AT)
            return [folder for folder in listed if folder.name == name]

        return self._ask(f"look up the folder {path!r}", look)

    def _ask(self, what: str, action: Callable[[], T]) -> T:
        return call_sdk(action, what=what, domain=self._domain, budget=self._budget)


def _is_filled(folder: StorageFolder) -> bool:
    """Whether a folder has items or folders."""
    from encord.exceptions import AuthorisationError, ResourceNotFoundError

    try:
        return any(True for _ in folder.list_items(page_size=1)) or any(
            True for _ in folder.list_subfolders(page_size=1)
        )
    except (AuthorisationError, ResourceNotFoundError):
        # The run that created it has deleted it meanwhile.
        return False
