"""EncordHook against the emulator: who is connected to what, and as whom it calls."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Connection

from encord_provider import __version__
from encord_provider.api.calls import get_cloud_integrations
from encord_provider.exceptions import EncordConfigError, EncordInputError
from encord_provider.hooks.encord import EncordHook
from tests.helpers import keys
from tests.helpers.keys import encrypted_with

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

AWS = "a5000000-0000-4000-8000-000000000001"


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, encord: EncordEmulator) -> Any:
    """Give a hook on a connection with these extra fields."""

    def make(*, password: str | None = None, retry_seconds: float = 1.0, **extra: Any) -> EncordHook:
        connection = {
            "conn_type": "encord",
            "password": password,
            "extra": {"domain": encord.url, **extra},
        }
        monkeypatch.setenv("AIRFLOW_CONN_LAB", json.dumps(connection))
        return EncordHook(encord_conn_id="lab", retry_seconds=retry_seconds)

    return make


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class TestTestConnection:
    def test_it_says_who_is_connected_to_what(self, connect: Any, encord: EncordEmulator) -> None:
        works, message = connect(private_key=encord.private_key).test_connection()
        assert works, message
        assert message.startswith(f"Connected to {encord.url} (custom domain)")
        assert "with the Ed25519 key SHA256:" in message
        assert "it can use 5 integrations: AWS S3, Azure Blob Storage" in message

    def test_airflow_finds_the_hook_of_a_connection_by_its_type(self, encord: EncordEmulator) -> None:
        hook = Connection.get("encord_default").get_hook()
        assert isinstance(hook, EncordHook)
        assert hook.test_connection()[0]

    def test_a_key_of_another_region_is_told_to_check_the_domain(self, connect: Any) -> None:
        works, message = connect(private_key=keys.ed25519_key()).test_connection()
        assert not works
        assert "401" in message
        assert "A key belongs to one region" in message
        assert "https://api.us.encord.com" in message

    def test_a_key_of_the_wrong_kind_is_told_what_to_make(self, connect: Any) -> None:
        works, message = connect(private_key=keys.rsa_key()).test_connection()
        assert not works
        assert "RSA, not Ed25519" in message
        assert "ssh-keygen -t ed25519" in message

    def test_an_encord_that_cannot_be_reached_is_named_within_seconds(
        self, connect: Any, encord: EncordEmulator
    ) -> None:
        hook = connect(private_key=encord.private_key, domain=f"http://127.0.0.1:{closed_port()}")
        works, message = hook.test_connection()
        assert not works
        assert "list the cloud integrations" in message
        assert "Given up after" in message

    def test_it_gives_up_after_seconds_whatever_patience_the_hook_has(
        self, connect: Any, encord: EncordEmulator
    ) -> None:
        hook = connect(private_key=encord.private_key, retry_seconds=3600.0)
        assert hook.test_connection()[0]
        assert hook.retry_seconds == 15.0

    def test_a_user_without_integrations_is_told_so(self, connect: Any, encord: EncordEmulator) -> None:
        hide_integrations(encord)
        works, message = connect(private_key=encord.private_key).test_connection()
        assert works
        assert "it can use no integration" in message

    def test_a_bearer_token_works_in_the_place_of_a_key(self, connect: Any, encord: EncordEmulator) -> None:
        token = connect(private_key=encord.private_key).client.get_bearer_token()
        works, message = connect(bearer_token=token).test_connection()
        assert works, message
        assert "with a bearer token" in message
        assert token not in message

    def test_a_connection_that_does_not_exist_is_no_crash(self) -> None:
        works, message = EncordHook(encord_conn_id="nowhere").test_connection()
        assert not works
        assert message == (
            "There is no Airflow connection 'nowhere': add one of the type Encord, or name another as encord_conn_id."
        )


def hide_integrations(emulator: EncordEmulator) -> None:
    def hide(store: Any) -> None:
        for integration in store.integrations.all():
            integration.admins = []

    emulator.call(hide)


class TestCalls:
    def test_the_sdk_and_the_data_plane_name_this_provider_and_airflow(
        self, connect: Any, encord: EncordEmulator
    ) -> None:
        from importlib.metadata import version

        hook = connect(private_key=encord.private_key)
        hook.get_conn().create_storage_folder("lake")
        hook.api.perform(get_cloud_integrations())
        agents = {one["route"]: one["user_agent"] for one in encord.requests()}
        for route in ("create_folder", "list_cloud_integrations"):
            assert f"airflow-provider-encord/{__version__}" in agents[route]
            assert f"apache-airflow/{version('apache-airflow-core')}" in agents[route]

    async def test_so_does_the_asynchronous_client(self, connect: Any, encord: EncordEmulator) -> None:
        async with connect(private_key=encord.private_key).async_api() as api:
            assert await api.perform(get_cloud_integrations())
        (call,) = encord.requests("list_cloud_integrations")
        assert f"airflow-provider-encord/{__version__}" in call["user_agent"]

    def test_a_protected_key_signs_too(self, connect: Any, encord: EncordEmulator) -> None:
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            PrivateFormat,
            load_ssh_private_key,
        )

        key = load_ssh_private_key(encord.private_key.encode(), None)
        protected = key.private_bytes(
            Encoding.PEM,
            PrivateFormat.OpenSSH,
            encrypted_with("open sesame"),
        ).decode()
        hook = connect(password=protected.replace("\n", " "), private_key_passphrase="open sesame")
        assert hook.get_conn().create_storage_folder("lake").name == "lake"


class TestFindIntegration:
    def test_by_uuid_and_by_title(self, connect: Any, encord: EncordEmulator) -> None:
        hook = connect(private_key=encord.private_key)
        assert hook.find_integration(AWS) == AWS
        assert hook.find_integration(AWS.upper()) == AWS
        assert hook.find_integration("AWS S3") == AWS

    def test_the_connections_default_serves_where_none_is_named(
        self, connect: Any, encord: EncordEmulator
    ) -> None:
        hook = connect(private_key=encord.private_key, integration="AWS S3")
        assert hook.find_integration() == AWS
        assert hook.find_integration("") == AWS
        assert hook.find_integration("Azure Blob Storage") != AWS

    def test_without_any_there_is_none_which_is_said_and_nothing_is_asked(
        self, connect: Any, encord: EncordEmulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert connect(private_key=encord.private_key).find_integration() is None
        assert encord.requests("list_cloud_integrations") == []
        assert "No cloud integration is named" in caplog.text

    @pytest.mark.parametrize("unknown", ["aws s3", "AWS", "0a5d0000-0000-4000-8000-00000000dead"])
    def test_an_unknown_one_is_an_error_that_lists_what_there_is(
        self, unknown: str, connect: Any, encord: EncordEmulator
    ) -> None:
        with pytest.raises(EncordInputError, match=rf"no integration '{unknown}'.*'AWS S3', 'Azure Blob"):
            connect(private_key=encord.private_key).find_integration(unknown)

    def test_a_secret_in_the_connections_field_is_not_shown(
        self, connect: Any, encord: EncordEmulator
    ) -> None:
        hook = connect(private_key=encord.private_key, integration="correct-horse-battery-staple")
        with pytest.raises(EncordInputError, match=r"'integration' of connection 'lab'.*'AWS S3'") as caught:
            hook.find_integration()
        assert "staple" not in str(caught.value)

    def test_two_of_one_title_are_not_guessed_between(self, connect: Any, encord: EncordEmulator) -> None:
        def rename(store: Any) -> None:
            for integration in store.integrations.all()[:2]:
                integration.title = "Lake"

        encord.call(rename)
        with pytest.raises(EncordInputError, match=rf"2 integrations .*'Lake': {AWS}.*Give the UUID"):
            connect(private_key=encord.private_key).find_integration("Lake")


def test_a_connection_that_is_not_there_is_named_and_no_retry_helps() -> None:
    with pytest.raises(EncordConfigError, match="There is no Airflow connection 'nowhere': add one"):
        _ = EncordHook(encord_conn_id="nowhere").api
    assert EncordHook(encord_conn_id="nowhere").test_connection() == (
        False,
        "There is no Airflow connection 'nowhere': add one of the type Encord, or name another as encord_conn_id.",
    )
