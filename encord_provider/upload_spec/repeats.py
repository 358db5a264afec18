"""Objects that stand twice in an upload spec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from encord_provider.listing.identity import ObjectIdentity, identity_of
from encord_provider.text.shown import shown
from encord_provider.upload_spec.data_units import DataUnit, url_field
from encord_provider.upload_spec.problems import Problem


class Repeats:
    """Finds data units and files that are given twice.

    What Encord does with the second one depends on the spec: with ``skip_duplicate_urls`` it is left out, with whatever
    title and metadata it has; without, there are two items of one object, which no later row can tell apart. Source:
    Encord's page on registering cloud data, which compares URLs, for groups the whole set of them. So a unit has the
    files of an earlier one of its array only by a slip, and so has a group one file twice, whatever the spelling of its
    URL. Files may be shared by groups otherwise, and by scenes, which may show the same files in another way.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[str, frozenset[ObjectIdentity | str]], str] = {}

    def problems(self, unit: DataUnit, places: Sequence[str]) -> Iterator[Problem]:
        """Find what a data unit repeats, and remember the unit.

        :param unit: the data unit.
        :param places: where each of its URLs stands, for messages.
        :returns: the findings; their paths begin with the field of the unit's item.
        """
        if unit.media_type.urls_in is not None or not unit.urls:
            return
        names = [identity_of(url) for url in unit.urls]
        first: dict[ObjectIdentity | str, int] = {}
        for position, name in enumerate(names):
            if (earlier := first.setdefault(name, position)) != position:
                yield Problem(
                    (url_field(unit.media_type, position),),
                    f"{shown(unit.urls[position])} is the same object as that of {places[earlier]}; keep one of them",
                )
        place = self._places.setdefault((unit.media_type.array, frozenset(names)), places[0])
        if place is not places[0]:
            what = "the same files" if unit.media_type.is_grouped else "the same object"
            yield Problem(
                (url_field(unit.media_type, 0),),
                f"{shown(unit.urls[0])}: {what} as that of {place}; Encord would leave this one out or register it "
                "twice: keep one of them",
            )
