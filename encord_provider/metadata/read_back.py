"""Looking at what was written once more: a merge of somebody else may have overwritten it with what it had read before.

Encord's API knows no condition on a write. Two merges of one item at once therefore both read, and the second write
drops the keys of the first. So whoever has written waits a moment, reads, and writes what is missing again, until
nothing is.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from encord_provider.api.at_once import at_once
from encord_provider.api.calls import BULK_SIZE, get_storage_items, patch_storage_items
from encord_provider.api.client import EncordApi
from encord_provider.api.items import StorageItem
from encord_provider.exceptions import EncordRequestError
from encord_provider.metadata.dividing import DIVISIBLE, Divided, divided
from encord_provider.text.json_values import same_json

log = logging.getLogger(__name__)

SETTLE_SECONDS = 1.0
"""How long others get to finish a write that they had begun; up to twice as long, so that they do not go in step."""

_CALLS_AT_ONCE = 2
"""Few: others are being patched meanwhile."""

MAX_ROUNDS = 8
"""After so many repairs of one item somebody keeps overwriting it, and does not look."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written into one item.

    :param given: the keys and values.
    :param before: which of these keys the item had before, with their values then.
    """

    given: Mapping[str, Any]
    before: Mapping[str, Any]

    def missing(self, current: Mapping[str, Any]) -> dict[str, Any]:
        """Give what an item has lost: keys that are gone, or are as they were before.

        A key with a third value was written by somebody who meant it.
        """
        return {
            key: value
            for key, value in self.given.items()
            if key not in current
            or (
                key in self.before
                and not same_json(value, self.before[key])
                and same_json(current[key], self.before[key])
            )
        }


@dataclass(frozen=True, kw_only=True)
class ReadBack:
    """What came of looking.

    :param repaired: UUIDs of the items whose keys were written again, and stayed.
    :param lost: UUIDs of the items that somebody keeps overwriting.
    """

    repaired: frozenset[str]
    lost: frozenset[str]


def read_back(api: EncordApi, written: Mapping[str, Written]) -> ReadBack:
    """Look at items that were patched, and repair them.

    :param api: the data plane.
    :param written: UUID -> what was written into the item.
    :returns: what was repaired, and what could not be.
    :raises EncordUnavailableError: if Encord cannot be reached.
    """
    if not written:
        return ReadBack(repaired=frozenset(), lost=frozenset())
    repaired: set[str] = set()
    waiting: Sequence[str] = list(written)
    for _ in range(MAX_ROUNDS):
        time.sleep(SETTLE_SECONDS * random.uniform(1, 2))  # noqa: S311 - no secret
        again: list[str] = []
        bundles = (waiting[start : start + BULK_SIZE] for start in range(0, len(waiting), BULK_SIZE))
        for repaired_now in at_once(partial(_repair, api, written), bundles, most=_CALLS_AT_ONCE):
            again += repaired_now
        if not again:
            return ReadBack(repaired=frozenset(repaired), lost=frozenset())
        log.warning(
            "%d items had lost what was written into them to somebody who wrote at the same time; it is written again.",
            len(again),
        )
        repaired.update(again)
        waiting = again
    return ReadBack(repaired=frozenset(repaired - set(waiting)), lost=frozenset(waiting))


def _repair(api: EncordApi, written: Mapping[str, Written], uuids: Sequence[str]) -> list[str]:
    """Write again what items have lost; give their UUIDs."""
    read: Divided[Sequence[StorageItem]] = divided(
        uuids, lambda some: api.perform(get_storage_items(some)), may_divide=_may_divide
    )
    patches: dict[str, Mapping[str, Any]] = {}
    for item in (item for items in read.answers for item in items):
        if item.metadata_problem is None and (lost := written[item.uuid].missing(item.client_metadata)):
            patches[item.uuid] = {**item.client_metadata, **lost}
    if patches:
        divided(
            list(patches),
            lambda some: api.perform(patch_storage_items({uuid: patches[uuid] for uuid in some})),
            may_divide=_may_divide,
        )
    return list(patches)


def _may_divide(error: EncordRequestError) -> bool:
    # An item that may not be read or written any more is left as it is: it was written once.
    return error.status == 403 or error.status in DIVISIBLE
