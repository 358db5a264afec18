"""Secrets in texts that are shown: private keys, tokens, signatures of presigned URLs, passwords in URIs.

Everything that this package raises goes through :func:`redacted`, and what it logs and writes about other things than
data does too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HIDDEN = "***"

_SIGNED = (
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "X-Goog-Credential",
    "GoogleAccessId",
    "AWSAccessKeyId",
    "Signature",
    "X-Signature",
    "sig",
    "token",
    "access_token",
    "api_key",
    "password",
)
"""Parameters of URLs: of presigned ones of AWS (versions 2 and 4) and Google Cloud, and Azure's shared access
signatures; and what others call such a thing."""

_NAMES = "|".join(map(re.escape, _SIGNED))

# What repeats is bounded, or cannot begin again inside of itself: a text of any kind is looked through in no time.
_PATTERNS = (
    # A private key: with its lines, cut off, or without BEGIN and END; in base64 once more.
    re.compile(
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?P<secret>.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
        re.DOTALL,
    ),
    re.compile(
        r"(?P<secret>(?:b3BlbnNzaC1r|LS0tLS1CRUdJTi)(?:[A-Za-z0-9+/=]|\\+[rn]|\s(?=[A-Za-z0-9+/=]{16}))+)"
    ),
    # A JSON Web Token, and whatever follows the name of a scheme of authorization.
    re.compile(r"(?P<secret>(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?)"),
    re.compile(r"\b(?:Bearer|Basic)\s+(?P<secret>[A-Za-z0-9._~+/-]{8,}=*)", re.IGNORECASE),
    # A parameter of a URL, which may itself be quoted for another one.
    re.compile(
        rf"(?:[?&;]|%3F|%26|\\u0026)(?:amp;)?(?:{_NAMES})(?:=|%3D)(?P<secret>[^&;\s\"'<>\\]+)",
        re.IGNORECASE,
    ),
    # user:password@ in a URI. Keys of AWS have slashes; digits before a slash are a port.
    re.compile(
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,20}://"
        r"(?P<secret>[^\s/@:\"'<>]{0,200}:(?!\d*(?:/|$))[^\s@\"'<>]{0,500})@"
    ),
)


def redacted(text: str) -> str:
    """Give a text without the secrets in it.

    :param text: any text.
    :returns: the same with ``***`` in the place of private keys, tokens, signatures of presigned URLs, and of
        ``user:password`` in front of an ``@``.
    """
    for pattern in _PATTERNS:
        text = pattern.sub(_hide, text)
    return text


def secrets_in(value: Any) -> Iterator[str]:
    """Find what :func:`redacted` would hide, to make it known to whoever else hides secrets.

    :param value: a text, or mappings and lists of them.
    """
    for text in _texts(value):
        for pattern in _PATTERNS:
            yield from (found["secret"] for found in pattern.finditer(text))


def _hide(found: re.Match[str]) -> str:
    start, end = found.span("secret")
    return f"{found.string[found.start() : start]}{HIDDEN}{found.string[end : found.end()]}"


def _texts(value: Any) -> Iterable[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting.extend(one.values())
            waiting.extend(one.keys())
        elif isinstance(one, list | tuple | set | frozenset):
            waiting.extend(one)
