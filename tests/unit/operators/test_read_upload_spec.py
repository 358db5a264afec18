"""EncordReadUploadSpecOperator, and importing a JSON spec untouched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import EncordInputError, MetadataValueError, UploadSpecError
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.read_upload_spec import EncordReadUploadSpecOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.upload_spec import read_index, read_part
from encord_provider.workspace.files import path_of
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

HOST = "https://lake.s3.eu-west-1.amazonaws.com"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Any]:
    """Read a spec from a file; gives the operator's result."""

    def read_spec(content: Any, name: str = "spec.json", **arguments: Any) -> Any:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text)
        return run(
            EncordReadUploadSpecOperator(
                task_id="read_spec",
                spec=f"file://{tmp_path}/{{{{ params.name }}}}",
                workspace=f"file://{tmp_path}/workspace",
                **arguments,
            ),
            params={"name": name},
        )

    return read_spec


def test_a_json_spec_becomes_parts_with_an_index(encord: EncordEmulator, read: Any) -> None:
    result = read(
        {
            "images": [{"objectUrl": f"{HOST}/{n}.jpg", "title": f"n {n}"} for n in range(3)],
            "image_groups": [{"title": "g", "objectUrl_0": f"{HOST}/g0.jpg", "createVideo": False}],
        },
        max_units_per_part=2,
    )
    assert result["counts"] == {"image": 3, "image_group": 1}
    assert (len(result["parts"]), result["skipped"]) == (2, 0)
    index = read_index(path_of(result["index"]))
    assert (index.units, index.skip_duplicate_urls) == (4, True)


def test_a_csv_spec_of_several_sections(encord: EncordEmulator, read: Any) -> None:
    result = read(
        "ObjectURL,Image group title,Create video\n"
        f"{HOST}/1.jpg,seq,\n{HOST}/2.jpg,seq,true\n{HOST}/3.jpg,grp,false\n"
        "objecturl,VIDEO TITLE,create video\n"
        f"{HOST}/v.mp4,,false\n",
        "drop.csv",
    )
    assert result["counts"] == {"image_group": 1, "image_sequence": 1, "video": 1}
    units = [unit for uri in result["parts"] for unit in read_part(path_of(uri)).units]
    assert {unit.title for unit in units} == {"seq", "grp", "v.mp4"}


def test_a_spec_in_s3_is_read_with_the_aws_connection(
    encord: EncordEmulator, s3: Any, bucket: str, tmp_path: Path
) -> None:
    s3.put_object(Bucket=bucket, Key="in/a.json", Body=b'{"images": [{"objectUrl": "s3://lake/a.jpg"}]}')
    operator = EncordReadUploadSpecOperator(
        task_id="read_spec", spec=f"s3://{bucket}/in/a.json", workspace=f"file://{tmp_path}"
    )
    assert run(operator)["counts"] == {"image": 1}


@pytest.mark.parametrize(("given", "written"), [(True, True), (False, False), (None, False)])
def test_duplicates_are_skipped_unless_told_otherwise(
    encord: EncordEmulator, read: Any, given: bool | None, written: bool
) -> None:
    result = read({"images": [{"objectUrl": f"{HOST}/1.jpg"}]}, skip_duplicate_urls=given)
    assert read_index(path_of(result["index"])).skip_duplicate_urls is written


def test_metadata_is_brought_into_the_types_of_the_schema(encord: EncordEmulator, read: Any) -> None:
    run(EncordSetSchemaOperator(task_id="set_schema", schema={"score": "number"}))
    image = {"objectUrl": f"{HOST}/1.jpg", "clientMetadata": {"score": "high"}}
    with pytest.raises(MetadataValueError, match=r"spec.json, data unit .*1.jpg': 'score' must be a number"):
        read({"images": [image]})
    assert read({"images": [image]}, validate=False)["counts"] == {"image": 1}


class TestBadSpecs:
    """Every error with its line, and nothing written or sent."""

    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, encord: EncordEmulator, tmp_path: Path) -> Any:
        yield
        assert writes(encord) == []
        assert not list(tmp_path.rglob("index.json"))

    def test_all_errors_at_once_by_line(self, read: Any) -> None:
        text = (
            '{\n "images": [\n  {"objectUrl": "a b.jpg"},\n'
            '  {"title": "no url"},\n  {"objectUrl": "s3://b/a.jpg", "colour": 1}\n ]\n}'
        )
        with pytest.raises(UploadSpecError) as caught:
            read(text)
        message = str(caught.value)
        assert all(f"line {line}" in message for line in (3, 4, 5)), message
        assert "colour" in message

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"images": [],\n "images": []}', r"line 2.*'images'.*twice"),
            ('{"images": [\n {"objectUrl": "s3://b/a.jpg"},\n]}', r"line [23]"),
            ("{}", "nothing to register"),
            ("ObjectURL,Image title\n", "nothing to register|no data|no row"),
        ],
    )
    def test_one_error(self, read: Any, text: str, message: str) -> None:
        with pytest.raises(UploadSpecError, match=message):
            read(text, "spec.csv" if text.startswith("Object") else "spec.json")

    def test_unknown_fields_at_the_top_have_no_place_in_parts(self, read: Any) -> None:
        with pytest.raises(EncordInputError, match=r"unknown fields at the top: 'new_flag'.*untouched=True"):
            read({"images": [{"objectUrl": "s3://b/a.jpg"}], "new_flag": 1}, allow_unknown=True)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        operator = EncordReadUploadSpecOperator(task_id="r", spec=f"file://{tmp_path}/none.json")
        with pytest.raises(EncordInputError, match=r"There is no file .*none.json"):
            run(operator)

    def test_no_file_at_all(self) -> None:
        with pytest.raises(EncordInputError, match="set the parameter 'spec'"):
            run(EncordReadUploadSpecOperator(task_id="r", spec="{{ params.none }}"), params={"none": ""})


class TestUntouched:
    SPEC = {
        "images": [{"objectUrl": f"{HOST}/a.jpg", "title": "a", "some_new_field": {"of": "Encord"}}],
        "image_groups": [{"title": "seq", "objectUrl_0": f"{HOST}/s0.jpg", "objectUrl_1": f"{HOST}/s1.jpg"}],
        "skip_duplicate_urls": True,
    }

    def run_import(self, tmp_path: Path, spec: Any, **arguments: Any) -> Any:
        return run(
            EncordImportDataOperator(
                task_id="import_data",
                spec=spec,
                folder="drop",
                create_folder=True,
                integration="AWS S3",
                workspace=f"file://{tmp_path}/workspace",
                **arguments,
            )
        )

    def test_a_json_spec_is_sent_as_its_author_wrote_it(
        self, encord_emulator: EncordEmulator, tmp_path: Path
    ) -> None:
        (tmp_path / "mine.json").write_text(json.dumps(self.SPEC))
        result = self.run_import(tmp_path, f"file://{tmp_path}/mine.json", untouched=True)
        assert result["units"]["done"] == 2
        (request,) = encord_emulator.requests("start_upload_job")
        body = json.loads(request["body"])
        assert body["externalFiles"] == self.SPEC
        assert "dataItems" not in body
        folder = EncordHook().client.get_storage_folder(result["folder"])
        # createVideo is not given, and in Encord's JSON that means a sequence.
        kinds = {item.name: item.item_type.name for item in folder.list_items()}
        assert kinds == {"a": "IMAGE", "seq": "IMAGE_SEQUENCE"}

    def test_without_it_unknown_fields_are_an_error(self, encord: EncordEmulator, tmp_path: Path) -> None:
        with pytest.raises(UploadSpecError, match="some_new_field"):
            self.run_import(tmp_path, self.SPEC)
        assert "start_upload_job" not in writes(encord)

    def test_it_is_checked_all_the_same(self, encord: EncordEmulator, tmp_path: Path) -> None:
        with pytest.raises(UploadSpecError, match="objectUrl"):
            self.run_import(tmp_path, {"images": [{"title": "none"}]}, untouched=True)
        assert "start_upload_job" not in writes(encord)

    def test_csv_and_indexes_cannot_be_sent_untouched(self, encord: EncordEmulator, tmp_path: Path) -> None:
        (tmp_path / "mine.csv").write_text(f"ObjectURL,Image title\n{HOST}/a.jpg,a\n")
        with pytest.raises(UploadSpecError, match="CSV, which Encord takes from its web page only"):
            self.run_import(tmp_path, f"file://{tmp_path}/mine.csv", untouched=True)
        with pytest.raises(UploadSpecError, match="index of a spec in parts"):
            self.run_import(tmp_path, f"file://{tmp_path}/index.json", untouched=True)

    def test_a_csv_spec_is_converted(self, encord_emulator: EncordEmulator, tmp_path: Path) -> None:
        (tmp_path / "mine.csv").write_text(f"ObjectURL,Image title\n{HOST}/a.jpg,a\n")
        result = self.run_import(tmp_path, [f"file://{tmp_path}/mine.csv"])
        assert result["units"]["done"] == 1
