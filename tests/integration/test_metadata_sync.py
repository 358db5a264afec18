"""The bundled DAG encord_metadata_sync."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.dags import planned_runs, read_dags
from tests.helpers.folders import images, metadata_in, new_folder, register, url
from tests.helpers.operators import writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

TABLE = f"object_url,site,score\n{url('a.jpg')},oslo,1.5\n{url('b.jpg')},rome,\n{url('none.jpg')},oslo,2\n"
SCHEMA = {"site": "varchar", "score": "number"}


@pytest.fixture
def folder(encord: EncordEmulator, s3: Any, bucket: str) -> Any:
    """Two images, one of them in a sub-folder, and a table in the bucket that names them and a third."""
    for name in ("a.jpg", "b.jpg"):
        s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    s3.put_object(Bucket=bucket, Key="tables/labels.csv", Body=TABLE.encode())
    return new_folder("lake")


def register_in(folder: Any, bucket: str, *names: str) -> None:
    spec = images(*names, owner="ann")
    for image in spec["images"]:
        image["objectUrl"] = image["objectUrl"].replace("//lake.", f"//{bucket}.")
    register(folder, spec)


@pytest.fixture
def table(s3: Any, bucket: str, folder: Any) -> str:
    register_in(folder, bucket, "a.jpg")
    register_in(new_folder("below", folder), bucket, "b.jpg")
    s3.put_object(
        Bucket=bucket, Key="tables/labels.csv", Body=TABLE.replace("//lake.", f"//{bucket}.").encode()
    )
    return f"s3://{bucket}/tables/labels.csv"


def test_items_get_what_the_table_says_and_a_second_run_changes_nothing(
    encord: EncordEmulator, run_dag: Any, folder: Any, table: str
) -> None:
    state, states, returned = run_dag("encord_metadata_sync", table=table, folder="lake", schema=SCHEMA)
    assert (state, set(states.values())) == ("success", {"success"})
    assert returned["set_schema"]["added"] == ["score", "site"]
    report = returned["report"]
    assert {name: report[name] for name in ("rows", "patched", "unmatched", "undeclared")} == {
        "rows": 3,
        "patched": 2,
        "unmatched": 1,
        "undeclared": [],
    }
    assert metadata_in(folder) == {"a.jpg": {"owner": "ann", "site": "oslo", "score": 1.5}}

    encord.call(lambda store: store.requests.clear())
    state, _, returned = run_dag("encord_metadata_sync", table=table, folder="lake", schema=SCHEMA)
    assert (state, returned["report"]["unchanged"], returned["report"]["patched"]) == ("success", 2, 0)
    assert writes(encord) == []


def test_nothing_is_patched_when_a_row_does_not_fit_and_every_such_row_is_named(
    encord: EncordEmulator, run_dag: Any, folder: Any, table: str, s3: Any, bucket: str
) -> None:
    s3.put_object(
        Bucket=bucket,
        Key="tables/labels.csv",
        Body=f"object_url,score\n{url('a.jpg')},high\n{url('b.jpg')},1\n{url('c.jpg')},low\n".encode(),
    )
    state, states, _ = run_dag("encord_metadata_sync", table=table, folder="lake", schema=SCHEMA)
    assert state == "failed"
    assert states == {
        "set_schema": "success",
        "check_table": "failed",
        "patch_metadata": "upstream_failed",
        "report": "upstream_failed",
    }
    assert metadata_in(folder) == {"a.jpg": {"owner": "ann"}}
    assert "patch_items" not in writes(encord)


def test_too_many_rows_without_an_item_fail_once_the_others_are_patched(
    run_dag: Any, folder: Any, table: str
) -> None:
    _, states, _ = run_dag("encord_metadata_sync", table=table, folder="lake", max_unmatched="0")
    assert (states["patch_metadata"], states["report"]) == ("failed", "upstream_failed")
    assert metadata_in(folder)["a.jpg"]["site"] == "oslo"
    _, states, _ = run_dag("encord_metadata_sync", table=table, folder="lake", max_unmatched="1")
    assert states["report"] == "success"


@pytest.mark.parametrize(
    ("allowed", "state"), [(0, "failed"), ("0", "failed"), (1, "success"), ("", "success")]
)
def test_the_variable_may_allow_no_row_without_an_item(
    run_dag: Any, folder: Any, table: str, monkeypatch: pytest.MonkeyPatch, allowed: Any, state: str
) -> None:
    settings = {"table": table, "folder": "lake", "max_unmatched": allowed}
    monkeypatch.setenv("AIRFLOW_VAR_ENCORD_METADATA_SYNC", json.dumps(settings))
    assert run_dag("encord_metadata_sync")[1]["patch_metadata"] == state


@pytest.mark.parametrize("allowed", ["many", -1])
def test_a_limit_that_is_none_fails_before_anything_is_patched(
    run_dag: Any, folder: Any, table: str, monkeypatch: pytest.MonkeyPatch, allowed: Any
) -> None:
    settings = {"table": table, "folder": "lake", "max_unmatched": allowed}
    monkeypatch.setenv("AIRFLOW_VAR_ENCORD_METADATA_SYNC", json.dumps(settings))
    states = run_dag("encord_metadata_sync")[1]
    assert (states["patch_metadata"], states["report"]) == ("failed", "upstream_failed")
    assert metadata_in(folder) == {"a.jpg": {"owner": "ann"}}


def test_a_table_without_rows_fails_unless_that_is_allowed(
    run_dag: Any, folder: Any, table: str, s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket=bucket, Key="tables/labels.csv", Body=b"object_url,site\n")
    _, states, _ = run_dag("encord_metadata_sync", table=table, folder="lake")
    assert (states["check_table"], states["patch_metadata"]) == ("failed", "upstream_failed")
    assert run_dag("encord_metadata_sync", table=table, folder="lake", allow_empty="true")[0] == "success"
    monkeypatch.setenv("AIRFLOW_VAR_ENCORD_METADATA_SYNC", json.dumps({"allow_empty": True}))
    assert run_dag("encord_metadata_sync", table=table, folder="lake")[0] == "success"


def test_scheduled_runs_take_their_parameters_from_the_variable(
    run_dag: Any, folder: Any, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"table": table, "folder": "lake", "key": "object_key", "mode": "replace", "key_column": ""}
    monkeypatch.setenv("AIRFLOW_VAR_ENCORD_METADATA_SYNC", json.dumps({**settings, "key": "object_url"}))
    state, _, returned = run_dag("encord_metadata_sync")
    assert (state, returned["report"]["patched"]) == ("success", 2)
    assert metadata_in(folder) == {"a.jpg": {"site": "oslo", "score": "1.5"}}


def test_it_runs_on_a_schedule_and_when_the_asset_of_the_table_is_updated() -> None:
    from encord_provider.bundles import bundled_dags_folder

    dag = read_dags(bundled_dags_folder())["encord_metadata_sync"]
    (asset,) = dag.timetable.asset_condition.objects
    assert asset.name == "encord_metadata_table"
    planned = planned_runs(dag, "2026-05-01T12:00", "2026-05-03T12:00")
    assert [f"{one.run_after:%Y-%m-%dT%H:%M}" for one in planned] == ["2026-05-02T00:00", "2026-05-03T00:00"]
