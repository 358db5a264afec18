"""Signed URLs: reading files and metadata, sending local files. No other authentication, as in a real cloud."""

from __future__ import annotations

import mimetypes

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encord_provider.emulator.core.errors import ApiError, not_found
from encord_provider.emulator.core.gateway import HasStore, error_answer
from encord_provider.emulator.core.links import PREFIX
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.storage.items.models import Item
from encord_provider.emulator.storage.objects.s3 import ObjectError
from encord_provider.emulator.storage.objects.urls import ObjectUrlError, StorageLocation, parse_object_url


async def read_item_file(store: Store, item: Item) -> tuple[bytes, str]:
    """An item's file and its content type.

    :raises ApiError: 404 if there is no such file, or none that the emulator could read.
    """
    if item.url is None:
        raise not_found(f"item {item.name!r} has no file of its own")
    if item.location is StorageLocation.ENCORD:
        upload = store.uploads.by_key(item.url)
        if upload is None or upload.content is None:
            raise not_found(f"the file of item {item.name!r} was never uploaded")
        return upload.content, upload.content_type
    if store.objects is None:
        raise not_found("the emulator was started without an S3 endpoint, so that objects have no content")
    try:
        name = parse_object_url(item.url, item.location)
        try:
            return await store.objects.read(name.bucket, name.key)
        except ObjectError:
            if name.other_key is None:
                raise
            return await store.objects.read(name.bucket, name.other_key)
    except (ObjectUrlError, ObjectError) as error:
        raise not_found(str(error)) from None


def routes(owner: HasStore) -> list[Route]:
    """The routes, on the present state of ``owner``."""

    async def handle(request: Request) -> Response:
        name = request.path_params["name"]
        query = request.query_params
        try:
            owner.links.check(
                "PUT" if request.method == "PUT" else "GET",
                name,
                query.get("X-Expires"),
                query.get("X-Signature"),
            )
            if request.method == "PUT":
                return await _receive(owner.store, name, request)
            return await _send(owner.store, name)
        except ApiError as error:
            answer = error_answer(error)
            return Response(answer.content, answer.status, media_type=answer.content_type)

    return [Route(PREFIX + "{name:path}", handle, methods=["GET", "PUT"])]


async def _receive(store: Store, name: str, request: Request) -> Response:
    upload = store.uploads.by_key(name)
    if upload is None:
        raise not_found(f"there is no upload {name}")
    upload.content = await request.body()
    upload.content_type = request.headers.get("content-type") or "application/octet-stream"
    return Response(status_code=200)


async def _send(store: Store, name: str) -> Response:
    kind, _, uuid = name.partition("/")
    item = store.items.get(uuid)
    if item is None:
        raise not_found(f"there is no item {uuid}")
    if kind == "metadata":
        return Response(item.metadata, media_type="application/json")
    content, content_type = await read_item_file(store, item)
    guessed = item.mime_type or mimetypes.guess_type(item.name)[0]
    return Response(content, media_type=guessed or content_type)
