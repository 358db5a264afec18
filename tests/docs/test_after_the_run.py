"""The DAG on the page about what is seen after a run: the mail that its notifier sends."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_string, policy
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.dags import run
from tests.helpers.pages import blocks

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

DAY_AFTER = datetime(2026, 5, 2, tzinfo=UTC)


class _Post(socketserver.StreamRequestHandler):
    """As much of SMTP as takes a mail."""

    def handle(self) -> None:
        self._say("220 here")
        for line in self.rfile:
            command = line.split()[0].upper() if line.split() else b""
            if command == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())  # type: ignore[attr-defined]
            self._say("221 bye" if command == b"QUIT" else "250 fine")
            if command == b"QUIT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The mails that were sent over the connection ``smtp_default``."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Post) as server:
        server.daemon_threads = True
        server.mails = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        options = "disable_ssl=true&disable_tls=true"
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{port}/?{options}")
        yield server.mails  # type: ignore[attr-defined]
        server.shutdown()


def text_of(mail: str) -> str:
    body = message_from_string(mail, policy=policy.default).get_body(("html",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def dag(encord: EncordEmulator, lake: Any, serve: Callable[[str, str], Any]) -> Any:
    (block,) = (one for one in blocks("python") if one.page == "after_the_run.md")
    return serve(block.dag_id, block.text)


def test_a_run_that_went_well_is_told_by_mail(dag: Any, mails: list[str]) -> None:
    assert run(dag, logical_date=DAY_AFTER)[0] == "success"
    (mail,) = mails
    assert "import_data: success: 3 data units, 3 registered, 3 items added" in text_of(mail)
    assert "report?dag_id=tell_by_mail" in text_of(mail)


def test_a_run_in_which_an_object_failed_is_told_by_mail(
    dag: Any, encord: EncordEmulator, mails: list[str]
) -> None:
    encord.inject_fault("unit_error", message="no such object", count=1)
    assert run(dag, logical_date=DAY_AFTER)[0] == "failed"
    (mail,) = mails
    assert "import_data: failed: 3 data units, 2 registered, 1 failed" in text_of(mail)
    assert ".jpg: no such object" in text_of(mail) or ".mp4: no such object" in text_of(mail)
