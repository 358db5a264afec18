"""Sidecars: ``<key>.metadata.json`` beside an object holds its client metadata as one JSON object.

Encord's cloud-synced folders know such files by this suffix; what is in them is not documented there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from encord_provider.exceptions import MetadataTableError, MetadataValueError
from encord_provider.listing.objects import ListedObject
from encord_provider.schema.types import MetadataSchema
from encord_provider.schema.values import ValueCheck
from encord_provider.text.limits import MAX_METADATA_BYTES
from encord_provider.text.strict_json import StrictJsonError, loads
from encord_provider.upload_spec.media_types import SIDECAR_SUFFIX


def with_sidecars(objects: Iterable[ListedObject]) -> Iterator[tuple[ListedObject, str | None]]:
    """Tell of each object whether it has a sidecar.

    :param objects: the objects in key order. An object is held back until its sidecar would have come, which is
        a few keys later.
    :returns: the objects in the same order, sidecars too, each with the key of its sidecar or None.
    """
    waiting: deque[ListedObject] = deque()
    sidecars: set[str] = set()

    def take() -> tuple[ListedObject, str | None]:
        one = waiting.popleft()
        sidecar = f"{one.key}{SIDECAR_SUFFIX}"
        if sidecar in sidecars:
            sidecars.remove(sidecar)
            return one, sidecar
        sidecars.discard(one.key)
        return one, None

    for one in objects:
        while waiting and f"{waiting[0].key}{SIDECAR_SUFFIX}" < one.key:
            yield take()
        if one.key.endswith(SIDECAR_SUFFIX):
            sidecars.add(one.key)
        waiting.append(one)
    while waiting:
        yield take()


class Sidecars:
    """Reads sidecars, and reports everything that is wrong in any of them at once.

    :param read: reads the object at a key.
    :param schema: the metadata schema that client metadata must fit.
    """

    def __init__(self, read: Callable[[str], bytes], schema: MetadataSchema | None) -> None:
        self._read = read
        self._check = ValueCheck(schema, counted="sidecars")
        self._broken = False

    def metadata(self, key: str) -> dict[str, Any]:
        """Read a sidecar.

        :param key: its key.
        :returns: what it holds; nothing for a broken one, which :meth:`finish` reports.
        """
        try:
            return parse_sidecar(self._read(key), source=key)
        except MetadataTableError as error:
            self._broken = True
            self._check.refuse(str(error))
            return {}

    def checked(self, metadata: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        """Check what a sidecar holds.

        :param metadata: its client metadata.
        :param key: its key.
        :returns: the values that fit; the others :meth:`finish` reports.
        """
        return self._check.check(metadata, where=f"sidecar {key}")

    def finish(self) -> None:
        """Report what was found.

        :raises MetadataTableError: if a sidecar is broken; the message names the first twenty faults and counts all.
        :raises MetadataValueError: if only values do not fit; likewise.
        """
        try:
            self._check.finish()
        except MetadataValueError as error:
            if self._broken:
                raise MetadataTableError(str(error)) from None
            raise


def parse_sidecar(content: bytes, *, source: str) -> dict[str, Any]:
    """Read the content of a sidecar.

    :param content: the bytes of the file.
    :param source: its key, for messages.
    :returns: the client metadata.
    :raises MetadataTableError: when the file is not a JSON object; the message names file, line and column.
    """
    if len(content) > MAX_METADATA_BYTES:
        raise MetadataTableError(
            f"sidecar {source}: more than {MAX_METADATA_BYTES:,} bytes, which is the limit"
        )
    try:
        value = loads(content)
    except StrictJsonError as error:
        raise MetadataTableError(f"sidecar {source}, {error}") from None
    if not isinstance(value, dict):
        raise MetadataTableError(
            f"sidecar {source}: client metadata is a JSON object, got {type(value).__name__}"
        )
    return value
