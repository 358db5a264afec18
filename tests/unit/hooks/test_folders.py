"""Storage folders by UUID and by name path, also when two runs create the same one at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from encord_provider.exceptions import EncordInputError, EncordPermissionError, EncordUnavailableError
from encord_provider.hooks.encord import EncordHook

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

NOWHERE = "0f0d0000-0000-4000-8000-00000000dead"


@pytest.fixture
def hook(encord: EncordEmulator) -> EncordHook:
    return EncordHook(retry_seconds=5.0)


def folders_named(emulator: EncordEmulator, name: str) -> list[str]:
    return emulator.call(lambda store: [folder.uuid for folder in store.folders.all() if folder.name == name])


def test_a_folder_is_found_by_its_uuid(hook: EncordHook) -> None:
    uuid = str(hook.client.create_storage_folder("lake").uuid)
    assert hook.find_folder(uuid) == uuid


def test_an_unknown_uuid_is_an_error_that_names_it(hook: EncordHook) -> None:
    with pytest.raises(EncordPermissionError, match=f"find the folder {NOWHERE}.*does not exist"):
        hook.find_folder(NOWHERE)


def test_a_folder_is_found_by_its_path(hook: EncordHook) -> None:
    lake = hook.client.create_storage_folder("lake")
    site = lake.create_subfolder("site-a")
    assert hook.find_folder("lake") == str(lake.uuid)
    assert hook.find_folder("/lake/site-a/") == str(site.uuid)
    assert hook.find_folder("lake / site-a") == str(site.uuid)


def test_only_the_whole_name_counts(hook: EncordHook) -> None:
    lake = hook.client.create_storage_folder("lake")
    for other in ("lake-2", "the lake", "LAKE"):
        hook.client.create_storage_folder(other)
    assert hook.find_folder("lake") == str(lake.uuid)


def test_a_subfolder_of_another_folder_does_not_count(hook: EncordHook) -> None:
    hook.client.create_storage_folder("lake")
    hook.client.create_storage_folder("pond").create_subfolder("site-a")
    with pytest.raises(EncordInputError, match="There is no folder 'lake/site-a'"):
        hook.find_folder("lake/site-a")


def test_a_missing_folder_is_an_error_with_the_way_out_and_none_is_made(
    hook: EncordHook, encord: EncordEmulator
) -> None:
    with pytest.raises(EncordInputError, match=r"There is no folder 'lake'.*create_folder=True"):
        hook.find_folder("lake/site-a")
    assert encord.requests("create_folder") == []


@pytest.mark.parametrize("text", ["", " ", "/", "lake//site-a", "lake/ /site-a"])
def test_what_names_no_folder_is_refused_with_an_example(text: str, hook: EncordHook) -> None:
    with pytest.raises(
        EncordInputError, match="give a folder's UUID, or its name path such as 'lake/site-a'"
    ):
        hook.find_folder(text, create=True)


def test_what_is_missing_of_a_path_is_created_once(hook: EncordHook, encord: EncordEmulator) -> None:
    lake = hook.client.create_storage_folder("lake")
    made = hook.find_folder("lake/site-a/2026", create=True)
    assert hook.find_folder("lake/site-a/2026", create=True) == made
    assert hook.find_folder("lake") == str(lake.uuid)
    assert [len(folders_named(encord, name)) for name in ("lake", "site-a", "2026")] == [1, 1, 1]


def test_two_folders_of_one_name_that_hold_something_are_not_guessed_between(hook: EncordHook) -> None:
    folders = [hook.client.create_storage_folder("lake") for _ in range(2)]
    for folder in folders:
        folder.create_subfolder("site-a")
    with pytest.raises(EncordInputError, match=r"2 folders are named 'lake'.*Give the UUID") as caught:
        hook.find_folder("lake", create=True)
    assert all(str(folder.uuid) in str(caught.value) for folder in folders)


@pytest.mark.parametrize("create", [False, True])
def test_of_twins_the_older_counts_and_the_empty_one_does_not(create: bool, hook: EncordHook) -> None:
    first, second = (hook.client.create_storage_folder("lake") for _ in range(2))
    assert hook.find_folder("lake", create=create) == str(first.uuid)
    second.create_subfolder("site-a")
    assert hook.find_folder("lake", create=create) == str(second.uuid)


def test_a_twin_that_is_deleted_meanwhile_is_passed_over(
    hook: EncordHook, encord: EncordEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encord.storage import StorageFolder

    first, second = (hook.client.create_storage_folder("lake") for _ in range(2))
    look = StorageFolder.list_items

    def deleted_first(folder: StorageFolder, *arguments: Any, **keywords: Any) -> Any:
        if folder.uuid == second.uuid:
            second.delete()
        return look(folder, *arguments, **keywords)

    monkeypatch.setattr(StorageFolder, "list_items", deleted_first)
    assert hook.find_folder("lake") == str(first.uuid)


def test_twins_that_could_not_be_removed_do_not_stop_later_runs(encord: EncordEmulator) -> None:
    encord.inject_fault("delay", route="create_folder", seconds=0.5, count=2)
    encord.inject_fault("status", route="delete_folder", status=503)
    begin = threading.Barrier(2)

    def run() -> str:
        hook = EncordHook(retry_seconds=10.0)
        assert hook.client
        begin.wait(timeout=20)
        return hook.find_folder("lake", create=True)

    with ThreadPoolExecutor(2) as pool:
        found = [one.result(timeout=60) for one in [pool.submit(run), pool.submit(run)]]
    assert found[0] == found[1]
    assert len(folders_named(encord, "lake")) == 2, "the fault has kept the younger one"
    assert EncordHook().find_folder("lake") == found[0]
    assert EncordHook().find_folder("lake", create=True) == found[0]


def test_a_folder_that_listings_do_not_show_yet_is_the_one_that_was_created(
    hook: EncordHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook.client, "list_storage_folders", lambda **_: [])
    found = hook.find_folder("lake", create=True)
    assert found == str(hook.client.get_storage_folder(UUID(found)).uuid)


def test_two_runs_that_create_a_folder_at_once_end_with_the_same_one(encord: EncordEmulator) -> None:
    encord.inject_fault("delay", route="create_folder", seconds=0.5, count=2)
    begin = threading.Barrier(2)

    def run() -> str:
        hook = EncordHook(retry_seconds=10.0)
        assert hook.client
        begin.wait(timeout=20)
        return hook.find_folder("lake/site-a", create=True)

    with ThreadPoolExecutor(2) as pool:
        found = [one.result(timeout=60) for one in [pool.submit(run), pool.submit(run)]]
    assert found[0] == found[1]
    assert folders_named(encord, "site-a") == [found[0]]
    assert len(folders_named(encord, "lake")) == 1
    assert len(encord.requests("create_folder")) >= 3, "both runs created the folder 'lake'"


@pytest.mark.parametrize("other_is_first", [True, False])
def test_the_folder_that_was_created_first_counts(
    other_is_first: bool, hook: EncordHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = EncordHook().client
    create = hook.client.create_storage_folder
    made: dict[str, str] = {}

    def at_once(name: str, *arguments: Any, **keywords: Any) -> Any:
        if other_is_first:
            made["other"] = str(other.create_storage_folder(name).uuid)
        own = create(name, *arguments, **keywords)
        if not other_is_first:
            made["other"] = str(other.create_storage_folder(name).uuid)
        made["own"] = str(own.uuid)
        return own

    monkeypatch.setattr(hook.client, "create_storage_folder", at_once)
    found = hook.find_folder("lake", create=True)
    assert found == made["other" if other_is_first else "own"]
    left = {str(folder.uuid) for folder in other.list_storage_folders()}
    assert left == ({made["other"]} if other_is_first else {made["own"], made["other"]})


def test_a_lost_answer_to_the_creation_leaves_one_folder(hook: EncordHook, encord: EncordEmulator) -> None:
    encord.inject_fault("reset_after", route="create_folder", count=1)
    found = hook.find_folder("lake", create=True)
    assert folders_named(encord, "lake") == [found]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_encord_that_is_away_for_a_moment_is_waited_for(
    status: int, hook: EncordHook, encord: EncordEmulator
) -> None:
    encord.inject_fault("status", route="*folder*", status=status, count=1)
    assert hook.find_folder("lake", create=True) == folders_named(encord, "lake")[0]


def test_an_encord_that_stays_away_is_an_error_that_a_retry_may_mend(encord: EncordEmulator) -> None:
    encord.inject_fault("status", route="*folders*", status=504)
    with pytest.raises(EncordUnavailableError, match="look up the folder 'lake'"):
        EncordHook(retry_seconds=0.1).find_folder("lake")
