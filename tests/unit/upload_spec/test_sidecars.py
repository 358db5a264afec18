import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import MetadataTableError, MetadataValueError
from encord_provider.listing import ListedObject
from encord_provider.schema import parse_schema
from encord_provider.tables import Sampling, read_frames, read_table
from encord_provider.upload_spec import KeyPattern
from encord_provider.upload_spec.sidecars import with_sidecars
from tests.unit.upload_spec.builds import build as build_units

SUFFIX = ".metadata.json"


def build(files, **options):
    objects = [ListedObject(key, 5) for key in sorted(files)]
    units, skipped = build_units(objects, read_sidecar=lambda key: files[key], **options)
    return {unit.title: unit.client_metadata for unit in units}, [one.key for one in skipped]


def test_a_sidecar_holds_the_client_metadata_of_its_partner():
    found, skipped = build(
        {
            "a.jpg": b"",
            "a.jpg-2.jpg": b"",
            f"a.jpg{SUFFIX}": b'{"site": "oslo", "n": 1}',
            "b.jpg": b"",
            f"c.jpg{SUFFIX}": b"never read",
        }
    )
    assert found == {"a.jpg": {"site": "oslo", "n": 1}, "a.jpg-2.jpg": {}, "b.jpg": {}}
    assert skipped == [f"a.jpg{SUFFIX}", f"c.jpg{SUFFIX}"]


def test_the_table_comes_before_the_sidecar_and_that_before_the_path():
    found, _ = build(
        {"p/a.jpg": b"", f"p/a.jpg{SUFFIX}": b'{"x": "sidecar", "y": "sidecar"}'},
        key_pattern=KeyPattern.compile("(?P<x>p)/(?P<z>a)?"),
        metadata=read_table("key,y\np/a.jpg,table\n", source="t.csv"),
    )
    assert found == {"p/a.jpg": {"x": "sidecar", "y": "table", "z": "a"}}


def test_sidecars_of_one_series_must_agree():
    files = {"s/1.dcm": b"", f"s/1.dcm{SUFFIX}": b'{"a": 1}', "s/2.dcm": b"", f"s/2.dcm{SUFFIX}": b'{"a": 1}'}
    assert build(files)[0] == {"s": {"a": 1}}
    del files[f"s/1.dcm{SUFFIX}"]
    assert build(files)[0] == {"s": {"a": 1}}
    files[f"s/1.dcm{SUFFIX}"] = b'{"a": 1}'
    files[f"s/2.dcm{SUFFIX}"] = b'{"a": 2}'
    with pytest.raises(
        MetadataTableError, match=r"'s/1.dcm.metadata.json' and 's/2.dcm.metadata.json' belong to one"
    ):
        build(files)


def test_a_null_in_a_sidecar_says_nothing():
    found, _ = build(
        {"p/a.jpg": b"", f"p/a.jpg{SUFFIX}": b'{"x": null, "y": 0}'},
        key_pattern=KeyPattern.compile("(?P<x>p)/"),
    )
    assert found == {"p/a.jpg": {"x": "p", "y": 0}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n"a": 1,}', "sidecar a.jpg.metadata.json, line 2, column 7: trailing comma"),
        (b"[1]", "sidecar a.jpg.metadata.json: client metadata is a JSON object, got list"),
    ],
)
def test_a_broken_sidecar_is_named(content, message):
    with pytest.raises(MetadataTableError, match=message):
        build({"a.jpg": b"", f"a.jpg{SUFFIX}": content})


def test_a_value_of_a_sidecar_that_does_not_fit_names_it():
    with pytest.raises(MetadataValueError, match=r"sidecar a.jpg.metadata.json: 'n' must be a number"):
        build({"a.jpg": b"", f"a.jpg{SUFFIX}": b'{"n": "x"}'}, schema=parse_schema({"n": "number"}))


def test_everything_that_is_wrong_in_sidecars_is_named_at_once():
    files = {}
    for number in range(30):
        files |= {f"{number:02d}.jpg": b"", f"{number:02d}.jpg{SUFFIX}": b'{"n": "x", "$y": 1}'}
    with pytest.raises(MetadataValueError) as caught:
        build(files, schema=parse_schema({"n": "number"}))
    head, *lines = str(caught.value).split("\n")
    assert "60" in head
    assert "30 sidecars" in head
    assert len(lines) == 21
    assert all(f"sidecar {number:02d}.jpg{SUFFIX}" in lines[2 * number] for number in range(10))
    assert "40 more" in lines[-1]
    files[f"07.jpg{SUFFIX}"] = b"{"
    with pytest.raises(MetadataTableError, match=r"sidecar 07.jpg.metadata.json, line 1") as broken:
        build(files, schema=parse_schema({"n": "number"}))
    assert "59" in str(broken.value).partition("\n")[0]


def test_without_a_reader_sidecars_are_left_alone():
    objects = [ListedObject("a.jpg", 1), ListedObject(f"a.jpg{SUFFIX}", 1)]
    units, skipped = build_units(objects)
    assert [unit.client_metadata for unit in units] == [{}]
    assert len(skipped) == 1


def test_videos_get_their_frames_and_sampling_and_images_do_not():
    frames = read_frames("key,frame,x\nv.mp4,1,a\ns3://b/w.mp4,2,b\n", source="f.csv")
    objects = [ListedObject(key, 1) for key in ("i.jpg", "v.mp4", "w.mp4")]
    units, _ = build_units(objects, frames=frames, sampling=Sampling(sampling_rate=0))
    assert [unit.client_metadata for unit in units] == [
        {},
        {"$encord": {"config": {"sampling_rate": 0}, "frames": {"1": {"x": "a"}}}},
        {"$encord": {"config": {"sampling_rate": 0}, "frames": {"2": {"x": "b"}}}},
    ]


NAMES = st.text("ab.-/z", min_size=1, max_size=4)


@given(names=st.sets(NAMES, max_size=8), partners=st.sets(NAMES, max_size=8))
def test_every_partner_is_found_wherever_its_sidecar_is_listed(names, partners):
    keys = sorted(names | {f"{name}{SUFFIX}" for name in partners})
    found = list(with_sidecars(ListedObject(key, 1) for key in keys))
    assert [one.key for one, _ in found] == keys
    assert {one.key: sidecar for one, sidecar in found if sidecar} == {
        name: f"{name}{SUFFIX}" for name in keys if f"{name}{SUFFIX}" in keys
    }
