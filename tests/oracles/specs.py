"""Upload specs: the SDK's model, naive grouping, naive joining, and parts that hold what was put into them."""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any

from encord_provider.listing import ListedObject, object_urls
from encord_provider.tables import read_table
from encord_provider.upload_spec import (
    MEDIA_TYPES,
    BuildOptions,
    DataUnit,
    UploadSpec,
    build_units,
    parse_manifest,
    read_index,
    read_part,
    to_data_items,
    to_manifest,
    write_parts,
)
from encord_provider.upload_spec.media_metadata import DICOM_TAGS
from encord_provider.upload_spec.media_types import DicomTags, MediaType
from tests.oracles.drawing import json_value, object_key, text
from tests.oracles.running import Oracle, same

_BUCKET, _REGION = "lake", "eu-west-2"
_TYPES = tuple(one for one in MEDIA_TYPES.values() if one.urls_in is None)


def _unit(random: Random) -> DataUnit:
    media_type = random.choice(_TYPES)
    files = random.randint(1, 4) if media_type.is_grouped else 1
    about: list[Any] = [_about(random, media_type) if random.random() < 0.5 else None for _ in range(files)]
    known = media_type.metadata_key is not None and any(about)
    return DataUnit(
        media_type=media_type,
        urls=tuple(f"https://h/{random.randrange(10**6)}" for _ in range(files)),
        title=text(random) or "t",
        client_metadata={text(random).lstrip("$"): json_value(random) for _ in range(random.randint(0, 2))},
        media_metadata=about[0] if known and not media_type.is_grouped else None,
        file_metadata=tuple(about) if known and media_type.is_grouped else (),
    )


def _about(random: Random, media_type: MediaType) -> dict[str, Any]:
    """Media metadata of a file."""
    draw = {
        str: lambda: "image/png",
        int: lambda: random.randint(1, 2**40),
        float: lambda: random.uniform(0.1, 1000),
        DicomTags: lambda: {**dict.fromkeys(DICOM_TAGS), "00280010": {"vr": "US", "Value": [512]}},
    }
    return {name: draw[kind]() for name, kind in media_type.metadata_fields.items()}


def _plain(unit: DataUnit) -> tuple[Any, ...]:
    known = (unit.client_metadata, unit.media_metadata, unit.file_metadata)
    return unit.media_type.name, unit.urls, unit.title, json.dumps(known, sort_keys=True)


def sdk(random: Random) -> None:
    """What is sent for a spec is what the SDK's model sends, and Encord's JSON form holds all of it."""
    from encord.orm.storage import DataUploadItems

    units = tuple(_unit(random) for _ in range(random.randint(1, 4)))
    spec = UploadSpec(units=units, skip_duplicate_urls=random.random() < 0.5)
    sent = to_data_items(spec)
    same(DataUploadItems.from_dict(sent).to_dict(), sent)
    again = parse_manifest(json.dumps(to_manifest(spec)))
    same(sorted(map(_plain, again.units)), sorted(map(_plain, units)))
    same(again.skip_duplicate_urls, spec.skip_duplicate_urls)


@functools.cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="oracles-")
    _KEPT.append(folder)
    return Path(folder.name)


_KEPT: list[Any] = []


def parts(random: Random) -> None:
    """Parts hold all units and no other, each no more than it may, and the index says the truth of them."""
    units = [_unit(random) for _ in range(random.randint(0, 12))]
    most = random.choice((1, 2, 5, {"video": 1}, {"image": 2, "text": 1}, None))
    index = write_parts(units, _folder(), name="spec", max_units_per_part=most)
    same(read_index(_folder() / "spec" / "index.json"), index)
    found = []
    for part in index.parts:
        data = (_folder() / "spec" / part.name).read_bytes()
        same((hashlib.sha256(data).hexdigest(), len(data)), (part.sha256, part.bytes))
        held = read_part(_folder() / "spec" / part.name, sha256=part.sha256).units
        counts = Counter(one.media_type.name for one in held)
        same(
            (len(held), sum(len(one.urls) for one in held), dict(counts)),
            (part.units, part.urls, dict(part.counts)),
        )
        if isinstance(most, int):
            same(len(held) <= most, True, most)
        elif most is not None:
            same([name for name, limit in most.items() if counts[name] > limit], [])
        found += held
    same(sorted(map(_plain, found)), sorted(map(_plain, units)))
    if isinstance(most, int):
        same(len(index.parts), -(-len(units) // most))


def _compared(one: str, other: str) -> int:
    """Which of two keys comes first where numbers count as such: a comparison character by character."""
    at = to = 0
    while at < len(one) and to < len(other):
        if one[at] in "0123456789" and other[to] in "0123456789":
            first, second = at, to
            while at < len(one) and one[at] in "0123456789":
                at += 1
            while to < len(other) and other[to] in "0123456789":
                to += 1
            difference = int(one[first:at]) - int(other[second:to])
        else:
            # A number comes before any other text.
            numbers = (one[at] in "0123456789") - (other[to] in "0123456789")
            difference = -numbers or ord(one[at]) - ord(other[to])
            at, to = at + 1, to + 1
        if difference:
            return difference
    return (len(one) - at) - (len(other) - to) or (one > other) - (one < other)


def groups(random: Random) -> None:
    """Files of one folder, or of one value of a column, make one series, in the order of the numbers in their names."""
    folders = [
        "",
        *("/".join(random.choices(("a", "b", "ab", "a0", "z-"), k=random.randint(1, 3))) for _ in range(3)),
    ]
    keys = {
        f"{folder}/{name}.dcm".lstrip("/")
        for folder in folders
        for name in (
            "".join(random.choices(("0", "1", "9", "10", "a", "-"), k=random.randint(1, 4))) for _ in range(4)
        )
    }
    ordered = sorted(keys)
    by_column = random.random() < 0.5
    values = {key: random.choice("xy") for key in ordered}
    options = BuildOptions()
    if by_column:
        table = read_table(
            "key,scan\n" + "".join(f"{key},{value}\n" for key, value in values.items()), source="t.csv"
        )
        options = BuildOptions(group_by="column:scan", metadata=table)
    expected: dict[str, list[str]] = defaultdict(list)
    for key in ordered:
        expected[values[key] if by_column else key[: key.rfind("/")] if "/" in key else ""].append(key)
    build = build_units(
        (ListedObject(key, 1) for key in ordered), url_for=lambda key: f"s3://b/{key}", options=options
    )
    found = {unit.title: list(unit.urls) for unit in build.units}
    naive = {}
    for name, files in expected.items():
        files.sort(key=functools.cmp_to_key(_compared))
        naive[name or files[0]] = [f"s3://b/{key}" for key in files]
    same(found, naive, ordered)


def joins(random: Random) -> None:
    """A row finds its object in whatever spelling, and a row that finds none is counted."""
    keys = sorted({f"{object_key(random)}x.jpg" for _ in range(random.randint(1, 5))})
    keys = [key for key in keys if not key.rpartition("/")[2].startswith("._")]
    strangers = {f"no/{at}.jpg" for at in range(random.randint(0, 2))}
    styles = (("virtual-hosted", _REGION), ("path", _REGION), ("path", "us-east-1"))
    expected: dict[str, dict[str, Any]] = {key: {} for key in keys}
    rows = []
    for key in random.sample(keys, random.randint(0, len(keys))) + sorted(strangers):
        style, region = random.choice(styles)
        spelling = random.choice(
            (key, object_urls(_BUCKET, style=style, region=region)(key), f"s3://{_BUCKET}/{key}")
        )
        # A text that looks like a URL is one.
        name = (
            spelling if not key.lower().startswith(("s3:", "gs:", "http", "arn")) else f"s3://{_BUCKET}/{key}"
        )
        if name != name.strip():
            name = object_urls(_BUCKET, region=_REGION)(key)
        rows.append({"key": name, "site": len(rows)})
        if key in expected:
            expected[key] = {"site": len(rows) - 1}
    random.shuffle(rows)
    table = read_table("\n".join(map(json.dumps, rows)), source="t.jsonl") if rows else None
    build = build_units(
        (ListedObject(key, 1) for key in keys),
        url_for=object_urls(_BUCKET, region=_REGION),
        options=BuildOptions(metadata=table),
    )
    found = {unit.title: dict(unit.client_metadata) for unit in build.units}
    same(found, expected, rows)
    same(build.matches.unmatched, len(strangers), rows)


ORACLES = (
    Oracle(name="specs: the SDK's model", check=sdk, share=10),
    Oracle(name="specs: parts", check=parts, share=5),
    Oracle(name="specs: grouping", check=groups, share=10),
    Oracle(name="specs: joins", check=joins, share=10),
)
