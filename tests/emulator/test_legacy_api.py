"""The older API: who may call, what errors look like in its envelope, and faults in it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from encord_provider.emulator.core.keys import make_key_pair
from tests.emulator.conftest import sdk_client

if TYPE_CHECKING:
    from encord.dataset import Dataset
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator


@pytest.fixture
def dataset(client: Any) -> Dataset:
    """An empty dataset."""
    from encord.orm.dataset import StorageLocation

    created = client.create_dataset("Trucks", StorageLocation.AWS, create_backing_folder=False)
    return client.get_dataset(created.dataset_hash)


def call(
    emulator: EncordEmulator,
    *,
    query_type: str = "dataset",
    method: str = "GET",
    uid: Any = None,
    payload: Any = None,
    resource: tuple[str, str] = ("dataset", ""),
    private_key: str | None = None,
    tamper: bool = False,
) -> dict[str, Any]:
    """Send one call as the SDK signs it, and give the envelope of the answer."""
    from encord.configs import SshConfig

    config = SshConfig.from_ssh_private_key(private_key or emulator.private_key, domain=emulator.url)
    document = {
        "query_type": query_type,
        "query_method": method,
        "values": {"uid": uid, "payload": payload},
    }
    body = json.dumps(document)
    headers = config.define_headers(resource_id=resource[1], resource_type=resource[0], data=body)
    answer = requests.post(f"{emulator.url}/public", data=body + " " * tamper, headers=headers, timeout=10)
    assert answer.status_code == 200, "errors of the older API come in an envelope"
    return answer.json()


def test_an_answer_comes_in_an_envelope(encord_emulator: EncordEmulator, dataset: Dataset) -> None:
    envelope = call(encord_emulator, resource=("dataset", dataset.dataset_hash))

    assert envelope["status"] == 200
    assert envelope["response"]["title"] == "Trucks"


def test_an_altered_body_is_refused(encord_emulator: EncordEmulator, dataset: Dataset) -> None:
    envelope = call(encord_emulator, resource=("dataset", dataset.dataset_hash), tamper=True)

    assert (envelope["status"], envelope["response"]) == (401, ["AUTHENTICATION_ERROR"])


def test_a_key_that_nobody_registered_has_an_error_of_its_own(
    encord_emulator: EncordEmulator, dataset: Dataset
) -> None:
    from encord.exceptions import SshKeyNotFound

    stranger = sdk_client(encord_emulator, make_key_pair().private_key)

    with pytest.raises(SshKeyNotFound):
        stranger.get_dataset(dataset.dataset_hash)


def test_a_request_without_a_signature_is_refused(encord_emulator: EncordEmulator) -> None:
    answer = requests.post(f"{encord_emulator.url}/public/user", data=b"{}", timeout=10)

    assert answer.json()["response"] == ["AUTHENTICATION_ERROR"]


@pytest.mark.parametrize(
    ("fields", "status", "code", "says"),
    [
        ({"resource": ("dataset", str(uuid.UUID(int=7)))}, 404, "RESOURCE_NOT_FOUND_ERROR", "no dataset"),
        ({"resource": ("dataset", "trucks")}, 404, "RESOURCE_NOT_FOUND_ERROR", "trucks"),
        ({"payload": []}, 422, "INVALID_ARGUMENTS_ERROR", "JSON object"),
        ({"query_type": "datarows", "payload": {"created_before": "soon"}}, 422, None, "ISO 8601"),
        (
            {"query_type": "datasetlinkitems", "method": "POST", "payload": {"item_uuids": ["a"]}},
            422,
            "INVALID_ARGUMENTS_ERROR",
            "item_uuids",
        ),
        ({"query_type": "video", "method": "DELETE", "uid": 7}, 400, "INVALID_ARGUMENTS_ERROR", "UUIDs"),
        ({"query_type": "labelrow"}, 501, "NOT_COVERED_BY_THE_EMULATOR", "not labels"),
    ],
)
def test_errors_carry_status_code_and_reason(
    encord_emulator: EncordEmulator,
    dataset: Dataset,
    fields: dict[str, Any],
    status: int,
    code: str | None,
    says: str,
) -> None:
    envelope = call(encord_emulator, **{"resource": ("dataset", dataset.dataset_hash), **fields})

    assert envelope["status"] == status
    assert envelope["response"] == [code or "INVALID_ARGUMENTS_ERROR"]
    assert says in envelope["payload"]


def test_calls_are_logged_under_names_of_their_own(encord_emulator: EncordEmulator, dataset: Dataset) -> None:
    dataset.list_data_rows()

    [entry] = encord_emulator.requests("list_data_rows")
    assert (entry["target"], entry["user"], entry["status"]) == ("/public", "emulator@example.com", 200)


def test_faults_strike_the_older_api_too(encord_emulator: EncordEmulator, dataset: Dataset) -> None:
    from encord.exceptions import RateLimitExceededError, RequestException

    encord_emulator.inject_fault("status", route="list_data_rows", status=429, count=1, retry_after=7)
    with pytest.raises(RateLimitExceededError) as caught:
        dataset.list_data_rows()
    assert caught.value.retry_after == 7

    encord_emulator.inject_fault("reset_before", route="list_data_rows", count=1)
    with pytest.raises(RequestException):
        dataset.list_data_rows()

    encord_emulator.inject_fault("truncated_body", route="list_data_rows", count=1)
    with pytest.raises(RequestException, match="JSON"):
        dataset.list_data_rows()
    assert dataset.list_data_rows() == []


def test_a_lost_answer_leaves_the_items_linked(
    encord_emulator: EncordEmulator, dataset: Dataset, folder: StorageFolder, aws: str
) -> None:
    from encord.exceptions import RequestException

    job = folder.add_private_data_to_folder_start(aws, {"images": [{"objectUrl": "s3://fleet/0.jpg"}]})
    [item] = folder.add_private_data_to_folder_get_result(job).items_with_names
    encord_emulator.inject_fault("reset_after", route="link_items", count=1)

    with pytest.raises(RequestException):
        dataset.link_items([item.item_uuid])

    assert dataset.link_items([item.item_uuid]) == []
    assert len(dataset.list_data_rows()) == 1


def test_a_body_that_is_too_large_is_refused_with_413(
    encord_emulator: EncordEmulator, dataset: Dataset
) -> None:
    from encord.exceptions import PayloadTooLargeError

    encord_emulator.change_settings(max_body_bytes=1000)

    with pytest.raises(PayloadTooLargeError, match="1000"):
        dataset.list_data_rows(title_eq="x" * 1000)


def test_a_bearer_token_opens_every_entity(
    encord_emulator: EncordEmulator, client: Any, dataset: Dataset, folder: StorageFolder, aws: str
) -> None:
    from encord import EncordUserClient

    job = folder.add_private_data_to_folder_start(aws, {"images": [{"objectUrl": "s3://fleet/0.jpg"}]})
    [item] = folder.add_private_data_to_folder_get_result(job).items_with_names
    bearer = EncordUserClient.create_with_bearer_token(client.get_bearer_token(), domain=encord_emulator.url)

    theirs = bearer.get_dataset(dataset.dataset_hash)
    theirs.link_items([item.item_uuid])
    collection = bearer.create_collection(folder.uuid, "all")
    collection.add_items([item.item_uuid])
    preset = bearer.create_preset(
        "first", filter_preset_json={"global_filters": {"filters": [{"key": "n", "values": [0]}]}}
    )
    group = bearer.create_group("labellers")
    tag = bearer.create_organisation_tag("night")
    project = bearer.get_project(bearer.create_project("Wipers", [dataset.dataset_hash]))
    schema = bearer.metadata_schema()
    schema.add_scalar("n", data_type="number")
    schema.save()

    assert [row.backing_item_uuid for row in theirs.list_data_rows()] == [item.item_uuid]
    assert [entry.uuid for entry in collection.list_items()] == [item.item_uuid]
    assert [entry.uuid for entry in client.list_presets()] == [preset.uuid]
    assert [entry.group_hash for entry in client.list_groups()] == [group.group_hash]
    assert client.list_organisation_tags() == [tag]
    assert [row.backing_item_uuid for row in project.list_label_rows_v2()] == [item.item_uuid]
    assert [user.email for user in bearer.list_organisation_users()] == ["emulator@example.com"]
    assert client.metadata_schema().keys() == ["n"]
    assert {entry["user"] for entry in encord_emulator.requests()} == {"emulator@example.com"}


def test_a_wrong_bearer_token_is_refused_everywhere(
    encord_emulator: EncordEmulator, dataset: Dataset
) -> None:
    from encord import EncordUserClient
    from encord.exceptions import AuthenticationError

    stranger = EncordUserClient.create_with_bearer_token("guessed", domain=encord_emulator.url)

    with pytest.raises(AuthenticationError):
        stranger.get_dataset(dataset.dataset_hash)
    with pytest.raises(AuthenticationError):
        stranger.list_organisation_users()


def test_the_overview_counts_what_is_made_of_items(
    encord_emulator: EncordEmulator, client: Any, dataset: Dataset, folder: StorageFolder
) -> None:
    client.create_collection(folder.uuid, "all")
    client.create_project("Wipers", [dataset.dataset_hash])

    state = requests.get(f"{encord_emulator.url}/_emulator/state", timeout=10).json()

    assert {name: state["counts"][name] for name in ("datasets", "collections", "projects", "groups")} == {
        "datasets": 1,
        "collections": 1,
        "projects": 1,
        "groups": 0,
    }


def test_folders_are_tagged_through_the_control(
    encord_emulator: EncordEmulator, client: Any, folder: StorageFolder
) -> None:
    client.create_organisation_tag("night")
    url = f"{encord_emulator.url}/_emulator/folders/{folder.uuid}/tags"

    assert requests.put(url, json={"tags": ["day"]}, timeout=10).status_code == 404
    assert requests.put(url, json={"tags": ["night"]}, timeout=10).status_code == 200

    tagged = client.list_storage_folders(organisation_tags_allof=["night"])
    assert [entry.uuid for entry in tagged] == [folder.uuid]
