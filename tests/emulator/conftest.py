"""Fixtures of the emulator's tests: the official SDK on one side, moto's S3 on the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from encord import EncordUserClient
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator

_BUCKETS = itertools.count()
_MARKERS = (
    "sdk_method(*names, evidence, works=True, note=''): the SDK methods that a test stands for",
    "live: runs against the real service",
    "emulator_only: needs the emulator, not run against the real service",
    "cloud_data: registers cloud data",
    "changes_organisation: changes what the whole organisation shares",
)


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.fixture(scope="session")
def s3(s3_endpoint: str) -> Any:
    """A boto3 client of moto's S3."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="session")
def s3_emulator_server(s3_endpoint: str) -> Iterator[EncordEmulator]:
    """An emulator that looks objects up in moto's S3."""
    from encord_provider.emulator.server import EncordEmulator

    with EncordEmulator(s3_endpoint=s3_endpoint) as emulator:
        yield emulator


@pytest.fixture
def s3_emulator(s3_emulator_server: EncordEmulator) -> EncordEmulator:
    """The same with an empty state."""
    s3_emulator_server.reset()
    return s3_emulator_server


@pytest.fixture
def bucket(s3: Any) -> str:
    """An empty bucket of the test's own."""
    name = f"bucket-{next(_BUCKETS)}"
    s3.create_bucket(Bucket=name)
    return name


def sdk_client(emulator: EncordEmulator, private_key: str | None = None) -> EncordUserClient:
    """The official SDK's client, with one try per call so that faults show."""
    from encord import EncordUserClient
    from encord.http.constants import RequestsSettings

    return EncordUserClient.create_with_ssh_private_key(
        private_key or emulator.private_key,
        domain=emulator.url,
        requests_settings=RequestsSettings(max_retries=0, connection_retries=0),
    )


@pytest.fixture
def client(encord_emulator: EncordEmulator) -> EncordUserClient:
    """The SDK's client of the emulator's first user."""
    return sdk_client(encord_emulator)


@pytest.fixture
def folder(client: EncordUserClient) -> StorageFolder:
    """A folder at the root."""
    return client.create_storage_folder("Trucks")


@pytest.fixture
def s3_client(s3_emulator: EncordEmulator) -> EncordUserClient:
    """The SDK's client of the emulator with S3."""
    return sdk_client(s3_emulator)


@pytest.fixture
def s3_folder(s3_client: EncordUserClient) -> StorageFolder:
    """A folder at the root of the emulator with S3."""
    return s3_client.create_storage_folder("Trucks")


@pytest.fixture
def aws(client: EncordUserClient) -> str:
    """UUID of the AWS S3 integration, the same in every emulator."""
    return client.get_cloud_integrations()[0].id
