"""EncordPatchMetadataOperator against the emulator: which items are found, what changes, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import (
    EncordError,
    EncordInputError,
    EncordPermissionError,
    MetadataTableError,
    MetadataValueError,
)
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.import_data import EncordImportDataOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.workspace.files import path_of
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

KEYS = ("dt=2025-03-01/a.jpg", "dt=2025-03-01/b.jpg", "dt=2025-03-01/c.jpg")
NOWHERE = "0f0d0000-0000-4000-8000-00000000dead"


@pytest.fixture
def imported(encord: EncordEmulator, put: Callable[..., None], bucket: str, workspace: str) -> dict[str, Any]:
    """Three images in the folder ``lake``, and the schema with a few keys: what the import returned."""
    put(*KEYS)
    declared = {"site": "varchar", "score": "number", "weather": {"type": "enum", "options": ["sun", "rain"]}}
    run(EncordSetSchemaOperator(task_id="set_schema", schema=declared))
    spec = run(EncordBuildUploadSpecOperator(task_id="build_spec", bucket=bucket, workspace=workspace))
    done = run(
        EncordImportDataOperator(
            task_id="import_data",
            spec=spec,
            folder="lake",
            create_folder=True,
            integration="AWS S3",
            workspace=workspace,
        )
    )
    encord.call(lambda store: store.requests.clear())
    return {"spec": spec, "bucket": bucket, **done}


@pytest.fixture
def patch(imported: Any, workspace: str) -> Callable[..., Any]:
    """Run the operator on the folder of the import."""

    def patched(metadata: Any, **arguments: Any) -> Any:
        arguments = {"folder": imported["folder"], "workspace": workspace, **arguments}
        params = arguments.pop("params", {})
        operator = EncordPatchMetadataOperator(task_id="patch_metadata", metadata=metadata, **arguments)
        return run(operator, params=params)

    return patched


def url(imported: Any, name: str) -> str:
    return f"https://{imported['bucket']}.s3.eu-west-1.amazonaws.com/dt=2025-03-01/{name}"


def items(imported: Any) -> dict[str, Any]:
    """The items of the folder by the last part of their names, as the official SDK shows them."""
    folder = EncordHook().client.get_storage_folder(imported["folder"])
    return {item.name.rpartition("/")[2]: item for item in folder.list_items(include_client_metadata=True)}


def metadata_of(imported: Any) -> dict[str, Any]:
    return {name: item.client_metadata or {} for name, item in items(imported).items()}


def report_of(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path_of(result["report"]).read_text().splitlines()]


class TestWhatNamesAnItem:
    def test_the_object_url(self, patch: Any, imported: Any) -> None:
        result = patch({url(imported, "a.jpg"): {"site": "oslo"}})
        assert (result["patched"], result["unmatched"]) == (1, 0)
        assert metadata_of(imported) == {"a.jpg": {"site": "oslo"}, "b.jpg": {}, "c.jpg": {}}

    def test_the_object_key(self, patch: Any, imported: Any) -> None:
        assert patch({KEYS[1]: {"site": "oslo"}}, key="object_key")["patched"] == 1
        assert metadata_of(imported)["b.jpg"] == {"site": "oslo"}

    def test_the_uuid(self, patch: Any, imported: Any) -> None:
        uuid = str(items(imported)["c.jpg"].uuid)
        assert patch({uuid: {"score": 1}}, key="uuid")["patched"] == 1
        assert metadata_of(imported)["c.jpg"] == {"score": 1}

    def test_the_title(self, patch: Any, imported: Any) -> None:
        assert patch({KEYS[0]: {"score": 1}}, key="title")["patched"] == 1
        assert metadata_of(imported)["a.jpg"] == {"score": 1}

    def test_two_items_of_one_title_are_not_guessed_between(self, patch: Any, imported: Any) -> None:
        items(imported)["b.jpg"].update(name=KEYS[0])
        result = patch({KEYS[0]: {"score": 1}}, key="title")
        assert (result["patched"], result["ambiguous"]) == (0, 1)
        (row,) = report_of(result)
        assert row["reason"] == "2 items match"
        assert len(row["items"]) == 2
        assert not any(metadata_of(imported).values())

    def test_two_rows_for_one_item_are_both_reported(self, patch: Any, imported: Any) -> None:
        rows = [{"title": KEYS[0], "score": 1}, {"title": KEYS[0], "score": 2}]
        result = patch(rows, key="title")
        assert (result["patched"], result["ambiguous"]) == (0, 2)
        assert {row["reason"] for row in report_of(result)} == {"another row names the same item"}

    def test_what_matches_no_item_is_reported_and_no_error(self, patch: Any, imported: Any) -> None:
        result = patch({url(imported, "a.jpg"): {"score": 1}, url(imported, "z.jpg"): {"score": 1}})
        assert (result["patched"], result["unmatched"]) == (1, 1)
        (row,) = [row for row in report_of(result) if row["outcome"] == "unmatched"]
        assert (row["key"], row["reason"]) == (url(imported, "z.jpg"), "no such item")


class TestWhereMetadataComesFrom:
    def test_a_csv_table(self, patch: Any, imported: Any, tmp_path: Path) -> None:
        table = tmp_path / "labels.csv"
        table.write_text("object_key,site,score\n" + "".join(f"{key},oslo,0.5\n" for key in KEYS))
        assert patch(str(table), key="object_key")["patched"] == 3
        assert metadata_of(imported)["a.jpg"] == {"site": "oslo", "score": 0.5}

    def test_a_jsonl_table_in_s3(self, patch: Any, imported: Any, s3: Any) -> None:
        line = json.dumps({"file": KEYS[0], "weather": "sun"})
        s3.put_object(Bucket=imported["bucket"], Key="labels.jsonl", Body=line)
        result = patch(f"s3://{imported['bucket']}/labels.jsonl", key="object_key", key_column="file")
        assert result["patched"] == 1
        assert metadata_of(imported)["a.jpg"] == {"weather": "sun"}

    def test_rows(self, patch: Any, imported: Any) -> None:
        rows = [{"object_url": url(imported, "a.jpg"), "site": "oslo"}]
        assert patch(rows)["patched"] == 1

    @pytest.mark.parametrize("template", ["{{ params.rows | tojson }}", "{{ params.rows }}"])
    def test_text_that_a_template_rendered(self, template: str, patch: Any, imported: Any) -> None:
        given = {url(imported, "a.jpg"): {"site": "oslo"}}
        assert patch(template, params={"rows": given})["patched"] == 1

    def test_the_spec_of_an_import(
        self, encord: EncordEmulator, imported: Any, patch: Any, workspace: str, tmp_path: Path
    ) -> None:
        table = tmp_path / "labels.csv"
        table.write_text(f"key,site\n{KEYS[2]},oslo\n")
        later = run(
            EncordBuildUploadSpecOperator(
                task_id="build_again",
                bucket=imported["bucket"],
                workspace=workspace,
                metadata={"table": str(table)},
            )
        )
        assert patch(later)["patched"] == 1
        assert patch(later["index"])["unchanged"] == 1
        assert metadata_of(imported) == {"a.jpg": {}, "b.jpg": {}, "c.jpg": {"site": "oslo"}}


class TestWhatChanges:
    def test_merge_keeps_the_other_keys(self, patch: Any, imported: Any) -> None:
        patch({url(imported, "a.jpg"): {"site": "oslo", "score": 1}})
        patch({url(imported, "a.jpg"): {"score": 2}})
        assert metadata_of(imported)["a.jpg"] == {"site": "oslo", "score": 2}

    def test_replace_removes_them(self, patch: Any, imported: Any) -> None:
        patch({url(imported, "a.jpg"): {"site": "oslo", "score": 1}})
        patch({url(imported, "a.jpg"): {"score": 2}}, mode="replace")
        assert metadata_of(imported)["a.jpg"] == {"score": 2}

    def test_doing_it_again_sends_nothing(self, encord: EncordEmulator, patch: Any, imported: Any) -> None:
        given = {url(imported, name): {"site": "oslo"} for name in ("a.jpg", "b.jpg", "c.jpg")}
        assert patch(given)["patched"] == 3
        assert len(encord.requests("patch_items")) == 1, "one bundle for all"
        result = patch(given)
        assert (result["patched"], result["unchanged"]) == (0, 3)
        assert writes(encord) == ["patch_items"]
        assert report_of(result) == []

    def test_what_somebody_wrote_meanwhile_stays(
        self, encord: EncordEmulator, patch: Any, imported: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from encord_provider.api.client import EncordApi

        perform = EncordApi.perform

        def listed_and_then_changed(api: EncordApi, call: Any) -> Any:
            answer = perform(api, call)
            if call.name == "list_items":
                items(imported)["a.jpg"].update(client_metadata={"weather": "rain"})
            return answer

        monkeypatch.setattr(EncordApi, "perform", listed_and_then_changed)
        result = patch({url(imported, "a.jpg"): {"site": "oslo"}})
        assert (result["patched"], result["conflicts"]) == (1, 1)
        assert metadata_of(imported)["a.jpg"] == {"site": "oslo", "weather": "rain"}


class TestWhatEncordRefuses:
    def test_the_others_are_patched_and_the_report_names_the_one(
        self, encord: EncordEmulator, patch: Any, imported: Any
    ) -> None:
        # The bundle of three is refused, then its first half of one, then its second of two; the rest is taken.
        encord.inject_fault("status", route="patch_items", status=400, count=3, message="too long")
        given = {url(imported, name): {"site": "oslo"} for name in ("a.jpg", "b.jpg", "c.jpg")}
        with pytest.raises(
            EncordError, match=r"did not take the client metadata of 1 items; 2 were patched.*too long"
        ):
            patch(given)
        assert sorted(metadata_of(imported).values(), key=len) == [{}, {"site": "oslo"}, {"site": "oslo"}]


class TestBadInput:
    """A clear error, and nothing is sent."""

    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, encord: EncordEmulator, imported: Any) -> Any:
        yield
        assert writes(encord) == []

    def test_a_value_that_the_schema_refuses_names_the_row(self, patch: Any, tmp_path: Path) -> None:
        table = tmp_path / "labels.csv"
        table.write_text(f"key,score\n{KEYS[0]},1\n{KEYS[1]},high\n")
        with pytest.raises(MetadataValueError, match=r"labels\.csv, line 3.*b\.jpg.*score.*number"):
            patch(str(table), key="object_key")

    def test_an_option_that_the_enum_does_not_have(self, patch: Any, imported: Any) -> None:
        with pytest.raises(MetadataValueError, match=r"a\.jpg.*weather.*hail"):
            patch({url(imported, "a.jpg"): {"weather": "hail"}})

    def test_a_malformed_row_names_file_line_and_column(self, patch: Any, tmp_path: Path) -> None:
        table = tmp_path / "labels.jsonl"
        table.write_text('{"key": "a.jpg", "score": 1}\n{"key": "b.jpg", "score": }\n')
        with pytest.raises(MetadataTableError, match=r"labels\.jsonl, line 2, column \d+"):
            patch(str(table))

    def test_a_table_that_is_not_there(self, patch: Any, tmp_path: Path) -> None:
        with pytest.raises(EncordInputError, match="There is no file"):
            patch(f"{tmp_path}/labels.csv")

    @pytest.mark.parametrize("folder", ["pond", "lake/site-a"])
    def test_a_folder_that_does_not_exist(self, folder: str, patch: Any) -> None:
        with pytest.raises(EncordInputError, match=f"There is no folder '{folder}'"):
            patch({"a": {"score": 1}}, folder=folder)

    def test_a_folder_uuid_that_does_not_exist(self, patch: Any) -> None:
        with pytest.raises(EncordPermissionError, match=NOWHERE):
            patch({"a": {"score": 1}}, folder=NOWHERE)

    def test_rows_without_the_column_that_names_their_item(self, patch: Any) -> None:
        with pytest.raises(MetadataTableError, match="metadata row 2 has no 'object_url'"):
            patch([{"object_url": "x", "score": 1}, {"score": 2}])

    def test_metadata_that_is_no_mapping(self, patch: Any) -> None:
        with pytest.raises(EncordInputError, match=r"The metadata of a\.jpg must be a mapping, not str"):
            patch({"a.jpg": "oslo"})

    def test_text_that_is_neither_json_nor_a_uri(self, patch: Any) -> None:
        with pytest.raises(EncordInputError, match=r"parameter metadata must be.*a mapping"):
            patch("{'a.jpg': {'score': 1}")

    @pytest.mark.parametrize(("argument", "value"), [("mode", "overwrite"), ("key", "file_name")])
    def test_an_unknown_choice_names_the_known_ones(self, argument: str, value: str, patch: Any) -> None:
        with pytest.raises(EncordInputError, match=rf"{argument}.*'{value}'.*(merge|object_url)"):
            patch({"a": {"score": 1}}, **{argument: value})


def test_an_empty_table_changes_nothing(encord: EncordEmulator, patch: Any) -> None:
    result = patch({})
    assert {name: count for name, count in result.items() if name != "report"} == {
        "patched": 0,
        "unchanged": 0,
        "unmatched": 0,
        "ambiguous": 0,
        "failed": 0,
        "conflicts": 0,
        "repaired": 0,
    }
    assert writes(encord) == []
