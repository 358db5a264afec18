"""Which addresses signed calls may go to."""

from __future__ import annotations

import pytest

from encord_provider.exceptions import EncordConfigError
from encord_provider.hooks.credentials import check_domain


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (None, "https://api.encord.com"),
        ("", "https://api.encord.com"),
        ("eu", "https://api.encord.com"),
        ("US", "https://api.us.encord.com"),
        ("https://api.encord.com", "https://api.encord.com"),
        ("https://api.encord.com/", "https://api.encord.com"),
        ("https://api.us.encord.com", "https://api.us.encord.com"),
        ("https://API.Encord.com", "https://api.encord.com"),
        ("https://api.encord.com:8443", "https://api.encord.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://127.0.0.2", "https://127.0.0.2"),
    ],
)
def test_encord_and_loopback_addresses_are_used(given: str | None, used: str) -> None:
    assert check_domain(given, conn_id="lab") == used


@pytest.mark.parametrize(
    "given",
    [
        "https://encord.example.com",
        "https://api.encord.com.example.net",
        "https://notencord.com",
        "https://192.0.2.7",
    ],
)
def test_another_host_must_be_allowed(given: str) -> None:
    with pytest.raises(EncordConfigError, match=r"is not an Encord host.*'allow_custom_domain'"):
        check_domain(given, conn_id="lab")
    assert check_domain(given, conn_id="lab", allow_custom=True) == given


@pytest.mark.parametrize(
    "given",
    ["http://api.encord.com", "ftp://api.encord.com", "http://192.0.2.7", "http://localhost.example.com"],
)
def test_a_signed_call_never_goes_out_in_the_clear(given: str) -> None:
    for allow_custom in (False, True):
        with pytest.raises(EncordConfigError, match="must start with https://"):
            check_domain(given, conn_id="lab", allow_custom=allow_custom)


@pytest.mark.parametrize(
    "given",
    [
        "api.encord.com",
        "https://",
        "https://api.encord.com/v2",
        "https://api.encord.com?region=us",
        "https://user:secret@api.encord.com",
        "https://api.encord.com:many",
        "https://[::1",
        "europe",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(EncordConfigError, match=r"'lab'.*must look like https://api\.encord\.com") as caught:
        check_domain(given, conn_id="lab")
    assert "secret" not in str(caught.value)
