"""Ed25519 keys in the OpenSSH private format, the only kind that Encord accepts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)


@dataclass(frozen=True)
class KeyPair:
    """A key of an emulated user.

    :param private_key: OpenSSH private key text, as given to the SDK.
    :param public_hex: raw public key in hexadecimal, the ``keyid`` of signed requests.
    """

    private_key: str = field(repr=False)
    public_hex: str


def make_key_pair(seed: bytes | None = None) -> KeyPair:
    """Make a key pair.

    :param seed: 32 bytes that decide the key, so that a run can be repeated; random if ``None``.
    """
    key = Ed25519PrivateKey.generate() if seed is None else Ed25519PrivateKey.from_private_bytes(seed)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
    return KeyPair(private_key=text, public_hex=_public_hex(key))


def load_key_pair(path: Path) -> KeyPair:
    """Read an OpenSSH private key.

    :raises ValueError: the file does not hold an unencrypted Ed25519 key. The text of the key is not repeated.
    """
    text = path.read_text(encoding="ascii")
    try:
        key = load_ssh_private_key(text.encode("ascii"), password=None)
    except (ValueError, TypeError):
        raise ValueError(f"{path} does not hold an unencrypted OpenSSH private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds a key that is not Ed25519")
    return KeyPair(private_key=text, public_hex=_public_hex(key))


def save_private_key(path: Path, key_pair: KeyPair) -> None:
    """Write the private key to a new file that only its owner can read (mode 0600)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key_pair.private_key)


def _public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
