"""Which listed object a URL names: what ``url_for`` gives, the other way round, for every spelling of the URL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol
from urllib.parse import unquote

from encord_provider.listing.identity import ObjectIdentity, identity_of

_CONNECTION = re.compile(r"^([A-Za-z0-9+]+://)[^/@]+@")
"""An Airflow connection in front of a bucket, as in ``s3://aws_default@lake/``."""

_PLAIN = re.compile(r"(?:[A-Za-z0-9_.~/=+-]|%[2-7][0-9A-Fa-f])+")
"""The path of a URL of which nothing but escapes of ASCII needs to be undone."""


class ObjectNames(Protocol):
    """The names of the objects of a listing."""

    def key_of(self, url: str) -> str | None:
        """Find the key that an object has in the listing.

        :param url: an object URL or URI as somebody wrote it.
        :returns: the key; None for an object of another place.
        """
        ...

    def identity(self, url: str) -> ObjectIdentity | str:
        """Give what all spellings of a URL have in common.

        :param url: an object URL or URI as somebody wrote it.
        :returns: the identity; the text itself where it is nothing that can be told apart.
        """
        ...


class PlaceNames:
    """The names of the objects of one place: a bucket, a container, a folder.

    What is in front of the keys is worked out once, so that an object of the listing costs nothing. Only a URL that
    does not begin as those of the listing is parsed.

    :param url_for: gives the object URL of a key.
    :param roots: further texts that stand in front of the keys, such as ``s3://lake/`` where the object URLs are
        those of an endpoint, or ``file:///data/``.
    :param endpoint: the root URL of an S3-compatible store.
    """

    def __init__(
        self, url_for: Callable[[str], str], *, roots: Iterable[str] = (), endpoint: str | None = None
    ) -> None:
        self._endpoint = endpoint
        self._places: set[tuple[str, str, str]] = set()
        self._roots: set[str] = set()
        url = url_for("k")
        self._root = url[:-1] if url.startswith("https://") else None
        for one in (url, *(f"{root}k" for root in roots)):
            found = self.identity(one)
            if isinstance(found, str):
                self._roots.add(found[:-1])
            else:
                self._places.add((found.store, found.bucket, found.key[:-1]))

    def key_of(self, url: str) -> str | None:
        """Find the key that an object has in the listing.

        :param url: an object URL or URI as somebody wrote it.
        :returns: the key; None for an object of another place, and for a version of an object.
        """
        if self._root is not None and url.startswith(self._root) and _PLAIN.fullmatch(url, len(self._root)):
            return unquote(url[len(self._root) :])
        identity = self.identity(url)
        if isinstance(identity, str):
            return next((identity[len(root) :] for root in self._roots if identity.startswith(root)), None)
        if identity.version is not None:
            return None
        for store, bucket, above in self._places:
            if (identity.store, identity.bucket) == (store, bucket) and identity.key.startswith(above):
                return identity.key[len(above) :]
        return None

    def identity(self, url: str) -> ObjectIdentity | str:
        """Give what all spellings of a URL have in common.

        :param url: an object URL or URI as somebody wrote it.
        :returns: the identity; the text itself where it is nothing that can be told apart.
        """
        return identity_of(_CONNECTION.sub(r"\1", url), endpoint=self._endpoint)
