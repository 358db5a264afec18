"""What is hidden in every text that is shown, and what is not."""

from __future__ import annotations

import base64
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import EncordError, EncordRequestError, EncordUnavailableError
from encord_provider.text.secrets import redacted, secrets_in

BODY = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQ"
PEM = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}\nQyNTUxOQAAACDs\n-----END OPENSSH PRIVATE KEY-----\n"
SECRET = "wJalrXUtnFEMIK7MDENG"

SHOWN = [
    (
        "https://h/a.jpg?X-Amz-Date=1&X-Amz-Signature={}&x=1",
        "https://h/a.jpg?X-Amz-Date=1&X-Amz-Signature=***&x=1",
    ),
    ("https://h/a.jpg?x-goog-signature={}", "https://h/a.jpg?x-goog-signature=***"),
    ("https://h/a?sv=2024&sig={}%3D", "https://h/a?sv=2024&sig=***"),
    ("https://h/a?Expires=1&Signature={}", "https://h/a?Expires=1&Signature=***"),
    ("https://h/a?X-Amz-Security-Token={}", "https://h/a?X-Amz-Security-Token=***"),
    ("u=https%3A%2F%2Fh%2Fa%3FX-Amz-Signature%3D{}", "u=https%3A%2F%2Fh%2Fa%3FX-Amz-Signature%3D***"),
    ('{{"url": "https://h/a?a=1\\u0026sig={}"}}', '{"url": "https://h/a?a=1\\u0026sig=***"}'),
    ("<a href='https://h/a?a=1&amp;sig={}'>", "<a href='https://h/a?a=1&amp;sig=***'>"),
    ("s3://AKIA:{}@lake/a", "s3://***@lake/a"),
    ("s3://AKIA:a/b+{}/c@lake/a", "s3://***@lake/a"),
    ("postgres://me:{}@host:5432/db", "postgres://***@host:5432/db"),
    ("https://:{}@host/", "https://***@host/"),
    ("Authorization: Bearer {}", "Authorization: Bearer ***"),
]


@pytest.mark.parametrize(("template", "shown"), SHOWN)
def test_a_secret_is_hidden_and_the_rest_stays(template: str, shown: str) -> None:
    text = template.format(SECRET)
    assert redacted(text) == shown
    assert SECRET not in str(EncordError(text))
    assert any(SECRET in found for found in secrets_in({"a": [text]}))


@pytest.mark.parametrize(
    "key",
    [
        PEM,
        PEM.replace("\n", "\\n"),
        PEM.replace("\n", " "),
        PEM.partition("-----END")[0],
        BODY,
        base64.b64encode(PEM.encode()).decode(),
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    ],
)
def test_a_key_or_token_is_hidden_in_any_form(key: str) -> None:
    text = redacted(f"the field holds {key} and more")
    assert text.startswith("the field holds ")
    for piece in ("AAAABG5vbmUA", "QyNTUxOQAAACDs", "c2lnbmF0dXJl", "QUFBQUJHN"):
        assert piece not in text


@pytest.mark.parametrize(
    "text",
    [
        "s3://aws_default@lake/encord",
        "https://api.encord.com:8443/v2?page=2",
        "http://127.0.0.1:5000/photo@2x.png",
        "file:///data/a:b@c.json",
        "row 3, column 'sig': text",
        "signature=none of a URL is shown",
        "meet at 10:30 @ home",
        "s3://lake/a?versionId=abc",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text(max_size=60))
def test_any_text_can_be_looked_at_twice(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "piece",
    [
        "x",
        "a:",
        "s3://",
        "s3://a:",
        "eyJ",
        "eyJ-",
        "eyJ.",
        "-----BEGIN ",
        "Bearer ",
        "?sig",
        "?sig=&",
        "b3BlbnNzaC1r ",
        "1",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    redacted(piece * (60_000 // len(piece)))
    assert time.process_time() - began < 2


def test_errors_keep_what_they_carry() -> None:
    error = EncordRequestError("no", status=403)
    assert (error.status, str(error)) == (403, "no")
    unavailable = EncordUnavailableError("away", status=503, carried_out=False)
    assert (unavailable.status, unavailable.carried_out) == (503, False)
    copy = pickle.loads(pickle.dumps(EncordError("a\nb")))
    assert str(copy) == "a\nb"
