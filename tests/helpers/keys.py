"""Private keys of every kind that turns up in a connection."""

from __future__ import annotations

import textwrap
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

BEGIN, END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"


def encrypted_with(passphrase: str) -> KeySerializationEncryption:
    """The encryption of a key, with so few rounds that the tests need not wait for each of its readings."""
    return PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(passphrase.encode())


@cache
def ed25519_key(passphrase: str | None = None) -> str:
    """An Ed25519 key as ``ssh-keygen -t ed25519`` writes it."""
    encryption = encrypted_with(passphrase) if passphrase else NoEncryption()
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption).decode()
    # ssh-keygen writes lines of 70 characters.
    return f"{BEGIN}\n{folded(body_of(pem), 70)}\n{END}\n"


@cache
def rsa_key(form: PrivateFormat = PrivateFormat.OpenSSH) -> str:
    """An RSA key; in the form OpenSSH, PKCS8 or TraditionalOpenSSL."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


@cache
def ecdsa_key() -> str:
    """An ECDSA key in OpenSSH form."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@cache
def ed25519_pkcs8() -> str:
    """The right kind of key in the wrong form."""
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def damaged_key() -> str:
    """A key of which somebody pasted only a part."""
    lines = ed25519_key().strip().splitlines()
    return "\n".join([lines[0], *lines[1:2], lines[-1]]) + "\n"


def body_of(pem: str) -> str:
    """What is between the BEGIN and END lines, on one line."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def folded(text: str, width: int) -> str:
    """The text in lines of that width."""
    return "\n".join(textwrap.wrap(text, width))
