"""Cloud-synced folders through the SDK, on moto's S3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS

AWS = DEFAULT_INTEGRATIONS[0][0]


@pytest.fixture
def synced(s3: Any, bucket: str, s3_client: Any) -> Any:
    from encord.orm.storage import CloudSyncedFolderParams

    return s3_client.create_storage_folder(
        "Fleet",
        cloud_synced_folder_params=CloudSyncedFolderParams(
            integration_uuid=AWS, remote_url=f"s3://{bucket}/data/"
        ),
    )


def sync(folder: Any) -> Any:
    job = folder.sync_private_data_with_cloud_synced_folder_start()
    return folder.sync_private_data_with_cloud_synced_folder_get_result(job)


def put(s3: Any, bucket: str, key: str, body: bytes = b"x") -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=body)


@pytest.mark.sdk_method(
    "StorageFolder.sync_private_data_with_cloud_synced_folder_start",
    "StorageFolder.sync_private_data_with_cloud_synced_folder_get_result",
    evidence="documented",
    note="needs --s3-endpoint",
)
def test_a_folder_follows_its_bucket(s3: Any, bucket: str, synced: Any) -> None:
    not_synced = ("skip.exe", "scan.dcm", "brain.nii.gz", "imu.csv", "cloud.pcd")
    for key in ("data/a.jpg", "data/deep/b.mp4", "outside.jpg", *(f"data/{name}" for name in not_synced)):
        put(s3, bucket, key)

    first = sync(synced)

    assert synced.is_cloud_synced
    assert [(item.name, item.item_type.value) for item in synced.list_items()] == [
        ("a.jpg", "image"),
        ("deep/b.mp4", "video"),
    ]
    assert (first.status.value, first.upload_jobs_units_done, first.scan_pages_processing_done) == (
        "done",
        2,
        1,
    )
    assert sync(synced).upload_jobs_units_done == 0


def test_a_vanished_object_becomes_a_tombstone_and_revives_as_the_same_item(
    s3: Any, bucket: str, synced: Any
) -> None:
    put(s3, bucket, "data/a.jpg")
    sync(synced)
    [before] = synced.list_items()
    s3.delete_object(Bucket=bucket, Key="data/a.jpg")

    sync(synced)
    [buried] = synced.list_items()
    put(s3, bucket, "data/a.jpg")
    sync(synced)
    [revived] = synced.list_items()

    assert (buried.uuid, buried._orm_item.is_tombstone) == (before.uuid, True)
    assert (revived.uuid, revived._orm_item.is_tombstone) == (before.uuid, False)


def test_a_changed_object_is_refreshed(s3: Any, bucket: str, synced: Any) -> None:
    put(s3, bucket, "data/a.jpg", b"old")
    sync(synced)
    put(s3, bucket, "data/a.jpg", b"newer")

    assert sync(synced).upload_jobs_units_done == 1
    assert [item.file_size for item in synced.list_items()] == [5]


@pytest.mark.sdk_method(
    "StorageFolder.enable_metadata_ingestion",
    "StorageFolder.get_folder_config",
    evidence="inferred",
    note="the content of a sidecar file is taken to be the metadata itself",
)
def test_sidecar_files_become_metadata_of_their_partners(s3: Any, bucket: str, synced: Any) -> None:
    synced.enable_metadata_ingestion()
    put(s3, bucket, "data/a.jpg")
    put(s3, bucket, "data/a.jpg.metadata.json", json.dumps({"site": "oslo"}).encode())
    put(s3, bucket, "data/b.jpg")
    put(s3, bucket, "data/b.jpg.metadata.json", b"not JSON")

    result = sync(synced)

    assert [(item.name, item.client_metadata) for item in synced.list_items()] == [
        ("a.jpg", {"site": "oslo"}),
        ("b.jpg", {}),
    ]
    assert result.upload_jobs_units_error == 1
    assert synced.get_folder_config().metadata_ingestion.matcher.suffix == ".metadata.json"


def test_a_paused_ingestion_hides_sidecar_files_without_reading_them(
    s3: Any, bucket: str, synced: Any
) -> None:
    synced.enable_metadata_ingestion(paused=True)
    put(s3, bucket, "data/a.jpg")
    put(s3, bucket, "data/a.jpg.metadata.json", b'{"site": "oslo"}')

    sync(synced)

    assert [(item.name, item.client_metadata) for item in synced.list_items()] == [("a.jpg", {})]


def test_a_bucket_that_cannot_be_listed_ends_the_sync_with_an_error(s3_client: Any) -> None:
    from encord.orm.storage import CloudSyncedFolderParams

    folder = s3_client.create_storage_folder(
        "Fleet",
        cloud_synced_folder_params=CloudSyncedFolderParams(
            integration_uuid=AWS, remote_url="s3://no-such-bucket/"
        ),
    )

    assert sync(folder).status.value == "error"


def test_an_ordinary_folder_cannot_be_synced(s3_folder: Any) -> None:
    from encord.exceptions import InvalidArgumentsError

    with pytest.raises(InvalidArgumentsError):
        s3_folder.sync_private_data_with_cloud_synced_folder_start()


def test_a_remote_url_must_end_with_a_slash(s3_client: Any) -> None:
    from encord.exceptions import InvalidArgumentsError
    from encord.orm.storage import CloudSyncedFolderParams

    with pytest.raises(InvalidArgumentsError, match="must end with '/'"):
        s3_client.create_storage_folder(
            "Fleet",
            cloud_synced_folder_params=CloudSyncedFolderParams(
                integration_uuid=AWS, remote_url="s3://bucket/data"
            ),
        )
