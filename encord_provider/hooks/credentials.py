"""What an Airflow connection of type ``encord`` says, checked: who we are, and which Encord to talk to."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from encord_provider.api.retry import DEFAULT_RETRY_SECONDS
from encord_provider.exceptions import EncordConfigError
from encord_provider.hooks.private_key import (
    check_private_key,
    looks_like,
    looks_like_private_key,
    normalise_private_key,
    read_key_file,
)

DOMAINS = {"eu": "https://api.encord.com", "us": "https://api.us.encord.com"}
"""The API domains of Encord's two regions (Encord SDK, ``constants``)."""

_ENCORD_HOST = "encord.com"
_SHORTEST_MASK = 8
_TOKEN = re.compile(r"[!-~]+")


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
    integration: str | None = field(default=None, repr=False)
    retry_seconds: float = DEFAULT_RETRY_SECONDS

    @classmethod
    def from_connection(cls, *, conn_id: str, password: str | None, extra: Mapping[str, Any]) -> Credentials:
        """Read a connection.

        :param conn_id: the connection's id, for error messages.
        :param password: the connection's password field, where a key on one line may stand.
        :param extra: the connection's extra fields.
        :raises EncordConfigError: if the connection names no credentials or several, or any is unusable; the
            text never holds the value of a field.
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
        if token := given["bearer_token"]:
            # An HTTP library shows a header value that it cannot send.
            if not _TOKEN.fullmatch(token) or looks_like_private_key(token):
                raise EncordConfigError(
                    f"Connection {conn_id!r}: the extra field 'bearer_token' must be a token on one line, of ASCII "
                    f"characters without blanks; it looks like {looks_like(token)}."
                )
            return cls(bearer_token=token, **common)
        raw = given["private_key"] or given["password"]
        if raw is None:
            raw = read_key_file(
                given["private_key_file"] or "",
                conn_id=conn_id,
                allow_readable=extra.get("allow_readable_key_file") is True,
            )
        passphrase = text("private_key_passphrase")
        key = normalise_private_key(raw, conn_id=conn_id)
        check_private_key(key, passphrase, conn_id=conn_id)
        return cls(private_key=key, passphrase=passphrase, **common)

    def secrets(self) -> Iterator[str]:
        """Give what must not be shown of the secrets.

        Airflow masks a text wherever it stands in another. So the lines of a key hide it in every layout, escaped or
        joined too; its base64 is another text. Each spelling more costs every task, as Airflow compiles all of them
        into one pattern anew.
        """
        for secret in filter(None, (self.private_key, self.passphrase, self.bearer_token)):
            yield secret
            yield from {_base64(secret), _base64(secret.strip())}
            lines = secret.splitlines()
            if len(lines) > 1:
                yield from (line for line in lines if len(line) >= _SHORTEST_MASK and "-----" not in line)


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


def _base64(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def check_domain(domain: str | None, *, conn_id: str, allow_custom: bool = False) -> str:
    """Decide which address signed calls may go to.

    :param domain: what the connection says; None for the EU, ``eu`` and ``us`` for the regions.
    :param conn_id: the connection's id, for error messages.
    :param allow_custom: whether an https host outside encord.com is wanted.
    :returns: scheme, host and port, without a trailing slash.
    :raises EncordConfigError: if the address is not https (loopback may be http), has more than scheme, host
        and port, or is not an Encord host and was not allowed.
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
            f"with a port where needed, and nothing else. The extra field 'domain' looks like {looks_like(domain)}."
        )
    loopback = _is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise EncordConfigError(
            f"Connection {conn_id!r}: the API domain must start with https://; plain http is for loopback only."
        )
    if not (loopback or allow_custom or host == _ENCORD_HOST or host.endswith(f".{_ENCORD_HOST}")):
        raise EncordConfigError(
            f"Connection {conn_id!r}: the host in the extra field 'domain' is not an Encord host. If it is your "
            "private deployment, set 'allow_custom_domain' to true in the connection's extra fields."
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
