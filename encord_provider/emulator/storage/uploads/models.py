"""Files that clients upload to Encord's own storage before they register them."""

from __future__ import annotations

from dataclasses import dataclass

from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Table
from encord_provider.emulator.storage.media_types import MediaType


@dataclass(eq=False, slots=True, kw_only=True)
class Upload:
    """A place for one file.

    :param uuid: UUID that the item gets when it is registered.
    :param content: the file, or ``None`` as long as nothing was sent.
    """

    uuid: str
    object_key: str
    item_type: MediaType
    content: bytes | None = None
    content_type: str = "application/octet-stream"


class Uploads(Table[Upload]):
    """Encord's own storage."""

    entry = Upload
    noted = True

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._by_key: dict[str, Upload] = {}

    def create(self, *, folder_uuid: str, item_type: MediaType, subfolder: str | None = None) -> Upload:
        """Make a place for a file."""
        uuid = self._chance.uuid()
        parts = ["uploads", folder_uuid, *([subfolder] if subfolder else []), uuid]
        return self.add(Upload(uuid=uuid, object_key="/".join(parts), item_type=item_type))

    def add(self, upload: Upload) -> Upload:
        """Take in a place for a file."""
        self._by_key[upload.object_key] = upload
        return super().add(upload)

    def receive(self, upload: Upload, content: bytes, content_type: str | None) -> None:
        """Take in the file of a place."""
        upload.content = content
        upload.content_type = content_type or "application/octet-stream"
        self.note(upload)

    def by_key(self, object_key: str) -> Upload | None:
        """The place of that object key, or ``None``."""
        return self._by_key.get(object_key)
