"""EncordBuildUploadSpecOperator against moto's S3 and the emulator."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from encord_provider.exceptions import (
    EncordInputError,
    KeyPatternError,
    ListingError,
    MetadataTableError,
    MetadataValueError,
    UploadSpecError,
)
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.options import ClientMetadata, Filters, Grouping, ObjectUrls
from encord_provider.upload_spec import read_index, read_part
from encord_provider.workspace.files import path_of
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

DAILY = "site=*/dt={date}/"


def build(bucket: str, workspace: str, *, prefix: str = DAILY, **arguments: Any) -> Any:
    context = {name: arguments.pop(name) for name in ("params", "run_id") if name in arguments}
    operator = EncordBuildUploadSpecOperator(
        task_id="build_spec", bucket=bucket, prefix=prefix, workspace=workspace, **arguments
    )
    return run(operator, **context)


def units_of(result: Any) -> list[Any]:
    """The data units of a spec that was built."""
    return [unit for uri in result["parts"] for unit in read_part(path_of(uri)).units]


def skipped_of(result: Any) -> dict[str, str]:
    lines = path_of(result["index"].replace("index.json", "skipped.jsonl")).read_text().splitlines()
    return {row["key"]: row["reason"] for row in map(json.loads, lines)}


def test_the_objects_of_the_day_become_data_units(encord: EncordEmulator, lake: str, workspace: str) -> None:
    result = build(lake, workspace)
    assert result["counts"] == {"image": 2, "video": 1, "dicom_series": 1}
    assert result["skipped"] == 1
    host = f"https://{lake}.s3.eu-west-1.amazonaws.com/"
    found = {unit.title: [unquote(url.removeprefix(host)) for url in unit.urls] for unit in units_of(result)}
    assert found == {
        "site=a/dt=2025-03-01/cam 1+2.jpg": ["site=a/dt=2025-03-01/cam 1+2.jpg"],
        "site=a/dt=2025-03-01/clip.mp4": ["site=a/dt=2025-03-01/clip.mp4"],
        "site=a/dt=2025-03-01/scan": ["site=a/dt=2025-03-01/scan/1.dcm", "site=a/dt=2025-03-01/scan/2.dcm"],
        "site=b/dt=2025-03-01/bäume (3).png": ["site=b/dt=2025-03-01/bäume (3).png"],
    }
    assert skipped_of(result) == {
        "site=a/dt=2025-03-01/notes.docx": "not a media type that Encord supports: .docx"
    }


def test_nothing_is_sent_to_encord(encord: EncordEmulator, lake: str, workspace: str) -> None:
    build(lake, workspace)
    assert encord.requests() == []


def test_the_same_objects_give_the_same_bytes(encord: EncordEmulator, lake: str, tmp_path: Path) -> None:
    first = build(lake, (tmp_path / "one").as_uri())
    second = build(lake, (tmp_path / "two").as_uri())
    for uri in ["index", "parts"]:
        pairs = zip(
            *([result[uri]] if uri == "index" else result[uri] for result in (first, second)), strict=True
        )
        for one, other in pairs:
            assert path_of(one).read_bytes() == path_of(other).read_bytes()


def test_the_result_lies_in_the_folder_of_the_task_and_names_no_key(
    encord: EncordEmulator, lake: str, workspace: str
) -> None:
    result = build(lake, workspace)
    assert result["index"] == f"{workspace}/lake/scheduled-2025-03-01/build_spec/index.json"
    assert [uri.rpartition("/")[0] for uri in result["parts"]] == [
        f"{workspace}/lake/scheduled-2025-03-01/build_spec" for _ in result["parts"]
    ]
    assert "cam" not in json.dumps(result)


def test_parts_hold_as_many_units_as_allowed(encord: EncordEmulator, lake: str, workspace: str) -> None:
    result = build(lake, workspace, parts={"max_units_per_part": 1})
    assert len(result["parts"]) == 4
    assert read_index(path_of(result["index"])).units == 4


def test_a_day_may_be_named_by_a_template(encord: EncordEmulator, lake: str, workspace: str) -> None:
    result = build(lake, workspace, day="{{ params.day }}", params={"day": "2025-03-02"})
    assert [unit.title for unit in units_of(result)] == ["site=b/dt=2025-03-02/later.png"]


def test_filters_and_types(encord: EncordEmulator, lake: str, workspace: str) -> None:
    assert build(lake, workspace, filters=Filters(include=["*.mp4"]))["counts"] == {"video": 1}
    assert build(lake, workspace, filters=Filters(exclude=["site=a/*"]))["counts"] == {"image": 1}
    assert build(lake, workspace, media="image")["counts"] == {"image": 2}
    assert build(lake, workspace, media="")["counts"] == {"image": 2, "video": 1, "dicom_series": 1}


def test_the_key_and_a_table_give_client_metadata(
    encord: EncordEmulator, lake: str, workspace: str, put: Callable[..., None], s3: Any
) -> None:
    schema = {"site": "varchar", "score": "number"}
    run(EncordSetSchemaOperator(task_id="set_schema", schema=schema))
    s3.put_object(
        Bucket=lake, Key="labels.csv", Body=b"key,score\nsite=a/dt=2025-03-01/clip.mp4,0.5\nother.png,1\n"
    )
    result = build(
        lake,
        workspace,
        metadata=ClientMetadata(key_pattern="site=(?P<site>[^/]+)/", table=f"s3://{lake}/labels.csv"),
    )
    assert {unit.title.rpartition("/")[2]: dict(unit.client_metadata) for unit in units_of(result)} == {
        "cam 1+2.jpg": {"site": "a"},
        "clip.mp4": {"site": "a", "score": 0.5},
        "scan": {"site": "a"},
        "bäume (3).png": {"site": "b"},
    }


def test_a_custom_title(encord: EncordEmulator, lake: str, workspace: str) -> None:
    result = build(
        lake,
        workspace,
        grouping=Grouping(title="{site}: {name}"),
        metadata=ClientMetadata(key_pattern="site=(?P<site>[^/]+)/", validate=False),
    )
    assert "a: clip.mp4" in {unit.title for unit in units_of(result)}


class TestNothingToImport:
    """The run is skipped, not failed, and says so."""

    def test_no_objects_under_the_prefix(self, encord: EncordEmulator, lake: str, workspace: str) -> None:
        with pytest.raises(
            AirflowSkipException, match=rf"no objects in bucket {lake} under site=\*/dt=2030-01-01/"
        ):
            build(lake, workspace, day="2030-01-01")
        assert writes(encord) == []

    def test_it_is_a_warning_in_the_log_with_the_reasons(
        self,
        encord: EncordEmulator,
        put: Callable[..., None],
        bucket: str,
        workspace: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        put("dt=2025-03-01/a.docx", "dt=2025-03-01/b.xlsx", "dt=2025-03-01/c.docx")
        for day in ("2025-03-01", "2030-01-01"):
            with pytest.raises(AirflowSkipException):
                build(bucket, workspace, prefix="dt={date}/", day=day)
        warned = [line for line in capsys.readouterr().out.splitlines() if "[warning" in line]
        shown = "\n".join(line for line in warned if "Task Runner" not in line)
        assert re.search(
            r"2 left out: [^\n]*\.docx.*1 left out: .*None of the 3 objects.*There are no objects in bucket",
            shown,
            re.DOTALL,
        )

    def test_an_empty_bucket(self, encord: EncordEmulator, bucket: str, workspace: str) -> None:
        with pytest.raises(AirflowSkipException, match="nothing to import"):
            build(bucket, workspace, prefix="")

    def test_objects_of_no_supported_type(
        self, encord: EncordEmulator, put: Callable[..., None], bucket: str, workspace: str
    ) -> None:
        put("dt=2025-03-01/a.docx", "dt=2025-03-01/b.xlsx")
        with pytest.raises(
            AirflowSkipException, match=r"None of the 2 objects.*The reasons: file:.*skipped\.jsonl"
        ):
            build(bucket, workspace, prefix="dt={date}/")
        assert writes(encord) == []


class TestBadInput:
    """A clear error, and nothing is sent."""

    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, encord: EncordEmulator) -> Any:
        yield
        allowed = {"set_metadata_schema"}  # by the preparation of a test
        assert set(writes(encord)) <= allowed

    def test_no_bucket_was_given(self, workspace: str) -> None:
        with pytest.raises(
            EncordInputError,
            match=r"No bucket was given: set the parameter 'bucket'.*Variable encord_s3_import",
        ):
            build("", workspace)

    def test_there_is_no_such_bucket(self, workspace: str) -> None:
        with pytest.raises(ListingError, match=r"'no-such-lake'.*there is no such bucket"):
            build("no-such-lake", workspace)

    def test_a_name_that_no_bucket_can_have(self, workspace: str) -> None:
        with pytest.raises(ListingError, match="'s3://lake'"):
            build("s3://lake", workspace)

    def test_no_permission_names_the_action_and_the_resource(
        self, forbidden_s3: None, workspace: str
    ) -> None:
        with pytest.raises(
            ListingError, match=r"'lake'.*not permitted.*s3:ListBucket on arn:aws:s3:::lake.*AccessDenied"
        ):
            build("lake", workspace)

    def test_a_title_over_300_characters(self, put: Callable[..., None], bucket: str, workspace: str) -> None:
        put(f"dt=2025-03-01/{'x' * 300}.jpg")
        with pytest.raises(UploadSpecError, match=r"'dt=2025-03-01/xxx.*300.*shorter title template"):
            build(bucket, workspace, prefix="dt={date}/")

    def test_an_unknown_title_field(self, lake: str, workspace: str) -> None:
        with pytest.raises(UploadSpecError, match=r"has no field \{day\}; fields are \{key\}"):
            build(lake, workspace, grouping=Grouping(title="{day}/{name}"))

    @pytest.mark.parametrize(
        ("pattern", "says"),
        [
            ("site=(?P<site>[^/+/", r"regular expression.*\(character \d+"),
            ("site=([^/]+)/", r"has no named group; write one as \(\?P<site>"),
            ("(?P<keyframes>[0-9]+)", "reserved by Encord"),
        ],
    )
    def test_an_invalid_key_pattern(self, pattern: str, says: str, lake: str, workspace: str) -> None:
        with pytest.raises(KeyPatternError, match=says):
            build(lake, workspace, metadata={"key_pattern": pattern})

    def test_a_metadata_column_that_the_schema_refuses(self, lake: str, workspace: str, s3: Any) -> None:
        run(EncordSetSchemaOperator(task_id="set_schema", schema={"score": "number"}))
        table = b"key,score\nsite=a/dt=2025-03-01/clip.mp4,high\n"
        s3.put_object(Bucket=lake, Key="labels.csv", Body=table)
        with pytest.raises(MetadataValueError, match=r"labels\.csv, line 2.*clip\.mp4.*'?score'?.*number"):
            build(lake, workspace, metadata=ClientMetadata(table=f"s3://{lake}/labels.csv"))

    def test_all_values_of_the_table_that_the_schema_refuses(
        self, lake: str, workspace: str, s3: Any
    ) -> None:
        run(EncordSetSchemaOperator(task_id="set_schema", schema={"score": "number"}))
        rows = "site=a/dt=2025-03-01/clip.mp4,high\n" + "".join(f"{n}.jpg,low\n" for n in range(24))
        s3.put_object(Bucket=lake, Key="labels.csv", Body=f"key,score\n{rows}".encode())
        with pytest.raises(MetadataValueError) as caught:
            build(lake, workspace, metadata=ClientMetadata(table=f"s3://{lake}/labels.csv"))
        first, *shown, rest = str(caught.value).splitlines()
        assert first == "25 values of 25 rows are wrong:"
        assert "labels.csv, line 2, row 'site=a/dt=2025-03-01/clip.mp4': 'score' must be a number" in shown[0]
        assert "labels.csv, line 21" in shown[-1]
        assert rest == "... and 5 more"

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ("a.jpg,1\nb.jpg,2,3\n", "line 3: 3 fields, but the header has 2"),
            ("a.jpg,1\n,2\n", "line 3, column 'key': the key is empty"),
            ("a.jpg,1\na.jpg,2\n", "line 3, column 'key': 'a.jpg' already has a row on line 2"),
        ],
    )
    def test_a_malformed_row_of_the_table(
        self, rows: str, says: str, lake: str, workspace: str, s3: Any
    ) -> None:
        s3.put_object(Bucket=lake, Key="labels.csv", Body=f"key,score\n{rows}".encode())
        with pytest.raises(MetadataTableError, match=re.escape(f"s3://{lake}/labels.csv, {says}")):
            build(lake, workspace, metadata=ClientMetadata(table=f"s3://{lake}/labels.csv"))

    def test_a_table_that_is_not_there(self, lake: str, workspace: str) -> None:
        with pytest.raises(EncordInputError, match=rf"s3://{lake}/labels\.csv cannot be read: NoSuchKey"):
            build(lake, workspace, metadata=ClientMetadata(table=f"s3://{lake}/labels.csv"))

    def test_an_unknown_media_type(self, lake: str, workspace: str) -> None:
        with pytest.raises(UploadSpecError, match="'pictures'"):
            build(lake, workspace, media="pictures")

    def test_an_unknown_form_of_object_urls(self, lake: str, workspace: str) -> None:
        with pytest.raises(EncordInputError, match="'ftp'"):
            build(lake, workspace, object_urls=ObjectUrls(style="ftp"))

    def test_a_day_that_is_none(self, lake: str, workspace: str) -> None:
        with pytest.raises(EncordInputError, match=r"'01\.03\.2025'.*YYYY-MM-DD"):
            build(lake, workspace, day="01.03.2025")

    def test_a_placeholder_that_is_none(self, lake: str, workspace: str) -> None:
        with pytest.raises(EncordInputError, match=r"has the placeholder '\{ds\}'"):
            build(lake, workspace, prefix="dt={ds}/")

    def test_a_prefix_that_ends_inside_a_folder_name_with_a_wildcard(self, lake: str, workspace: str) -> None:
        with pytest.raises(EncordInputError, match=r"'site=\*' ends inside a folder name.*End it with '/'"):
            build(lake, workspace, prefix="site=*")

    def test_a_workspace_that_is_no_uri(self, lake: str) -> None:
        with pytest.raises(
            EncordInputError, match=r"'encord/lake/scheduled-2025-03-01'.*file:///data/encord"
        ):
            build(lake, "encord")


def test_two_runs_of_one_day_do_not_disturb_each_other(
    encord: EncordEmulator, lake: str, workspace: str
) -> None:
    first = build(lake, workspace)
    second = build(lake, workspace, run_id="manual__2")
    assert first["index"] != second["index"]
    assert len(units_of(first)) == len(units_of(second)) == 4
