"""Files that clients upload to Encord's own storage before they register them."""

from __future__ import annotations

from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.storage.media_types import ItemType


class Upload:
    """A place for one file.

    :ivar uuid: UUID that the item gets when it is registered.
    :ivar content: the file, or ``None`` as long as nothing was sent.
    """

    __slots__ = ("content", "content_type", "item_type", "object_key", "uuid")

    def __init__(self, *, uuid: str, object_key: str, item_type: ItemType) -> None:
        self.uuid = uuid
        self.object_key = object_key
        self.item_type = item_type
        self.content: bytes | None = None
        self.content_type = "application/octet-stream"


class Uploads:
    """Encord's own storage."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._by_key: dict[str, Upload] = {}
        self._by_uuid: dict[str, Upload] = {}

    def create(self, *, folder_uuid: str, item_type: ItemType, subfolder: str | None = None) -> Upload:
        """Make a place for a file."""
        uuid = self._chance.uuid()
        parts = ["uploads", folder_uuid, *([subfolder] if subfolder else []), uuid]
        return self.add(Upload(uuid=uuid, object_key="/".join(parts), item_type=item_type))

    def add(self, upload: Upload) -> Upload:
        """Take in a place for a file."""
        self._by_key[upload.object_key] = upload
        self._by_uuid[upload.uuid] = upload
        return upload

    def all(self) -> list[Upload]:
        """Every place."""
        return list(self._by_uuid.values())

    def by_key(self, object_key: str) -> Upload | None:
        """The place of that object key, or ``None``."""
        return self._by_key.get(object_key)

    def by_uuid(self, uuid: str) -> Upload | None:
        """The place whose item has that UUID, or ``None``."""
        return self._by_uuid.get(uuid)
