"""What was edited in an exported table: the values that are not those of the item any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from encord_provider.metadata.matching import Match
from encord_provider.schema import MetadataSchema, ValueCheck
from encord_provider.text.json_values import nearest_numbers, same_json


def checked_edits(
    matches: Sequence[Match], read_schema: Callable[[], MetadataSchema] | None
) -> Sequence[Match]:
    """Check the values of exported tables that differ from what the items have.

    The others came from Encord: they are left as they are, even where they do not fit the metadata schema.

    :param matches: what rows mean; those of other tables stay as they are.
    :param read_schema: gives the metadata schema, and is called if anything was edited; None to look only at what
        Encord can store.
    :returns: the matches, the edited values as the schema has them.
    :raises MetadataValueError: if values do not fit; the message names the first ones.
    """
    edited: dict[int, dict[str, object]] = {}
    for number, match in enumerate(matches):
        if match.row.exported and len(match.items) == 1:
            current = match.items[0].client_metadata
            edits = {
                key: value
                for key, value in match.row.metadata.items()
                if key not in current or not same_json(value, current[key])
            }
            if edits:
                edited[number] = edits
    if not edited:
        return matches
    check = ValueCheck(read_schema() if read_schema is not None else None)
    checked = list(matches)
    for number, edits in edited.items():
        row = matches[number].row
        values = check.check({key: nearest_numbers(value) for key, value in edits.items()}, where=row.where)
        checked[number] = replace(matches[number], row=replace(row, metadata={**row.metadata, **values}))
    check.finish()
    return checked
