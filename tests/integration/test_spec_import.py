"""The bundled DAG encord_spec_import."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.hooks.encord import EncordHook

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


@pytest.fixture
def drop(s3: Any, bucket: str) -> Callable[[str, Any], None]:
    """Put a spec into the bucket; its images exist."""
    for number in range(4):
        s3.put_object(Bucket=bucket, Key=f"data/{number}.jpg", Body=b"x")

    def dropped(name: str, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        s3.put_object(Bucket=bucket, Key=f"inbox/{name}", Body=text.encode())

    return dropped


@pytest.fixture
def image(bucket: str) -> Callable[[int], str]:
    return lambda number: f"https://{bucket}.s3.eu-west-1.amazonaws.com/data/{number}.jpg"


@pytest.fixture
def run(run_dag: Any, bucket: str) -> Callable[..., Any]:
    def run_import(**params: Any) -> Any:
        given = {
            "bucket": bucket,
            "prefix": "inbox/",
            "folder": "lake/drop",
            "integration": "AWS S3",
            **params,
        }
        return run_dag("encord_spec_import", **given)

    return run_import


def inbox(s3: Any, bucket: str) -> dict[str, bytes]:
    """What is in the folder, without the names of the runs."""
    found = {}
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix="inbox/").get("Contents", ()):
        folder, *rest = entry["Key"].removeprefix("inbox/").split("/")
        name = "/".join([folder, *rest[1:]])
        found[name] = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
    return found


def registered() -> list[str]:
    client = EncordHook().client
    (lake,) = client.list_storage_folders(search="lake")
    (folder,) = lake.list_subfolders()
    return sorted(str(item.url).rpartition("/")[2] for item in folder.list_items())


def test_good_specs_are_imported_and_a_bad_one_holds_up_none(
    encord: EncordEmulator, s3: Any, bucket: str, drop: Any, image: Any, run: Any
) -> None:
    drop("a.json", {"images": [{"objectUrl": image(0), "title": "zero"}]})
    drop("b.json", '{"images": [\n {"objectUrl": "no url"},\n {"title": "x"}\n]}')
    drop("c.csv", f"ObjectURL,Image title\n{image(1)},one\n{image(2)},\n")
    drop("notes.txt", "not a spec")

    state, states, _ = run()

    assert state == "failed"
    assert [states[f"file_away[{n}]"] for n in range(3)] == ["success", "failed", "success"]
    assert (states["read_spec[1]"], states["import_data[1]"]) == ("failed", "upstream_failed")
    assert registered() == ["0.jpg", "1.jpg", "2.jpg"]
    found = inbox(s3, bucket)
    assert set(found) == {
        "done/a.json",
        "done/a.json.receipt.json",
        "failed/b.json",
        "failed/b.json.errors.txt",
        "done/c.csv",
        "done/c.csv.receipt.json",
        "notes.txt",
    }
    receipt = json.loads(found["done/c.csv.receipt.json"])
    assert (receipt["status"], receipt["units"]["done"], receipt["spec"]) == (
        "done",
        2,
        f"s3://{bucket}/inbox/c.csv",
    )
    errors = found["failed/b.json.errors.txt"].decode()
    assert "line 2" in errors
    assert "line 3" in errors


def test_nothing_waits(encord: EncordEmulator, drop: Any, run: Any) -> None:
    state, states, _ = run()
    assert (state, states["find_specs"]) == ("success", "success")
    assert "start_upload_job" not in [entry["route"] for entry in encord.requests()]


def test_the_same_spec_again_registers_nothing_twice(
    s3: Any, bucket: str, encord: EncordEmulator, drop: Any, image: Any, run: Any
) -> None:
    for _ in range(2):
        drop("a.json", {"images": [{"objectUrl": image(0)}, {"objectUrl": image(1)}]})
        assert run()[0] == "success"
    assert registered() == ["0.jpg", "1.jpg"]
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix="inbox/done/")["Contents"]]
    assert len(keys) == 4


def test_failed_data_units_move_the_spec_to_failed_with_its_receipt(
    s3: Any, bucket: str, encord: EncordEmulator, drop: Any, image: Any, run: Any
) -> None:
    spec = {"images": [{"objectUrl": image(0)}, {"objectUrl": image(9)}]}
    drop("a.json", spec)
    state, states, _ = run()
    assert (state, states["import_data[0]"], states["file_away[0]"]) == ("failed", "success", "failed")
    receipt = json.loads(inbox(s3, bucket)["failed/a.json.receipt.json"])
    assert (receipt["units"]["done"], receipt["units"]["failed"]) == (1, 1)

    drop("a.json", spec)
    assert run(max_failed_units="1")[0] == "success"


def test_a_spec_stays_where_it_is_when_encord_refuses_the_folder(
    s3: Any, bucket: str, encord: EncordEmulator, drop: Any, image: Any, run: Any
) -> None:
    drop("a.json", {"images": [{"objectUrl": image(0)}]})
    state, states, _ = run(integration="none of ours")
    assert (state, states["import_data[0]"], states["file_away[0]"]) == ("failed", "failed", "failed")
    assert set(inbox(s3, bucket)) == {"a.json"}
    assert run()[0] == "success"
    assert set(inbox(s3, bucket)) == {"done/a.json", "done/a.json.receipt.json"}


@pytest.mark.parametrize("moment", ["while it is imported", "before it is deleted"])
def test_a_spec_that_is_replaced_on_the_way_is_imported_by_the_next_run(
    s3: Any,
    bucket: str,
    encord: EncordEmulator,
    drop: Any,
    image: Any,
    run: Any,
    moment: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from encord_provider import drop_folder
    from encord_provider.operators.import_data import EncordImportDataOperator

    newer = {"images": [{"objectUrl": image(1)}]}
    execute, list_s3 = EncordImportDataOperator.execute, drop_folder.list_s3
    looks: list[Any] = []

    def replaced_first(self: Any, context: Any) -> Any:
        drop("a.json", newer)
        return execute(self, context)

    def replaced_after_the_second_look(client: Any, bucket: str, key: str) -> Any:
        found = list(list_s3(client, bucket, key))
        if key.endswith("a.json"):
            looks.append(found)
            if len(looks) == 2:
                drop("a.json", newer)
        return found

    drop("a.json", {"images": [{"objectUrl": image(0)}]})
    with pytest.MonkeyPatch.context() as patch:
        if moment == "while it is imported":
            patch.setattr(EncordImportDataOperator, "execute", replaced_first)
        else:
            patch.setattr(drop_folder, "list_s3", replaced_after_the_second_look)
        assert run()[0] == "success"
    found = inbox(s3, bucket)
    assert json.loads(found["a.json"]) == newer
    assert "done/a.json.receipt.json" in found
    assert b"data/1.jpg" not in found.get("done/a.json", b"")
    assert "was replaced while" in caplog.text
    assert registered() == ["0.jpg"]

    assert run()[0] == "success"
    assert "a.json" not in inbox(s3, bucket)
    assert registered() == ["0.jpg", "1.jpg"]


def test_a_run_takes_as_many_specs_as_airflow_can_map_and_the_next_one_the_rest(
    s3: Any,
    bucket: str,
    encord: EncordEmulator,
    drop: Any,
    image: Any,
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "2")
    for number in range(3):
        drop(f"{number}.json", {"images": [{"objectUrl": image(number)}]})
    assert run()[0] == "success"
    assert "3 specs wait" in caplog.text
    assert set(inbox(s3, bucket)) & {"0.json", "1.json", "2.json"} == {"2.json"}
    assert run()[0] == "success"
    assert registered() == ["0.jpg", "1.jpg", "2.jpg"]


def test_a_number_of_failed_units_that_is_none_fails_before_anything_is_read(
    s3: Any,
    bucket: str,
    encord: EncordEmulator,
    drop: Any,
    run: Any,
    image: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop("a.json", {"images": [{"objectUrl": image(0)}]})
    monkeypatch.setenv("AIRFLOW_VAR_ENCORD_SPEC_IMPORT", json.dumps({"max_failed_units": "few"}))
    state, states, _ = run()
    assert (state, states["find_specs"]) == ("failed", "failed")
    assert set(inbox(s3, bucket)) == {"a.json"}
