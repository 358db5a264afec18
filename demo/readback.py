"""What the official SDK finds in a folder, and how that differs from what was put into the bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from demo.bucket import BUCKET, REGION, ExpectedItem
from demo.services import Services

if TYPE_CHECKING:
    from encord.storage import StorageFolder
    from encord.storage import StorageItem as SdkItem


_STORAGE = "S3"
_OF_SEVERAL_FILES = frozenset({"DICOM_SERIES", "IMAGE_GROUP", "IMAGE_SEQUENCE"})


@dataclass(frozen=True, kw_only=True)
class RegisteredItem:
    """One storage item as the SDK returns it.

    :param kind: name of the SDK's ``StorageItemType``
    :param storage: name of the SDK's ``StorageLocation`` where Encord reads it
    :param url: its object URL; None for an item of several files
    :param children: the files of a DICOM series, image group or image sequence, in order
    """

    uuid: str
    kind: str
    name: str
    storage: str
    url: str | None
    metadata: dict[str, Any]
    last_edited_at: datetime
    children: tuple[RegisteredItem, ...] = ()

    @property
    def keys(self) -> tuple[str | None, ...]:
        """The objects of the bucket that it stands for; None for a URL that is not one of them."""
        return tuple(_object_key(item.url) for item in (self.children or (self,)))

    @property
    def day(self) -> date | None:
        """The day in its key."""
        key = self.keys[0]
        return date.fromisoformat(key.split("/")[1].removeprefix("dt=")) if key else None


def _object_key(url: str | None) -> str | None:
    parts = urlsplit(url or "")
    if parts.netloc != f"{BUCKET}.s3.{REGION}.amazonaws.com" or parts.query or parts.fragment:
        return None
    return unquote(parts.path.removeprefix("/"), errors="strict")


def read_folder(running: Services, path: str) -> list[RegisteredItem]:
    """Read every item of a folder with the official SDK.

    :param path: names of the folders from the top, joined by ``/``
    :returns: its items; none when there is no such folder
    :raises LookupError: when there is more than one folder of a name
    """
    from encord import EncordUserClient

    client = EncordUserClient.create_with_ssh_private_key(
        ssh_private_key_path=running.private_key_path, domain=running.encord_url
    )
    top, *rest = path.split("/")
    folder = _named(top, client.list_storage_folders(search=top))
    for name in rest:
        folder = folder and _named(name, folder.list_subfolders(search=name))
    return [_registered(item) for item in folder.list_items(page_size=1000)] if folder else []


def _named(name: str, folders: Iterable[StorageFolder]) -> StorageFolder | None:
    found = [folder for folder in folders if folder.name == name]
    if len(found) > 1:
        raise LookupError(f"{len(found)} folders are named {name!r}")
    return found[0] if found else None


def _registered(item: SdkItem) -> RegisteredItem:
    children = item.get_child_items() if item.item_type.name in _OF_SEVERAL_FILES else ()
    return RegisteredItem(
        uuid=str(item.uuid),
        kind=item.item_type.name,
        name=item.name,
        storage=item.storage_location.name,
        url=item.url,
        metadata=item.client_metadata or {},
        last_edited_at=item.last_edited_at,
        children=tuple(_registered(child) for child in children),
    )


def differences(expected: Sequence[ExpectedItem], registered: Sequence[RegisteredItem]) -> Iterator[str]:
    """Say how the registered items differ from the expected ones, object by object; nothing when they agree."""
    wanted: dict[tuple[str | None, ...], ExpectedItem] = {item.keys: item for item in expected}
    seen: set[tuple[str | None, ...]] = set()
    for item in registered:
        label = item.name if item.children else item.url
        want = wanted.get(item.keys)
        if want is None:
            yield f"registered, but not expected: {item.kind} {label} ({len(item.keys)} objects)"
            continue
        if item.keys in seen:
            yield f"registered more than once: {label}"
        seen.add(item.keys)
        if item.kind != want.kind:
            yield f"registered as {item.kind} instead of {want.kind}: {label}"
        if item.storage != _STORAGE:
            yield f"read from {item.storage} instead of {_STORAGE}: {label}"
        if item.metadata != want.metadata:
            yield f"metadata of {label} is {item.metadata}, expected {dict(want.metadata)}"
    for keys in wanted.keys() - seen:
        yield f"not registered: {wanted[keys].kind} {keys[0]}" + (
            f" and {len(keys) - 1} more" if keys[1:] else ""
        )


def changes(before: Sequence[RegisteredItem], after: Sequence[RegisteredItem]) -> Iterator[str]:
    """Say what happened to the items between two readings: added, removed, or any field changed."""
    old, new = ({item.uuid: item for item in items} for items in (before, after))
    for uuid in old.keys() | new.keys():
        if uuid not in new:
            yield f"removed: {old[uuid].name}"
        elif uuid not in old:
            yield f"added: {new[uuid].name}"
        elif old[uuid] != new[uuid]:
            yield f"changed: {old[uuid]} -> {new[uuid]}"
