"""What is written: the client metadata that an item gets, and sending it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from encord_provider.api.at_once import at_once, begun
from encord_provider.api.calls import BULK_SIZE, get_storage_items, list_items, patch_storage_items
from encord_provider.api.client import EncordApi
from encord_provider.api.items import StorageItem
from encord_provider.exceptions import EncordNotFoundError, EncordPermissionError, EncordRequestError
from encord_provider.metadata.dividing import DIVISIBLE, MAX_REFUSALS, Divided, divided
from encord_provider.metadata.matching import Match
from encord_provider.metadata.read_back import ReadBack, Written, read_back
from encord_provider.metadata.results import RowOutcome, RowResult
from encord_provider.text.json_values import same_json, size_problem

T = TypeVar("T")

log = logging.getLogger(__name__)

_HELD = 10 * BULK_SIZE
"""How many results may wait for a bundle to fill, or to be looked at again: a long listing must not fill the memory."""

_LOOKS = 3
"""How many times so many results are looked at while others are sent."""

_FOLDERS_ASKED = 20
"""How many folders of a refused bundle are tried at most to see whether any can be read."""


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
    # A value that stays is not even written in another way, such as 1.50 as 1.5.
    given = {
        key: current[key] if key in current and same_json(value, current[key]) else value
        for key, value in given.items()
    }
    if mode is PatchMode.REPLACE:
        return given
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
        item. A bundle that Encord refuses is divided until the items that it refuses are known, see
        :func:`~encord_provider.metadata.dividing.divided`. What was written is looked at once more, see
        :mod:`~encord_provider.metadata.read_back`.

        Several bundles are sent at once, and while later ones are, earlier ones are looked at.

        :param matches: what each row means; read a few bundles ahead.
        :returns: what became of each row, in the order of the matches.
        :raises EncordRequestError: if Encord refuses calls whatever they hold: the key, or the whole folder.
        :raises EncordUnavailableError: if Encord cannot be reached; what was patched by then stays patched, and
            patching again changes nothing there.
        """
        looks: deque[Future[list[RowResult]]] = deque()
        try:
            for results, written in self._windows(matches):
                looks.append(begun(partial(self._looked_at, results, written)))
                if len(looks) > _LOOKS:
                    yield from looks.popleft().result()
        finally:
            # Also where a later bundle is refused: what was written is looked after.
            wait(looks)
        for look in looks:
            yield from look.result()

    def _windows(self, matches: Iterable[Match]) -> Iterator[tuple[list[RowResult], dict[str, Written]]]:
        """Patch the items that would change; give the results and what was written, many rows at a time."""
        results: list[RowResult] = []
        written: dict[str, Written] = {}
        for some, wrote in at_once(self._settled, self._bundles(matches)):
            results += some
            written |= wrote
            if len(results) >= _HELD:
                yield results, written
                results, written = [], {}
        yield results, written

    def _looked_at(self, results: Sequence[RowResult], written: Mapping[str, Written]) -> list[RowResult]:
        """Give results once it is known that what was written has stayed."""
        found = read_back(self.api, written)
        return [self._judged(one, found) for one in results]

    def _judged(self, one: RowResult, found: ReadBack) -> RowResult:
        if one.outcome is not RowOutcome.PATCHED:
            return one
        if one.items[0] in found.lost:
            reason = (
                "somebody else keeps overwriting what is written into it; see that one task at a time does"
            )
            return replace(one, outcome=RowOutcome.FAILED, reason=reason)
        return replace(one, repaired=True) if one.items[0] in found.repaired else one

    def _bundles(self, matches: Iterable[Match]) -> Iterator[list[Match | RowResult]]:
        """Gather as many rows as have a bundle of items to patch among them."""
        held: list[Match | RowResult] = []
        waiting = 0
        for match in matches:
            one = self._unsent(match) or match
            held.append(one)
            waiting += isinstance(one, Match)
            if waiting == BULK_SIZE or len(held) == 2 * BULK_SIZE:
                yield held
                held, waiting = [], 0
        yield held

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
        item = match.items[0]
        if problem := self._unreadable(item):
            return RowResult(row=match.row, outcome=RowOutcome.FAILED, items=uuids, reason=problem)
        current = item.client_metadata
        if item.metadata_problem is None and same_json(self._wanted(current, match), current):
            return RowResult(row=match.row, outcome=RowOutcome.UNCHANGED, items=uuids)
        return None

    def _settled(self, held: Sequence[Match | RowResult]) -> tuple[list[RowResult], dict[str, Written]]:
        """Send what waits among the results; give all of them in their order, and what was written."""
        written: dict[str, Written] = {}
        results = self._patched({one.items[0].uuid: one for one in held if isinstance(one, Match)}, written)
        return [results[one.items[0].uuid] if isinstance(one, Match) else one for one in held], written

    def _unreadable(self, item: StorageItem) -> str | None:
        """Say why the metadata of an item cannot be merged, or None; a replacement does not need to read it."""
        if item.metadata_problem is None or self.mode is PatchMode.REPLACE:
            return None
        return f"{item.metadata_problem}; mode 'replace' overwrites it"

    def _patched(self, bundle: Mapping[str, Match], written: dict[str, Written]) -> dict[str, RowResult]:
        """Read the items again, so that a merge keeps what was written meanwhile, and patch them."""
        folders = list(dict.fromkeys(match.items[0].folder for match in bundle.values()))
        read = self._divided(list(bundle), folders, lambda uuids: self.api.perform(get_storage_items(uuids)))
        fresh = {item.uuid: item for items in read.answers for item in items}
        reasons = _reasons(read)
        patches: dict[str, Mapping[str, Any]] = {}
        for uuid, match in bundle.items():
            if uuid in reasons:
                continue
            if uuid not in fresh:
                reasons[uuid] = "the item is gone"
                continue
            metadata = self._wanted(fresh[uuid].client_metadata, match)
            if problem := self._unreadable(fresh[uuid]) or size_problem(metadata):
                reasons[uuid] = problem
            else:
                patches[uuid] = metadata

        def send(uuids: Sequence[str]) -> None:
            self.api.perform(patch_storage_items({uuid: patches[uuid] for uuid in uuids}))
            log.info("Patched the client metadata of %d items.", len(uuids))

        reasons |= _reasons(self._divided(list(patches), folders, send))
        for uuid in patches.keys() - reasons.keys():
            given, current = bundle[uuid].row.metadata, fresh[uuid].client_metadata
            before = {key: current[key] for key in given if key in current}
            written[uuid] = Written(given=given, before=before)
        return {
            uuid: RowResult(
                row=match.row,
                outcome=RowOutcome.FAILED if uuid in reasons else RowOutcome.PATCHED,
                items=(uuid,),
                reason=reasons.get(uuid, ""),
                conflict=uuid in fresh
                and not same_json(fresh[uuid].client_metadata, match.items[0].client_metadata),
            )
            for uuid, match in bundle.items()
        }

    def _divided(
        self, uuids: Sequence[str], folders: Sequence[str], send: Callable[[Sequence[str]], T]
    ) -> Divided[T]:
        """Make a call for items of folders; it is divided where the refusal may be about single items."""
        readable: list[bool] = []

        def may_divide(error: EncordRequestError) -> bool:
            if error.status != 403:
                return error.status in DIVISIBLE
            if not readable:
                readable.append(any(map(self._can_read, folders[:_FOLDERS_ASKED])))
            return readable[0]

        return divided(uuids, send, may_divide=may_divide)

    def _can_read(self, folder: str) -> bool:
        try:
            self.api.perform(list_items(folder, page_size=1))
        except (EncordPermissionError, EncordNotFoundError):
            return False
        return True

    def _wanted(self, current: Mapping[str, Any], match: Match) -> dict[str, Any]:
        return wanted(current, match.row.metadata, mode=self.mode, remove_keys=self.remove_keys)


def _reasons(done: Divided[Any]) -> dict[str, str]:
    """The reason for each refused item, in words."""
    together = (
        ""
        if done.given_up is None
        else f" (Encord refused {MAX_REFUSALS} calls in a row, so that some items were not tried alone)"
    )
    return {uuid: f"{str(error) or 'Encord refused it'}{together}" for uuid, error in done.refused.items()}
