"""One record is all that a new media type needs."""

import json

import pytest

from encord_provider.exceptions import UploadSpecError
from encord_provider.listing import list_path
from encord_provider.tables import read_table
from encord_provider.upload_spec import (
    MEDIA_TYPES,
    MediaType,
    parse_manifest,
    read_part,
    to_data_items,
    write_parts,
)
from encord_provider.upload_spec.__main__ import main
from tests.unit.upload_spec.builds import build

HOLOGRAM = MediaType(
    name="hologram",
    array="holograms",
    wire_list="holograms",
    external_file_type="HOLOGRAM",
    extensions=(".holo", ".holo.gz"),
    metadata_key="hologramMetadata",
    metadata_fields={"file_size": int, "focal_depth": float},
    object_fields=("projection",),
    csv_title="Hologram title",
    title_required=True,
    units_per_part=2,
)
HOLOGRAM_STACK = MediaType(
    name="hologram_stack",
    array="hologram_stacks",
    wire_list="hologramStacks",
    external_file_type="HOLOGRAM_STACK",
    extensions=(".slice",),
    files_list="slices",
    metadata_key="sliceMetadata",
    metadata_fields={"file_size": int},
    title_required=True,
)
METADATA = {"file_size": 9, "focal_depth": 1.5}


@pytest.fixture(autouse=True)
def _known():
    before = list(MEDIA_TYPES.values())
    MEDIA_TYPES.__init__([*before, HOLOGRAM, HOLOGRAM_STACK])
    yield
    MEDIA_TYPES.__init__(before)


@pytest.fixture
def bucket(tmp_path):
    for name in ("a.holo", "b.HOLO.GZ", "c.holo", "d.jpg", "stack/2.slice", "stack/10.slice", "e.bin"):
        path = tmp_path / "bucket" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    return tmp_path / "bucket"


def test_it_goes_from_the_listing_to_what_is_sent(bucket, tmp_path):
    table = read_table("key,file_size,focal_depth\na.holo,9,1.5\nstack/2.slice,7,\n", source="m.csv")
    units, skipped = build(list_path(bucket), media_metadata=table)
    assert [one.key for one in skipped] == ["e.bin"]

    index = write_parts(units, tmp_path)
    assert [dict(part.counts) for part in index.parts] == [
        {"hologram": 2},
        {"hologram": 1, "hologram_stack": 1, "image": 1},
    ]
    specs = [read_part(tmp_path / "spec" / part.name, sha256=part.sha256) for part in index.parts]
    assert sorted(map(repr, (unit for spec in specs for unit in spec.units))) == sorted(map(repr, units))

    first, second = map(to_data_items, specs)
    assert [one["title"] for one in first["holograms"]] == ["a.holo", "b.HOLO.GZ"]
    assert first["holograms"][0] == {
        "clientMetadata": {},
        "externalFileType": "HOLOGRAM",
        "title": "a.holo",
        "objectUrl": "s3://b/a.holo",
        "hologramMetadata": {"fileSize": 9, "focalDepth": 1.5},
    }
    assert second["hologramStacks"] == [
        {
            "clientMetadata": {},
            "externalFileType": "HOLOGRAM_STACK",
            "title": "stack",
            "slices": [
                {"url": "s3://b/stack/2.slice", "sliceMetadata": {"fileSize": 7}},
                {"url": "s3://b/stack/10.slice"},
            ],
        }
    ]
    assert len(second["images"]) == 1


def test_the_user_may_name_it(bucket):
    units, skipped = build(list_path(bucket), media="hologram")
    assert [unit.title for unit in units] == ["a.holo", "b.HOLO.GZ", "c.holo"]
    assert {one.key: one.reason for one in skipped}["stack/2.slice"] == (
        "of type hologram_stack, but media is hologram"
    )


def test_its_json_is_read_strictly():
    item = {"objectUrl": "s3://b/a", "title": "a", "hologramMetadata": METADATA, "projection": {"angle": 3}}
    spec = parse_manifest(json.dumps({"holograms": [item]}))
    assert spec.units[0].fields == {"projection": {"angle": 3}}
    assert to_data_items(spec)["holograms"][0]["projection"] == {"angle": 3}
    with pytest.raises(UploadSpecError) as caught:
        parse_manifest(
            json.dumps(
                {
                    "holograms": [
                        {"objectUrl": "s3://b/a"},
                        {**item, "hologramMetadata": {"file_size": -1, "focal_depth": 1}},
                        {**item, "createVideo": False, "projecton": {}},
                    ]
                },
                indent=1,
            )
        )
    message = str(caught.value)
    for named in ("holograms[0].title", "hologramMetadata.file_size", "'createVideo'", "'projection'"):
        assert named in message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("spec.json", json.dumps({"holograms": [{"objectUrl": "s3://b/a.holo", "title": "a"}]})),
        ("spec.csv", "ObjectURL,Hologram title\ns3://b/a.holo,a\n"),
    ],
)
def test_check_counts_it(tmp_path, capsys, name, text):
    (tmp_path / name).write_text(text)
    assert main(["check", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out.split("\n")[1].split() == ["hologram", "1", "1"]


def test_check_says_what_is_wrong_with_it(tmp_path, capsys):
    (tmp_path / "spec.json").write_text('{"holograms": [\n{"objectUrl": "s3://b/a.holo"}\n]}')
    assert main(["check", str(tmp_path / "spec.json")]) == 1
    assert "line 2, holograms[0].title" in capsys.readouterr().err
