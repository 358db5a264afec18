"""Cloud-synced folders: created, synchronised and awaited by operator, sensor and trigger, on moto's S3."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from encord_provider.exceptions import (
    EncordInputError,
    EncordUnavailableError,
    UploadJobCancelledError,
    UploadJobFailedError,
    UploadJobTimeoutError,
)
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.sync_folder import EncordSyncFolderOperator
from encord_provider.sensors.cloud_sync import EncordCloudSyncSensor
from tests.helpers.airflow_task import TaskRecord, in_dag
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

Run = Callable[..., Any]


@pytest.fixture
def put(s3: Any, bucket: str) -> Callable[..., None]:
    def put_all(*names: str, body: bytes = b"x") -> None:
        for name in names:
            s3.put_object(Bucket=bucket, Key=f"data/{name}", Body=body)

    return put_all


@pytest.fixture
def given(encord: EncordEmulator, bucket: str, tmp_path: Path) -> dict[str, Any]:
    """What a new folder needs."""
    return {
        "folder": "Fleet",
        "remote_url": f"s3://{bucket}/data/",
        "integration": "AWS S3",
        "workspace": tmp_path.as_uri(),
    }


@pytest.fixture
def sync(given: dict[str, Any]) -> Run:
    return lambda **changes: run(EncordSyncFolderOperator(task_id="sync", **{**given, **changes}))


def finish(record: TaskRecord, make: Callable[[], Any]) -> list[str]:
    """Run a task to its end, in the triggerer where it is deferred; gives the states on the way."""
    states = []
    while not states or record.state in ("deferred", "up_for_reschedule"):
        if record.state == "deferred":
            asyncio.run(asyncio.wait_for(record.trigger(), 30))
        record.begin()
        record.run(make())
        states.append(record.state)
    return states


def folders() -> list[Any]:
    return list(EncordHook().client.list_storage_folders())


def titles() -> list[str]:
    (folder,) = folders()
    return [item.name for item in folder.list_items()]


def counts(result: dict[str, Any]) -> tuple[int, ...]:
    units, pages = result["units"], result["pages"]
    return units["done"], units["failed"], pages["done"], result["files"], result["tombstones"]


class TestOperator:
    def test_the_folder_is_created_and_mirrors_its_bucket(
        self, encord: EncordEmulator, put: Any, sync: Run, bucket: str
    ) -> None:
        put("a.jpg", "deep/b.mp4", "skip.exe")
        first = sync()
        assert first["status"] == "done"
        assert counts(first) == (2, 0, 1, 2, 0)
        (folder,) = folders()
        assert (str(folder.uuid), folder.is_cloud_synced, folder.remote_url) == (
            first["folder"],
            True,
            f"s3://{bucket}/data/",
        )
        assert titles() == ["a.jpg", "deep/b.mp4"]
        # Again, and without saying once more what it mirrors.
        encord.call(lambda store: store.requests.clear())
        assert counts(sync(remote_url=None, integration=None)) == (0, 0, 1, 2, 0)
        assert counts(sync(folder=first["folder"])) == (0, 0, 1, 2, 0)
        assert set(writes(encord)) == {"start_cloud_sync"}

    def test_items_whose_object_is_gone_are_counted(
        self, put: Any, sync: Run, s3: Any, bucket: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        put("a.jpg", "b.jpg")
        sync()
        s3.delete_object(Bucket=bucket, Key="data/a.jpg")
        assert counts(sync()) == (1, 0, 1, 1, 1)
        assert "The objects of 1 items" in caplog.text
        put("a.jpg")
        assert counts(sync()) == (1, 0, 1, 2, 0)

    def test_sidecar_files_are_turned_on_and_off(self, encord: EncordEmulator, put: Any, sync: Run) -> None:
        put("a.jpg")
        put("a.jpg.meta.json", body=json.dumps({"site": "oslo"}).encode())
        sync(sidecars=True, sidecar_suffix=".meta.json")
        (folder,) = folders()
        assert [(item.name, item.client_metadata) for item in folder.list_items()] == [
            ("a.jpg", {"site": "oslo"})
        ]
        encord.call(lambda store: store.requests.clear())
        sync(sidecars=True, sidecar_suffix=".meta.json")
        assert "set_folder_config" not in writes(encord)

        put("a.jpg.meta.json", body=json.dumps({"site": "rome"}).encode())
        sync(sidecars=False)
        assert [item.client_metadata for item in folder.list_items()] == [{"site": "oslo"}]
        assert folder.get_folder_config().metadata_ingestion.matcher.suffix == ".meta.json"
        sync(sidecars=None)
        assert folder.get_folder_config().metadata_ingestion.paused is True

    def test_turning_off_what_was_never_on_changes_nothing(
        self, encord: EncordEmulator, put: Any, sync: Run
    ) -> None:
        put("a.jpg")
        sync(sidecars=False)
        assert "set_folder_config" not in writes(encord)

    def test_a_file_that_failed_counts_unless_allowed(self, put: Any, sync: Run) -> None:
        put("a.jpg")
        put("a.jpg.metadata.json", body=b"not JSON")
        with pytest.raises(UploadJobFailedError, match=r"1 files .* 0 allowed"):
            sync(sidecars=True)
        result = sync(sidecars=True, max_failed_units="1")
        assert (result["status"], result["units"]["failed"]) == ("done_with_errors", 1)

    def test_a_bucket_that_cannot_be_read_is_no_success(self, sync: Run) -> None:
        with pytest.raises(UploadJobFailedError, match=r"1 of .* pages"):
            sync(remote_url="s3://no-such-bucket/", max_failed_units=100)

    def test_one_that_somebody_cancelled(self, encord: EncordEmulator, put: Any, sync: Run) -> None:
        put("a.jpg")
        started = sync()

        def cancel(store: Any) -> None:
            from encord_provider.emulator.storage.cloud_sync.models import CloudSync, SyncStatus

            store[CloudSync].get(started["sync"]).status = SyncStatus.CANCELLED

        encord.call(cancel)
        with pytest.raises(UploadJobCancelledError, match=started["folder"]):
            run(EncordCloudSyncSensor(task_id="wait", sync=started))

    def test_a_lost_answer_leaves_one_folder(self, encord: EncordEmulator, put: Any, sync: Run) -> None:
        put("a.jpg")
        for route in ("create_folder", "start_cloud_sync", "poll_cloud_sync"):
            encord.inject_fault("reset_after", route=route, count=1)
        assert sync()["files"] == 1
        assert len(folders()) == 1

    def test_an_empty_prefix_is_said(self, sync: Run, caplog: pytest.LogCaptureFixture) -> None:
        sync()
        assert "has no items" in caplog.text


class TestBadInput:
    def test_nothing_is_changed_by_what_is_wrong(
        self, encord: EncordEmulator, given: dict[str, Any], sync: Run
    ) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"remote_url": "s3://lake/data"}, "no slash"),
            ({"remote_url": None}, "no folder 'Fleet'"),
            ({"folder": "lake/fleet"}, r"at the top only.*'fleet'"),
            ({"integration": "Aws S3"}, "no integration 'Aws S3'"),
            ({"integration": None}, "needs a cloud integration"),
            ({"sidecar_suffix": ""}, "1 to 128"),
            ({"max_failed_units": "-1"}, "max_failed_units"),
        ]
        for changes, named in wrong:
            with pytest.raises(EncordInputError, match=named):
                sync(**changes)
        assert folders() == []
        assert writes(encord) == []

    def test_a_folder_that_is_there_and_is_another_one(
        self, encord: EncordEmulator, put: Any, bucket: str, sync: Run
    ) -> None:
        EncordHook().client.create_storage_folder("plain")
        put("a.jpg")
        sync()
        encord.call(lambda store: store.requests.clear())
        for changes, named in (
            ({"folder": "plain"}, "'plain'.* is not cloud-synced"),
            ({"remote_url": f"s3://{bucket}/other/"}, f"mirrors s3://{bucket}/data/, not"),
            ({"integration": "GCP"}, "uses the integration"),
        ):
            if changes.get("integration"):
                titles = [one.title for one in EncordHook().client.get_cloud_integrations()]
                changes = {"integration": next(one for one in titles if one != "AWS S3")}
            with pytest.raises(EncordInputError, match=named):
                sync(**changes)
        assert writes(encord) == []


class TestWaiting:
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_a_long_one_is_awaited_here_or_in_the_triggerer(
        self, encord: EncordEmulator, put: Any, given: dict[str, Any], tmp_path: Path, deferrable: bool
    ) -> None:
        put(*(f"{n}.jpg" for n in range(10)))
        encord.change_settings(units_per_second=10)

        def make() -> Any:
            operator = in_dag(
                lambda: EncordSyncFolderOperator(task_id="sync", deferrable=deferrable, **given)
            )
            object.__setattr__(operator, "patience", 0.0)
            return operator

        record = TaskRecord(tmp_path / "sync.json", task_id="sync")
        states = finish(record, make)
        assert states == ["deferred", "success"] if deferrable else ["success"]
        assert counts(record.returned) == (10, 0, 1, 10, 0)

    def test_a_short_one_is_not_deferred(self, put: Any, given: dict[str, Any], tmp_path: Path) -> None:
        put("a.jpg")
        record = TaskRecord(tmp_path / "sync.json", task_id="sync")
        make = lambda: in_dag(lambda: EncordSyncFolderOperator(task_id="sync", deferrable=True, **given))  # noqa: E731
        assert finish(record, make) == ["success"]

    def test_the_time_is_over(self, encord: EncordEmulator, put: Any, sync: Run) -> None:
        put("a.jpg", "b.jpg")
        encord.change_settings(units_per_second=0.01)
        with pytest.raises(UploadJobTimeoutError, match="goes on"):
            sync(timeout=1)

    def test_encord_cannot_be_reached(
        self, encord: EncordEmulator, put: Any, sync: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put("a.jpg")
        monkeypatch.setattr(EncordHook, "retry_seconds", 0.0)
        encord.inject_fault("status", status=503, route="poll_cloud_sync")
        with pytest.raises(EncordUnavailableError):
            sync()


class TestSensor:
    @pytest.fixture
    def started(self, encord: EncordEmulator, put: Any, sync: Run) -> dict[str, Any]:
        put(*(f"{n}.jpg" for n in range(5)))
        encord.change_settings(units_per_second=5)
        result: dict[str, Any] = sync(wait_for_completion=False)
        return result

    @pytest.mark.parametrize(
        "mode",
        [{"mode": "poke"}, {"mode": "reschedule"}, {"deferrable": True}],
        ids=lambda one: str([*one.values()]),
    )
    def test_every_mode_gives_the_summary(
        self, started: dict[str, Any], tmp_path: Path, mode: dict[str, Any]
    ) -> None:
        arguments = {"poke_interval": 0.1, "timeout": 30, **mode}
        record = TaskRecord(tmp_path / "wait.json", task_id="wait")
        make = lambda: in_dag(lambda: EncordCloudSyncSensor(task_id="wait", sync=started, **arguments))  # noqa: E731
        assert finish(record, make)[-1] == "success"
        assert record.returned["sync"] == started["sync"]
        assert counts(record.returned) == (5, 0, 1, 5, 0)

    def test_by_uuid_and_name(self, started: dict[str, Any]) -> None:
        sensor = EncordCloudSyncSensor(
            task_id="wait", sync=started["sync"], folder="Fleet", poke_interval=0.1
        )
        assert sensor.execute({})["folder"] == started["folder"]

    def test_the_time_is_over(self, encord: EncordEmulator, started: dict[str, Any]) -> None:
        encord.set_clock_speed(0)
        sensor = EncordCloudSyncSensor(task_id="wait", sync=started, poke_interval=0.1, timeout=0.3)
        with pytest.raises(AirflowSensorTimeout):
            sensor.execute({})
        encord.set_clock_speed(1)

    def test_what_is_missing_is_named(self, encord: EncordEmulator) -> None:
        with pytest.raises(EncordInputError, match="'folder'"):
            EncordCloudSyncSensor(task_id="wait", sync="1").execute({})
        EncordHook().client.create_storage_folder("plain")
        with pytest.raises(EncordInputError, match="'sync'"):
            EncordCloudSyncSensor(task_id="wait", sync="", folder="plain").execute({})


def test_the_trigger_can_be_made_again() -> None:
    from encord_provider.triggers.cloud_sync import EncordCloudSyncTrigger

    trigger = EncordCloudSyncTrigger(
        encord_conn_id="encord_lab", folder="f", sync="s", deadline=1.5, seconds=2.5
    )
    path, arguments = trigger.serialize()
    assert path == f"{EncordCloudSyncTrigger.__module__}.{EncordCloudSyncTrigger.__qualname__}"
    assert EncordCloudSyncTrigger(**arguments).serialize() == (path, arguments)
