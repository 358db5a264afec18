"""What a user of the emulator can choose, above all where Encord's own behaviour is not documented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The switches of an emulator.

    :param units_per_second: how many units a job finishes per second of the emulator's clock.
    :param latency_seconds: time added to every call, in real seconds.
    :param listing_lag_seconds: how long after its registration an item appears in listings and searches (it can
        be read by its UUID at once).
    :param finishing_seconds: how long a job stays pending after its last unit, while Encord links data.
    :param long_poll_cap_seconds: longest time a poll is held, whatever the client asks for.
    :param max_body_bytes: larger request bodies are answered with 413, before they are read.
    :param signature_tolerance_seconds: how far the time of a signature may be from the computer's clock.
    :param default_title: what an item without a title is called: the path of its URL (newer documentation) or
        the file name (older).
    :param invalid_units: whether a unit that breaks a documented limit makes Encord refuse the whole job, or only
        that unit fails. Unknown.
    :param failed_job_items: whether a job that ends with ERROR keeps the items of its good units. Unknown.
    :param skipped_units_in_result: whether units skipped as duplicates are among the result's items. Unknown;
        they count as done either way.
    :param upsert: what ``upsertMetadata`` does with the metadata that an item has already. Unknown.
    :param unique_folder_names: whether a second folder of the same name beside the first is refused. Unknown.
    :param bulk_patch_missing: whether a bulk patch that names an item that does not exist is refused as a whole,
        or carried out for the others. Unknown.
    :param like_ignores_case: whether the filters in "SQL syntax" (``title_like`` ...) match letters of either case.
        Unknown.
    :param skipped_links_in_result: whether linking items to a dataset also answers the data rows of those that were
        there already and skipped. Unknown.
    :param link_lag_seconds: how long after items were linked to a dataset their data rows appear: in listings, and in
        what linking answers. Unknown whether Encord links in a while at all.
    :param link_to_mirrored: whether items of other folders can be linked to a mirrored dataset. Unknown.
    :param mirrored_delete: whether deleting a data row of a mirrored dataset deletes the item in its folder as well,
        or only the row. Unknown.
    :param preset_items_seconds: how long after the call a collection gets or loses the items of a filter preset;
        that work is asynchronous and Encord gives no way to ask for it.
    :param require_contiguous_urls: whether ``objectUrl_{n}`` must count from 0 without gaps. Unknown.
    :param unfit_metadata: whether metadata that does not fit the metadata schema is refused or kept. Unknown; Encord's
        pages only say that filters fail then, and that the data must be imported again.
    :param reserved_schema_keys: whether a schema that declares a key of Encord's own is refused or kept. The SDK
        refuses it, before the service sees it.
    :param max_bulk_items: how many items one bulk call may read or change; 0 for any number. The SDK sends 1,000.
    :param empty_uploads: whether an upload without a unit is refused, or a job that is done at once. Unknown.
    :param legacy_s3_urls: whether the S3 URLs without a region, or with ``s3-region``, are accepted. Encord's page does
        not list them.
    """

    units_per_second: float = 500.0
    latency_seconds: float = 0.0
    listing_lag_seconds: float = 0.0
    finishing_seconds: float = 0.0
    long_poll_cap_seconds: float = 60.0
    max_body_bytes: int = 2**28
    signature_tolerance_seconds: float = 300.0
    default_title: Literal["path", "name"] = "path"
    invalid_units: Literal["refuse", "fail"] = "refuse"
    failed_job_items: Literal["drop", "keep"] = "drop"
    skipped_units_in_result: bool = False
    upsert: Literal["replace", "merge"] = "replace"
    unique_folder_names: bool = False
    bulk_patch_missing: Literal["refuse", "skip"] = "refuse"
    like_ignores_case: bool = True
    skipped_links_in_result: bool = False
    link_lag_seconds: float = 0.0
    link_to_mirrored: Literal["refuse", "link"] = "refuse"
    mirrored_delete: Literal["item", "row"] = "item"
    preset_items_seconds: float = 0.0
    require_contiguous_urls: bool = False
    unfit_metadata: Literal["refuse", "keep"] = "refuse"
    reserved_schema_keys: Literal["refuse", "keep"] = "refuse"
    max_bulk_items: int = 1000
    empty_uploads: Literal["refuse", "accept"] = "refuse"
    legacy_s3_urls: Literal["refuse", "accept"] = "refuse"

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A copy with ``changes``, each checked for name and type.

        :raises ValueError: an unknown setting, or a value of the wrong type; names the setting and what it takes.
        """
        hints = get_type_hints(type(self))
        values = {}
        for name, value in changes.items():
            if name not in hints:
                raise ValueError(f"unknown setting {name!r}; settings are {', '.join(sorted(hints))}")
            values[name] = _checked(name, value, hints[name])
        return replace(self, **values)

    def as_dict(self) -> dict[str, Any]:
        """All settings by name."""
        return asdict(self)

    @classmethod
    def names(cls) -> list[str]:
        """The names of all settings."""
        return [field.name for field in fields(cls)]

    @classmethod
    def parse_text(cls, name: str, text: str) -> Any:
        """Read the value of a setting from a command line.

        :raises ValueError: an unknown setting, or text that is not a value of it.
        """
        hints = get_type_hints(cls)
        if name not in hints:
            raise ValueError(f"unknown setting {name!r}; settings are {', '.join(sorted(hints))}")
        hint = hints[name]
        value: Any = text
        if hint is bool:
            value = {"true": True, "false": False}.get(text.lower(), text)
        elif hint in (int, float):
            try:
                value = hint(text)
            except ValueError:
                value = text
        return _checked(name, value, hint)


def _checked(name: str, value: Any, hint: Any) -> Any:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"setting {name} is one of {', '.join(get_args(hint))}, not {value!r}")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(f"setting {name} takes a {hint.__name__}, not {value!r}")
    if hint in (int, float) and not value >= 0:
        raise ValueError(f"setting {name} must not be negative, it is {value}")
    return value
