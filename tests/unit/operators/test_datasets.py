"""Datasets from a DAG: created or found, filled, emptied, attached; all of it read back with the official SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from encord_provider.exceptions import (
    EncordError,
    EncordInputError,
    EncordPermanentError,
    EncordRequestError,
    EncordUnavailableError,
)
from encord_provider.hooks.encord import EncordHook
from encord_provider.operators.attach_dataset import EncordAttachDatasetOperator
from encord_provider.operators.create_dataset import EncordCreateDatasetOperator
from encord_provider.operators.link_items import EncordLinkItemsOperator
from encord_provider.operators.unlink_items import EncordUnlinkItemsOperator
from encord_provider.options import ItemSelection
from tests.helpers.folders import images, new_dataset, new_folder, new_project, register, url
from tests.helpers.imports import write_spec
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

pytestmark = [
    pytest.mark.usefixtures("encord_emulator"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
NOWHERE = "0f0d0000-0000-4000-8000-00000000dead"
Run = Callable[..., Any]


@pytest.fixture
def create() -> Run:
    return lambda dataset="trucks", **arguments: run(
        EncordCreateDatasetOperator(task_id="create", dataset=dataset, **arguments)
    )


@pytest.fixture
def link(tmp_path: Path) -> Run:
    def linked(run_id: str | None = None, **arguments: Any) -> Any:
        given = {"dataset": "trucks", "workspace": f"file://{tmp_path}/workspace", **arguments}
        return run(EncordLinkItemsOperator(task_id="link", **given), run_id=run_id)

    return linked


@pytest.fixture
def unlink(tmp_path: Path) -> Run:
    def unlinked(**arguments: Any) -> Any:
        given = {"dataset": "trucks", "workspace": f"file://{tmp_path}/workspace", **arguments}
        return run(EncordUnlinkItemsOperator(task_id="unlink", **given))

    return unlinked


@pytest.fixture
def attach(tmp_path: Path) -> Run:
    def attached(**arguments: Any) -> Any:
        given = {"dataset": "trucks", "workspace": f"file://{tmp_path}/workspace", **arguments}
        return run(EncordAttachDatasetOperator(task_id="attach", **given))

    return attached


def datasets() -> list[Any]:
    return [one["dataset"] for one in EncordHook().client.get_datasets()]


def titles_in(dataset: str = "trucks") -> list[str]:
    """The titles of the data rows of a dataset, as the official SDK lists them."""
    hook = EncordHook()
    return sorted(row.title for row in hook.client.get_dataset(hook.find_dataset(dataset)).list_data_rows())


def counts(result: Any) -> dict[str, int]:
    return {name: value for name, value in result.items() if isinstance(value, int) and value}


def lines(result: Any) -> list[Any]:
    return [
        json.loads(line) for line in Path(result["report"].removeprefix("file://")).read_text().splitlines()
    ]


class TestCreate:
    def test_it_is_created_once_and_found_afterwards(self, create: Run) -> None:
        first = create("trucks", description="by site")
        assert first["created"] is True
        (dataset,) = datasets()
        assert (dataset.dataset_hash, dataset.title, dataset.description) == (
            first["dataset"],
            "trucks",
            "by site",
        )
        assert dataset.backing_folder_uuid is None
        assert create("trucks", description="other") == {"dataset": first["dataset"], "created": False}
        assert create(first["dataset"])["created"] is False
        assert [(one.title, one.description) for one in datasets()] == [("trucks", "by site")]

    def test_it_may_mirror_a_folder(self, create: Run) -> None:
        create("mirror", create_backing_folder=True)
        (dataset,) = datasets()
        assert dataset.backing_folder_uuid is not None

    def test_a_title_that_two_datasets_have_names_both(self, create: Run) -> None:
        twins = [new_dataset().dataset_hash for _ in range(2)]
        with pytest.raises(EncordInputError) as caught:
            create("trucks")
        assert all(uuid in str(caught.value) for uuid in [*twins, "'trucks'"])
        assert len(datasets()) == 2

    @pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
    def test_a_lost_answer_leaves_one_dataset(
        self, encord_emulator: EncordEmulator, create: Run, kind: str
    ) -> None:
        encord_emulator.inject_fault(kind, route="create_dataset", count=1)
        assert create("trucks")["created"] is True
        assert len(datasets()) == 1

    @pytest.mark.parametrize("given", ["", "  "])
    def test_no_title_is_refused(self, create: Run, given: str) -> None:
        with pytest.raises(EncordInputError, match="No dataset"):
            create(given)

    def test_an_unknown_uuid_creates_nothing(self, create: Run) -> None:
        with pytest.raises(EncordRequestError, match=NOWHERE):
            create(NOWHERE)
        assert datasets() == []


class TestLink:
    def test_a_folder_and_a_second_run_changes_nothing(
        self, encord_emulator: EncordEmulator, link: Run
    ) -> None:
        register(new_folder("lake"), images("a.jpg", "b.jpg"))
        dataset = new_dataset()
        first = link(folder="lake")
        assert first["dataset"] == dataset.dataset_hash
        assert counts(first) == {"selected": 2, "linked": 2}
        assert titles_in() == ["a.jpg", "b.jpg"]
        assert [(line["outcome"], line["key"]) for line in lines(first)] == [
            ("linked", url("a.jpg")),
            ("linked", url("b.jpg")),
        ]
        encord_emulator.call(lambda store: store.requests.clear())
        assert counts(link(folder="lake")) == {"selected": 2, "already_there": 2}
        assert "link_items" not in writes(encord_emulator)
        assert titles_in() == ["a.jpg", "b.jpg"]

    def test_what_an_import_registered_and_nothing_else(self, link: Run, tmp_path: Path) -> None:
        folder = new_folder("lake")
        register(folder, images("0000.png", "0001.png", "others.png"))
        new_dataset()
        index = write_spec(tmp_path / "spec", 3, per_part=2)
        result = link(folder="lake", items=ItemSelection(upload_spec={"index": index}))
        # The third object was not registered.
        assert counts(result) == {"selected": 2, "linked": 2, "unmatched": 1}
        assert titles_in() == ["0000.png", "0001.png"]
        assert [line["key"].rpartition("/")[2] for line in lines(result) if line["reason"]] == ["0002.png"]

    def test_sub_folders_another_dataset_a_project_a_collection_and_single_items(self, link: Run) -> None:
        client = EncordHook().client
        top = new_folder("lake")
        first = register(top, images("a.jpg"))
        second = register(new_folder("site", top), images("b.jpg"))
        whole = new_dataset(first["a.jpg"], second["b.jpg"])
        project = new_project(whole)
        collection = client.create_collection(top.uuid, "good")
        collection.add_items([UUID(second["b.jpg"])])
        cases: dict[str, Any] = {
            "recursive": {"folder": "lake", "items": {"recursive": True}},
            "dataset": {"items": {"dataset": whole.dataset_hash}},
            "project": {"items": {"project": str(project.project_hash)}},
            "collection": {"items": {"collection": str(collection.uuid)}},
            "uuids": {"items": {"uuids": [first["a.jpg"]]}},
        }
        for title, selection in cases.items():
            run(EncordCreateDatasetOperator(task_id="create", dataset=title))
            link(dataset=title, run_id=title, **selection)
        assert {title: titles_in(title) for title in cases} == {
            "recursive": ["a.jpg", "b.jpg"],
            "dataset": ["a.jpg", "b.jpg"],
            "project": ["a.jpg", "b.jpg"],
            "collection": ["b.jpg"],
            "uuids": ["a.jpg"],
        }

    def test_groups_are_linked_whole(self, link: Run) -> None:
        group = {"title": "g", "createVideo": False, **{f"objectUrl_{n}": url(f"g/{n}.jpg") for n in (0, 1)}}
        register(new_folder("lake"), {"image_groups": [group]})
        new_dataset()
        assert counts(link(folder="lake")) == {"selected": 1, "linked": 1}
        with pytest.raises(EncordInputError, match="'frames'"):
            link(folder="lake", items={"frames": True})

    def test_more_than_one_bundle(self, encord_emulator: EncordEmulator, link: Run) -> None:
        register(new_folder("lake"), images(*(f"{n:04d}.jpg" for n in range(1001))))
        new_dataset()
        encord_emulator.call(lambda store: store.requests.clear())
        assert counts(link(folder="lake")) == {"selected": 1001, "linked": 1001}
        assert writes(encord_emulator).count("link_items") == 2
        assert len(titles_in()) == 1001

    @pytest.mark.parametrize("answers_skipped", [False, True])
    def test_a_lost_answer_links_nothing_twice(
        self, encord_emulator: EncordEmulator, link: Run, answers_skipped: bool
    ) -> None:
        encord_emulator.change_settings(skipped_links_in_result=answers_skipped)
        register(new_folder("lake"), images("a.jpg"))
        new_dataset()
        encord_emulator.inject_fault("reset_after", route="link_items", count=1)
        assert counts(link(folder="lake")) == {"selected": 1, "linked": 1}
        assert titles_in() == ["a.jpg"]

    def test_it_waits_until_the_dataset_shows_the_rows(
        self, encord_emulator: EncordEmulator, link: Run
    ) -> None:
        register(new_folder("lake"), images("a.jpg"))
        new_dataset()
        encord_emulator.change_settings(link_lag_seconds=0.7)
        assert counts(link(folder="lake")) == {"selected": 1, "linked": 1}
        assert titles_in() == ["a.jpg"]

    def test_rows_that_never_show_are_no_success(
        self, encord_emulator: EncordEmulator, link: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(EncordLinkItemsOperator, "patience", 0.1)
        register(new_folder("lake"), images("a.jpg"))
        new_dataset()
        encord_emulator.change_settings(link_lag_seconds=3600)
        with pytest.raises(EncordUnavailableError, match=r"1 items.*'trucks'.*a\.jpg"):
            link(folder="lake")

    def test_what_a_failed_attempt_linked_stays_and_the_next_one_links_the_rest(
        self,
        encord_emulator: EncordEmulator,
        link: Run,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        register(new_folder("lake"), images(*(f"{n:04d}.jpg" for n in range(1001))))
        new_dataset()
        monkeypatch.setattr(EncordHook, "retry_seconds", 0.0)
        encord_emulator.inject_fault("status", status=503, route="link_items", skip=1, count=1)
        with pytest.raises(EncordUnavailableError):
            link(folder="lake")
        logged = capsys.readouterr().out
        assert "'linked': 1000" in logged
        assert "1 of 1001 items are not linked" in logged
        assert counts(link(folder="lake")) == {"selected": 1001, "linked": 1, "already_there": 1000}
        assert len(titles_in()) == 1001

    def test_an_item_that_encord_refuses_is_named_and_the_others_are_linked(self, link: Run) -> None:
        items = register(new_folder("lake"), images("a.jpg", "b.jpg"))
        group = {"title": "g", "createVideo": False, "objectUrl_0": url("g/0.jpg")}
        groups = register(new_folder("groups"), {"image_groups": [group]})
        (child,) = EncordHook().client.get_storage_item(UUID(groups["g"])).get_child_items()
        new_dataset()
        with pytest.raises(EncordPermanentError) as caught:
            link(items={"uuids": [items["a.jpg"], str(child.uuid), items["b.jpg"]]})
        assert f"{url('g/0.jpg')} ({child.uuid})" in str(caught.value)
        assert "1 items" in str(caught.value)
        assert titles_in() == ["a.jpg", "b.jpg"]


class TestLinkRefuses:
    def test_duplicates_where_asked_before_anything_is_linked(self, link: Run) -> None:
        items = register(new_folder("lake"), images("a.jpg", "b.jpg"))
        new_dataset(items["a.jpg"])
        with pytest.raises(EncordInputError) as caught:
            link(folder="lake", duplicates="refuse")
        assert f"{url('a.jpg')} ({items['a.jpg']})" in str(caught.value)
        assert "b.jpg" not in str(caught.value)
        assert titles_in() == ["a.jpg"]

    def test_what_the_task_itself_has_linked_is_no_duplicate_to_its_retry(
        self, encord_emulator: EncordEmulator, link: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        register(new_folder("lake"), images(*(f"{n:04d}.jpg" for n in range(1001))))
        new_dataset()
        monkeypatch.setattr(EncordHook, "retry_seconds", 0.0)
        encord_emulator.inject_fault("status", status=503, route="link_items", skip=1, count=1)
        with pytest.raises(EncordUnavailableError):
            link(folder="lake", duplicates="refuse")
        for _ in range(2):
            assert link(folder="lake", duplicates="refuse")["selected"] == 1001
        assert len(titles_in()) == 1001
        # Another run has linked nothing of it.
        with pytest.raises(EncordInputError, match="1001 of 1001"):
            link(folder="lake", duplicates="refuse", run_id="another")

    def test_more_names_in_vain_than_allowed(self, link: Run, tmp_path: Path) -> None:
        register(new_folder("lake"), images("0000.png"))
        new_dataset()
        index = write_spec(tmp_path / "spec", 2, per_part=2)
        with pytest.raises(EncordError, match=r"1 of 2.*0 are allowed[^$]*0001\.png") as caught:
            link(folder="lake", items={"upload_spec": index}, max_unmatched="0")
        # What was registered a moment ago may be listed in the next.
        assert not isinstance(caught.value, EncordPermanentError)
        assert titles_in() == []

    def test_names_of_which_none_is_an_item(self, link: Run, tmp_path: Path) -> None:
        new_dataset()
        new_folder("lake")
        index = write_spec(tmp_path / "spec", 2, per_part=2)
        with pytest.raises(EncordError, match=r"none is an item of folder lake[^$]*0001\.png"):
            link(folder="lake", items={"upload_spec": index})
        # Encord says of these itself that they are not there.
        with pytest.raises(EncordRequestError, match=NOWHERE):
            link(items={"uuids": [NOWHERE]})

    def test_a_uuid_that_is_no_item(self, link: Run) -> None:
        items = register(new_folder("lake"), images("a.jpg"))
        new_dataset()
        given = {"items": {"uuids": [items["a.jpg"], NOWHERE]}}
        with pytest.raises(EncordInputError, match=f"1 of 2[^$]*{NOWHERE}"):
            link(max_unmatched=0, **given)
        assert titles_in() == []
        assert counts(link(**given)) == {"selected": 1, "linked": 1, "unmatched": 1}

    def test_an_object_that_two_items_have_is_not_guessed(self, link: Run, tmp_path: Path) -> None:
        folder = new_folder("lake")
        for _ in range(2):
            register(folder, images("0000.png"))
        register(folder, images("0001.png"))
        new_dataset()
        index = write_spec(tmp_path / "spec", 2, per_part=2)
        result = link(folder="lake", items={"upload_spec": index})
        assert counts(result) == {"selected": 1, "linked": 1, "ambiguous": 1}

    def test_a_selection_without_items_unless_that_is_right(self, link: Run) -> None:
        new_folder("lake")
        new_dataset()
        with pytest.raises(EncordInputError, match=r"folder lake has no items.*'trucks'.*allow_empty"):
            link(folder="lake")
        assert counts(link(folder="lake", allow_empty=True)) == {}

    def test_an_output_that_names_no_dataset(self, link: Run) -> None:
        with pytest.raises(EncordInputError, match="without 'dataset'"):
            link(folder="lake", dataset={"folder": "lake"})
        with pytest.raises(EncordRequestError, match=NOWHERE):
            link(folder="lake", dataset=NOWHERE)

    def test_a_dataset_that_is_not_there_or_there_twice(self, link: Run) -> None:
        register(new_folder("lake"), images("a.jpg"))
        with pytest.raises(EncordInputError, match="no dataset 'trucks'"):
            link(folder="lake")
        twins = [new_dataset().dataset_hash for _ in range(2)]
        with pytest.raises(EncordInputError) as caught:
            link(folder="lake")
        assert all(uuid in str(caught.value) for uuid in twins)

    def test_items_of_another_folder_in_a_mirrored_dataset(self, create: Run, link: Run) -> None:
        register(new_folder("lake"), images("a.jpg"))
        create("trucks", create_backing_folder=True)
        with pytest.raises(EncordPermanentError, match=r"a\.jpg.*mirrors"):
            link(folder="lake")

    def test_an_unknown_way_with_duplicates(self, link: Run) -> None:
        with pytest.raises(EncordInputError, match=r"'twice'.*skip, refuse"):
            link(folder="lake", duplicates="twice")

    def test_no_call_goes_on_after_the_time_of_the_task(
        self, encord_emulator: EncordEmulator, link: Run
    ) -> None:
        register(new_folder("lake"), images("a.jpg"))
        new_dataset()
        encord_emulator.inject_fault("status", status=503, route="link_items")
        with pytest.raises(EncordUnavailableError) as caught:
            link(folder="lake", execution_timeout=timedelta(seconds=2))
        assert caught.value.out_of_time


class TestUnlink:
    def test_the_rows_go_the_items_stay_and_a_second_run_changes_nothing(
        self, encord_emulator: EncordEmulator, unlink: Run
    ) -> None:
        folder = new_folder("lake")
        items = register(folder, images("a.jpg", "b.jpg"))
        other = register(new_folder("other"), images("c.jpg"))
        new_dataset(items["a.jpg"], other["c.jpg"])
        assert counts(unlink(folder="lake")) == {"selected": 2, "unlinked": 1, "not_there": 1}
        assert titles_in() == ["c.jpg"]
        assert len(list(folder.list_items())) == 2
        encord_emulator.call(lambda store: store.requests.clear())
        assert counts(unlink(folder="lake")) == {"selected": 2, "not_there": 2}
        assert "delete_data_rows" not in writes(encord_emulator)

    def test_all_rows_of_a_dataset_twice(self, unlink: Run) -> None:
        items = register(new_folder("lake"), images("a.jpg"))
        dataset = new_dataset(items["a.jpg"])
        for expected in ({"selected": 1, "unlinked": 1}, {}):
            assert counts(unlink(items={"dataset": dataset.dataset_hash})) == expected

    def test_a_lost_answer(self, encord_emulator: EncordEmulator, unlink: Run) -> None:
        items = register(new_folder("lake"), images("a.jpg", "b.jpg"))
        new_dataset(*items.values())
        encord_emulator.inject_fault("reset_after", route="delete_data_rows", count=1)
        assert counts(unlink(folder="lake")) == {"selected": 2, "unlinked": 2}
        assert titles_in() == []

    def test_a_limit_stops_a_mistake_before_it_is_made(self, unlink: Run) -> None:
        items = register(new_folder("lake"), images("a.jpg", "b.jpg"))
        new_dataset(*items.values())
        with pytest.raises(EncordInputError, match=r"2 items.*'trucks'.*max_unlinked is 1"):
            unlink(folder="lake", max_unlinked="1")
        assert titles_in() == ["a.jpg", "b.jpg"]

    def test_groups_are_taken_out_whole(self, unlink: Run) -> None:
        group = {"title": "g", "createVideo": False, **{f"objectUrl_{n}": url(f"g/{n}.jpg") for n in (0, 1)}}
        items = register(new_folder("lake"), {"image_groups": [group]})
        new_dataset(items["g"])
        assert counts(unlink(folder="lake")) == {"selected": 1, "unlinked": 1}
        assert titles_in() == []

    def test_a_file_that_encord_hosts_is_not_deleted(self, unlink: Run, tmp_path: Path) -> None:
        folder = new_folder("lake")
        items = register(folder, images("a.jpg"))
        file = tmp_path / "mine.txt"
        file.write_text("mine")
        hosted = folder.upload_text(file)
        new_dataset(items["a.jpg"], str(hosted))
        with pytest.raises(EncordInputError, match=f"hosts the files of 1.*{hosted}"):
            unlink(folder="lake")
        assert titles_in() == ["a.jpg", "mine.txt"]

    def test_the_folder_that_a_dataset_mirrors_is_left_alone(self, create: Run, unlink: Run) -> None:
        create("trucks", create_backing_folder=True)
        folder = EncordHook().client.get_storage_folder(datasets()[0].backing_folder_uuid)
        register(folder, images("a.jpg"))
        with pytest.raises(EncordInputError, match=r"'trucks' mirrors.*a\.jpg"):
            unlink(folder=str(folder.uuid))
        assert titles_in() == ["a.jpg"]


class TestAttach:
    def test_a_dataset_comes_into_a_project_once(self, encord_emulator: EncordEmulator, attach: Run) -> None:
        items = register(new_folder("lake"), images("a.jpg"))
        project = new_project(run_named("other"))
        dataset = new_dataset(items["a.jpg"])
        first = attach(project="labels")
        assert first == {
            "dataset": dataset.dataset_hash,
            "project": str(project.project_hash),
            "attached": True,
        }
        fresh = EncordHook().client.get_project(project.project_hash)
        assert dataset.dataset_hash in {str(one.dataset_hash) for one in fresh.list_datasets()}
        assert [row.data_title for row in fresh.list_label_rows_v2()] == ["a.jpg"]
        encord_emulator.call(lambda store: store.requests.clear())
        assert attach(project=first["project"], dataset=first["dataset"]) == {**first, "attached": False}
        assert "add_project_datasets" not in writes(encord_emulator)

    def test_no_call_goes_on_after_the_time_of_the_task(
        self, encord_emulator: EncordEmulator, attach: Run, create: Run
    ) -> None:
        new_project(new_dataset())
        encord_emulator.inject_fault("status", status=503, route="list_datasets")
        for task in (
            lambda: attach(project="labels", execution_timeout=timedelta(seconds=1)),
            lambda: create("cars", execution_timeout=timedelta(seconds=1)),
        ):
            with pytest.raises(EncordUnavailableError) as caught:
                task()
            assert caught.value.out_of_time

    def test_a_lost_answer(self, encord_emulator: EncordEmulator, attach: Run) -> None:
        project = new_project(run_named("other"))
        new_dataset()
        encord_emulator.inject_fault("reset_after", route="add_project_datasets", count=1)
        assert attach(project="labels")["attached"] is True
        assert len(list(project.list_datasets())) == 2

    def test_titles_that_are_unknown_or_there_twice_change_nothing(self, attach: Run) -> None:
        dataset = new_dataset()
        with pytest.raises(EncordInputError, match="no project 'labels'"):
            attach(project="labels")
        twins = [str(new_project(run_named(f"of {n}")).project_hash) for n in range(2)]
        with pytest.raises(EncordInputError) as caught:
            attach(project="labels")
        assert all(uuid in str(caught.value) for uuid in [*twins, "'labels'"])
        with pytest.raises(EncordInputError, match="no dataset 'cars'"):
            attach(project=twins[0], dataset="cars")
        for given in ({"project": NOWHERE}, {"project": twins[0], "dataset": NOWHERE}):
            with pytest.raises(EncordRequestError, match=NOWHERE):
                attach(**given)
        project = EncordHook().client.get_project(twins[0])
        assert dataset.dataset_hash not in {str(one.dataset_hash) for one in project.list_datasets()}


def run_named(title: str) -> Any:
    """An empty dataset of that title."""
    created = run(EncordCreateDatasetOperator(task_id="create", dataset=title))
    return EncordHook().client.get_dataset(created["dataset"])
