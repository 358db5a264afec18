"""Faults on demand, as the official SDK meets them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator

AN_IMAGE = {"images": [{"objectUrl": "s3://b/0.jpg"}]}


@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (413, "PayloadTooLargeError"),
        (429, "RateLimitExceededError"),
        (500, "UnknownException"),
        (502, "UnknownException"),
        (503, "UnknownException"),
        (504, "UnknownException"),
    ],
)
def test_a_status_is_answered_and_nothing_done(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str, status: int, exception: str
) -> None:
    import encord.exceptions

    encord_emulator.inject_fault("status", status=status, route="start_upload_job", count=1)

    with pytest.raises(getattr(encord.exceptions, exception)):
        folder.add_private_data_to_folder_start(aws, AN_IMAGE)

    assert encord_emulator.call(lambda store: store.jobs.all()) == []
    folder.add_private_data_to_folder_start(aws, AN_IMAGE)


def test_429_says_when_to_come_back(encord_emulator: EncordEmulator, client: Any) -> None:
    from encord.exceptions import RateLimitExceededError

    encord_emulator.inject_fault("status", status=429, retry_after=7, message="Slow down")

    with pytest.raises(RateLimitExceededError) as caught:
        client.get_cloud_integrations()

    assert caught.value.retry_after == 7


def test_reset_before_leaves_nothing_done(encord_emulator: EncordEmulator, client: Any) -> None:
    from encord.exceptions import RequestException

    encord_emulator.inject_fault("reset_before", route="create_folder", count=1)

    with pytest.raises(RequestException):
        client.create_storage_folder("a")

    assert list(client.list_storage_folders()) == []


def test_reset_after_loses_only_the_answer(encord_emulator: EncordEmulator, client: Any) -> None:
    from encord.exceptions import RequestException

    encord_emulator.inject_fault("reset_after", route="create_folder", count=1)

    with pytest.raises(RequestException) as caught:
        client.create_storage_folder("a")

    assert "reset by peer" in repr(caught.value.__cause__)
    assert [folder.name for folder in client.list_storage_folders()] == ["a"]


def test_a_truncated_body_cannot_be_parsed(encord_emulator: EncordEmulator, client: Any) -> None:
    from encord.exceptions import RequestException

    encord_emulator.inject_fault("truncated_body", method="GET", path="*/cloud-integrations")

    with pytest.raises(RequestException, match="Error parsing JSON"):
        client.get_cloud_integrations()


def test_a_slow_body_arrives_whole(encord_emulator: EncordEmulator, client: Any) -> None:
    encord_emulator.inject_fault("slow_body", seconds=0.3)
    began = time.monotonic()

    assert len(client.get_cloud_integrations()) == 5
    assert time.monotonic() - began >= 0.3


def test_a_delay_and_the_latency_of_all_calls_add_up(encord_emulator: EncordEmulator, client: Any) -> None:
    encord_emulator.change_settings(latency_seconds=0.1)
    encord_emulator.inject_fault("delay", seconds=0.2)
    began = time.monotonic()

    client.get_cloud_integrations()

    assert time.monotonic() - began >= 0.3


def test_a_fault_strikes_after_some_calls_and_so_many_times(
    encord_emulator: EncordEmulator, client: Any
) -> None:
    encord_emulator.inject_fault("status", status=500, skip=1, count=2)
    outcomes = []
    for _ in range(5):
        try:
            client.get_cloud_integrations()
            outcomes.append("ok")
        except Exception:
            outcomes.append("failed")

    assert outcomes == ["ok", "failed", "failed", "ok", "ok"]


def test_probability_is_decided_by_the_seed() -> None:
    from encord_provider.emulator.core.faults import Fault, FaultKind, Faults
    from encord_provider.emulator.core.ids import Chance

    def struck(seed: int) -> list[bool]:
        faults = Faults(Chance(seed).happens)
        faults.add(Fault(kind=FaultKind.STATUS, probability=0.5))
        return [faults.for_call(route="a", method="GET", path="/") is not None for _ in range(100)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 70


def test_a_stuck_job_goes_on_when_the_fault_is_removed(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.inject_fault("job_stuck")
    job = folder.add_private_data_to_folder_start(aws, AN_IMAGE)
    assert folder.add_private_data_to_folder_get_result(job, timeout_seconds=1).status.value == "PENDING"

    encord_emulator.clear_faults()

    assert folder.add_private_data_to_folder_get_result(job).status.value == "DONE"


def test_somebody_else_cancels_a_job_half_way(
    encord_emulator: EncordEmulator, folder: StorageFolder, aws: str
) -> None:
    encord_emulator.inject_fault("job_cancelled", after_units=2)
    images = {"images": [{"objectUrl": f"s3://b/{number}.jpg"} for number in range(5)]}

    result = folder.add_private_data_to_folder_get_result(
        folder.add_private_data_to_folder_start(aws, images)
    )

    assert (result.status.value, result.units_done_count, result.units_cancelled_count) == ("CANCELLED", 2, 3)


def test_a_unit_fails_by_its_url(encord_emulator: EncordEmulator, folder: StorageFolder, aws: str) -> None:
    encord_emulator.inject_fault("unit_error", url="*/1.jpg", message="corrupt file")
    images = {"images": [{"objectUrl": f"s3://b/{number}.jpg"} for number in range(3)]}
    job = folder.add_private_data_to_folder_start(aws, images, ignore_errors=True)

    result = folder.add_private_data_to_folder_get_result(job)

    assert (result.status.value, result.units_done_count) == ("DONE", 2)
    assert [(error.object_urls, error.error) for error in result.unit_errors] == [
        (["s3://b/1.jpg"], "corrupt file")
    ]


def test_faults_are_set_seen_and_removed_over_http(encord_emulator: EncordEmulator, client: Any) -> None:
    control = encord_emulator.url + "/_emulator/faults"
    fault = requests.post(control, json={"kind": "status", "status": 503}, timeout=10).json()
    with pytest.raises(Exception, match="503"):
        client.get_cloud_integrations()

    [seen] = requests.get(control, timeout=10).json()
    removed = requests.delete(f"{control}/{fault['id']}", timeout=10)

    assert (seen["kind"], seen["struck"], removed.status_code) == ("status", 1, 200)
    assert requests.get(control, timeout=10).json() == []
    client.get_cloud_integrations()


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({}, "kind must be one of"),
        ({"kind": "explode"}, "kind must be one of"),
        ({"kind": "status", "stauts": 500}, "unknown fields ['stauts']"),
        ({"kind": "status", "status": 200}, "between 400 and 599"),
        ({"kind": "status", "probability": 2}, "between 0 and 1"),
        ({"kind": "status", "count": -1}, "count must be"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    encord_emulator: EncordEmulator, document: dict[str, Any], complaint: str
) -> None:
    got = requests.post(encord_emulator.url + "/_emulator/faults", json=document, timeout=10)

    assert got.status_code == 400
    assert complaint in got.json()["message"]


def test_the_log_names_the_call_and_the_fault(encord_emulator: EncordEmulator, client: Any) -> None:
    encord_emulator.inject_fault("reset_before", count=1)
    with pytest.raises(Exception, match="send failed"):
        client.get_cloud_integrations()
    client.get_cloud_integrations()

    entries = encord_emulator.requests("list_cloud_integrations")

    assert [(entry["fault"], entry["status"]) for entry in entries] == [("reset_before", None), (None, 200)]
    assert entries[1]["user"] == "emulator@example.com"
