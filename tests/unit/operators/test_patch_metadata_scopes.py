"""EncordPatchMetadataOperator beyond one folder and one row per item: scopes, frames, one metadata for all, removal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import (
    EncordInputError,
    EncordPermissionError,
    EncordRequestError,
    MetadataValueError,
)
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.operators.read_upload_spec import EncordReadUploadSpecOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.options import ItemSelection
from tests.helpers.folders import (
    images,
    metadata_in,
    metadata_of,
    metadata_of_files,
    new_dataset,
    new_folder,
    new_project,
    register,
    url,
)
from tests.helpers.operators import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

NOWHERE = "0f0d0000-0000-4000-8000-00000000dead"

pytestmark = [
    pytest.mark.usefixtures("encord_emulator"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def patch(tmp_path: Path) -> Callable[..., Any]:
    """Run the operator; the result has the lines of the report too."""

    def patched(**arguments: Any) -> Any:
        operator = EncordPatchMetadataOperator(
            task_id="patch_metadata", workspace=f"file://{tmp_path}/workspace", **arguments
        )
        result = run(operator)
        lines = Path(result["report"].removeprefix("file://")).read_text().splitlines()
        return {**result, "lines": [json.loads(line) for line in lines]}

    return patched


def counts(result: Any) -> dict[str, int]:
    return {name: count for name, count in result.items() if isinstance(count, int) and count}


class TestSpellings:
    """A URL means its object, however it is spelled, and no other."""

    def register(self) -> Any:
        folder = new_folder("lake")
        spec = [{"objectUrl": url(f"a{sign}b.png"), "title": sign} for sign in ("%25", "%2525")]
        register(folder, {"images": spec})
        return folder

    @pytest.mark.parametrize(
        "row",
        [
            "s3://lake/a%b.png",
            "https://lake.s3.amazonaws.com/a%25b.png",
            "https://s3.eu-west-1.amazonaws.com/lake/a%25b.png",
            "https://lake.s3-fips.us-east-1.amazonaws.com/a%25b.png",
            "https://lake.s3-accelerate.amazonaws.com/a%25b.png",
        ],
    )
    def test_of_an_object_url(self, patch: Any, row: str) -> None:
        folder = self.register()
        assert counts(patch(metadata={row: {"n": 1}}, folder="lake")) == {"patched": 1}
        assert metadata_in(folder) == {"%25": {"n": 1}, "%2525": {}}

    def test_of_an_object_key(self, patch: Any) -> None:
        folder = self.register()
        rows = {"a%b.png": {"n": 1}, "a%25b.png": {"n": 2}}
        assert counts(patch(metadata=rows, folder="lake", key="object_key")) == {"patched": 2}
        assert metadata_in(folder) == {"%25": {"n": 1}, "%2525": {"n": 2}}

    def test_two_spellings_are_two_rows_for_one_item(self, patch: Any) -> None:
        folder = self.register()
        result = patch(metadata={"s3://lake/a%b.png": {"n": 1}, url("a%25b.png"): {"n": 2}}, folder="lake")
        assert counts(result) == {"ambiguous": 2}
        assert {line["reason"] for line in result["lines"]} == {"another row names the same item"}
        assert metadata_in(folder) == {"%25": {}, "%2525": {}}


class TestFolders:
    def test_sub_folders_only_when_asked_for(self, patch: Any) -> None:
        top = new_folder("lake")
        below = new_folder("site", top)
        deep = new_folder("day", below)
        for folder, name in ((top, "a.jpg"), (below, "b.jpg"), (deep, "c.jpg")):
            register(folder, images(name))
        rows = {url(name): {"n": 1} for name in ("a.jpg", "b.jpg", "c.jpg")}

        assert counts(patch(metadata=rows, folder="lake")) == {"patched": 1, "unmatched": 2}
        assert counts(patch(metadata=rows, folder="lake", items=ItemSelection(recursive=True))) == {
            "patched": 2,
            "unchanged": 1,
        }
        assert [metadata_in(one) for one in (below, deep)] == [{"b.jpg": {"n": 1}}, {"c.jpg": {"n": 1}}]

    def test_one_metadata_for_all_of_them_merged(self, patch: Any) -> None:
        top = new_folder("lake")
        register(top, images("a.jpg", "b.jpg", site="oslo"))
        below = new_folder("site", top)
        register(below, images("c.jpg"))
        result = patch(for_all={"batch": "7"}, folder="lake", items=ItemSelection(recursive=True))
        assert counts(result) == {"patched": 3}
        assert {line["key"] for line in result["lines"]} == {
            url(name) for name in ("a.jpg", "b.jpg", "c.jpg")
        }
        assert metadata_in(top) == {key: {"site": "oslo", "batch": "7"} for key in ("a.jpg", "b.jpg")}
        assert metadata_in(below) == {"c.jpg": {"batch": "7"}}
        assert counts(patch(for_all={"batch": "7"}, folder="lake")) == {"unchanged": 2}

    def test_one_metadata_for_all_of_them_replaced(self, patch: Any) -> None:
        folder = new_folder("lake")
        register(folder, images("a.jpg", site="oslo"))
        patch(for_all={"batch": "7"}, folder="lake", mode="replace")
        assert metadata_in(folder) == {"a.jpg": {"batch": "7"}}

    def test_more_items_than_one_bundle(self, encord_emulator: EncordEmulator, patch: Any) -> None:
        folder = new_folder("lake")
        register(folder, images(*(f"{n}.jpg" for n in range(1001))))
        assert counts(patch(for_all={"n": 1}, folder="lake")) == {"patched": 1001}
        assert len(encord_emulator.requests("patch_items")) == 2


class TestDatasetsAndProjects:
    @pytest.fixture
    def items(self) -> dict[str, str]:
        folder = new_folder("lake")
        return register(folder, images("a.jpg", "b.jpg", "c.jpg", site="oslo"))

    def test_the_items_behind_the_data_rows(self, patch: Any, items: Any) -> None:
        dataset = new_dataset(items["a.jpg"], items["b.jpg"])
        rows = {url(name): {"n": 1} for name in items}
        assert counts(patch(metadata=rows, items=ItemSelection(dataset=dataset.dataset_hash))) == {
            "patched": 2,
            "unmatched": 1,
        }
        assert metadata_of(items["a.jpg"]) == {"site": "oslo", "n": 1}
        assert metadata_of(items["c.jpg"]) == {"site": "oslo"}

    def test_all_data_units_of_a_project(self, patch: Any, items: Any) -> None:
        project = new_project(new_dataset(items["a.jpg"], items["b.jpg"]))
        assert counts(
            patch(for_all={"reviewed": True}, items=ItemSelection(project=project.project_hash))
        ) == {"patched": 2}
        assert [metadata_of(uuid) for uuid in items.values()] == [
            {"site": "oslo", "reviewed": True},
            {"site": "oslo", "reviewed": True},
            {"site": "oslo"},
        ]

    def test_a_data_row_shows_what_was_patched(self, patch: Any, items: Any) -> None:
        from encord.client import DatasetAccessSettings

        dataset = new_dataset(items["a.jpg"])
        patch(for_all={"n": 2}, items=ItemSelection(dataset=dataset.dataset_hash))
        dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))
        assert [row.client_metadata for row in dataset.data_rows] == [{"site": "oslo", "n": 2}]

    @pytest.mark.parametrize("scope", ["dataset", "project"])
    def test_one_that_does_not_exist(self, patch: Any, scope: str) -> None:
        with pytest.raises((EncordPermissionError, EncordRequestError), match=f"rows of {scope} {NOWHERE}"):
            patch(for_all={"n": 1}, items=ItemSelection(**{scope: NOWHERE}))


class TestChosenItems:
    def test_by_uuid_with_the_missing_one_reported(self, patch: Any) -> None:
        folder = new_folder("lake")
        items = register(folder, images("a.jpg", "b.jpg"))
        result = patch(for_all={"n": 1}, items=ItemSelection(uuids=[items["a.jpg"], NOWHERE]))
        assert counts(result) == {"patched": 1, "unmatched": 1}
        assert {line["key"]: line["outcome"] for line in result["lines"]} == {
            items["a.jpg"]: "patched",
            NOWHERE: "unmatched",
        }
        assert metadata_in(folder) == {"a.jpg": {"n": 1}, "b.jpg": {}}

    def test_rows_reach_only_the_chosen_items(self, patch: Any) -> None:
        items = register(new_folder("lake"), images("a.jpg", "b.jpg"))
        rows = {url("a.jpg"): {"n": 1}, url("b.jpg"): {"n": 1}}
        assert counts(patch(metadata=rows, items=ItemSelection(uuids=[items["a.jpg"]]))) == {
            "patched": 1,
            "unmatched": 1,
        }

    @pytest.fixture
    def spec(self, tmp_path: Path) -> Any:
        """An upload spec of an image that is registered, a group that is, and an image that is not."""
        content = {
            **images("a.jpg", "never.jpg"),
            "image_groups": [
                {
                    "title": "g",
                    "createVideo": False,
                    "objectUrl_0": url("g/0.jpg"),
                    "objectUrl_1": url("g/1.jpg"),
                }
            ],
        }
        (tmp_path / "spec.json").write_text(json.dumps(content))
        return run(
            EncordReadUploadSpecOperator(
                task_id="read_spec", spec=f"file://{tmp_path}/spec.json", workspace=f"file://{tmp_path}"
            )
        )

    @pytest.fixture
    def folder(self, spec: Any) -> Any:
        folder = new_folder("lake")
        groups = [
            {
                "title": "g",
                "createVideo": False,
                "objectUrl_0": url("g/0.jpg"),
                "objectUrl_1": url("g/1.jpg"),
            },
            {"title": "g", "createVideo": False, "objectUrl_0": url("other/0.jpg")},
        ]
        register(folder, {**images("a.jpg", "b.jpg"), "image_groups": groups})
        return folder

    def test_the_objects_of_an_upload_spec(self, patch: Any, spec: Any, folder: Any) -> None:
        result = patch(for_all={"run": "1"}, folder="lake", items=ItemSelection(upload_spec=spec))
        assert counts(result) == {"patched": 2, "unmatched": 1}
        changed = [item for item in folder.list_items(include_client_metadata=True) if item.client_metadata]
        assert {item.name for item in changed} == {"a.jpg", "g"}
        (group,) = [item for item in changed if item.name == "g"]
        assert sorted(str(child.url) for child in group.get_child_items()) == [url("g/0.jpg"), url("g/1.jpg")]

    def test_rows_for_the_objects_of_an_upload_spec_only(self, patch: Any, spec: Any, folder: Any) -> None:
        rows = {url("a.jpg"): {"n": 1}, url("b.jpg"): {"n": 1}}
        result = patch(metadata=rows, folder="lake", items=ItemSelection(upload_spec=spec["index"]))
        assert counts(result) == {"patched": 1, "unmatched": 1}

    def test_a_group_that_was_renamed_is_found_by_its_files(self, patch: Any, spec: Any, folder: Any) -> None:
        wanted = [url("g/0.jpg"), url("g/1.jpg")]
        groups = [item for item in folder.list_items() if item.name == "g"]
        (group,) = [one for one in groups if sorted(str(f.url) for f in one.get_child_items()) == wanted]
        group.update(name="renamed")
        result = patch(for_all={"n": 1}, folder="lake", items=ItemSelection(upload_spec=spec))
        assert counts(result) == {"patched": 2, "unmatched": 1}
        assert metadata_in(folder)["renamed"] == {"n": 1}

    def test_scenes_are_found_by_a_uri_or_by_their_title(
        self, patch: Any, tmp_path: Path, encord_emulator: EncordEmulator
    ) -> None:
        from encord_provider.emulator.storage.items.models import Items

        def scene(name: str) -> dict[str, Any]:
            events = [{"uri": url(f"{name}/{n}.pcd")} for n in range(2)]
            return {"title": name, "scene": {"lidar": {"type": "point_cloud", "events": events}}}

        folder = new_folder("lake")
        spec = {"scenes": [scene("first"), scene("second")]}
        uuids = register(folder, spec)
        # One was renamed in Encord, and the other does not show any of its files.
        folder_items = {item.name: item for item in folder.list_items()}
        folder_items["first"].update(name="renamed")

        def hide(store: Any) -> None:
            store[Items].get(uuids["second"]).url = None

        encord_emulator.call(hide)
        rows = [one | {"clientMetadata": {"n": n}} for n, one in enumerate([scene("first"), scene("second")])]
        (tmp_path / "scenes.json").write_text(json.dumps({"scenes": rows}))
        built = run(
            EncordReadUploadSpecOperator(
                task_id="read_spec", spec=f"file://{tmp_path}/scenes.json", workspace=f"file://{tmp_path}"
            )
        )
        assert counts(patch(metadata=built, folder="lake")) == {"patched": 2}
        assert metadata_in(folder) == {"renamed": {"n": 0}, "second": {"n": 1}}

    def test_an_upload_spec_alone_does_not_say_where(self, patch: Any, spec: Any) -> None:
        with pytest.raises(EncordInputError, match="'folder', 'dataset', 'project'"):
            patch(for_all={"n": 1}, items=ItemSelection(upload_spec=spec))


class TestFrames:
    @pytest.fixture
    def group(self) -> str:
        urls = {f"objectUrl_{n}": url(f"g/{n}.jpg") for n in range(3)}
        spec = {
            "image_groups": [{"title": "g", "createVideo": False, **urls, "clientMetadata": {"car": "red"}}]
        }
        return register(new_folder("lake"), {**spec, **images("a.jpg")})["g"]

    def test_rows_name_the_files_of_a_group(self, patch: Any, group: str) -> None:
        rows = {url("g/0.jpg"): {"n": 0}, url("g/2.jpg"): {"n": 2}, url("a.jpg"): {"n": 9}}
        result = patch(metadata=rows, folder="lake", items=ItemSelection(frames=True))
        assert counts(result) == {"patched": 2, "unmatched": 1}
        assert metadata_of_files(group) == {"0.jpg": {"n": 0}, "1.jpg": {}, "2.jpg": {"n": 2}}
        assert metadata_of(group) == {"car": "red"}

    def test_all_frames_of_one_group_alike(self, patch: Any, group: str) -> None:
        assert counts(patch(for_all={"seen": True}, items=ItemSelection(uuids=[group], frames=True))) == {
            "patched": 3
        }
        assert list(metadata_of_files(group).values()) == [{"seen": True}] * 3

    def test_a_table_by_object_key(self, patch: Any, group: str, tmp_path: Path) -> None:
        (tmp_path / "frames.csv").write_text("file,n\ng/1.jpg,4\n")
        result = patch(
            metadata=f"file://{tmp_path}/frames.csv",
            items=ItemSelection(uuids=[group], frames=True),
            key="object_key",
            key_column="file",
        )
        assert counts(result) == {"patched": 1}
        assert metadata_of_files(group)["1.jpg"] == {"n": "4"}


def test_key_frames_of_videos_are_metadata_that_merges(patch: Any, tmp_path: Path) -> None:
    folder = new_folder("lake")
    register(
        folder,
        {"videos": [{"objectUrl": url("v.mp4"), "title": "v.mp4", "clientMetadata": {"site": "oslo"}}]},
    )
    assert counts(patch(metadata={url("v.mp4"): {"keyframes": [30, 7]}}, folder="lake")) == {"patched": 1}
    found = metadata_in(folder)["v.mp4"]
    assert (found["site"], sorted(found["keyframes"])) == ("oslo", [7, 30])
    (tmp_path / "k.csv").write_text('object_url,keyframes\n{},"[1, 2]"\n'.format(url("v.mp4")))
    patch(metadata=f"file://{tmp_path}/k.csv", folder="lake")
    assert metadata_in(folder)["v.mp4"]["keyframes"] == [1, 2]
    with pytest.raises(MetadataValueError, match="keyframes"):
        patch(metadata={url("v.mp4"): {"keyframes": ["first"]}}, folder="lake")


class TestRemovingKeys:
    @pytest.fixture
    def folder(self) -> Any:
        folder = new_folder("lake")
        register(folder, images("a.jpg", "b.jpg", site="oslo", old=1))
        register(folder, images("c.jpg", site="rome"))
        return folder

    def test_from_all_items(self, patch: Any, folder: Any) -> None:
        assert counts(patch(folder="lake", remove_keys=["old"])) == {"patched": 2, "unchanged": 1}
        assert metadata_in(folder) == {
            "a.jpg": {"site": "oslo"},
            "b.jpg": {"site": "oslo"},
            "c.jpg": {"site": "rome"},
        }

    def test_from_the_items_that_rows_name(self, patch: Any, folder: Any) -> None:
        patch(folder="lake", metadata={url("a.jpg"): {"new": 2}}, remove_keys=["old"])
        assert metadata_in(folder)["a.jpg"] == {"site": "oslo", "new": 2}
        assert metadata_in(folder)["b.jpg"] == {"site": "oslo", "old": 1}


class TestRowsThatMatchNoItem:
    @pytest.fixture(autouse=True)
    def folder(self, encord_emulator: EncordEmulator) -> Any:
        folder = new_folder("lake")
        register(folder, images("a.jpg", "b.jpg"))
        return folder

    ROWS = {url(name): {"n": 1} for name in ("a.jpg", "y.jpg", "z.jpg")}

    @pytest.mark.parametrize("allowed", [1, "1", 0])
    def test_are_too_many(self, patch: Any, folder: Any, allowed: Any) -> None:
        with pytest.raises(EncordInputError) as caught:
            patch(metadata=self.ROWS, folder="lake", max_unmatched=allowed)
        message = str(caught.value)
        assert f"2 of 3 rows match no item, or several; {allowed} are allowed" in message
        assert f"{url('y.jpg')!r}: no such item" in message
        assert "1 others were patched" in message
        assert "report.jsonl" in message
        assert metadata_in(folder) == {"a.jpg": {"n": 1}, "b.jpg": {}}

    @pytest.mark.parametrize("allowed", [None, "", 2, "2"])
    def test_are_few_enough(self, patch: Any, allowed: Any) -> None:
        result = patch(metadata=self.ROWS, folder="lake", max_unmatched=allowed)
        assert counts(result) == {"patched": 1, "unmatched": 2}

    def test_are_all_of_them(self, patch: Any) -> None:
        rows = {name: {"n": 1} for name in ("a.jpg", "b.jpg")}
        with pytest.raises(EncordInputError, match=r"None of the 2 rows matches an item: check 'key'"):
            patch(metadata=rows, folder="lake")
        assert counts(patch(metadata=rows, folder="lake", max_unmatched=2)) == {"unmatched": 2}

    def test_may_not_be_fewer_than_none(self, patch: Any) -> None:
        with pytest.raises(EncordInputError, match="max_unmatched is -1"):
            patch(metadata=self.ROWS, folder="lake", max_unmatched=-1)


class TestBadArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"for_all": {}}, "'folder', 'dataset', 'project', 'collection' and 'uuids'.*got none"),
            (
                {"for_all": {}, "folder": "a", "items": ItemSelection(dataset=NOWHERE)},
                "got folder and dataset",
            ),
            ({"folder": "lake"}, "'metadata', 'for_all' or 'remove_keys'"),
            ({"folder": "lake", "for_all": {}, "metadata": {}}, "either 'metadata'.*or 'for_all'"),
            ({"folder": "lake", "remove_keys": ["a"], "mode": "replace"}, "leave out 'remove_keys'"),
            ({"for_all": {}, "items": ItemSelection(uuids=["a.jpg"])}, "uuids: 'a.jpg' is not a UUID"),
            ({"for_all": {}, "items": ItemSelection(dataset="trucks")}, "dataset: 'trucks' is not a UUID"),
            (
                {"for_all": {}, "items": ItemSelection(dataset=NOWHERE, recursive=True)},
                "'recursive'.*'folder'",
            ),
            (
                {"for_all": {}, "items": ItemSelection(uuids=[NOWHERE], upload_spec="s3://lake/index.json")},
                "'uuids'.*'upload_spec'",
            ),
            (
                {"for_all": {}, "folder": "a", "items": ItemSelection(upload_spec="s3://lake/a.json")},
                "'upload_spec'.*index.json",
            ),
        ],
    )
    def test_are_named_before_anything_is_asked(
        self, encord_emulator: EncordEmulator, patch: Any, arguments: Any, message: str
    ) -> None:
        with pytest.raises(EncordInputError, match=message):
            patch(validate=False, **arguments)
        assert encord_emulator.requests() == []

    def test_a_value_for_all_that_the_schema_refuses(self, patch: Any) -> None:
        run(EncordSetSchemaOperator(task_id="s", schema={"score": "number"}))
        register(new_folder("lake"), images("a.jpg"))
        with pytest.raises(MetadataValueError, match=r"for_all: 'score'.*number"):
            patch(folder="lake", for_all={"score": "high"})
