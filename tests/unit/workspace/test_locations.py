"""What a URI names: exactly what stands in it, or nothing. No bucket is made, nothing outside is touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import EncordInputError
from encord_provider.upload_spec import MEDIA_TYPES, DataUnit, read_index, read_part, write_parts
from encord_provider.workspace import files
from encord_provider.workspace.files import Location

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("file:///data/encord#old", "'#'"),
        ("file:///data/encord?x=1", "'?'"),
        ("/data/encord#old", "'#'"),
        ("file:///data/%41", "'%41'"),
        ("gs://lake/%41", "'%41'"),
        ("gs://lake/a?b", "'?'"),
        ("file:///data/../etc", "'..'"),
        ("/data/../etc", "'..'"),
        ("s3://lake/a/../b", "'..'"),
        ("file://data/encord", "'data'"),
        ("s3:///encord", "no bucket"),
        ("s3://@lake/encord", "connection before the @"),
        ("s3://lake/a\nb", "control character"),
        ("s3:/lake/encord", "such as file:///data/encord"),
    ],
)
def test_what_might_name_another_file_than_it_seems_is_refused(uri: str, named: str) -> None:
    with pytest.raises(EncordInputError) as caught:
        files.path_of(uri)
    assert named in str(caught.value)
    assert repr(uri) in str(caught.value)
    for act in (
        lambda: files.write_whole(uri, b""),
        lambda: files.read_bytes(uri, aws_conn_id=None, limit=9),
        lambda: files.remove(uri),
    ):
        with pytest.raises(EncordInputError):
            act()


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("/data/100 %", ("file", None, "", "/data/100 %")),
        ("file:///data/ü", ("file", None, "", "/data/ü")),
        ("s3://aws_lab@lake/a#b?c%41", ("s3", "aws_lab", "lake", "a#b?c%41")),
        ("S3://lake", ("s3", None, "lake", "")),
        ("s3://lake//double", ("s3", None, "lake", "/double")),
        ("https://h/t.csv?a=%41#b", ("https", None, "h", "t.csv?a=%41#b")),
        ("abfs://conn@box/a/b", ("abfs", "conn", "box", "a/b")),
    ],
)
def test_what_stands_behind_the_bucket_is_the_path(uri: str, location: tuple[Any, ...]) -> None:
    found = Location.parse(uri)
    assert (found.scheme, found.conn_id, found.bucket, found.path) == location


def test_credentials_in_a_uri_are_refused_and_not_shown() -> None:
    with pytest.raises(EncordInputError, match=r"connection before the @") as caught:
        files.path_of("s3://AKIAEXAMPLE:wJalr/XUtnFEMI@lake/encord")
    assert "wJalr" not in str(caught.value)
    assert "XUtn" not in str(caught.value)


def test_a_file_beside_the_workspace_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    for uri in (f"{tmp_path}/data#x", f"file://{tmp_path}/data?x"):
        with pytest.raises(EncordInputError):
            files.write_whole(uri, b"theirs")
    assert (tmp_path / "data").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


class TestInS3:
    def test_a_workspace_in_s3_needs_no_further_package(
        self, encord: EncordEmulator, s3: Any, bucket: str
    ) -> None:
        uri = f"s3://aws_default@{bucket}/en cord/#1/100 %41?.json"
        with pytest.raises(FileNotFoundError):
            files.path_of(uri).read_bytes()
        files.write_whole(uri, b"first")
        files.write_whole(uri, b"second")
        assert files.path_of(uri).read_bytes() == b"second"
        assert files.read_bytes(uri, aws_conn_id=None, limit=6) == b"second"
        with files.path_of(uri).open("rb") as file:
            assert list(file) == [b"second"]
        (entry,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
        assert entry["Key"] == "en cord/#1/100 %41?.json"
        files.remove(uri)
        files.remove(uri)
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0

    def test_a_spec_in_parts_is_written_and_read(self, encord: EncordEmulator, bucket: str) -> None:
        units = [DataUnit(media_type=MEDIA_TYPES["image"], urls=(f"s3://b/{one}.jpg",)) for one in range(5)]
        index = write_parts(units, files.path_of(f"s3://{bucket}/w"), max_units_per_part=2)
        found = read_index(files.path_of(f"s3://{bucket}/w/spec/index.json"))
        assert found == index
        read = [read_part(files.path_of(part.uri), sha256=part.sha256).units for part in found.parts]
        assert [unit for part in read for unit in part] == units

    def test_a_write_that_fails_half_way_leaves_the_old_object(
        self, encord: EncordEmulator, bucket: str
    ) -> None:
        uri = f"s3://{bucket}/journal.json"
        files.write_whole(uri, b"old")

        def write() -> None:
            with files.path_of(uri).open("wb") as file:
                file.write(b"new")
                raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space left"):
            write()
        assert files.path_of(uri).read_bytes() == b"old"

    def test_a_misspelt_bucket_is_named_and_never_made(self, encord: EncordEmulator, s3: Any) -> None:
        uri = "s3://no-such-lake/encord/dag/index.json"
        path = files.path_of(uri)
        for act in (
            lambda: path.parent.mkdir(parents=True, exist_ok=True) or files.write_whole(uri, b"{}"),
            lambda: files.read_bytes(uri, aws_conn_id="aws_default", limit=9),
            lambda: write_parts([], files.path_of("s3://no-such-lake/encord")),
        ):
            with pytest.raises(EncordInputError, match=r"no-such-lake.*NoSuchBucket"):
                act()
        with pytest.raises(s3.exceptions.ClientError):
            s3.head_bucket(Bucket="no-such-lake")

    def test_what_is_too_large_is_not_read_to_its_end(
        self, encord: EncordEmulator, s3: Any, bucket: str
    ) -> None:
        s3.put_object(Bucket=bucket, Key="t.csv", Body=b"x" * 1000)
        with pytest.raises(EncordInputError, match=rf"s3://{bucket}/t\.csv.*more than 999 bytes"):
            files.read_bytes(f"s3://{bucket}/t.csv", aws_conn_id="aws_default", limit=999)


def test_a_local_file_that_is_too_large_is_named_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"x" * 1000)
    assert files.read_bytes(str(path), aws_conn_id=None, limit=1000) == b"x" * 1000
    with pytest.raises(EncordInputError, match=rf"{path}.*more than 999 bytes"):
        files.read_bytes(str(path), aws_conn_id=None, limit=999)
