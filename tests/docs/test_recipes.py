"""Every recipe runs through Airflow as it stands, and brings what its page says."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import BaseHook
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from tests.helpers import operators
from tests.helpers.dags import planned_runs, run
from tests.helpers.pages import Block, blocks
from tests.helpers.recordings import QUAY, imported, items, short

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

PAGE = "recipes.md"
DAY = {"logical_date": datetime(2026, 5, 2, tzinfo=UTC)}
URL = "https://lake.s3.eu-west-1.amazonaws.com/site%3Doslo/dt%3D2026-05-01"
FILES = (
    "scans/2026-05-01/study-7/CT/1.dcm",
    "scans/2026-05-01/study-7/CT/2.dcm",
    "scans/2026-05-01/study-8/MR/1.dcm",
    *(f"bursts/2026-05-01/left_{number}.jpg" for number in range(1, 12)),
    "bursts/2026-05-01/right_1.jpg",
)


class _Store(MemoryFileSystem):  # type: ignore[misc]
    store: dict[str, Any] = {}
    pseudo_dirs: list[str] = [""]


class _Warehouse(DbApiHook):
    conn_name_attr = "warehouse_conn_id"

    def get_conn(self) -> sqlite3.Connection:
        database = sqlite3.connect(":memory:")
        database.execute("CREATE TABLE reviews (object_url TEXT, score REAL, weather TEXT)")
        rows = [(f"{URL}/quay-1.jpg", 0.5, "rain"), (f"{URL}/quay-2.jpg", 0.9, "sun")]
        database.executemany("INSERT INTO reviews VALUES (?, ?, ?)", rows)
        return database


@pytest.fixture
def clouds() -> Iterator[None]:
    """Google's and Azure's storage, as Airflow's object storage opens it."""
    files = _Store()
    attach(protocol="gs", conn_id="google_cloud_default", fs=files)
    attach(protocol="abfs", conn_id="wasb_default", fs=files)
    files.pipe("/pictures/raw/dt=2026-05-01/a b.jpg", b"1")
    files.pipe("/pictures/raw/dt=2026-05-02/c.jpg", b"1")
    yield
    _Store.store.clear()
    _Store.pseudo_dirs[:] = [""]


@pytest.fixture
def recipe(
    encord: EncordEmulator,
    lake: Any,
    clouds: None,
    serve: Callable[[str, str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Any]:
    """Give the DAG of a recipe, in the world of the page."""
    for key in FILES:
        lake.put_object(Bucket="lake", Key=key, Body=b"recording")
    for block in blocks("csv", page=PAGE):
        lake.put_object(Bucket="lake", Key=block.target.split("/", 3)[3], Body=block.text.encode())
    array = io.BytesIO()
    numpy.save(array, numpy.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    lake.put_object(Bucket="lake", Key="embeddings/2026-05-01.npy", Body=array.getvalue())
    keys = f"{QUAY}\n{QUAY.replace('quay-1', 'quay-2')}\n"
    lake.put_object(Bucket="lake", Key="embeddings/2026-05-01.txt", Body=keys.encode())
    monkeypatch.setattr(BaseHook, "get_hook", classmethod(lambda cls, conn_id: _Warehouse(conn_id)))
    return lambda dag_id: serve(dag_id, _block(dag_id).text)


def _block(dag_id: str) -> Block:
    (found,) = [block for block in blocks("python", page=PAGE) if block.dag_id == dag_id]
    return found


def do(dag: Any, **arguments: Any) -> dict[str, Any]:
    state, states, returned = run(dag, **{**DAY, **arguments})
    assert (state, set(states.values())) == ("success", {"success"}), states
    return returned


def test_images_by_day(recipe: Any) -> None:
    do(recipe("images_by_day"))
    found = items("recipes/images")
    assert sorted(found) == ["bergen 2026-05-01 gate", "oslo 2026-05-01 quay-1", "oslo 2026-05-01 quay-2"]
    assert found["oslo 2026-05-01 quay-1"] == {"site": "oslo", "captured_on": "2026-05-01"}


def test_videos_with_key_frames(recipe: Any) -> None:
    do(recipe("videos_with_key_frames"))
    (metadata,) = items("recipes/videos").values()
    assert metadata["keyframes"] == [30, 90]
    assert metadata["$encord"]["config"] == {"sampling_rate": 0, "keyframe_mode": "frame"}


def test_dicom_studies(recipe: Any) -> None:
    do(recipe("dicom_studies"))
    assert items("recipes/dicom") == {
        "study-7 CT": {"study": "study-7", "modality": "CT"},
        "study-8 MR": {"study": "study-8", "modality": "MR"},
    }


def test_image_sequences(recipe: Any, encord: EncordEmulator) -> None:
    do(recipe("image_sequences"))
    assert sorted(items("recipes/sequences")) == ["burst left", "burst right"]
    (started,) = encord.requests("start_upload_job")
    groups = {one["title"]: one["images"] for one in json.loads(started["body"])["dataItems"]["imageGroups"]}
    names = [image["url"].rpartition("/")[2] for image in groups["burst left"]]
    assert names == [f"left_{number}.jpg" for number in range(1, 12)]


def test_embeddings(recipe: Any) -> None:
    do(recipe("embeddings"))
    found = {title.rpartition("/")[2]: metadata for title, metadata in items("recipes/embeddings").items()}
    assert found == {"quay-1.jpg": {"clip": [1, 2, 3]}, "quay-2.jpg": {"clip": [4, 5, 6]}}


def test_metadata_from_a_warehouse(recipe: Any) -> None:
    dag = recipe("from_the_warehouse")
    listed = operators.run(
        EncordBuildUploadSpecOperator(
            task_id="listed", bucket="lake", prefix="site=oslo/dt=2026-05-01/", media="image"
        )
    )
    imported(listed, "recipes/reviewed")
    do(dag)
    assert items("recipes/reviewed") == {
        QUAY: {"score": 0.5, "weather": "rain"},
        QUAY.replace("quay-1", "quay-2"): {"score": 0.9, "weather": "sun"},
    }


def test_google_cloud_storage(recipe: Any) -> None:
    do(recipe("google_cloud_storage"))
    hook = EncordHook()
    (item,) = hook.client.get_storage_folder(hook.find_folder("recipes/google")).list_items()
    assert item.url == "https://storage.cloud.google.com/pictures/raw/dt%3D2026-05-01/a%20b.jpg"


def test_azure_blob_storage(recipe: Any) -> None:
    do(recipe("azure_blob_storage"))
    hook = EncordHook()
    (item,) = hook.client.get_storage_folder(hook.find_folder("recipes/azure")).list_items()
    assert item.url == "https://myaccount.blob.core.windows.net/pictures/raw/dt%3D2026-05-01/a%20b.jpg"


def test_past_days_are_the_days_of_the_command(recipe: Any) -> None:
    (command,) = blocks("bash", page=PAGE)
    words = command.text.split()
    given = dict(pairwise(words))
    assert given["--dag-id"] == "images_by_day"
    dag = recipe("images_by_day")
    for one in planned_runs(dag, given["--from-date"], given["--to-date"]):
        assert run(dag, planned=one, run_type="backfill")[0] == "success"
    assert {metadata["captured_on"] for metadata in items("recipes/images").values()} == {
        "2026-05-01",
        "2026-05-02",
    }


def test_late_files_are_those_that_were_written_lately(recipe: Any) -> None:
    dag = recipe("late_files")
    now = datetime.now(UTC)
    returned = do(dag, logical_date=now)
    assert returned["import_from_s3.import_data"]["units"]["done"] == len(items("recipes/images")) > 3
    long_after = now.replace(year=now.year + 1, day=1)
    _, states, _ = run(dag, logical_date=long_after)
    assert states["import_from_s3.build_spec"] == "skipped"


def test_what_was_imported_is_in_the_dataset(recipe: Any) -> None:
    dag = recipe("import_and_label")
    client = EncordHook().client
    from encord.orm.dataset import StorageLocation

    made = client.create_dataset("Quays", StorageLocation.AWS, create_backing_folder=False)
    assert do(dag)["into_dataset"] == 2
    rows = client.get_dataset(made.dataset_hash).list_data_rows()
    assert short(row.title for row in rows) == ["quay-1.jpg", "quay-2.jpg"]


def test_every_recipe_is_run_above() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [one.dag_id for one in blocks("python", page=PAGE) if f'recipe("{one.dag_id}")' not in text] == []
