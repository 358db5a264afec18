"""The credentials of a connection: every form that people paste a key in, and errors that never show one."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.log import redact
from cryptography.hazmat.primitives.serialization import PrivateFormat

from encord_provider.exceptions import EncordConfigError
from encord_provider.hooks.credentials import Credentials
from encord_provider.hooks.private_key import check_private_key
from tests.helpers import keys

KEY = keys.ed25519_key()


def read(*, password: str | None = None, **extra: Any) -> Credentials:
    return Credentials.from_connection(conn_id="lab", password=password, extra=extra)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The error with everything that a traceback could show below it."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            yield one
            waiting += [one.__cause__, one.__context__]


def pieces_of(secret: str) -> set[str]:
    """All stretches of 12 characters of a secret, its BEGIN and END lines aside."""
    body = keys.body_of(secret)
    return {body[start : start + 12] for start in range(max(1, len(body) - 11))}


def assert_secret_is_not_shown(error: BaseException, secret: str) -> None:
    for one in chain_of(error):
        shown = f"{one} {one!r}"
        assert not [piece for piece in pieces_of(secret) if piece in shown]


FORMS = {
    "lines": KEY,
    "no newline at the end": KEY.strip(),
    "Windows lines": KEY.replace("\n", "\r\n"),
    "literal \\n": KEY.replace("\n", "\\n"),
    "literal \\r\\n": KEY.replace("\n", "\\r\\n"),
    "blanks, as a web form leaves it": KEY.strip().replace("\n", " "),
    "nothing between the lines": KEY.strip().replace("\n", ""),
    "indented": "\n".join(f"    {line}" for line in KEY.splitlines()),
    "quoted": f'"{KEY.strip()}"',
    "body only": keys.body_of(KEY),
    "body only, folded": keys.folded(keys.body_of(KEY), 64),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64, folded": keys.folded(base64.b64encode(KEY.encode()).decode(), 76),
    "base64 of literal \\n": base64.b64encode(KEY.replace("\n", "\\n").encode()).decode(),
    "base64 of Windows lines": base64.b64encode(KEY.replace("\n", "\r\n").encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("field", ["password", "private_key"])
def test_a_key_is_understood_however_it_was_pasted(form: str, field: str) -> None:
    given: dict[str, Any] = {field: FORMS[form]}
    assert read(**given).private_key == KEY


@pytest.mark.parametrize("form", FORMS)
def test_a_key_file_may_have_any_of_these_forms(form: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(FORMS[form])
    file.chmod(0o600)
    assert read(private_key_file=str(file)).private_key == KEY


def test_a_key_file_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o644)
    with pytest.raises(EncordConfigError, match=rf"mode 0644.*chmod 600 {file}"):
        read(private_key_file=str(file))
    assert read(private_key_file=str(file), allow_readable_key_file=True).private_key == KEY


def test_a_key_file_that_is_not_there_is_an_error_that_names_the_field(tmp_path: Path) -> None:
    with pytest.raises(EncordConfigError, match=r"'private_key_file'.*No such file.*absolute path") as caught:
        read(private_key_file=str(tmp_path / "none" / "key"))
    assert "'lab'" in str(caught.value)
    assert "none" not in str(caught.value)


def test_a_key_file_that_is_not_text_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "key.der"
    secret = base64.b64decode(keys.body_of(keys.ed25519_pkcs8()))
    file.write_bytes(b"\xff" + secret)
    file.chmod(0o600)
    with pytest.raises(EncordConfigError, match=r"key\.der is not a text file") as caught:
        read(private_key_file=str(file))
    for one in chain_of(caught.value):
        assert repr(secret[-8:])[2:-1] not in repr(one)


TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJsYWIifQ.c2lnbmF0dXJlLW9mLXRoZS1sYWI"
SECRETS = {
    **{name: (form, "a private key") for name, form in FORMS.items()},
    "an RSA key": (keys.rsa_key(), "a private key"),
    "a PKCS8 key": (keys.ed25519_pkcs8(), "a private key"),
    "a part of a key": (keys.damaged_key(), "a private key"),
    "a key with a NUL": (KEY + "\0", "a private key"),
    "a token": (TOKEN, "a bearer token"),
    "a passphrase": ("correct-horse-battery-staple", "some other text"),
    "a passphrase that begins like a path": ("~correct-horse-battery-staple", "a path"),
}


def assert_nothing_is_shown(error: BaseException, secret: str) -> None:
    """No stretch of 12 characters, in whatever case, of what is between the BEGIN and END lines."""
    body = re.sub(r"-----[A-Z ]+-----|\\[nr]|[\s\"]", "", secret).lower()
    pieces = [body[start : start + 12] for start in range(len(body) - 11)]
    assert pieces
    for one in chain_of(error):
        shown = f"{one} {one!r}".lower()
        assert not [piece for piece in pieces if piece in shown]


@pytest.mark.parametrize("field", ["private_key_file", "domain"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_in_the_wrong_field_is_told_apart_and_never_shown(name: str, field: str) -> None:
    secret, looks_like = SECRETS[name]
    given: dict[str, Any] = {"bearer_token": "token-of-the-lab", field: secret}
    if field == "private_key_file":
        del given["bearer_token"]
    with pytest.raises(EncordConfigError, match=f"'{field}'") as caught:
        read(**given)
    assert "'lab'" in str(caught.value)
    assert all(word in str(caught.value).split("looks like")[1] for word in looks_like.split()[1:])
    assert_nothing_is_shown(caught.value, secret)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        (f"https://{TOKEN}", False),
        (f"http://{TOKEN}", False),
        (f"http://{TOKEN}", True),
        (f"https://{TOKEN}@api.encord.com", False),
        (f"https://{TOKEN}@api.encord.com", True),
    ],
)
def test_a_token_in_the_address_is_never_shown(address: str, allowed: bool) -> None:
    with pytest.raises(EncordConfigError, match="domain") as caught:
        read(bearer_token="token-of-the-lab", domain=address, allow_custom_domain=allowed)
    assert_nothing_is_shown(caught.value, TOKEN)


@pytest.mark.parametrize("name", FORMS)
def test_a_key_in_the_field_of_the_token_is_refused_before_it_is_sent(name: str) -> None:
    with pytest.raises(EncordConfigError, match=r"'bearer_token'.*a private key") as caught:
        read(bearer_token=FORMS[name])
    assert_secret_is_not_shown(caught.value, KEY)


@pytest.mark.parametrize("token", ["two words", "tökén-of-the-lab", "line\nline"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(EncordConfigError, match="'bearer_token'") as caught:
        read(bearer_token=token)
    assert token not in str(caught.value)


def test_no_other_field_is_shown_where_it_is_wrong() -> None:
    for field in ("retry_seconds", "integration", "private_key_passphrase"):
        with pytest.raises(EncordConfigError) as caught:
            read(private_key=keys.rsa_key(), **{field: KEY})
        assert_secret_is_not_shown(caught.value, KEY)
    assert KEY not in repr(read(bearer_token="token-of-the-lab", integration=KEY))


def test_a_passphrase_opens_a_protected_key() -> None:
    protected = keys.ed25519_key("open sesame")
    read_back = read(private_key=protected, private_key_passphrase="open sesame")
    assert (read_back.private_key, read_back.passphrase) == (protected, "open sesame")


def test_a_bearer_token_stands_for_a_key() -> None:
    read_back = read(bearer_token="token-of-the-lab")
    assert (read_back.bearer_token, read_back.private_key) == ("token-of-the-lab", None)


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        (keys.rsa_key(), "RSA, not Ed25519"),
        (keys.ecdsa_key(), "EC, not Ed25519"),
        (keys.rsa_key(PrivateFormat.PKCS8), "holds a PRIVATE KEY block"),
        (keys.rsa_key(PrivateFormat.TraditionalOpenSSL), "holds a RSA PRIVATE KEY block"),
        (keys.ed25519_pkcs8(), "holds a PRIVATE KEY block"),
        (keys.damaged_key(), "damaged or incomplete"),
        (keys.ed25519_key("open sesame"), "one is protected and the other is missing"),
        ("this is not a key at all, but a long text", "no OpenSSH private key"),
        ("schlüssel ünd mehr davon, in Umlauten", "no OpenSSH private key"),
        (base64.b64encode(bytes(range(256))).decode(), "no OpenSSH private key"),
        (base64.b64encode(keys.rsa_key().encode()).decode(), "RSA, not Ed25519"),
    ],
    ids=[
        "RSA",
        "ECDSA",
        "RSA as PKCS8",
        "RSA as PEM",
        "Ed25519 as PKCS8",
        "damaged",
        "without its passphrase",
        "no key",
        "no ASCII",
        "base64 of bytes",
        "base64 of RSA",
    ],
)
@pytest.mark.parametrize("field", ["password", "private_key"])
def test_another_key_is_refused_with_the_way_out_and_never_shown(secret: str, says: str, field: str) -> None:
    given: dict[str, Any] = {field: secret}
    with pytest.raises(EncordConfigError, match=says) as caught:
        read(**given)
    assert "'lab'" in str(caught.value)
    assert "ssh-keygen -t ed25519" in str(caught.value)
    assert_secret_is_not_shown(caught.value, secret)


def test_a_wrong_passphrase_is_told_from_a_missing_one_and_not_shown() -> None:
    with pytest.raises(EncordConfigError, match="the passphrase is wrong") as caught:
        read(private_key=keys.ed25519_key("open sesame"), private_key_passphrase="open barley")
    assert_secret_is_not_shown(caught.value, keys.ed25519_key("open sesame"))
    assert "open barley" not in "".join(repr(one) for one in chain_of(caught.value))


def test_a_passphrase_for_a_key_that_has_none_is_named() -> None:
    with pytest.raises(EncordConfigError, match="one is protected and the other is missing"):
        read(private_key=KEY, private_key_passphrase="open sesame")


def test_a_connection_without_credentials_says_what_to_give() -> None:
    with pytest.raises(
        EncordConfigError,
        match="exactly one of private_key, the password field, private_key_file and bearer_token; it has none",
    ):
        read()


def test_two_credentials_at_once_are_not_guessed_between() -> None:
    with pytest.raises(EncordConfigError, match="it has password, bearer_token") as caught:
        read(password=KEY, bearer_token="token-of-the-lab")
    assert_secret_is_not_shown(caught.value, KEY)
    assert "token-of-the-lab" not in str(caught.value)


def test_a_field_that_is_no_text_is_named() -> None:
    with pytest.raises(EncordConfigError, match="the extra field 'private_key' must be text"):
        read(private_key={"pem": KEY})


def test_credentials_do_not_show_in_their_representation() -> None:
    protected = keys.ed25519_key("open sesame")
    shown = repr(read(private_key=protected, private_key_passphrase="open sesame"))
    shown += repr(read(bearer_token="token-of-the-lab"))
    assert "token-of-the-lab" not in shown
    assert "open sesame" not in shown
    assert not [piece for piece in pieces_of(protected) if piece in shown]


def test_every_spelling_of_the_secrets_is_masked_in_airflows_logs(
    encord: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from encord_provider.hooks.encord import EncordHook

    protected = keys.ed25519_key("open sesame")
    monkeypatch.setenv(
        "AIRFLOW_CONN_LAB",
        '{"conn_type": "encord", "extra": {"private_key_passphrase": "open sesame", "private_key": "'
        + protected.replace("\n", "\\n")
        + '"}}',
    )
    with caplog.at_level(logging.DEBUG):
        assert EncordHook(encord_conn_id="lab").credentials.passphrase == "open sesame"
    spellings = [
        protected,
        protected.strip(),
        protected.replace("\n", "\\n"),
        protected.replace("\n", "\r\n"),
        protected.strip().replace("\n", " "),
        keys.body_of(protected),
        base64.b64encode(protected.encode()).decode(),
        "open sesame",
        *keys.body_of(protected)[:70].split(),
    ]
    for spelling in spellings:
        masked = str(redact(f"before {spelling} after"))
        assert "***" in masked
        assert not [piece for piece in pieces_of(protected) if piece in masked]
        assert "open sesame" not in masked
    assert not [piece for piece in pieces_of(protected) if piece in caplog.text]


def test_the_fingerprint_is_the_one_that_ssh_keygen_shows() -> None:
    # As printed by ssh-keygen -l for the key whose 32 secret bytes are 0, 1, 2, ... 31.
    fingerprint = check_private_key(KEY, None, conn_id="lab")
    assert fingerprint == "SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg"
