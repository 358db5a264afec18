"""The web page and what it shows: folders, items, thumbnails."""

from __future__ import annotations

from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encord_provider.emulator.collections.models import Collections
from encord_provider.emulator.core.calls import Answer, HasStore
from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.core.control import Controlled, ControlRoute
from encord_provider.emulator.core.errors import bad_request
from encord_provider.emulator.datasets.models import Datasets
from encord_provider.emulator.organisation.schema.models import MetadataSchema
from encord_provider.emulator.projects.models import Projects
from encord_provider.emulator.storage.folders.models import Folder, Folders
from encord_provider.emulator.storage.items.contents import Order, page_of
from encord_provider.emulator.storage.items.item import Item
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.objects.routes import read_item_file

_PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"


async def list_folders(owner: HasStore, _: Request) -> Any:
    """All folders with their paths and how many items they list."""
    owner.store[Items].settle_listings()
    contents = owner.store[Items].contents
    return [_folder(folder, len(contents(folder))) for folder in owner.store[Folders]]


async def list_items(owner: HasStore, request: Request) -> Any:
    """One page of a folder's items."""
    folder = owner.store[Folders].known(str(request.path_params["folder"]))
    size = request.query_params.get("size", "60")
    if not size.isdigit() or not 1 <= int(size) <= 1000:
        raise bad_request("size must be a number from 1 to 1000")
    search = request.query_params.get("search", "").casefold()
    owner.store[Items].settle_listings()
    page, token = page_of(
        [owner.store[Items].contents(folder)],
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


async def get_schema(owner: HasStore, _: Request) -> Any:
    """The metadata schema."""
    return owner.store[MetadataSchema].keys


async def get_curation(owner: HasStore, _: Request) -> Any:
    """Datasets, collections and projects, each with what it is made of and how much it holds."""
    store = owner.store
    rows: list[tuple[str, Any, str, str, int]] = []
    for dataset in store[Datasets]:
        folder = dataset.backing_folder
        kind = "mirrored dataset" if folder else "dataset"
        rows.append((kind, dataset, dataset.title, folder.path() if folder else "", len(dataset.rows)))
    for collection in store[Collections].all():
        size = len(store[Collections].items(collection))
        rows.append(("collection", collection, collection.name, collection.folder.path(), size))
    for project in store[Projects]:
        titles = ", ".join(dataset.title for dataset in project.datasets)
        rows.append(("project", project, project.title, titles, len(project.rows())))
    return [
        {"kind": kind, "uuid": entry.uuid, "name": name, "of": of, "size": size}
        for kind, entry, name, of, size in rows
    ]


def routes(owner: Controlled) -> list[Route]:
    """The routes, on the present state of ``owner``."""
    return [
        *(Route(path, _page_file(*file), methods=["GET"]) for path, file in _PAGE_FILES.items()),
        *(route.endpoint(owner) for route in _ROUTES),
    ]


def _page_file(name: str, media_type: str) -> Any:
    async def send(_: Request) -> Response:
        content = (resources.files("encord_provider.emulator.page") / name).read_bytes()
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return Response(content, media_type=media_type, headers=headers)

    return send


def _require(owner: HasStore, request: Request) -> Item:
    return owner.store[Items].known(str(request.path_params["item"]))


def _folder(folder: Folder, size: int) -> dict[str, Any]:
    return {
        "uuid": folder.uuid,
        "path": folder.path(),
        "items": size,
        "remoteUrl": folder.remote_url,
        "metadata": folder.metadata,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "uuid": item.uuid,
        "name": item.name,
        "type": item.type.name,
        "url": item.url,
        "metadata": item.metadata,
        "mimeType": item.mime_type,
        "fileSize": item.file_size,
        "createdAt": iso(item.created_at),
        "tombstone": item.tombstone,
        "children": [child.uuid for child in (item.children or ())[:4]],
        "childCount": len(item.children or ()),
        "isImage": item.type.is_image,
    }


_ROUTES = [
    ControlRoute("GET", "folders", list_folders),
    ControlRoute("GET", "folders/{folder:uuid}/items", list_items),
    ControlRoute("GET", "items/{item:uuid}/children", list_children),
    ControlRoute("GET", "items/{item:uuid}/content", get_content),
    ControlRoute("GET", "schema", get_schema),
    ControlRoute("GET", "curation", get_curation),
]
