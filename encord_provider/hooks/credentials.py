"""What an Airflow connection of type ``encord`` says, checked: who we are, and which Encord to talk to."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from encord_provider.api.retry import DEFAULT_RETRY_SECONDS
from encord_provider.exceptions import EncordConfigError

DOMAINS = {"eu": "https://api.encord.com", "us": "https://api.us.encord.com"}
"""The API domains of Encord's two regions (Encord SDK, ``constants``)."""

_ENCORD_HOST = "encord.com"
_BEGIN, _END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
_PEM = re.compile(rf"{_BEGIN}(.*?){_END}", re.DOTALL)
_ANY_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_OPENSSH_MAGIC = base64.b64encode(b"openssh-key-v1\0\0\0")[:20].decode()
_LINE = 70
_SHORTEST_MASK = 8


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who signs the calls, and where they go. Nothing of it is shown by ``repr``.

    :param domain: the API domain, such as ``https://api.encord.com``, without a trailing slash.
    :param private_key: an OpenSSH Ed25519 private key in its canonical form, or None.
    :param passphrase: the passphrase of that key, or None.
    :param bearer_token: a token to use instead of a key, or None.
    :param integration: title or UUID of the default cloud integration, or None.
    :param retry_seconds: for how long Encord may be out of reach before a call or a wait is given up.
    """

    domain: str
    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    bearer_token: str | None = field(default=None, repr=False)
    integration: str | None = None
    retry_seconds: float = DEFAULT_RETRY_SECONDS

    @classmethod
    def from_connection(cls, *, conn_id: str, password: str | None, extra: Mapping[str, Any]) -> Credentials:
        """Read a connection.

        :param conn_id: the connection's id, for error messages.
        :param password: the connection's password field, where a key on one line may stand.
        :param extra: the connection's extra fields.
        :raises EncordConfigError: if the connection names no credentials or several, or any is unusable; the
            text never holds the credentials.
        """

        def text(name: str) -> str | None:
            value = extra.get(name)
            if value is not None and not isinstance(value, str):
                raise EncordConfigError(f"Connection {conn_id!r}: the extra field {name!r} must be text.")
            return value.strip() or None if value else None

        domain = check_domain(
            text("domain"), conn_id=conn_id, allow_custom=extra.get("allow_custom_domain") is True
        )
        given = {
            "private_key": text("private_key"),
            "password": (password or "").strip() or None,
            "private_key_file": text("private_key_file"),
            "bearer_token": text("bearer_token"),
        }
        named = [name for name, value in given.items() if value]
        if len(named) != 1:
            found = f"it has {', '.join(named)}" if named else "it has none"
            raise EncordConfigError(
                f"Connection {conn_id!r} needs exactly one of private_key, the password field, private_key_file "
                f"and bearer_token; {found}."
            )
        common: dict[str, Any] = {
            "domain": domain,
            "integration": text("integration"),
            "retry_seconds": _retry_seconds(extra.get("retry_seconds"), conn_id=conn_id),
        }
        if given["bearer_token"]:
            return cls(bearer_token=given["bearer_token"], **common)
        raw = given["private_key"] or given["password"]
        if raw is None:
            raw = _read_key_file(
                given["private_key_file"] or "",
                conn_id=conn_id,
                allow_readable=extra.get("allow_readable_key_file") is True,
            )
        passphrase = text("private_key_passphrase")
        key = normalise_private_key(raw, conn_id=conn_id)
        check_private_key(key, passphrase, conn_id=conn_id)
        return cls(private_key=key, passphrase=passphrase, **common)

    def secrets(self) -> Iterator[str]:
        """Give every spelling of the secrets that must not be shown.

        Airflow masks the exact text that it knows; a key also turns up stripped, escaped, encoded, or line by
        line.
        """
        for secret in (self.passphrase, self.bearer_token):
            if secret:
                yield from _spellings(secret)
        if self.private_key:
            yield from _spellings(self.private_key)
            yield from _spellings(self.private_key.strip())
            lines = self.private_key.strip().splitlines()
            yield " ".join(lines)
            yield "".join(lines[1:-1])
            yield from (line for line in lines[1:-1] if len(line) >= _SHORTEST_MASK)


def _retry_seconds(value: Any, *, conn_id: str) -> float:
    if value is None or value == "":
        return DEFAULT_RETRY_SECONDS
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise EncordConfigError(
            f"Connection {conn_id!r}: the extra field 'retry_seconds' must be a number of seconds, 0 or more."
        )
    return seconds


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    if "\n" in secret:
        yield secret.replace("\n", "\\n")
        yield secret.replace("\n", "\\\\n")
        yield secret.replace("\n", "\r\n")
    yield base64.b64encode(secret.encode()).decode()


def check_domain(domain: str | None, *, conn_id: str, allow_custom: bool = False) -> str:
    """Decide which address signed calls may go to.

    :param domain: what the connection says; None for the EU, ``eu`` and ``us`` for the regions.
    :param conn_id: the connection's id, for error messages.
    :param allow_custom: whether an https host outside encord.com is wanted.
    :return: scheme, host and port, without a trailing slash.
    :raises EncordConfigError: if the address is not https (loopback may be http), has more than scheme, host
        and port, or is no Encord host and was not allowed.
    """
    if not domain:
        return DOMAINS["eu"]
    if domain.lower() in DOMAINS:
        return DOMAINS[domain.lower()]
    try:
        parts = urlsplit(domain.rstrip("/"))
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if not host or parts.path or parts.query or parts.fragment or parts.username or parts.password:
        raise EncordConfigError(
            f"Connection {conn_id!r}: the API domain must look like https://api.encord.com: scheme and host, "
            "with a port where needed, and nothing else."
        )
    loopback = _is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise EncordConfigError(
            f"Connection {conn_id!r}: the API domain must start with https://; plain http is for loopback only."
        )
    if not (loopback or allow_custom or host == _ENCORD_HOST or host.endswith(f".{_ENCORD_HOST}")):
        raise EncordConfigError(
            f"Connection {conn_id!r}: {host} is not an Encord host. If it is your private deployment, set "
            "'allow_custom_domain' to true in the connection's extra fields."
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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

    :return: the key's SHA256 fingerprint as ``ssh-keygen -l`` shows it.
    :raises EncordConfigError: if it cannot be read, needs a (different) passphrase, or is of another kind.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256, Hash
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    problem: str | None = None
    loaded: Any = None
    try:
        loaded = load_ssh_private_key(key.encode(), passphrase.encode() if passphrase else None)
    except UnsupportedAlgorithm:
        problem = "is of a kind that cannot be read here; a passphrase needs the package bcrypt"
    except TypeError:
        problem = "and the passphrase do not go together: one is protected and the other is missing"
    except ValueError:
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


def _read_key_file(path: str, *, conn_id: str, allow_readable: bool) -> str:
    file = Path(path).expanduser()
    try:
        mode = file.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO) and not allow_readable:
            raise EncordConfigError(
                f"Connection {conn_id!r}: other users can read the key file {path} (mode "
                f"{stat.S_IMODE(mode):04o}). Run: chmod 600 {path} (or set 'allow_readable_key_file')."
            )
        content = file.read_bytes()
    except OSError as error:
        raise EncordConfigError(
            f"Connection {conn_id!r}: the key file {path} cannot be read on this machine: {error.strerror}. "
            "It must be there on every worker and triggerer."
        ) from None
    text: str | None = None
    with suppress(UnicodeDecodeError):
        text = content.decode("utf-8")
    if text is None:
        # Raised out here, because the decoding error carries the content of the file.
        raise EncordConfigError(f"Connection {conn_id!r}: the key file {path} is no text file.")
    return text
