"""Linking items to a dataset and taking them out again: in bundles, and never twice."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from encord_provider.api.calls import BULK_SIZE
from encord_provider.datasets.contents import DatasetContents
from encord_provider.datasets.targets import LinkOutcome, LinkResult, Targets
from encord_provider.exceptions import EncordInputError, EncordRequestError, EncordUnavailableError
from encord_provider.metadata.dividing import DIVISIBLE, divided

log = logging.getLogger(__name__)

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_SHOWN = 20


class Linking:
    """Makes data rows of items.

    What it has done so far can be read at any time, also after it has failed.

    :param contents: the dataset, whose data rows have just been read.
    :param targets: the items.
    :param patience: for how long, in seconds, Encord may not show rows that it has taken.
    """

    def __init__(self, *, contents: DatasetContents, targets: Targets, patience: float) -> None:
        self._contents = contents
        self._targets = targets
        self._patience = patience
        self.wanted = [item for item in targets.items if item not in contents.rows_of]
        self.already_there = len(targets.items) - len(self.wanted)
        self.linked: list[str] = []
        self.refused: dict[str, EncordRequestError] = {}

    def refuse_duplicates(self, *, but: Iterable[str] = ()) -> None:
        """Refuse to go on where the dataset has some of the items.

        :param but: items that may be there, because this task has linked them.
        :raises EncordInputError: if it has others; the message names the first, and nothing was changed.
        """
        ours, wanted = set(but), set(self.wanted)
        found = [item for item in self._targets.items if item not in wanted and item not in ours]
        if found:
            lines = [f"{self._targets.items[item].key} ({item})" for item in found[:_SHOWN]]
            raise EncordInputError(
                "\n".join(
                    [
                        f"{len(found)} of {len(self._targets.items)} items are in the dataset {self._contents.title!r} "
                        "already, and duplicates='refuse'. Nothing was changed. The first of them:",
                        *lines,
                    ]
                )
            )

    def run(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Link what is not there, a bundle at a time, until Encord shows all of it.

        :param sleep: what to call for a pause, given the seconds.
        :raises EncordRequestError: if Encord refuses it whatever the items are.
        :raises EncordUnavailableError: if Encord could not be reached, or does not show in time what it has taken.
        """
        unseen: list[str] = []
        for bundle in bundles(self.wanted):
            sent = divided(bundle, self._contents.link, may_divide=_may_divide)
            answered = {item for answer in sent.answers for item in answer}
            taken = [item for item in bundle if item not in sent.refused]
            self.linked += [item for item in taken if item in answered]
            unseen += [item for item in taken if item not in answered]
            self.refused.update(sent.refused)
            if sent.given_up is not None:
                raise sent.given_up
            log.info("%d of %d items are linked.", len(self.linked), len(self.wanted))
        self._see(unseen, sleep)

    def results(self) -> Iterator[LinkResult]:
        """Give a line for everything that was not there before."""
        key_of = {item: target.key for item, target in self._targets.items.items()}
        for item in self.linked:
            yield LinkResult(outcome=LinkOutcome.LINKED, key=key_of[item], item=item)
        for item, error in self.refused.items():
            yield LinkResult(outcome=LinkOutcome.REFUSED, key=key_of[item], item=item, reason=str(error))
        yield from self._targets.astray

    def _see(self, unseen: Sequence[str], sleep: Callable[[float], None]) -> None:
        """Wait until the dataset has rows of items for which none was answered: skipped, or linked later."""
        give_up, pause = time.monotonic() + self._patience, _FIRST_WAIT
        while unseen:
            self._contents.read_again()
            self.linked += [item for item in unseen if item in self._contents.rows_of]
            unseen = [item for item in unseen if item not in self._contents.rows_of]
            if not unseen:
                break
            if time.monotonic() + pause > give_up:
                raise EncordUnavailableError(
                    f"Encord has taken {len(unseen)} items for the dataset {self._contents.title!r} and shows no data "
                    f"rows of them after {self._patience:g} s; {len(self.linked)} are linked. The first of them: "
                    f"{self._targets.items[unseen[0]].key} ({unseen[0]}). A retry goes on."
                )
            log.info("Encord does not show the data rows of %d items yet.", len(unseen))
            sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT)


class Unlinking:
    """Deletes the data rows of items; the items stay.

    Of an item whose file Encord hosts itself, the file would go with the row (Encord's page about removing data from
    datasets): such items are refused.

    :param contents: the dataset, whose data rows have just been read.
    :param targets: the items.
    :raises EncordInputError: if the dataset mirrors the folder of some of the items, or Encord hosts their files.
    """

    def __init__(self, *, contents: DatasetContents, targets: Targets) -> None:
        self._contents = contents
        self._targets = targets
        self.rows: Mapping[str, Sequence[str]] = {
            item: contents.rows_of[item] for item in targets.items if item in contents.rows_of
        }
        self.not_there = len(targets.items) - len(self.rows)
        self.unlinked: list[str] = []
        hosted = contents.hosted
        if lost := [item for item in self.rows if item in hosted]:
            raise EncordInputError(
                f"Encord hosts the files of {len(lost)} of the items itself, the first of them "
                f"{targets.items[lost[0]].key}, and deletes a file with its data row. Nothing was changed. Leave these "
                "items out, or remove them in Encord's web app."
            )
        mirrored = [item for item in self.rows if targets.items[item].folder == contents.backing_folder]
        if mirrored:
            raise EncordInputError(
                f"The dataset {contents.title!r} mirrors the folder of {len(mirrored)} of the items, the first of them "
                f"{targets.items[mirrored[0]].key}: deleting their data rows may delete the items. Nothing was "
                "changed. Move the items to another folder instead."
            )

    def run(self) -> None:
        """Delete the rows, a bundle at a time.

        :raises EncordRequestError: if Encord refuses it.
        :raises EncordUnavailableError: if Encord could not be reached.
        """
        for bundle in bundles(list(self.rows)):
            self._contents.unlink([row for item in bundle for row in self.rows[item]])
            self.unlinked += bundle
            log.info("%d of %d items are taken out.", len(self.unlinked), len(self.rows))

    def results(self) -> Iterator[LinkResult]:
        """Give a line for everything that was taken out or named in vain."""
        for item in self.unlinked:
            yield LinkResult(outcome=LinkOutcome.UNLINKED, key=self._targets.items[item].key, item=item)
        yield from self._targets.astray


def bundles(uuids: Sequence[str]) -> Iterator[list[str]]:
    """Divide UUIDs into as many as one call takes."""
    for start in range(0, len(uuids), BULK_SIZE):
        yield list(uuids[start : start + BULK_SIZE])


def _may_divide(error: EncordRequestError) -> bool:
    # 403 is also the answer for an item that is gone.
    return error.status == 403 or error.status in DIVISIBLE
