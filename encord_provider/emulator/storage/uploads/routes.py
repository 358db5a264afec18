"""Places for local files."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.calls import ApiRoute, Call
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.storage.folders.models import Role, folder_of
from encord_provider.emulator.storage.media_types import MEDIA_TYPES
from encord_provider.emulator.storage.uploads.models import Upload, Uploads

MAX_URLS = 200


async def create_upload_urls(call: Call) -> Any:
    """Signed URLs to send files of a folder to."""
    folder = folder_of(call, Role.ADMIN)
    count = call.body.number("count", minimum=1, maximum=100_000)
    item_type = MEDIA_TYPES.parse(call.body.required_text("itemType"), ("body", "itemType"))
    subfolder = call.body.text("framesSubfolderName")
    return _page(
        call,
        [
            call.store[Uploads].create(folder_uuid=folder.uuid, item_type=item_type, subfolder=subfolder)
            for _ in range(count)
        ],
    )


async def create_presigned_urls(call: Call) -> Any:
    """Signed URLs to send files to that belong to no folder yet."""
    count = call.query.number("count", 1, minimum=1, maximum=MAX_URLS)
    item_type = MEDIA_TYPES.parse(call.query.text("uploadItemType") or "image", ("query", "uploadItemType"))
    return _page(
        call, [call.store[Uploads].create(folder_uuid="unfiled", item_type=item_type) for _ in range(count)]
    )


def _page(call: Call, uploads: list[Upload]) -> dict[str, Any]:
    return {
        "results": [
            {
                "itemUuid": upload.uuid,
                "objectKey": upload.object_key,
                "signedUrl": call.link(upload.object_key, method="PUT"),
                "uploadHeaders": {},
            }
            for upload in uploads
        ],
        "nextPageToken": None,
    }


ENTITY = Entity(
    name="uploads",
    part=Uploads,
    routes=[
        ApiRoute("POST", "storage/folders/{folder:uuid}/upload-signed-urls", create_upload_urls),
        ApiRoute("GET", "presigned-urls", create_presigned_urls),
    ],
)
