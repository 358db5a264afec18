"""What tests of several parts of the SDK begin with: datasets, projects, registered images, a colleague."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.emulator.conftest import sdk_client
from tests.emulator.sdk.conftest import Service

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


def new_dataset(service: Service, title: str = "Trucks", *, mirrored: bool = False) -> Any:
    from encord.orm.dataset import StorageLocation

    created = service.client.create_dataset(
        f"{title} {uuid.uuid4()}", StorageLocation.AWS, "of oslo", create_backing_folder=mirrored
    )
    return service.client.get_dataset(created.dataset_hash)


def registered(service: Service, folder: Any, count: int) -> list[Any]:
    result = service.register(folder, service.images(count))
    return [item.item_uuid for item in result.items_with_names]


def new_project(service: Service, *datasets: Any) -> Any:
    project_hash = service.client.create_project(
        f"Trucks {uuid.uuid4()}", [dataset.dataset_hash for dataset in datasets], "of oslo"
    )
    return service.client.get_project(project_hash)


def add_colleague(emulator: EncordEmulator, email: str = "colleague@example.com") -> Any:
    """A member of the organisation, and the SDK's client with a key of theirs."""
    from encord_provider.emulator.organisation.users.models import OrganisationRole, User

    def add(store: Any) -> str:
        user = store.users.add(User(email=email, role=OrganisationRole.MEMBER))
        return store.users.new_key(user).private_key

    return sdk_client(emulator, emulator.call(add))
