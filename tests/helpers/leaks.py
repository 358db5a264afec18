"""Searching everything that was written for a secret, in every spelling that it could have."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from encord_provider.hooks.credentials import Credentials


def spellings(credentials: Credentials) -> dict[str, bytes]:
    """Give every spelling that is searched for, by a name that may be shown."""
    found: dict[str, str] = {}
    for name in ("private_key", "passphrase", "bearer_token"):
        secret = getattr(credentials, name)
        if not secret:
            continue
        for form, text in _forms(secret):
            found[f"{name}, {form}"] = text
        lines = secret.strip().splitlines()
        for number, line in enumerate(lines[1:-1]):
            found[f"{name}, line {number + 1}"] = line
            # Half of a line is enough to say that a key was written in some other layout.
            if len(line) >= 40:
                found[f"{name}, middle of line {number + 1}"] = line[len(line) // 4 : -len(line) // 4]
    # The first line of an OpenSSH key is the same for every key of its kind: cipher, key type, lengths.
    public = {name for name, text in found.items() if "line 1" in name and not credentials.passphrase}
    return {name: text.encode() for name, text in found.items() if name not in public and len(text) >= 6}


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    yield "as it is", secret
    yield "stripped", secret.strip()
    yield "on one line", " ".join(secret.split("\n"))
    yield "joined", "".join(secret.split())
    yield "escaped", secret.replace("\n", "\\n")
    yield "twice escaped", secret.replace("\n", "\\\\n")
    yield "as JSON", json.dumps(secret)[1:-1]
    yield "as repr", repr(secret)[1:-1]
    yield "with CRLF", secret.replace("\n", "\r\n")
    yield "quoted for a URL", quote(secret)
    for offset in range(3):
        # Base64 of a text that begins at any place of a group of three bytes.
        encoded = base64.b64encode(b"x" * offset + secret.encode()).decode()
        yield f"base64 at {offset}", encoded[4:-4]


def findings(folder: Path, credentials: Credentials) -> list[str]:
    """Name every file below a folder that holds a spelling, and which; never the spelling itself."""
    searched = spellings(credentials)
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found += [f"{path.relative_to(folder)}: {name}" for name, text in searched.items() if text in content]
    return found
