"""What is written: the client metadata that an item gets, and sending it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from encord_provider.api.calls import BULK_SIZE, get_storage_items, patch_storage_items
from encord_provider.api.client import EncordApi
from encord_provider.exceptions import EncordRequestError
from encord_provider.metadata.matching import Match
from encord_provider.metadata.results import RowOutcome, RowResult

log = logging.getLogger(__name__)

_HELD = 10 * BULK_SIZE
"""How many results may wait for a bundle to fill, so that a long listing does not fill the memory."""


class PatchMode(StrEnum):
    """What happens to the keys that an item has and its row has not."""

    MERGE = "merge"
    REPLACE = "replace"


def wanted(
    current: Mapping[str, Any], given: Mapping[str, Any], *, mode: PatchMode, remove_keys: Collection[str]
) -> dict[str, Any]:
    """Give the client metadata that an item is to have.

    :param current: what the item has.
    :param given: what its row has.
    :param mode: whether the other keys of the item are kept.
    :param remove_keys: keys that the item loses in a merge, unless its row gives them a value.
    """
    if mode is PatchMode.REPLACE:
        return dict(given)
    kept = {key: value for key, value in current.items() if key not in remove_keys}
    return {**kept, **given}


@dataclass(frozen=True, kw_only=True)
class MetadataPatcher:
    """Patch the client metadata of storage items.

    :param api: the data plane.
    :param mode: ``merge`` keeps every key that a row does not have, ``replace`` removes them.
    :param remove_keys: keys that every patched item loses in a merge, unless its row gives them a value.
    """

    api: EncordApi
    mode: PatchMode = PatchMode.MERGE
    remove_keys: frozenset[str] = frozenset()

    def patch(self, matches: Iterable[Match]) -> Iterator[RowResult]:
        """Patch the items that would change.

        A row that matches no item, or more than one, is reported and not guessed at, as are two rows for one
        item. A bundle that Encord refuses is divided until the items that it refuses are known.

        :param matches: what each row means; read a bundle at a time.
        :returns: what became of each row, in the order of the matches.
        :raises EncordUnavailableError: if Encord cannot be reached; what was patched by then stays patched, and
            patching again changes nothing there.
        """
        held: list[Match | RowResult] = []
        waiting = 0
        for match in matches:
            one = self._unsent(match) or match
            held.append(one)
            waiting += isinstance(one, Match)
            if waiting == BULK_SIZE or len(held) == _HELD:
                yield from self._settled(held)
                held, waiting = [], 0
        yield from self._settled(held)

    def _unsent(self, match: Match) -> RowResult | None:
        """Give the result of a row for which nothing is to be sent, or None."""
        uuids = tuple(item.uuid for item in match.items)
        if not uuids:
            reason = "no such item"
            if match.unread_groups:
                reason += (
                    f", the files of {match.unread_groups} groups aside; to name a group by one of its files, "
                    "set the key to file_url or file_key"
                )
            return RowResult(row=match.row, outcome=RowOutcome.UNMATCHED, reason=reason)
        if len(uuids) > 1 or match.contested:
            reason = f"{len(uuids)} items match" if len(uuids) > 1 else "another row names the same item"
            return RowResult(row=match.row, outcome=RowOutcome.AMBIGUOUS, items=uuids, reason=reason)
        current = match.items[0].client_metadata
        if self._wanted(current, match) == current:
            return RowResult(row=match.row, outcome=RowOutcome.UNCHANGED, items=uuids)
        return None

    def _settled(self, held: Sequence[Match | RowResult]) -> Iterator[RowResult]:
        """Send what waits among the results, and give all of them in their order."""
        results = self._patched({one.items[0].uuid: one for one in held if isinstance(one, Match)})
        for one in held:
            yield results[one.items[0].uuid] if isinstance(one, Match) else one

    def _patched(self, bundle: Mapping[str, Match]) -> dict[str, RowResult]:
        """Read the items again, so that a merge keeps what was written meanwhile, and patch them."""
        if not bundle:
            return {}
        fresh = {
            item.uuid: item.client_metadata for item in self.api.perform(get_storage_items(list(bundle)))
        }
        refused = self._refused(
            {uuid: self._wanted(fresh[uuid], match) for uuid, match in bundle.items() if uuid in fresh}
        )
        results: dict[str, RowResult] = {}
        for uuid, match in bundle.items():
            reason = refused.get(uuid, "") if uuid in fresh else "the item is gone"
            results[uuid] = RowResult(
                row=match.row,
                outcome=RowOutcome.FAILED if reason else RowOutcome.PATCHED,
                items=(uuid,),
                reason=reason,
                conflict=uuid in fresh and fresh[uuid] != match.items[0].client_metadata,
            )
        return results

    def _refused(self, patches: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Send patches, and give the reason for each that Encord refused."""
        if not patches:
            return {}
        try:
            self.api.perform(patch_storage_items(patches))
        except EncordRequestError as error:
            if len(patches) == 1:
                return dict.fromkeys(patches, str(error) or "Encord refused it")
            both = list(patches.items())
            middle = len(both) // 2
            return self._refused(dict(both[:middle])) | self._refused(dict(both[middle:]))
        log.info("Patched the client metadata of %d items.", len(patches))
        return {}

    def _wanted(self, current: Mapping[str, Any], match: Match) -> dict[str, Any]:
        return wanted(current, match.row.metadata, mode=self.mode, remove_keys=self.remove_keys)
