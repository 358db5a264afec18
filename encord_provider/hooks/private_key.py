"""An OpenSSH Ed25519 private key, in any form that people paste it, and what else turns up in its place."""

from __future__ import annotations

import base64
import binascii
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from encord_provider.exceptions import EncordConfigError

_BEGIN, _END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
_PEM = re.compile(rf"{_BEGIN}(.*?){_END}", re.DOTALL)
_ANY_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_MAGIC = b"openssh-key-v1\0"
_OPENSSH_MAGIC = base64.b64encode(_MAGIC + b"\0\0")[:20].decode()
_BASE64_PEM = re.compile(
    "|".join(base64.b64encode(one)[:-4].decode() for one in (b"-----BEGIN ", b"b3BlbnNzaC1r"))
)
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.")
"""How a JSON Web Token begins."""
_LINE = 70


def normalise_private_key(raw: str, *, conn_id: str) -> str:
    r"""Bring a private key, in any form that people paste it, into its canonical lines.

    Accepted are real newlines of either kind, literal ``\n``, newlines that a web form turned into blanks, the
    body without its BEGIN and END lines, and base64 of any of these.

    :raises EncordConfigError: if there is no OpenSSH private key in it; the text is never shown.
    """
    text = raw.replace("\\r", "").replace("\\n", "\n").strip().strip("\"'")
    if not _ANY_PEM.search(text) and not text.startswith(_OPENSSH_MAGIC):
        try:
            text = base64.b64decode("".join(text.split()), validate=True).decode("ascii").replace("\\n", "\n")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            text = ""
    if text.startswith(_OPENSSH_MAGIC):
        text = f"{_BEGIN}\n{text}\n{_END}"
    found = _PEM.search(text)
    if not found:
        other = _ANY_PEM.search(text)
        kind = f"a {other.group(1)} block" if other else "no OpenSSH private key"
        raise EncordConfigError(
            f"Connection {conn_id!r}: the private key field holds {kind}. Encord uses Ed25519 keys in OpenSSH "
            "format, as made by: ssh-keygen -t ed25519"
        )
    body = "".join(found.group(1).split())
    lines = [body[start : start + _LINE] for start in range(0, len(body), _LINE)]
    return "\n".join([_BEGIN, *lines, _END]) + "\n"


def check_private_key(key: str, passphrase: str | None, *, conn_id: str) -> str:
    """Make sure that a key is an Ed25519 key that opens, before the SDK sees it.

    The SDK puts the whole key into the text of the error that it raises for another kind of key.

    :returns: the key's SHA256 fingerprint as ``ssh-keygen -l`` shows it.
    :raises EncordConfigError: if it cannot be read, needs a (different) passphrase, or is of another kind.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256, Hash
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    problem: str | None = None
    loaded: Any = None
    try:
        # Whether cryptography refuses what does not go together, and with which error, depends on its version.
        if _is_protected(key) == bool(passphrase):
            loaded = load_ssh_private_key(key.encode(), passphrase.encode() if passphrase else None)
        else:
            problem = "and the passphrase do not go together: one is protected and the other is missing"
    except UnsupportedAlgorithm:
        problem = "is of a kind that cannot be read here; a passphrase needs the package bcrypt"
    except (TypeError, ValueError):
        problem = "cannot be read: it is damaged or incomplete, or the passphrase is wrong"
    if problem is None and not isinstance(loaded, Ed25519PrivateKey):
        problem = (
            f"is of the kind {type(loaded).__name__.removesuffix('PrivateKey').lstrip('_')}, not Ed25519"
        )
    if problem is not None:
        # Raised outside of the except blocks, so that no cause with the key's text hangs on it.
        raise EncordConfigError(
            f"Connection {conn_id!r}: the private key {problem}. Encord uses Ed25519 keys, as made by: "
            "ssh-keygen -t ed25519"
        )
    public = loaded.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    digest = Hash(SHA256())
    digest.update(base64.b64decode(public))
    return f"SHA256:{base64.b64encode(digest.finalize()).decode().rstrip('=')}"


def _is_protected(key: str) -> bool:
    """Whether a key has a passphrase: its header names the cipher (OpenSSH's PROTOCOL.key).

    :raises ValueError: if it is no OpenSSH key.
    """
    found = _PEM.search(key)
    header = base64.b64decode(found.group(1)) if found else b""
    if not header.startswith(_MAGIC):
        raise ValueError("no OpenSSH private key")
    return not header.startswith(_MAGIC + b"\0\0\0\4none")


def read_key_file(path: str, *, conn_id: str, allow_readable: bool) -> str:
    """Read the file of a private key.

    :param path: what the connection says; shown only once there is such a file, because it could be a key.
    :param conn_id: the connection's id, for error messages.
    :param allow_readable: whether other users of the machine may be able to read it.
    :raises EncordConfigError: if it cannot be read, or others can read it.
    """
    problem: str | None = None
    mode = 0
    try:
        file = Path(path).expanduser()
        mode = file.stat().st_mode
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except (RuntimeError, ValueError):
        # No such home directory, or a character that no path can have.
        problem = "it is not a path"
    if problem is not None:
        # Raised outside of the except blocks: the error of the system holds the path.
        raise EncordConfigError(
            f"Connection {conn_id!r}: the extra field 'private_key_file' names no file that can be read on this "
            f"machine: {problem}. It must be the path of the key on every worker and triggerer; it looks like "
            f"{looks_like(path)}."
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and not allow_readable:
        raise EncordConfigError(
            f"Connection {conn_id!r}: other users can read the key file {path} (mode "
            f"{stat.S_IMODE(mode):04o}). Run: chmod 600 {path} (or set 'allow_readable_key_file')."
        )
    try:
        content = file.read_bytes()
    except OSError as error:
        raise EncordConfigError(
            f"Connection {conn_id!r}: the key file {path} cannot be read on this machine: {error.strerror}."
        ) from None
    text: str | None = None
    with suppress(UnicodeDecodeError):
        text = content.decode("utf-8")
    if text is None:
        # Raised out here, because the decoding error carries the content of the file.
        raise EncordConfigError(f"Connection {conn_id!r}: the key file {path} is not a text file.")
    return text


def looks_like_private_key(value: str) -> bool:
    """Whether a text has a private key in it, in any form that :func:`normalise_private_key` knows."""
    return _kind_of_key(value) is not None


def looks_like(value: str) -> str:
    """Say in words what a text looks like, without any piece of it, for a field that a secret may be in by mistake.

    :param value: what the field holds.
    """
    text = value.strip()
    if kind := _kind_of_key(text):
        return kind
    if re.match(r"(ssh-|ecdsa-)\S+ +AAAA", text):
        return "a public key"
    if _TOKEN.match(text):
        return "a bearer token"
    if "\n" in text or "\\n" in text:
        return "a text of several lines"
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        return "an address"
    if text.startswith(("/", "~")):
        return "an absolute path"
    return "some other text, or a relative path" if "/" in text else "some other text"


def _kind_of_key(value: str) -> str | None:
    if found := _ANY_PEM.search(value):
        return "a private key" if "PRIVATE" in found.group(1) else f"a {found.group(1)} block"
    compact = "".join(value.replace("\\n", "").split())
    if _OPENSSH_MAGIC in compact:
        return "a private key without its BEGIN and END lines"
    return "a private key in base64" if _BASE64_PEM.match(compact) else None
