"""The official SDK's calls travel as those of the data plane: no redirect, no retries of their own, an end in time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from encord_provider.exceptions import EncordRequestError, EncordUnavailableError
from encord_provider.hooks.encord import EncordHook
from encord_provider.metadata.selection import SelectedItems

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

NOWHERE = "0f0d0000-0000-4000-8000-00000000dead"


class _Other(BaseHTTPRequestHandler):
    """A host that would like to be believed."""

    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"results": [], "nextPageToken": null}')

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch, encord: EncordEmulator) -> Iterator[type[_Other]]:
    """The connection leads to a host that sends everybody on to another one."""

    class Other(_Other):
        asked: list[str] = []

    theirs = ThreadingHTTPServer(("127.0.0.1", 0), Other)

    class Redirecting(_Other):
        asked: list[str] = []

        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{theirs.server_port}{self.path}")
            self.end_headers()

        do_POST = do_GET  # noqa: N815

    ours = ThreadingHTTPServer(("127.0.0.1", 0), Redirecting)
    for server in (ours, theirs):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = encord.connection_json()
    connection["extra"]["domain"] = f"http://127.0.0.1:{ours.server_port}"
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(connection))
    yield Other
    for server in (ours, theirs):
        server.shutdown()
        server.server_close()


def test_no_redirect_is_followed_when_a_folder_is_looked_up(other: type[_Other]) -> None:
    with pytest.raises(EncordRequestError, match="redirect"):
        EncordHook().find_folder("lake")
    with pytest.raises(EncordRequestError, match="redirect"):
        EncordHook().find_folder(NOWHERE)
    assert other.asked == []


@pytest.mark.parametrize("kind", ["dataset", "project"])
def test_no_redirect_is_followed_by_the_older_calls_of_the_sdk(kind: str, other: type[_Other]) -> None:
    items = SelectedItems(dataset=NOWHERE) if kind == "dataset" else SelectedItems(project=NOWHERE)
    with pytest.raises(EncordRequestError, match="redirect"):
        list(items.read(EncordHook()))
    assert other.asked == []


def test_a_pause_beyond_the_budget_is_not_made_by_the_sdk_either(encord: EncordEmulator) -> None:
    encord.inject_fault("status", route="list_root_folders", status=429, retry_after=1_000_000)
    began = time.monotonic()
    with pytest.raises(EncordUnavailableError, match="look up the folder 'lake'"):
        EncordHook(retry_seconds=5).find_folder("lake")
    assert time.monotonic() - began < 5
    assert len(encord.requests("list_root_folders")) == 1


def test_outside_of_our_calls_the_sdk_is_as_it_was(encord: EncordEmulator) -> None:
    hook = EncordHook()
    hook.find_folder("lake", create=True)
    encord.inject_fault("status", route="list_root_folders", status=503, count=1)
    assert [folder.name for folder in hook.get_conn().list_storage_folders()] == ["lake"]
