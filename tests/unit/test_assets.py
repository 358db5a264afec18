"""The asset of a folder as outlet of a task: when it is updated, and what the event says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset

from encord_provider.assets import encord_folder_asset, folder_of
from encord_provider.exceptions import EncordInputError
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.sensors.upload_job import EncordUploadJobSensor
from tests.helpers.airflow_task import TaskRecord, in_dag
from tests.helpers.imports import ImportTask

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

DAILY = "encord://encord_default/folder/lake/daily"
UUID = "0C7D9AE6-6A7F-4A3C-9F43-5A2F1F1B4F10"
DAY = {"start": "2026-05-01T00:00:00+02:00", "end": "2026-05-02T00:00:00+02:00", "zone": "Europe/Oslo"}

Make = Callable[..., ImportTask]


@pytest.fixture
def make(encord_emulator: EncordEmulator, tmp_path: Path) -> Make:
    """Make an import of six images with the asset of its folder, and one of somebody else, as outlets."""

    def make(**arguments: Any) -> ImportTask:
        outlets = [encord_folder_asset("lake/daily"), Asset("s3://lake/mine")]
        return ImportTask(encord_emulator, tmp_path, **{"outlets": outlets, **arguments})

    return make


def events_of(record: TaskRecord) -> dict[str, dict[str, Any]]:
    return {one["dest_asset_key"]["uri"]: one["extra"] for one in record.read()["outlet_events"]}


def outlets_of(record: TaskRecord) -> list[str]:
    return [one["uri"] for one in record.read()["task_outlets"]]


@pytest.mark.parametrize(
    ("folder", "uri"),
    [
        ("lake/daily", DAILY),
        (" /lake/daily/ ", DAILY),
        (UUID, f"encord://encord_default/folder/{UUID.lower()}"),
        ("lake/site A #1", "encord://encord_default/folder/lake/site%20A%20%231"),
    ],
)
def test_each_spelling_of_a_folder_is_one_asset(folder: str, uri: str) -> None:
    asset = encord_folder_asset(folder)
    assert (asset.uri, asset.name) == (uri, uri)
    found = folder_of(asset)
    assert found is not None
    assert folder_of(encord_folder_asset("/".join(found[1]), encord_conn_id=found[0])) == found


@pytest.mark.parametrize("folder", ["", "lake//daily", "{{ params.folder }}", "/"])
def test_what_names_no_folder_is_refused(folder: str) -> None:
    with pytest.raises(EncordInputError, match="folder"):
        encord_folder_asset(folder)


@pytest.mark.parametrize(
    "uri",
    ["encord://encord_default", "encord://c/dataset/x", "encord://c/folder/", "encord://c/folder/a//b"],
)
def test_airflow_refuses_other_uris_of_the_scheme(uri: str) -> None:
    with pytest.raises(ValueError, match="encord_folder_asset"):
        Asset(uri)


def test_an_asset_needs_neither_the_sdk_nor_the_client_of_the_triggerer() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from encord_provider.assets import encord_folder_asset; encord_folder_asset('lake/daily');"
        # boto3 comes with the handler of s3 assets, which Airflow imports at the same time.
        "print([one for one in ('encord', 'aiohttp') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_import_tells_the_asset_of_its_folder_what_it_registered(make: Make, deferrable: bool) -> None:
    task = make(deferrable=deferrable)
    index = Path(task.spec.removeprefix("file://"))
    index.write_text(json.dumps({**json.loads(index.read_text()), "window": DAY}))
    assert task.finish() == "success"
    returned = task.record.returned
    assert outlets_of(task.record) == [DAILY, "s3://lake/mine"]
    assert events_of(task.record) == {
        DAILY: {
            "folder": returned["folder"],
            "upload_jobs": 3,
            "registered": 6,
            "failed": 0,
            "items_added": 6,
            "receipts": returned["receipts"],
            "failures": None,
            "spec": task.spec,
            "window": DAY,
        }
    }


def test_an_import_that_registered_nothing_starts_no_dag(make: Make) -> None:
    task = make(max_failed_units=6)
    task.encord.inject_fault("unit_error", message="no such object")
    assert task.finish() == "success"
    assert task.record.returned["units"]["failed"] == 6
    # Somebody else's outlet is updated, as Airflow does whenever a task succeeds.
    assert outlets_of(task.record) == ["s3://lake/mine"]
    assert events_of(task.record) == {}


def test_what_the_folder_has_already_is_told_again_because_it_may_be_of_a_lost_job(make: Make) -> None:
    assert make(name="first").finish() == "success"
    again = make(name="second")
    assert again.finish() == "success"
    event = events_of(again.record)[DAILY]
    assert (event["registered"], event["items_added"]) == (6, 0)


def test_an_import_whose_end_airflow_did_not_hear_tells_the_asset_all_the_same(make: Make) -> None:
    task = make(retries=1)
    assert task.run() is not None
    told = task.record.read()["outlet_events"]
    task.record.update(state="running", outlet_events=None)
    task.record.worker_died()
    assert task.finish() == "success"
    assert task.record.read()["outlet_events"] == told
    assert len(task.jobs) == 3


def test_an_outlet_of_another_folder_is_refused_before_anything_is_sent(make: Make) -> None:
    task = make(outlets=[encord_folder_asset("lake/dayly")])
    result = task.run()
    assert task.record.state == "failed"
    assert isinstance(result.error, EncordInputError)
    assert "lake/dayly" in str(result.error)
    assert "lake/daily" in str(result.error)
    assert task.jobs == []


def test_an_import_that_does_not_wait_may_not_tell() -> None:
    with pytest.raises(EncordInputError, match="EncordUploadJobSensor"):
        EncordImportDataOperator(
            task_id="start",
            spec="file:///spec.json",
            folder="lake/daily",
            wait_for_completion=False,
            outlets=[encord_folder_asset("lake/daily")],
        )


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_sensor_tells_what_the_jobs_registered(
    encord_emulator: EncordEmulator, tmp_path: Path, deferrable: bool
) -> None:
    upload = ImportTask(encord_emulator, tmp_path, name="upload", wait_for_completion=False)
    assert upload.finish() == "success"
    record = TaskRecord(tmp_path / "sensor.json", task_id="wait")
    sensor = lambda: in_dag(  # noqa: E731
        lambda: EncordUploadJobSensor(
            task_id="wait",
            job_ids=upload.record.returned,
            deferrable=deferrable,
            poke_interval=0.05,
            outlets=[encord_folder_asset("lake/daily")],
        )
    )
    assert record.run_to_the_end(sensor) == "success"
    event = events_of(record)[DAILY]
    assert (event["registered"], event["upload_jobs"], event["window"]) == (6, 3, None)
