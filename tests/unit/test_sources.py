"""Where EncordBuildUploadSpecOperator finds objects besides a listed bucket, and what it adds to them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from encord_provider.exceptions import EncordInputError, ListingError, MetadataTableError, ObjectUrlError
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.options import ClientMetadata, Embeddings, Filters, Frames, Grouping, Media, ObjectUrls
from encord_provider.sources import ObjectStorageFolder, ObjectUrlTable, S3Inventory
from tests.helpers.operators import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


def build(
    tmp_path: Path, *, day: str = "2025-03-01", params: Any = None, **parameters: Any
) -> dict[str, Any]:
    """The units by title, and the objects left out with their reasons."""
    operator = EncordBuildUploadSpecOperator(
        task_id="build_spec", workspace=f"file://{tmp_path}/workspace", **parameters
    )
    result = run(operator, day=day, params=params)
    units: dict[str, Any] = {}
    for uri in result["parts"]:
        part = json.loads(Path(uri.removeprefix("file://")).read_bytes())
        for items in part.values():
            if isinstance(items, list):
                units.update({item["title"]: {"clientMetadata": {}, **item} for item in items})
    lines = Path(result["index"].removeprefix("file://")).with_name("skipped.jsonl").read_text().splitlines()
    skipped = {line["key"]: line["reason"] for line in map(json.loads, lines)}
    assert result["skipped"] == len(skipped)
    return {"units": units, "skipped": skipped, "counts": result["counts"]}


def put(s3: Any, bucket: str, **objects: bytes) -> None:
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def write_inventory(s3: Any, reports: str, source: str, folder: str, keys: list[str]) -> str:
    """An inventory report in CSV as AWS writes it; gives the key of its manifest."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
        [source, key.replace(" ", "+"), "10", "2025-03-01T00:00:00.000Z", "STANDARD"] for key in keys
    )
    data = gzip.compress(text.getvalue().encode(), mtime=0)
    s3.put_object(Bucket=reports, Key=f"{folder}data.csv.gz", Body=data)
    manifest = {
        "sourceBucket": source,
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, LastModifiedDate, StorageClass",
        "files": [{"key": f"{folder}data.csv.gz", "MD5checksum": hashlib.md5(data).hexdigest()}],
    }
    s3.put_object(Bucket=reports, Key=f"{folder}manifest.json", Body=json.dumps(manifest).encode())
    return f"{folder}manifest.json"


class TestS3Inventory:
    def test_the_keys_of_the_window_come_from_the_report(
        self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
    ) -> None:
        keys = ["dt=2025-03-01/a b.jpg", "dt=2025-03-01/b.mp4", "dt=2025-03-02/c.jpg", "dt=2025-03-01/n.xyz"]
        manifest = write_inventory(s3, bucket, bucket, "inv/all/2025-03-02T01-00Z/", keys)
        found = build(tmp_path, source=S3Inventory(manifest=f"s3://{bucket}/{manifest}", prefix="dt={date}/"))
        assert set(found["units"]) == {"dt=2025-03-01/a b.jpg", "dt=2025-03-01/b.mp4"}
        url = found["units"]["dt=2025-03-01/a b.jpg"]["objectUrl"]
        assert url == f"https://{bucket}.s3.eu-west-1.amazonaws.com/dt%3D2025-03-01/a%20b.jpg"
        assert found["skipped"] == {"dt=2025-03-01/n.xyz": "not a media type that Encord supports: .xyz"}

    def test_a_folder_of_reports_gives_the_newest_whole_one(
        self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
    ) -> None:
        write_inventory(s3, bucket, bucket, "inv/all/2025-03-01T01-00Z/", ["old.jpg"])
        write_inventory(s3, bucket, bucket, "inv/all/2025-03-02T01-00Z/", ["new.jpg"])
        put(s3, bucket, **{"inv/all/2025-03-03T01-00Z/data.csv.gz": b"AWS is still writing"})
        put(s3, bucket, **{"inv/all/data/x.csv.gz": b""})
        found = build(tmp_path, source=S3Inventory(manifest=f"s3://{bucket}/inv/all/"))
        assert set(found["units"]) == {"new.jpg"}

    def test_wildcards_of_the_prefix_stay_inside_a_folder(
        self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
    ) -> None:
        keys = ["site=a/dt=2025-03-01/1.jpg", "site=b/dt=2025-03-01/2.jpg", "site=b/x/dt=2025-03-01/3.jpg"]
        manifest = write_inventory(s3, bucket, bucket, "inv/2025-03-02T01-00Z/", keys)
        source = S3Inventory(manifest=f"s3://{bucket}/{manifest}", prefix="site=*/dt={date}/")
        assert set(build(tmp_path, source=source)["units"]) == set(keys[:2])

    def test_a_folder_without_reports_is_an_error_that_says_what_to_name(
        self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
    ) -> None:
        with pytest.raises(
            ListingError, match=r"no inventory report in s3://.*/inv/.*folder of the inventory"
        ):
            build(tmp_path, source=S3Inventory(manifest=f"s3://{bucket}/inv/"))

    def test_a_manifest_elsewhere_than_in_s3_is_refused(self, encord: EncordEmulator, tmp_path: Path) -> None:
        with pytest.raises(EncordInputError, match=r"'file:///inv/manifest\.json'.*s3://bucket/key"):
            build(tmp_path, source=S3Inventory(manifest="file:///inv/manifest.json"))


class _Store(MemoryFileSystem):
    """An object store that Airflow opens under a cloud's scheme."""

    store: dict[str, Any] = {}
    pseudo_dirs = [""]


@pytest.fixture
def store() -> Any:
    files = _Store()
    for protocol in ("gs", "abfs"):
        attach(protocol=protocol, conn_id="lake", fs=files)
    yield files
    _Store.store.clear()
    _Store.pseudo_dirs[:] = [""]


class TestObjectStorageFolder:
    def test_google_cloud_storage(self, store: Any, tmp_path: Path) -> None:
        store.pipe("/pictures/raw/dt=2025-03-01/a b.jpg", b"1")
        store.pipe("/pictures/raw/dt=2025-03-02/c.jpg", b"1")
        found = build(tmp_path, source=ObjectStorageFolder(uri="gs://lake@pictures/raw/dt={date}/"))
        assert [unit["objectUrl"] for unit in found["units"].values()] == [
            "https://storage.cloud.google.com/pictures/raw/dt%3D2025-03-01/a%20b.jpg"
        ]

    def test_the_gs_form_where_it_is_asked_for(self, store: Any, tmp_path: Path) -> None:
        store.pipe("/pictures/raw/a.jpg", b"1")
        found = build(
            tmp_path,
            source=ObjectStorageFolder(uri="gs://lake@pictures/raw"),
            object_urls=ObjectUrls(style="gs"),
        )
        assert found["units"]["raw/a.jpg"]["objectUrl"] == "gs://pictures/raw/a.jpg"

    def test_azure_needs_the_account_and_says_so(self, store: Any, tmp_path: Path) -> None:
        store.pipe("/pictures/raw/a.jpg", b"1")
        source = ObjectStorageFolder(uri="abfs://lake@pictures/raw")
        with pytest.raises(ObjectUrlError, match="storage account: set the 'endpoint' of 'object_urls'"):
            build(tmp_path, source=source)
        found = build(tmp_path, source=source, object_urls={"endpoint": "myaccount"})
        url = "https://myaccount.blob.core.windows.net/pictures/raw/a.jpg"
        assert found["units"]["raw/a.jpg"]["objectUrl"] == url

    def test_a_day_without_a_folder_holds_nothing_but_a_typing_error_is_one(
        self, store: Any, tmp_path: Path
    ) -> None:
        store.pipe("/pictures/raw/dt=2025-03-02/c.jpg", b"1")
        with pytest.raises(AirflowSkipException, match="no objects in gs://lake@pictures/raw/dt=2025-03-01"):
            build(tmp_path, source=ObjectStorageFolder(uri="gs://lake@pictures/raw/dt={date}/"))
        with pytest.raises(ListingError, match="there is no folder gs://lake@pictures/rwa"):
            build(tmp_path, source=ObjectStorageFolder(uri="gs://lake@pictures/rwa/dt={date}/"))
        with pytest.raises(ListingError, match="there is no folder"):
            build(tmp_path, source=ObjectStorageFolder(uri="gs://lake@pictures/rwa/"))

    def test_a_local_folder_under_the_url_that_serves_it(self, tmp_path: Path) -> None:
        (tmp_path / "export" / "x").mkdir(parents=True)
        (tmp_path / "export" / "x" / "é 1.jpg").write_bytes(b"1")
        source = ObjectStorageFolder(uri=f"file://{tmp_path}/export")
        found = build(
            tmp_path, source=source, object_urls=ObjectUrls(endpoint="https://files.example.com/export")
        )
        assert found["units"]["x/é 1.jpg"]["objectUrl"] == "https://files.example.com/export/x/%C3%A9%201.jpg"
        with pytest.raises(
            ObjectUrlError, match="cannot reach a local folder: set the 'endpoint' of 'object_urls'"
        ):
            build(tmp_path, source=source)

    def test_sidecars_beside_files(self, encord: EncordEmulator, store: Any, tmp_path: Path) -> None:
        store.pipe("/pictures/a.jpg", b"1")
        store.pipe("/pictures/a.jpg.metadata.json", b'{"site": "oslo"}')
        found = build(
            tmp_path,
            source=ObjectStorageFolder(uri="gs://lake@pictures/"),
            metadata=ClientMetadata(sidecars=True),
        )
        assert found["units"]["a.jpg"]["clientMetadata"] == {"site": "oslo"}

    def test_the_dag_keeps_its_template_from_run_to_run(self, store: Any, tmp_path: Path) -> None:
        operator = EncordBuildUploadSpecOperator(
            task_id="build_spec",
            source=ObjectStorageFolder(uri="gs://lake@pictures/{{ day }}"),
            workspace=f"file://{tmp_path}",
        )
        for day in ("2025-03-01", "2025-03-02"):
            store.pipe(f"/pictures/{day}/a.jpg", b"1")
            assert run(operator, day=day)["counts"] == {"image": 1}
        assert operator.source.uri == "gs://lake@pictures/{{ day }}"


class TestObjectUrlTable:
    TABLE = (
        "object_url,site\n"
        "https://lake.s3.eu-west-1.amazonaws.com/a%20b.jpg,oslo\n"
        "gs://other/c.mp4,\n"
        "s3://lake/notes.xyz,rome\n"
    )

    def test_urls_are_registered_as_they_stand_with_their_metadata(
        self, encord: EncordEmulator, tmp_path: Path
    ) -> None:
        (tmp_path / "urls.csv").write_text(self.TABLE)
        found = build(
            tmp_path,
            source=ObjectUrlTable(uri=f"file://{tmp_path}/urls.csv"),
            grouping=Grouping(title="{name}"),
        )
        assert {title: unit["objectUrl"] for title, unit in found["units"].items()} == {
            "a b.jpg": "https://lake.s3.eu-west-1.amazonaws.com/a%20b.jpg",
            "c.mp4": "gs://other/c.mp4",
        }
        assert found["units"]["a b.jpg"]["clientMetadata"] == {"site": "oslo"}
        assert found["skipped"] == {"lake/notes.xyz": "not a media type that Encord supports: .xyz"}

    def test_two_tables_of_metadata_are_refused(self, encord: EncordEmulator, tmp_path: Path) -> None:
        (tmp_path / "urls.csv").write_text(self.TABLE)
        (tmp_path / "more.csv").write_text("key,site\na.jpg,oslo\n")
        with pytest.raises(
            EncordInputError, match=r"Two tables hold client metadata: .*urls.csv and .*more.csv"
        ):
            build(
                tmp_path,
                source=ObjectUrlTable(uri=f"file://{tmp_path}/urls.csv"),
                metadata=ClientMetadata(table=f"file://{tmp_path}/more.csv"),
            )

    def test_it_has_no_sidecars_and_no_other_url_style(self, encord: EncordEmulator, tmp_path: Path) -> None:
        (tmp_path / "urls.csv").write_text(self.TABLE)
        source = ObjectUrlTable(uri=f"file://{tmp_path}/urls.csv")
        with pytest.raises(EncordInputError, match="have no sidecars"):
            build(tmp_path, source=source, metadata=ClientMetadata(sidecars=True))
        with pytest.raises(EncordInputError, match="leave out the 'style' of 'object_urls'"):
            build(tmp_path, source=source, object_urls=ObjectUrls(style="path"))

    def test_a_row_that_is_no_url_names_its_line(self, encord: EncordEmulator, tmp_path: Path) -> None:
        (tmp_path / "urls.csv").write_text("object_url\ns3://lake/a.jpg\na.jpg\n")
        with pytest.raises(MetadataTableError, match=r"urls.csv, line 3: 'a.jpg'"):
            build(tmp_path, source=ObjectUrlTable(uri=f"file://{tmp_path}/urls.csv"))


class TestWhatIsAddedToObjects:
    def test_objects_are_left_out_by_size_time_and_class_each_with_its_reason(
        self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
    ) -> None:
        put(s3, bucket, **{"a.jpg": b"12345", "b.jpg": b"1", "c.jpg": b"1234567890"})
        s3.put_object(Bucket=bucket, Key="d.jpg", Body=b"12345", StorageClass="GLACIER")
        size = Filters(min_size=2, max_size=8, storage_classes=["STANDARD"])
        found = build(tmp_path, bucket=bucket, filters=size)
        assert set(found["units"]) == {"a.jpg"}
        assert found["skipped"] == {
            "b.jpg": "smaller than 2 bytes",
            "c.jpg": "larger than 8 bytes",
            "d.jpg": "storage class GLACIER",
        }
        old = Filters(modified_before=datetime(2020, 1, 1, tzinfo=UTC))
        with pytest.raises(AirflowSkipException, match="None of the 4 objects"):
            build(tmp_path, bucket=bucket, filters=old)

    def test_sidecars_in_a_bucket(self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path) -> None:
        put(s3, bucket, **{"a.jpg": b"1", "a.jpg.metadata.json": b'{"n": 1}', "b.jpg": b"1"})
        found = build(tmp_path, bucket=bucket, metadata=ClientMetadata(sidecars=True))
        assert {key: unit["clientMetadata"] for key, unit in found["units"].items()} == {
            "a.jpg": {"n": 1},
            "b.jpg": {},
        }
        assert found["skipped"] == {"a.jpg.metadata.json": "metadata sidecar"}

    def test_frames_of_videos_and_how_they_are_sampled(
        self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
    ) -> None:
        put(s3, bucket, **{"a.mp4": b"1", "b.jpg": b"1"})
        frames = '{"key": "a.mp4", "frame": 10, "cars": 3}\n{"key": "a.mp4", "frame": 2, "cars": 1}\n'
        put(s3, bucket, **{"tables/frames.jsonl": frames.encode()})
        found = build(
            tmp_path,
            bucket=bucket,
            frames=Frames(table=f"s3://{bucket}/tables/frames.jsonl", sampling_rate=0, keyframe_mode="frame"),
        )
        assert found["units"]["a.mp4"]["clientMetadata"] == {
            "$encord": {
                "config": {"sampling_rate": 0, "keyframe_mode": "frame"},
                "frames": {"2": {"cars": 1}, "10": {"cars": 3}},
            }
        }
        assert found["units"]["b.jpg"]["clientMetadata"] == {}
        assert found["skipped"] == {"tables/frames.jsonl": "metadata table"}

    def test_embeddings_from_numpy_join_the_metadata_table(
        self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
    ) -> None:
        np = pytest.importorskip("numpy")
        put(s3, bucket, **{"a.jpg": b"1", "b.jpg": b"1"})
        np.save(tmp_path / "clip.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))
        (tmp_path / "keys.txt").write_text("b.jpg\na.jpg\n")
        (tmp_path / "t.csv").write_text("key,site\na.jpg,oslo\n")
        found = build(
            tmp_path,
            bucket=bucket,
            metadata=ClientMetadata(
                table=f"file://{tmp_path}/t.csv",
                embeddings=Embeddings(
                    uri=f"file://{tmp_path}/{{{{ params.file }}}}",
                    keys=f"file://{tmp_path}/keys.txt",
                    name="clip",
                ),
            ),
            params={"file": "clip.npy"},
        )
        assert found["units"]["a.jpg"]["clientMetadata"] == {"site": "oslo", "clip": [3.0, 4.0]}
        assert found["units"]["b.jpg"]["clientMetadata"] == {"clip": [1.0, 2.0]}

    def test_parquet_tables(self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path) -> None:
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        put(s3, bucket, **{"a.jpg": b"1"})
        table = pa.table({"key": ["a.jpg"], "score": [0.5], "clip": [[1.0, 2.0]]})
        parquet.write_table(table, tmp_path / "t.parquet")
        found = build(tmp_path, bucket=bucket, metadata=ClientMetadata(table=f"file://{tmp_path}/t.parquet"))
        assert found["units"]["a.jpg"]["clientMetadata"] == {"score": 0.5, "clip": [1.0, 2.0]}

    def test_media_metadata_from_a_table(
        self, encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
    ) -> None:
        put(s3, bucket, **{"a.mp4": b"1", "b.jpg": b"1", "c.nii": b"1"})
        (tmp_path / "media.csv").write_text(
            "key,fps,duration,width,height,file_size,mime_type\n"
            "a.mp4,29.97,12.5,640,480,1000,video/mp4\n"
            "b.jpg,,,64,48,10,image/jpeg\n"
        )
        found = build(tmp_path, bucket=bucket, media=Media(metadata=f"file://{tmp_path}/media.csv"))
        assert found["units"]["a.mp4"]["videoMetadata"] == {
            "fps": 29.97,
            "duration": 12.5,
            "width": 640,
            "height": 480,
            "file_size": 1000,
            "mime_type": "video/mp4",
        }
        assert found["units"]["b.jpg"]["imageMetadata"]["width"] == 64

    @pytest.mark.parametrize("media", ["image_group", "image_sequence"])
    @pytest.mark.parametrize(
        ("group_by", "files"),
        [
            (None, {"x": ["x/left_2.jpg", "x/left_10.jpg", "x/right_1.jpg"], "y": ["y/left_1.jpg"]}),
            (
                r"/(?P<view>[a-z]+)_",
                {"left": ["x/left_2.jpg", "x/left_10.jpg", "y/left_1.jpg"], "right": ["x/right_1.jpg"]},
            ),
            (
                "column:car",
                {"red": ["x/left_2.jpg", "x/left_10.jpg"], "blue": ["x/right_1.jpg", "y/left_1.jpg"]},
            ),
        ],
    )
    def test_images_are_grouped_by_folder_pattern_or_column_in_natural_order(
        self,
        encord: EncordEmulator,
        s3: Any,
        bucket: str,
        tmp_path: Path,
        media: str,
        group_by: str | None,
        files: dict[str, list[str]],
    ) -> None:
        keys = ["x/left_10.jpg", "x/left_2.jpg", "x/right_1.jpg", "y/left_1.jpg"]
        put(s3, bucket, **dict.fromkeys(keys, b"1"))
        cars = {
            "x/left_10.jpg": "red",
            "x/left_2.jpg": "red",
            "x/right_1.jpg": "blue",
            "y/left_1.jpg": "blue",
        }
        (tmp_path / "cars.csv").write_text(
            "key,car\n" + "".join(f"{key},{car}\n" for key, car in cars.items())
        )
        table = f"file://{tmp_path}/cars.csv" if group_by == "column:car" else None
        found = build(
            tmp_path,
            bucket=bucket,
            media=media,
            grouping=Grouping(group_by=group_by),
            metadata={"table": table},
        )
        urls = {
            title: [
                url.rpartition(".com/")[2]
                for name, url in sorted(unit.items())
                if name.startswith("objectUrl_")
            ]
            for title, unit in found["units"].items()
        }
        assert urls == files
        assert {unit["createVideo"] for unit in found["units"].values()} == {media == "image_sequence"}


def test_a_source_and_a_bucket_together_are_refused() -> None:
    with pytest.raises(EncordInputError, match="either 'bucket' and 'prefix', or a 'source'"):
        EncordBuildUploadSpecOperator(task_id="b", bucket="lake", source=ObjectUrlTable(uri="file:///t.csv"))


def test_no_source_and_no_bucket(tmp_path: Path) -> None:
    with pytest.raises(EncordInputError, match="No bucket was given"):
        build(tmp_path)


@pytest.mark.parametrize(
    ("endpoint", "style"),
    [
        ("https://s3.eu-west-1.amazonaws.com", "virtual-hosted"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "virtual-hosted"),
        ("https://bucket.vpce-1a2b3c4d.s3.us-east-1.vpce.amazonaws.com", "virtual-hosted"),
        ("https://s3.eu-central-1.wasabisys.com", "endpoint"),
        ("http://minio.lab:9000", "endpoint"),
        ("https://amazonaws.com.example.com", "endpoint"),
        # A stand-in for Amazon S3, which Encord cannot reach in any form.
        ("http://127.0.0.1:9000", "virtual-hosted"),
        ("http://localhost:9000", "virtual-hosted"),
    ],
)
def test_the_usual_object_urls_are_those_of_the_store_that_the_connection_leads_to(
    endpoint: str, style: str, caplog: pytest.LogCaptureFixture
) -> None:
    import boto3

    from encord_provider import sources

    client = boto3.client("s3", region_name="eu-west-1", endpoint_url=endpoint)
    with caplog.at_level("INFO", logger=sources.__name__):
        assert sources._usual_style(client) == style
    assert bool(caplog.text) == ("amazonaws.com" not in endpoint or "example" in endpoint)
