"""Verification of the two ways in which the SDK signs requests, and of bearer tokens.

v2 (``/v2/public``) follows an early draft of RFC 9421; v1 (``/public``) signs the SHA-256 digest of the body.
Both were read from the official SDK's ``encord.http.v2.request_signer`` and ``encord.configs``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from encord_provider.emulator.core.errors import ApiError

_LABEL = "encord-sig"
_PARAMS = re.compile(
    r'\("@method" "@request-target" "content-digest"\);created=(?P<created>\d+);'
    r'keyid="(?P<keyid>[0-9a-f]{64})";alg="ed25519"'
)
_BINARY = re.compile(r":(?P<value>[A-Za-z0-9+/=]*):")


def verify_v2(
    *, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float, tolerance: float
) -> str:
    """Check the signature of a v2 request.

    :param target: path and query exactly as they stood on the request line.
    :param headers: request headers, names in lower case.
    :param now: the time to compare the signature's with, seconds since the epoch.
    :param tolerance: how far the signature may be from ``now``, in seconds.
    :returns: the public key, in hexadecimal, that made the signature; whether it belongs to anybody is for the
        caller to find out.
    :raises ApiError: 401, with what is wrong.
    """
    digest = _labelled(headers, "content-digest", "sha-256")
    params = _labelled(headers, "signature-input", _LABEL)
    signature = _labelled(headers, "signature", _LABEL)
    if not hmac.compare_digest(_binary(digest, "Content-Digest"), hashlib.sha256(body).digest()):
        raise _unauthorised("the Content-Digest does not match the body")
    match = _PARAMS.fullmatch(params)
    if match is None:
        raise _unauthorised("the Signature-Input is not of the form that the Encord SDK sends")
    age = now - int(match["created"])
    if abs(age) > tolerance:
        raise _unauthorised(
            f"the signature was created {abs(age):.0f} s {'ago' if age > 0 else 'in the future'}, "
            f"the limit is {tolerance:.0f} s; check the computer's clock"
        )
    base = (
        f'"@method": {method}\n"@request-target": {target}\n"content-digest": sha-256={digest}\n'
        f'"@signature-params": {params}'
    )
    _verify(match["keyid"], _binary(signature, "Signature"), base.encode())
    return match["keyid"]


def verify_v1(*, headers: Mapping[str, str], body: bytes) -> str:
    """Check the signature of a v1 request: ``Authorization: <public key>:<signature of the body's SHA-256>``.

    :returns: the public key, in hexadecimal.
    :raises ApiError: 401, with what is wrong.
    """
    keyid, _, signature = headers.get("authorization", "").partition(":")
    try:
        raw = bytes.fromhex(signature)
    except ValueError:
        raise _unauthorised("the Authorization header is not <public key>:<signature>") from None
    _verify(keyid, raw, hashlib.sha256(body).digest())
    return keyid


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The token of an ``Authorization: Bearer`` header, or ``None``."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _verify(keyid: str, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(keyid)).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise _unauthorised("the signature does not match the request") from None


def _labelled(headers: Mapping[str, str], header: str, label: str) -> str:
    name, separator, value = headers.get(header, "").partition("=")
    if name != label or not separator:
        raise _unauthorised(f"the request carries no usable {header.title()} header")
    return value


def _binary(value: str, header: str) -> bytes:
    match = _BINARY.fullmatch(value)
    try:
        return base64.b64decode(match["value"], validate=True) if match else b""
    except binascii.Error:
        raise _unauthorised(f"the {header} header is not base64") from None


def _unauthorised(reason: str) -> ApiError:
    return ApiError(401, f"Authentication failed: {reason}.")
