"""A folder with items in an emulated Encord, and both clients of the data plane with little patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.api.async_client import AsyncEncordApi
from encord_provider.api.calls import (
    Call,
    UploadRequest,
    get_cloud_sync,
    get_upload_job,
    list_items,
    start_cloud_sync,
    start_upload_job,
)
from encord_provider.api.client import EncordApi
from encord_provider.api.items import StorageItem
from encord_provider.api.retry import RetryBudget

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

BUDGET = RetryBudget(seconds=20, first_wait=0.01, longest_wait=0.02)
INTEGRATION = "a5000000-0000-4000-8000-000000000001"
Perform = Callable[[Call[Any]], Any]


def image_url(name: str) -> str:
    return f"https://lake.s3.eu-west-1.amazonaws.com/{name}.png"


def upload_request(folder: str, names: list[str], *, skips: bool = True) -> UploadRequest:
    return UploadRequest(
        folder=folder,
        integration=INTEGRATION,
        data_items={
            "images": [{"objectUrl": image_url(name), "title": name} for name in names],
            "skipDuplicateUrls": skips,
        },
        skips_duplicates=skips,
        file_name="dag/run/task/part",
    )


@dataclass(frozen=True, kw_only=True)
class Lake:
    """A folder with two images, and one that is synchronised with a bucket."""

    folder: str
    job_id: str
    items: list[StorageItem]
    synced: str
    sync_id: str


def user_config(emulator: EncordEmulator, *, domain: str | None = None) -> Any:
    from encord.user_client import EncordUserClient

    client = EncordUserClient.create_with_ssh_private_key(emulator.private_key, domain=domain or emulator.url)
    return client.user_config


@pytest.fixture
def api(encord_emulator: EncordEmulator) -> Iterator[EncordApi]:
    with EncordApi(user_config=user_config(encord_emulator), budget=BUDGET) as client:
        yield client


@pytest.fixture
def folder(encord_emulator: EncordEmulator) -> str:
    from encord.user_client import EncordUserClient

    client = EncordUserClient.create_with_ssh_private_key(
        encord_emulator.private_key, domain=encord_emulator.url
    )
    return str(client.create_storage_folder("lake").uuid)


def make_synced_folder(emulator: EncordEmulator) -> Any:
    from encord.orm.storage import CloudSyncedFolderParams
    from encord.user_client import EncordUserClient

    client = EncordUserClient.create_with_ssh_private_key(emulator.private_key, domain=emulator.url)
    params = CloudSyncedFolderParams(integration_uuid=INTEGRATION, remote_url="s3://lake/synced/")
    return client.create_storage_folder("synced", cloud_synced_folder_params=params)


@pytest.fixture
def lake(api: EncordApi, folder: str, encord_emulator: EncordEmulator) -> Lake:
    job_id = api.perform(start_upload_job(upload_request(folder, ["a", "b"])))
    api.perform(get_upload_job(folder, job_id, hold=20))
    items = list(api.perform(list_items(folder)).items)
    assert len(items) == 2
    synced = str(make_synced_folder(encord_emulator).uuid)
    sync_id = api.perform(start_cloud_sync(synced))
    api.perform(get_cloud_sync(synced, sync_id, hold=20))
    return Lake(folder=folder, job_id=job_id, items=items, synced=synced, sync_id=sync_id)


@pytest.fixture(params=["sync", "async"])
def perform(request: pytest.FixtureRequest, encord_emulator: EncordEmulator) -> Perform:
    """Perform a call with one of the clients."""
    config = user_config(encord_emulator)

    def synchronously(call: Call[Any]) -> Any:
        with EncordApi(user_config=config, budget=BUDGET) as client:
            return client.perform(call)

    def on_a_loop(call: Call[Any]) -> Any:
        async def run() -> Any:
            async with AsyncEncordApi(user_config=config, budget=BUDGET) as client:
                return await client.perform(call)

        return asyncio.run(run())

    return synchronously if request.param == "sync" else on_a_loop
