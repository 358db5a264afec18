import datetime as dt
import os
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from upath import UPath

from encord_provider.exceptions import ListingError
from encord_provider.listing import list_path

FILES = {"b/10.jpg": b"12345", "b.txt": b"", "a é.jpg": b"1"}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return tmp_path


@pytest.fixture
def memory():
    filesystem = fsspec.filesystem("memory")
    for name, content in FILES.items():
        filesystem.pipe(f"/bucket/in/{name}", content)
    yield UPath("memory://bucket/in/")
    filesystem.store.clear()
    filesystem.pseudo_dirs.clear()
    filesystem.pseudo_dirs.append("")


def test_a_local_folder_is_listed_in_key_order(folder):
    objects = list(list_path(folder))
    assert [(one.key, one.size) for one in objects] == [("a é.jpg", 1), ("b.txt", 0), ("b/10.jpg", 5)]
    assert abs(objects[0].last_modified - dt.datetime.now(dt.UTC)) < dt.timedelta(hours=1)


def test_a_local_folder_behind_fsspec_is_listed_alike(folder):
    assert list(list_path(UPath(folder.as_uri()))) == list(list_path(folder))


def test_keys_of_an_object_store_start_behind_the_bucket(memory):
    assert [(one.key, one.size) for one in list_path(memory)] == [
        ("in/a é.jpg", 1),
        ("in/b.txt", 0),
        ("in/b/10.jpg", 5),
    ]


@pytest.mark.parametrize("make", [lambda path: path, lambda path: UPath(path.as_uri())])
def test_a_missing_folder_is_named(tmp_path, make):
    with pytest.raises(ListingError, match=r"there is no folder .*none"):
        list(list_path(make(tmp_path / "none")))


@pytest.mark.parametrize("make", [lambda path: path, lambda path: UPath(path.as_uri())])
def test_a_name_that_is_not_utf_8_is_named(tmp_path, make):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")).write_bytes(b"1")
    with pytest.raises(ListingError, match=r"the name '.*udcff\.jpg' below .* is not valid UTF-8"):
        list(list_path(make(tmp_path)))


class _Keys(fsspec.AbstractFileSystem):
    """An object store as fsspec shows it: it finds keys, and makes folders of them only when it is walked."""

    protocol = "keys"
    keys = ("lake//leading.jpg", "lake/double//slash.jpg", "lake/a.jpg")
    cachable = False

    def exists(self, path, **kwargs):
        return True

    def find(self, path, maxdepth=None, withdirs=False, detail=False, **kwargs):
        assert not kwargs
        found = {key: {"name": key, "size": 1, "type": "file"} for key in self.keys}
        return found | {"lake/x/": {"name": "lake/x/", "size": 0, "type": "directory"}}


def test_keys_of_an_object_store_may_hold_empty_folder_names():
    root = SimpleNamespace(fs=_Keys(), path="lake/")
    assert [one.key for one in list_path(root)] == ["/leading.jpg", "a.jpg", "double//slash.jpg"]
