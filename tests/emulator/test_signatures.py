"""Who may call: signatures and bearer tokens, checked against the official SDK's signer and against forgeries."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from encord_provider.emulator.core.keys import make_key_pair
from tests.emulator.conftest import sdk_client

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


def signed(
    emulator: EncordEmulator, *, private_key: str | None = None, body: bytes = b'{"name": "a"}'
) -> Any:
    """A request that the SDK signed, ready to be tampered with."""
    from encord.configs import SshConfig

    config = SshConfig.from_ssh_private_key(private_key or emulator.private_key, domain=emulator.url)
    request = requests.Request(
        "POST", emulator.url + "/v2/public/storage/folders?x=%20y", data=body, headers={"Content-Type": "a/b"}
    ).prepare()
    return config.define_headers_v2(request)


def answer(request: Any) -> tuple[int, str]:
    with requests.Session() as session:
        got = session.send(request, timeout=10)
    return got.status_code, got.json().get("message", "")


def test_a_signed_request_is_carried_out(encord_emulator: EncordEmulator) -> None:
    assert answer(signed(encord_emulator))[0] == 200


def test_a_key_that_nobody_registered_is_refused(encord_emulator: EncordEmulator) -> None:
    status, message = answer(signed(encord_emulator, private_key=make_key_pair().private_key))

    assert (status, "not registered" in message) == (401, True)


def test_the_sdk_raises_its_authentication_error_for_a_wrong_key(encord_emulator: EncordEmulator) -> None:
    from encord.exceptions import AuthenticationError

    with pytest.raises(AuthenticationError):
        sdk_client(encord_emulator, make_key_pair().private_key).get_cloud_integrations()


def test_an_altered_body_is_refused(encord_emulator: EncordEmulator) -> None:
    request = signed(encord_emulator)
    request.body = b'{"name": "b"}'

    status, message = answer(request)

    assert (status, "Content-Digest" in message) == (401, True)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("method", "PUT"),
        ("url", "/v2/public/storage/folders?x=%20z"),
        ("url", "/v2/public/storage/folders/move"),
    ],
)
def test_an_altered_request_line_is_refused(encord_emulator: EncordEmulator, part: str, value: str) -> None:
    request = signed(encord_emulator)
    if part == "url":
        request.url = encord_emulator.url + value
    else:
        request.method = value

    # A method that the path does not have is refused before anybody looks at the signature.
    with requests.Session() as session:
        assert session.send(request, timeout=10).status_code in (401, 404, 405)
    assert encord_emulator.call(lambda store: len(store.folders)) == 0


@pytest.mark.parametrize(("age", "status"), [(290, 200), (310, 401), (-290, 200), (-310, 401)])
def test_a_signature_is_good_for_five_minutes(
    encord_emulator: EncordEmulator, monkeypatch: pytest.MonkeyPatch, age: int, status: int
) -> None:
    from encord.http.v2 import request_signer

    class Then(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime.datetime:
            return datetime.datetime.now(tz) - datetime.timedelta(seconds=age)

    monkeypatch.setattr(request_signer, "datetime", Then)

    assert answer(signed(encord_emulator))[0] == status


@pytest.mark.parametrize("header", ["Signature", "Signature-Input", "Content-Digest"])
def test_a_missing_or_garbled_header_is_refused(encord_emulator: EncordEmulator, header: str) -> None:
    without, garbled = signed(encord_emulator), signed(encord_emulator)
    del without.headers[header]
    garbled.headers[header] = "sha-256=:?:"

    assert answer(without)[0] == 401
    assert answer(garbled)[0] == 401


def test_a_bearer_token_that_was_never_given_out_is_refused(encord_emulator: EncordEmulator) -> None:
    got = requests.get(
        encord_emulator.url + "/v2/public/cloud-integrations",
        headers={"Authorization": "Bearer x"},
        timeout=10,
    )

    assert got.status_code == 401


def test_v1_signature_covers_the_body(encord_emulator: EncordEmulator) -> None:
    from encord.configs import SshConfig

    from encord_provider.emulator.core.errors import ApiError
    from encord_provider.emulator.core.signing import verify_v1

    config = SshConfig.from_ssh_private_key(encord_emulator.private_key, domain=encord_emulator.url)
    headers = {
        name.lower(): value for name, value in config.define_headers("id", "dataset", '{"a": 1}').items()
    }

    assert verify_v1(headers=headers, body=b'{"a": 1}') == config.public_key_hex
    with pytest.raises(ApiError, match="does not match"):
        verify_v1(headers=headers, body=b'{"a": 2}')
    with pytest.raises(ApiError, match="Authentication failed"):
        verify_v1(headers={"authorization": "nonsense"}, body=b"")


def test_the_log_of_requests_holds_no_signature_and_no_token(
    client: Any, encord_emulator: EncordEmulator
) -> None:
    token = client.get_bearer_token()
    sdk_client(encord_emulator).get_cloud_integrations()

    log = requests.get(encord_emulator.url + "/_emulator/requests", timeout=10).text

    assert "cloud-integrations" in log
    assert token not in log
    assert "encord-sig" not in log


def test_the_emulator_does_not_pose_as_encord(encord_emulator: EncordEmulator) -> None:
    got = requests.get(encord_emulator.url + "/", headers={"Host": "api.encord.com"}, timeout=10)

    assert got.status_code == 421
