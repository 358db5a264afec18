"""Signed URLs: reading files and metadata, sending local files. No other authentication, as in a real cloud."""

from __future__ import annotations

import mimetypes

from starlette.requests import Request
from starlette.routing import Route

from encord_provider.emulator.core.calls import Answer, HasStore
from encord_provider.emulator.core.control import plain_endpoint
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.core.errors import not_found
from encord_provider.emulator.core.links import PREFIX
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.storage.items.item import Item
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.objects.s3 import ObjectError, ObjectStore
from encord_provider.emulator.storage.objects.urls import ObjectUrlError, StorageLocation, parse_object_url
from encord_provider.emulator.storage.uploads.models import Uploads


async def read_item_file(store: Store, item: Item) -> tuple[bytes, str]:
    """An item's file and its content type.

    :raises ApiError: 404 if there is no such file, or none that the emulator could read.
    """
    if item.url is None:
        raise not_found(f"item {item.name!r} has no file of its own")
    if item.location is StorageLocation.ENCORD:
        upload = store[Uploads].by_key(item.url)
        if upload is None or upload.content is None:
            raise not_found(f"the file of item {item.name!r} was never uploaded")
        return upload.content, upload.content_type
    objects = store[ObjectStore]
    if not objects.endpoint:
        raise not_found("the emulator was started without an S3 endpoint, so that objects have no content")
    try:
        return await objects.read(parse_object_url(item.url, item.location))
    except (ObjectUrlError, ObjectError) as error:
        raise not_found(str(error)) from None


def routes(owner: HasStore) -> list[Route]:
    """The routes, on the present state of ``owner``."""

    async def carry_out(request: Request) -> Answer:
        name, query = request.path_params["name"], request.query_params
        method = "PUT" if request.method == "PUT" else "GET"
        owner.links.check(method, name, query.get("X-Expires"), query.get("X-Signature"))
        return await (_receive(owner.store, name, request) if method == "PUT" else _send(owner.store, name))

    return [Route(PREFIX + "{name:path}", plain_endpoint(carry_out), methods=["GET", "PUT"])]


async def _receive(store: Store, name: str, request: Request) -> Answer:
    upload = store[Uploads].by_key(name)
    if upload is None:
        raise not_found(f"there is no upload {name}")
    content = await request.body()
    store[Uploads].receive(upload, content, request.headers.get("content-type"))
    return Answer(b"")


async def _send(store: Store, name: str) -> Answer:
    kind, _, uuid = name.partition("/")
    item = store[Items].known(uuid)
    if kind == "metadata":
        return Answer(item.metadata.encode())
    content, content_type = await read_item_file(store, item)
    guessed = item.mime_type or mimetypes.guess_type(item.name)[0]
    return Answer(content, guessed or content_type)


ENTITY = Entity(name="objects", part=ObjectStore)
