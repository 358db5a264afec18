"""Signed URLs that the emulator gives out, for reading objects and for uploading files."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import quote, urlencode

from encord_provider.emulator.core.errors import forbidden

LIFETIME_SECONDS = 3600
PREFIX = "/_objects/"


class ObjectLinks:
    """Makes and checks signed URLs on the emulator itself.

    :param secret: signs them.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, base_url: str, name: str, *, method: str = "GET") -> str:
        """A URL that lets its holder read (``GET``) or write (``PUT``) one thing for an hour.

        :param base_url: scheme, host and port under which the client reaches the emulator.
        :param name: what it gives access to.
        """
        expires = str(int(time.time()) + LIFETIME_SECONDS)
        query = urlencode({"X-Expires": expires, "X-Signature": self._sign(method, name, expires)})
        return f"{base_url}{PREFIX}{quote(name)}?{query}"

    def check(self, method: str, name: str, expires: str | None, signature: str | None) -> None:
        """Check a signed URL.

        :raises ApiError: 403 if it was not made here, was made for something else, or has expired.
        """
        expected = self._sign(method, name, expires or "")
        if not hmac.compare_digest(expected, signature or ""):
            raise forbidden("the signature of the URL does not match")
        if int(expires or 0) < time.time():
            raise forbidden("the signed URL has expired")

    def _sign(self, method: str, name: str, expires: str) -> str:
        return hmac.new(self._secret, f"{method}\n{name}\n{expires}".encode(), hashlib.sha256).hexdigest()
