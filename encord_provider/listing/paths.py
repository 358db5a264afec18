"""Objects below a path: Google Cloud Storage, Azure Blob, a local folder, anything that fsspec opens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast

from encord_provider.exceptions import ListingError
from encord_provider.listing.objects import ListedObject
from encord_provider.listing.order import in_key_order

_TIMES = ("LastModified", "last_modified", "updated", "mtime")


class ListablePath(Protocol):
    """What is needed of a folder: Airflow's ``ObjectStoragePath`` and every other ``UPath`` have it."""

    @property
    def fs(self) -> Any:
        """The fsspec file system."""
        ...

    @property
    def path(self) -> str:
        """The path inside the file system, for object stores with the bucket in front."""
        ...


def list_path(root: ListablePath | Path) -> Iterator[ListedObject]:
    """List the objects below a path in key order.

    :param root: a folder of an object store, or a local folder.
    :returns: the objects. Their keys are those of the bucket; below a local folder, paths relative to it.
    :raises ListingError: when there is no such folder, or it may not be read.
    """
    # With Airflow 3.1, a path of any file system is a pathlib.Path too.
    if isinstance(root, Path) and not hasattr(root, "fs"):
        return in_key_order(_local(root))
    return in_key_order(_remote(cast("ListablePath", root)))


def _local(root: Path) -> Iterator[ListedObject]:
    if not root.is_dir():
        raise ListingError(f"there is no folder {root}")
    for path in root.rglob("*"):
        if path.is_file():
            status = path.stat()
            time = datetime.fromtimestamp(status.st_mtime, UTC)
            yield ListedObject(_readable(path.relative_to(root).as_posix(), root), status.st_size, time)


def _remote(root: ListablePath) -> Iterator[ListedObject]:
    base = str(root.path).strip("/")
    local = "file" in _protocols(root.fs)
    try:
        if not root.fs.exists(root.path):
            raise ListingError(f"there is no folder {root}")
        for info in _found(root):
            name = str(info["name"]).lstrip("/")
            key = name[len(base) :].lstrip("/") if local else name.partition("/")[2]
            yield ListedObject(_readable(key, root), info.get("size"), _time(info), info.get("StorageClass"))
    except PermissionError as error:
        raise ListingError(f"{root} may not be listed: {error}") from None
    except FileNotFoundError:
        raise ListingError(f"there is no folder {root}") from None


def _found(root: ListablePath) -> Iterator[Mapping[str, Any]]:
    """What the file system finds below a path.

    An object store finds keys. Walking it folder by folder would make folders of keys with ``//`` in them and lose
    these. A file system without a way of its own to find walks, and says what it may not read only when asked to.
    """
    from fsspec import AbstractFileSystem  # type: ignore[import-untyped]
    from fsspec.asyn import AsyncFileSystem  # type: ignore[import-untyped]

    kind = type(root.fs)
    if issubclass(kind, AsyncFileSystem):
        walks = kind._find is AsyncFileSystem._find
    else:
        walks = getattr(kind, "find", None) is AbstractFileSystem.find
    asked = {"on_error": "raise"} if walks else {}
    found = root.fs.find(root.path, detail=True, **asked)
    return (info for info in found.values() if info.get("type") != "directory")


def _readable(key: str, root: ListablePath | Path) -> str:
    try:
        key.encode()
    except UnicodeEncodeError:
        raise ListingError(
            f"the name {key!r} below {root} is not valid UTF-8, so that it has no URL; rename it"
        ) from None
    return key


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _time(info: Mapping[str, Any]) -> datetime | None:
    value = next((info[name] for name in _TIMES if info.get(name) is not None), None)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None
