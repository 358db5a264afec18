"""Who may talk to the emulator: nobody under another name, no other web page, and nobody at endless length."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

PATHS = ("/_emulator/state", "/_emulator/users", "/", "/v2/public/cloud-integrations", "/public", "/files/x")


def _ask(emulator: EncordEmulator, path: str, headers: list[tuple[str, str]], method: str = "GET") -> int:
    """The status of a request with exactly these headers."""
    connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["evil.example.com", "evil.example.com:{port}", "127.0.0.1.evil.example.com", "10.0.0.1"]
)
def test_a_name_that_only_leads_here_gets_nothing(
    encord_emulator: EncordEmulator, path: str, host: str
) -> None:
    host = host.format(port=encord_emulator.port)
    assert _ask(encord_emulator, path, [("Host", host), ("Origin", f"http://{host}")]) == 421


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", "http://127.0.0.1:1", "http://localhost"]
)
def test_a_page_of_another_site_gets_nothing(encord_emulator: EncordEmulator, path: str, origin: str) -> None:
    host = urlsplit(encord_emulator.url).netloc
    assert _ask(encord_emulator, path, [("Host", host), ("Origin", origin)]) == 403


def test_two_names_at_once_are_refused(encord_emulator: EncordEmulator) -> None:
    host = urlsplit(encord_emulator.url).netloc
    assert _ask(encord_emulator, "/", [("Host", host), ("Host", "evil.example.com")]) == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1", "127.8.8.8:1", "[::1]:80"])
def test_its_own_names_are_served(encord_emulator: EncordEmulator, host: str) -> None:
    assert _ask(encord_emulator, "/_emulator/state", [("Host", host), ("Origin", f"http://{host}")]) == 200


def test_whoever_allows_remote_callers_may_be_asked_by_any_name() -> None:
    from encord_provider.emulator.server import EncordEmulator

    with EncordEmulator(allow_remote=True) as emulator:
        assert _ask(emulator, "/_emulator/state", [("Host", "emulator:80")]) == 200
        assert _ask(emulator, "/_emulator/state", [("Host", "api.encord.com")]) == 421


@pytest.mark.parametrize("path", ["/v2/public/storage/folders", "/public", "/_emulator/restore", "/files/x"])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(
    encord_emulator: EncordEmulator, path: str
) -> None:
    address = urlsplit(encord_emulator.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 400000000\r\n\r\n".encode()
        )
        client.sendall(b"x" * 2_000_000)
        assert b" 413 " in client.recv(65536).partition(b"\r\n")[0]


def test_a_body_in_chunks_is_counted_as_it_comes(encord_emulator: EncordEmulator) -> None:
    encord_emulator.change_settings(max_body_bytes=10_000)
    sent = 0

    def pieces() -> object:
        nonlocal sent
        for _ in range(20):
            sent += 1000
            yield b"x" * 1000

    got = requests.post(encord_emulator.url + "/_emulator/restore", data=pieces(), timeout=10)
    assert got.status_code == 413
    assert "10000" in got.json()["message"]
    assert encord_emulator.requests("refused")[-1]["status"] == 413
