"""The tutorial, typed word by word into an empty folder; only its ports and the real Encord are others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.helpers.pages import blocks

if TYPE_CHECKING:
    from encord import EncordUserClient
    from encord.storage import StorageFolder

PAGE = "tutorial.md"
PORT = "8600"
SECONDS = 300.0


@pytest.fixture(scope="module")
def port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.fixture(scope="module")
def environment(s3_endpoint: str) -> dict[str, str]:
    """A new user's environment. What pip is asked to install is there already, so that it need not be downloaded."""
    root = Path(__file__).parents[2]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(root), sysconfig.get_path("purelib")]),
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "AWS_ENDPOINT_URL_S3": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "testing-access-key",
        "AWS_SECRET_ACCESS_KEY": "testing-secret-key",
    }


@pytest.fixture(scope="module")
def bucket(s3: Any) -> Iterator[None]:
    """The bucket of the page, with objects of two days."""
    keys = [f"site=oslo/dt=2026-05-0{day}/{name}" for day in (1, 2) for name in ("quay-1.jpg", "crane.mp4")]
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for key in keys:
        s3.put_object(Bucket="lake", Key=key, Body=b"recording")
    yield
    for key in keys:
        s3.delete_object(Bucket="lake", Key=key)
    s3.delete_bucket(Bucket="lake")


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What the first terminal has printed, block by block, and the folder in which that was."""

    printed: list[str]
    folder: Path


@pytest.fixture(scope="module")
def typed(
    environment: dict[str, str], port: str, bucket: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Typed]:
    """Both terminals; the local Encord still runs."""
    folder = tmp_path_factory.mktemp("tutorial")
    first_terminal: list[str] = []
    second_terminal: list[str] = []
    for block in blocks("bash", page=PAGE):
        if block.target != "last":
            lines = second_terminal if block.target else first_terminal
            lines.append(block.text.replace(PORT, port))
    install, *rest = first_terminal
    printed = [_type(install, folder, environment)]
    encord = subprocess.Popen(
        ["bash", "-e", "-c", "\n".join(second_terminal)],
        cwd=folder,
        env=environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_emulator/state")
        # One shell, as the user has: what one block exports, the next one finds.
        script = "\necho '---- next block'\n".join(rest)
        activate = "source airflow-encord/bin/activate"
        printed += _type(f"{activate}\n{script}", folder, environment).split("---- next block")
        yield Typed(printed=printed, folder=folder)
    finally:
        os.killpg(encord.pid, signal.SIGTERM)
        encord.wait(timeout=30)


def _type(text: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", f"exec 2>&1\n{text}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(url, timeout=5).raise_for_status()
            return
        except requests.RequestException:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def client(typed: Typed, port: str) -> EncordUserClient:
    from encord import EncordUserClient

    key = (typed.folder / "encord.key").read_text()
    return EncordUserClient.create_with_ssh_private_key(key, domain=f"http://127.0.0.1:{port}")


def folder(client: EncordUserClient, name: str) -> StorageFolder:
    (found,) = [
        one for top in client.list_storage_folders() for one in top.list_subfolders() if one.name == name
    ]
    return found


def test_the_connection_test_says_what_the_page_says(typed: Typed) -> None:
    assert any(text.strip().endswith("Connection success!") for text in typed.printed)


def test_the_first_import_has_the_rows_of_the_table(client: EncordUserClient) -> None:
    items = folder(client, "first").list_items(include_client_metadata=True)
    assert sorted((item.url.rpartition("/")[2], item.client_metadata) for item in items) == [
        ("crane.mp4", {"site": "oslo", "weather": "rain"}),
        ("gate.png", {"site": "bergen", "weather": "sun"}),
        ("quay-1.jpg", {"site": "oslo", "weather": "rain"}),
    ]


def test_the_bucket_is_imported_day_by_day(client: EncordUserClient) -> None:
    items = folder(client, "my bucket").list_items(include_client_metadata=True)
    assert sorted((item.name, item.client_metadata) for item in items) == [
        ("site=oslo/dt=2026-05-01/crane.mp4", {"site": "oslo"}),
        ("site=oslo/dt=2026-05-01/quay-1.jpg", {"site": "oslo"}),
    ]


def test_the_real_encord_is_another_connection_and_nothing_else(
    encord: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encord_provider.hooks.encord import EncordHook

    (block,) = [one for one in blocks("bash", page=PAGE) if one.target == "last"]
    connection, *commands = block.text.splitlines()
    assert set(commands) <= {line for one in blocks("bash", page=PAGE) for line in one.text.splitlines()}
    key = tmp_path / "encord_ed25519"
    key.write_text(encord.private_key)
    key.chmod(0o600)
    printed = _type(f'{connection}\nprintf %s "$AIRFLOW_CONN_ENCORD_DEFAULT"', tmp_path, dict(os.environ))
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", printed)
    assert EncordHook().credentials.domain == "https://api.encord.com"
