"""Every accepted form of the credentials goes through successes, failures and kills; then everything is searched.

Searched are the logs at level DEBUG, errors with their causes, what Airflow stores of the task, and the workspace.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from encord_provider.hooks.credentials import Credentials
from tests.helpers.imports import ImportTask
from tests.helpers.keys import encrypted_with
from tests.helpers.kills import arm, silence, step_named
from tests.helpers.leaks import findings, spellings

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

PASSPHRASE = "p\"a's\\s $HOME é <&> {{ ds }} %s"
FORMS = (
    "lines",
    "CRLF",
    "escaped",
    "blanks",
    "base64",
    "body",
    "password",
    "file",
    "passphrase",
    "bearer token",
)


@pytest.fixture(scope="module")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@pytest.fixture(scope="module")
def server(pem: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EncordEmulator]:
    from encord_provider.emulator.server import EncordEmulator

    path = tmp_path_factory.mktemp("key") / "key"
    path.touch(mode=0o600)
    path.write_text(pem)
    with EncordEmulator(key_file=path) as emulator:
        yield emulator


@pytest.fixture(params=FORMS)
def extra(
    request: pytest.FixtureRequest, server: EncordEmulator, pem: str, key: Ed25519PrivateKey
) -> dict[str, Any]:
    """The connection's fields, with the credentials in one accepted form."""
    server.reset()
    encrypted = key.private_bytes(
        Encoding.PEM,
        PrivateFormat.OpenSSH,
        encrypted_with(PASSPHRASE),
    ).decode()
    fields: dict[str, dict[str, Any]] = {
        "lines": {"private_key": pem},
        "CRLF": {"private_key": pem.replace("\n", "\r\n")},
        "escaped": {"private_key": pem.replace("\n", "\\n")},
        "blanks": {"private_key": pem.replace("\n", " ")},
        "base64": {"private_key": base64.b64encode(pem.encode()).decode()},
        "body": {"private_key": "".join(pem.splitlines()[1:-1])},
        "password": {"password": pem.replace("\n", " ")},
        "file": {"private_key_file": str(server.private_key_path)},
        "passphrase": {"private_key": encrypted, "private_key_passphrase": PASSPHRASE},
    }
    if request.param == "bearer token":
        from encord.user_client import EncordUserClient

        client = EncordUserClient.create_with_ssh_private_key(pem, domain=server.url)
        return {"bearer_token": str(client.get_bearer_token())}
    return fields[request.param]


def _connect(
    server: EncordEmulator, extra: dict[str, Any], monkeypatch: pytest.MonkeyPatch, **more: Any
) -> None:
    fields = {"domain": server.url, "retry_seconds": 0.2, **extra, **more}
    connection = {"conn_type": "encord", "password": fields.pop("password", None), "extra": fields}
    monkeypatch.setenv("AIRFLOW_CONN_ENCORD_DEFAULT", json.dumps(connection))


def _credentials(server: EncordEmulator, extra: dict[str, Any], pem: str) -> list[Credentials]:
    fields = {"domain": server.url, **{name: value for name, value in extra.items() if name != "password"}}
    used = Credentials.from_connection(conn_id="c", password=extra.get("password"), extra=fields)
    return [used, Credentials(domain=server.url, private_key=pem)]


def test_no_spelling_of_the_credentials_is_written_anywhere(
    extra: dict[str, Any], server: EncordEmulator, pem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listen() -> None:
        """Write everything that is said into files, at level DEBUG."""
        silence(tmp_path / "output.log")
        # Airflow's own messages between task and supervisor carry what is to be masked.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
        logging.basicConfig(level=logging.DEBUG, filename=tmp_path / "debug.log", force=True)

    def attempt(name: str, prepare: Callable[[], None] = lambda: None, **arguments: Any) -> ImportTask:
        task = ImportTask(server, tmp_path / name, name=name, **arguments)

        def run() -> None:
            listen()
            prepare()
            result = task.record.run(task.operator())
            if result.error is not None:
                text = "".join(traceback.format_exception(result.error))
                (tmp_path / f"{name}.error").write_text(f"{result.error!r}\n{text}")

        task.record.run = lambda operator, run=task.record.run: run(operator)  # type: ignore[method-assign]
        task.record.run_in_worker(task.operator, prepare=lambda: (run(), None)[1])
        return task

    for name in ("good", "faults", "killed", "stuck", "refused", "away", "deferred", "unknown", "broken"):
        (tmp_path / name).mkdir()
    _connect(server, extra, monkeypatch, retry_seconds=60)
    attempt("good")
    assert server.call(lambda store: len(store.items)) == 6, "the credentials work"
    for route in ("start_upload_job", "poll_upload_job"):
        server.inject_fault("status", route=route, status=503, count=1)
    attempt("faults")
    server.clear_faults()
    attempt("killed", lambda: arm(step_named("between the answer and storing the id")))
    server.inject_fault("job_stuck")
    attempt("stuck", timeout=0.3)
    deferred = attempt("deferred", deferrable=True)
    asyncio.run(deferred.record.make_trigger().on_kill())
    server.clear_faults()
    for status in (400, 401, 403, 404):
        server.inject_fault("status", route="start_upload_job", status=status, count=1)
        attempt("refused")
    _connect(server, extra, monkeypatch)
    server.inject_fault("reset_before", route="poll_upload_job")
    attempt("away", retries=1)
    server.clear_faults()
    server.inject_fault("status", status=401)
    attempt("unknown")
    server.clear_faults()
    _connect(
        server, extra, monkeypatch, bearer_token="another-token-beside-the-key-field", domain="http://evil"
    )
    attempt("broken")

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"urllib3" in written, "the logs hold what is said at level DEBUG"
    assert (tmp_path / "unknown.error").exists()
    assert (tmp_path / "broken.error").exists()
    for credentials in _credentials(server, extra, pem):
        assert findings(tmp_path, credentials) == []
    assert json.dumps(server.requests()).find(pem.splitlines()[2]) == -1


@pytest.mark.parametrize("place", ["log", "store.json", "deep/er/file"])
def test_the_search_finds_every_spelling(place: str, pem: str, tmp_path: Path) -> None:
    credentials = Credentials(
        domain="https://api.encord.com", private_key=pem, passphrase="long enough a word"
    )
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, spelling in spellings(credentials).items():
        path.write_bytes(b"before " + spelling + b" after")
        assert any(found.endswith(name) for found in findings(tmp_path, credentials)), name
