"""Which rows of which tables meet which objects, and what is said of those that meet none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from encord_provider.exceptions import EncordInputError, MetadataTableError, UploadSpecError
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.options import Limits, Parts
from encord_provider.upload_spec import read_part
from encord_provider.workspace.files import path_of
from tests.helpers.operators import run

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.usefixtures("encord")

KEY = "dt=1/a b+ü%20.jpg"
OTHER = "dt=1/b.jpg"


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., str]:
    """Write a table and give its URI."""

    def write(*lines: str, name: str = "t.csv") -> str:
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return (tmp_path / name).as_uri()

    return write


def build(bucket: str, workspace: str, **parameters: Any) -> dict[str, Any]:
    parameters.setdefault("prefix", "dt=1/")
    if "metadata" in parameters:
        parameters["metadata"] = {"validate": False, **parameters["metadata"]}
    result = run(
        EncordBuildUploadSpecOperator(task_id="build_spec", bucket=bucket, workspace=workspace, **parameters)
    )
    units = [unit for uri in result["parts"] for unit in read_part(path_of(uri)).units]
    lines = path_of(result["index"].replace("index.json", "skipped.jsonl")).read_text().splitlines()
    skipped = {row["key"]: row["reason"] for row in map(json.loads, lines)}
    metadata = {unit.title: dict(unit.client_metadata) for unit in units}
    return {**result, "units": units, "metadata": metadata, "reasons": skipped}


def spellings(bucket: str, key: str) -> list[str]:
    quoted = quote(key, safe="/")
    return [
        key,
        f"s3://{bucket}/{key}",
        f"https://{bucket}.s3.eu-west-1.amazonaws.com/{quoted}",
        f"https://{bucket}.s3.amazonaws.com/{quoted}",
        f"https://s3.eu-west-1.amazonaws.com/{bucket}/{quoted}?X-Amz-Signature=secret",
        f"https://{bucket}.s3.dualstack.eu-west-1.amazonaws.com/{quote(key, safe='')}",
    ]


class TestSpellings:
    @pytest.mark.parametrize("style", ["virtual-hosted", "path", "endpoint"])
    @pytest.mark.parametrize("number", range(6))
    def test_a_row_may_name_its_object_in_any_spelling(
        self, number: int, style: str, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(KEY, OTHER)
        uri = table("object_url,site", f"{spellings(bucket, KEY)[number]},oslo")
        found = build(bucket, workspace, metadata={"table": uri}, object_urls={"style": style})
        assert found["metadata"] == {KEY: {"site": "oslo"}, OTHER: {}}
        assert found["unmatched"] == 0

    def test_an_unescaped_url_is_the_object_that_it_looks_like(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put("dt=1/a b.jpg", OTHER)
        uri = table("object_url,site", f"https://{bucket}.s3.eu-west-1.amazonaws.com/dt=1/a b.jpg,oslo")
        found = build(bucket, workspace, metadata={"table": uri})
        assert found["metadata"]["dt=1/a b.jpg"] == {"site": "oslo"}

    def test_a_table_may_mix_keys_and_urls(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(KEY, OTHER)
        uri = table("object_url,site", f"s3://{bucket}/{KEY},oslo", f"{OTHER},bergen")
        found = build(bucket, workspace, metadata={"table": uri})
        assert found["metadata"] == {KEY: {"site": "oslo"}, OTHER: {"site": "bergen"}}

    def test_two_rows_of_one_object_are_an_error_that_names_both_lines(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(KEY)
        first, *others = spellings(bucket, KEY)
        for other in others:
            uri = table("object_url,site", f"{first},oslo", f"{other},bergen")
            with pytest.raises(MetadataTableError, match=r"t\.csv, line 3, .*same object as line 2, "):
                build(bucket, workspace, metadata={"table": uri})

    def test_two_rows_of_an_object_elsewhere_are_an_error_too(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(KEY)
        uri = table("object_url,site", "s3://other/k,1", "https://other.s3.amazonaws.com/k,2")
        with pytest.raises(MetadataTableError, match=r"line 3, .*same object as line 2, 's3://other/k'"):
            build(bucket, workspace, metadata={"table": uri})

    def test_frames(self, put: Any, bucket: str, workspace: str, table: Callable[..., str]) -> None:
        put("dt=1/v 1.mp4")
        url = f"https://{bucket}.s3.eu-west-1.amazonaws.com/dt=1/v%201.mp4"
        uri = table("key,frame,score", f"s3://{bucket}/dt=1/v 1.mp4,0,1", f"{url},5,2")
        found = build(bucket, workspace, metadata={}, frames={"table": uri})
        frames = found["metadata"]["dt=1/v 1.mp4"]["$encord"]["frames"]
        assert frames == {"0": {"score": "1"}, "5": {"score": "2"}}
        uri = table("key,frame,score", f"s3://{bucket}/dt=1/v 1.mp4,0,1", f"{url},0,2")
        with pytest.raises(MetadataTableError, match=r"line 3, .*same object as line 2, .*frame 0 again"):
            build(bucket, workspace, frames={"table": uri})

    def test_embeddings(self, put: Any, bucket: str, workspace: str, tmp_path: Path) -> None:
        numpy = pytest.importorskip("numpy")
        put(KEY)
        numpy.save(tmp_path / "e.npy", numpy.array([[1.0, 2.0]]))
        embeddings = {"uri": f"file://{tmp_path}/e.npy", "keys": [f"s3://{bucket}/{KEY}"], "name": "clip"}
        found = build(bucket, workspace, metadata={"embeddings": embeddings})
        assert found["metadata"] == {KEY: {"clip": [1.0, 2.0]}}

    def test_a_byte_order_mark_does_not_lose_the_first_embedding(
        self, put: Any, bucket: str, workspace: str, tmp_path: Path
    ) -> None:
        numpy = pytest.importorskip("numpy")
        put(KEY, OTHER)
        numpy.save(tmp_path / "e.npy", numpy.array([[1.0], [2.0]]))
        (tmp_path / "k.txt").write_text(f"{KEY}\r\n{OTHER}\r\n", encoding="utf-8-sig")
        embeddings = {"uri": f"file://{tmp_path}/e.npy", "keys": f"file://{tmp_path}/k.txt", "name": "clip"}
        found = build(bucket, workspace, metadata={"embeddings": embeddings})
        assert found["metadata"] == {KEY: {"clip": [1.0]}, OTHER: {"clip": [2.0]}}

    def test_a_null_says_nothing(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(OTHER)
        uri = table(json.dumps({"key": OTHER, "dt": None, "site": "oslo"}), name="t.jsonl")
        found = build(bucket, workspace, metadata={"table": uri, "key_pattern": "dt=(?P<dt>[^/]+)"})
        assert found["metadata"] == {OTHER: {"dt": "1", "site": "oslo"}}

    def test_media_metadata(self, put: Any, bucket: str, workspace: str, table: Callable[..., str]) -> None:
        put(KEY)
        uri = table("key,width,height,file_size,mime_type", f"s3://{bucket}/{KEY},4,3,10,image/jpeg")
        found = build(bucket, workspace, media={"metadata": uri})
        assert found["units"][0].media_metadata["width"] == 4

    def test_grouping_by_a_column(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(KEY, OTHER)
        uri = table("key,scan", f"s3://{bucket}/{KEY},one", f"{OTHER},one")
        found = build(
            bucket,
            workspace,
            media="image_group",
            metadata={"table": uri},
            grouping={"group_by": "column:scan"},
        )
        assert [(unit.title, len(unit.urls)) for unit in found["units"]] == [("one", 2)]


class TestUnmatched:
    def test_rows_without_an_object_are_counted_and_named(
        self,
        put: Any,
        bucket: str,
        workspace: str,
        table: Callable[..., str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        put(KEY, OTHER)
        uri = table("key,site", f"{OTHER},oslo", "dt=2/c.jpg,bergen", "s3://elsewhere/dt=1/b.jpg,x")
        found = build(bucket, workspace, metadata={"table": uri})
        assert found["unmatched"] == 2
        says = f"2 of the 3 rows of the metadata table {uri} name no object that was listed: "
        assert f"{says}line 3, 'dt=2/c.jpg', line 4, 's3://elsewhere/dt=1/b.jpg'" in capsys.readouterr().out

    @pytest.mark.parametrize(("limit", "fails"), [(0, True), (1, False), ("{{ 0 }}", True)])
    def test_a_limit_fails_the_task(
        self, limit: Any, fails: bool, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(OTHER)
        uri = table("key,site", f"{OTHER},oslo", "dt=2/c.jpg,bergen")
        parts = Parts(limits=Limits(max_unmatched=limit))
        if not fails:
            assert build(bucket, workspace, metadata={"table": uri}, parts=parts)["unmatched"] == 1
            return
        with pytest.raises(
            EncordInputError, match=r"1 of the 2 rows.*max_unmatched is 0: line 3, 'dt=2/c\.jpg'"
        ):
            build(bucket, workspace, metadata={"table": uri}, parts=parts)

    def test_a_table_that_matches_nothing_is_an_error(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(OTHER)
        uri = table("key,site", "DT=1/B.JPG,oslo")
        with pytest.raises(
            EncordInputError, match=r"None of the 1 rows .*t\.csv names.*line 2, 'DT=1/B\.JPG'"
        ):
            build(bucket, workspace, metadata={"table": uri})
        parts = {"limits": {"max_unmatched": 1}}
        assert build(bucket, workspace, metadata={"table": uri}, parts=parts)["unmatched"] == 1

    def test_a_table_of_frames_is_asked_of_videos_only(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(OTHER)
        uri = table("key,frame,score", "dt=1/v.mp4,0,1")
        assert build(bucket, workspace, frames={"table": uri}, metadata={})["counts"] == {"image": 1}
        put("dt=1/w.mp4")
        with pytest.raises(EncordInputError, match="table of frames"):
            build(bucket, workspace, frames={"table": uri}, metadata={})

    def test_a_row_of_an_object_that_was_left_out_has_met_it(
        self, put: Any, bucket: str, workspace: str, table: Callable[..., str]
    ) -> None:
        put(OTHER, "dt=1/c.xyz")
        uri = table("key,site", f"{OTHER},oslo", "dt=1/c.xyz,bergen")
        assert build(bucket, workspace, metadata={"table": uri})["unmatched"] == 0


class TestPatterns:
    @pytest.mark.parametrize(
        ("parameters", "says"),
        [
            ({"metadata": {"key_pattern": "site=(?P<site>[^/]+)/"}}, r"key_pattern: 'site=.*'dt=1/b\.jpg'"),
            ({"filters": {"include": ["*.JPG"]}}, r"filters\.include: no object matches '\*\.JPG'"),
            (
                {"media": "image_group", "grouping": {"group_by": r"(?P<clip>clip[0-9]+)_"}},
                r"group_by: '\(\?P<clip>.* gives no object a group, the first one is 'dt=1/b\.jpg'",
            ),
        ],
    )
    def test_a_pattern_that_matches_nothing_is_an_error(
        self, parameters: Any, says: str, put: Any, bucket: str, workspace: str
    ) -> None:
        put(OTHER)
        with pytest.raises(EncordInputError, match=says):
            build(bucket, workspace, **parameters)

    def test_one_include_pattern_of_several_is_a_warning(
        self, put: Any, bucket: str, workspace: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(OTHER)
        build(bucket, workspace, filters={"include": ["*.jpg", "*.MP4"]})
        assert "The include pattern '*.MP4' matches no object." in (logged := capsys.readouterr().out)
        assert "'*.jpg'" not in logged

    def test_grouping_that_nothing_uses_is_a_warning(
        self, put: Any, bucket: str, workspace: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(OTHER)
        build(bucket, workspace, grouping={"group_by": "(?P<clip>.)_"})
        assert "group_by '(?P<clip>.)_' was not used" in capsys.readouterr().out


class TestLeftOut:
    def test_a_key_without_a_url_does_not_fail_the_day(
        self, put: Any, bucket: str, workspace: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(OTHER, "dt=1/c d.jpg")
        found = build(bucket, workspace, object_urls={"style": "s3"})
        assert set(found["metadata"]) == {OTHER}
        assert "holds whitespace" in found["reasons"]["dt=1/c d.jpg"]
        assert "1 objects were left out because of their keys: 'dt=1/c d.jpg'" in capsys.readouterr().out

    def test_a_limit_fails_the_task_and_names_objects_and_reasons(
        self, put: Any, bucket: str, workspace: str
    ) -> None:
        put(OTHER, "dt=1/c d.jpg", "dt=1/e.xyz")
        limited = {"limits": {"max_skipped": 1}}
        with pytest.raises(
            UploadSpecError,
            match=r"2 objects.*max_skipped is 1: 'dt=1/c d\.jpg': .*'dt=1/e\.xyz'.*skipped\.jsonl",
        ):
            build(bucket, workspace, object_urls={"style": "s3"}, parts=limited)

    def test_what_is_no_medium_or_was_not_wanted_never_counts(
        self, s3: Any, put: Any, bucket: str, workspace: str
    ) -> None:
        s3.put_object(Bucket=bucket, Key="dt=1/t.txt", Body=b"")
        s3.put_object(Bucket=bucket, Key="dt=1/t.csv", Body=b"key,site\ndt=1/b.jpg,oslo\n")
        put(OTHER, "dt=1/", "dt=1/b.jpg.metadata.json", "dt=1/x/c.jpg", "dt=1/.DS_Store", "dt=1/v.mp4")
        s3.delete_object(Bucket=bucket, Key="dt=1/t.txt")
        found = build(
            bucket,
            workspace,
            media="image",
            filters={"exclude": ["*/x/*"]},
            metadata={"table": f"s3://{bucket}/dt=1/t.csv"},
            parts={"limits": {"max_skipped": 0}},
        )
        assert found["skipped"] == 6
        assert found["reasons"]["dt=1/t.csv"] == "metadata table"

    def test_an_object_of_the_name_of_a_table_elsewhere_is_no_table(
        self, s3: Any, put: Any, bucket: str, workspace: str
    ) -> None:
        s3.put_object(Bucket=bucket, Key="tables/b.json", Body=b'{"key": "b.json", "site": "oslo"}\n')
        put("b.json")
        with pytest.raises(EncordInputError, match="JSON Lines"):
            build(bucket, workspace, prefix="b", metadata={"table": f"s3://{bucket}/tables/b.json"})
        s3.put_object(Bucket=bucket, Key="x/t.jsonl", Body=b'{"key": "t.jsonl", "site": "oslo"}\n')
        put("t.jsonl")
        found = build(
            bucket, workspace, prefix="t.jsonl", media="text", metadata={"table": f"s3://{bucket}/x/t.jsonl"}
        )
        assert found["metadata"] == {"t.jsonl": {"site": "oslo"}}

    @pytest.mark.parametrize("name", [".DS_Store", "_SUCCESS", "DICOMDIR", "Thumbs.db", "desktop.ini", "._1"])
    @pytest.mark.parametrize("media", ["auto", "dicom_series"])
    def test_files_of_the_system_are_no_medium(
        self, name: str, media: str, put: Any, bucket: str, workspace: str
    ) -> None:
        put("dt=1/1", "dt=1/2.dcm", f"dt=1/{name}")
        found = build(bucket, workspace, media=media)
        assert found["reasons"][f"dt=1/{name}"] == "a file of the system, no medium"
        assert len(found["units"][0].urls) == (2 if media == "dicom_series" else 1)
