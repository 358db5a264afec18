"""Cloud integrations: credentials that Encord holds for a bucket owner's cloud."""

from __future__ import annotations

from dataclasses import dataclass, field

from encord_provider.emulator.core.calls import Caller
from encord_provider.emulator.core.errors import forbidden
from encord_provider.emulator.core.store import Store
from encord_provider.emulator.core.table import Table, no_access
from encord_provider.emulator.storage.objects.urls import StorageLocation

DEFAULT_INTEGRATIONS: tuple[tuple[str, str, StorageLocation], ...] = (
    ("a5000000-0000-4000-8000-000000000001", "AWS S3", StorageLocation.S3),
    ("a5000000-0000-4000-8000-000000000002", "Google Cloud Storage", StorageLocation.GCP),
    ("a5000000-0000-4000-8000-000000000003", "Azure Blob Storage", StorageLocation.AZURE),
    ("a5000000-0000-4000-8000-000000000004", "Open Telekom Cloud", StorageLocation.OPEN_TELEKOM),
    ("a5000000-0000-4000-8000-000000000005", "S3 compatible", StorageLocation.S3_COMPATIBLE),
)
"""UUID, title and cloud of the integrations that every emulator starts with."""


@dataclass(eq=False, slots=True)
class Integration:
    """One integration.

    :param can_write: whether Encord may write to the bucket, which image sequences need.
    :param client_only: strict client-only access: Encord reads nothing, so that media metadata is required and
        nothing can be converted.
    :param admins: e-mail addresses of the users who may register data with it; ``None`` means everybody.
    """

    uuid: str
    title: str
    location: StorageLocation
    can_write: bool = True
    client_only: bool = False
    admins: list[str] | None = None
    users: list[str] = field(default_factory=list)

    def is_admin(self, user: Caller) -> bool:
        """Whether ``user`` may register data with it."""
        return self.admins is None or user.email in self.admins

    def is_visible(self, user: Caller) -> bool:
        """Whether ``user`` sees it in lists."""
        return self.is_admin(user) or user.email in self.users


class Integrations(Table[Integration]):
    """All integrations, in the order in which they were added."""

    entry = Integration

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        for uuid, title, location in DEFAULT_INTEGRATIONS:
            self.add(Integration(uuid=uuid, title=title, location=location))

    def visible(
        self, user: Caller, *, uuids: list[str], titles: list[str], include_org_access: bool
    ) -> list[Integration]:
        """The integrations that ``user`` sees and that match both filters (an empty filter matches all)."""
        if include_org_access and not user.is_organisation_admin:
            raise forbidden("only an admin of the organisation can list all its integrations")
        return [
            integration
            for integration in self._entries.values()
            if (include_org_access or integration.is_visible(user))
            and (not uuids or integration.uuid in uuids)
            and (not titles or integration.title in titles)
        ]

    def require_admin(self, uuid: str, user: Caller) -> Integration:
        """The integration, for registering data with it.

        :raises ApiError: 403 if it does not exist or ``user`` is not its admin.
        """
        integration = self._entries.get(uuid)
        if integration is None or not integration.is_visible(user):
            raise no_access("integration", uuid)
        if not integration.is_admin(user):
            raise forbidden(f"you are not an admin of the integration {integration.title!r} ({uuid})")
        return integration
