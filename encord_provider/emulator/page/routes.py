"""The web page and what it shows: folders, items, thumbnails."""

from __future__ import annotations

from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encord_provider.emulator.core.calls import Answer
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.control import PREFIX, endpoint
from encord_provider.emulator.core.errors import bad_request, not_found
from encord_provider.emulator.core.gateway import HasStore
from encord_provider.emulator.storage.folders.models import Folder
from encord_provider.emulator.storage.items.index import Order, page_of
from encord_provider.emulator.storage.items.models import Item
from encord_provider.emulator.storage.media_types import ItemType
from encord_provider.emulator.storage.objects.routes import read_item_file

_PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"


async def list_folders(owner: HasStore, request: Request) -> Any:
    """All folders with their paths and how many items they list."""
    del request
    owner.store.items.settle_listings()
    return [_folder(folder) for folder in owner.store.folders.all()]


async def list_items(owner: HasStore, request: Request) -> Any:
    """One page of a folder's items."""
    folder = owner.store.folders.find(str(request.path_params["folder"]))
    if folder is None:
        raise not_found("there is no such folder")
    size = request.query_params.get("size", "60")
    if not size.isdigit() or not 1 <= int(size) <= 1000:
        raise bad_request("size must be a number from 1 to 1000")
    search = request.query_params.get("search", "").casefold()
    owner.store.items.settle_listings()
    page, token = page_of(
        [folder.index],
        order=Order.NAME,
        desc=False,
        token=request.query_params.get("token"),
        size=int(size),
        wanted=(lambda item: search in item.name.casefold()) if search else None,
    )
    return {"items": [_item(item) for item in page], "next": token}


async def list_children(owner: HasStore, request: Request) -> Any:
    """Frames of a group, files of a series."""
    return [_item(child) for child in _require(owner, request).children or ()]


async def get_content(owner: HasStore, request: Request) -> Any:
    """An item's file, for thumbnails."""
    item = _require(owner, request)
    content, content_type = await read_item_file(owner.store, item)
    headers = (
        ("Content-Security-Policy", "sandbox"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "max-age=3600"),
    )
    return Answer(content, item.mime_type or content_type, headers=headers)


async def get_schema(owner: HasStore, request: Request) -> Any:
    """The metadata schema."""
    del request
    return owner.store.schema.keys


def routes(owner: HasStore) -> list[Route]:
    """The routes, on the present state of ``owner``."""
    return [
        *(Route(path, _page_file(*file), methods=["GET"]) for path, file in _PAGE_FILES.items()),
        Route(PREFIX + "folders", endpoint(owner, list_folders), methods=["GET"]),
        Route(PREFIX + "folders/{folder:uuid}/items", endpoint(owner, list_items), methods=["GET"]),
        Route(PREFIX + "items/{item:uuid}/children", endpoint(owner, list_children), methods=["GET"]),
        Route(PREFIX + "items/{item:uuid}/content", endpoint(owner, get_content), methods=["GET"]),
        Route(PREFIX + "schema", endpoint(owner, get_schema), methods=["GET"]),
    ]


def _page_file(name: str, media_type: str) -> Any:
    async def send(request: Request) -> Response:
        del request
        content = (resources.files("encord_provider.emulator.page") / name).read_bytes()
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return Response(content, media_type=media_type, headers=headers)

    return send


def _require(owner: HasStore, request: Request) -> Item:
    item = owner.store.items.get(str(request.path_params["item"]))
    if item is None:
        raise not_found("there is no such item")
    return item


def _folder(folder: Folder) -> dict[str, Any]:
    return {
        "uuid": folder.uuid,
        "path": folder.path(),
        "items": len(folder.index),
        "remoteUrl": folder.remote_url,
        "metadata": folder.metadata,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "uuid": item.uuid,
        "name": item.name,
        "type": item.type,
        "url": item.url,
        "metadata": item.metadata,
        "mimeType": item.mime_type,
        "fileSize": item.file_size,
        "createdAt": iso(item.created_at),
        "tombstone": item.tombstone,
        "children": [child.uuid for child in (item.children or ())[:4]],
        "childCount": len(item.children or ()),
        "isImage": item.type is ItemType.IMAGE,
    }
