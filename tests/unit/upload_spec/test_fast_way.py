"""Units of single objects are made and written on a short way; it gives the bytes of the long one."""

import dataclasses
import datetime as dt
import hashlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import EncordInputError, UploadSpecError
from encord_provider.listing import ListedObject, ObjectUrlStyle, object_urls
from encord_provider.schema.types import Enum as EnumType
from encord_provider.schema.types import MetadataSchema, Scalar, ScalarType
from encord_provider.tables.metadata_table import read_table
from encord_provider.upload_spec import BuildOptions, build_units, read_part, write_parts
from encord_provider.upload_spec.data_units import unit_problems
from encord_provider.upload_spec.key_pattern import KeyPattern
from encord_provider.upload_spec.parts import unit_line

_PIECE = st.one_of(
    st.sampled_from(
        ["a", "b c", "d=1", "", ".", "..", "é", "\U0001f600", "x%20y", "n\n", "~", "t.a", "?", "#", "\\"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
)
_NAME = st.sampled_from(
    ["a.jpg", "B.JPG", "c.mp4", "d.nii.gz", "e.mp3", ".jpg", "..jpg", "f", "g.pdf", "h.txt", "i+j.png"]
)
_KEYS = st.sets(
    st.builds(lambda folders, name: "/".join([*folders, name]), st.lists(_PIECE, max_size=3), st.one_of(_NAME, _PIECE)),
    max_size=25,
)  # fmt: skip
_STYLES = {
    ObjectUrlStyle.VIRTUAL_HOSTED: {"region": "eu-west-2"},
    ObjectUrlStyle.PATH: {"region": "eu-west-2"},
    ObjectUrlStyle.S3: {},
    ObjectUrlStyle.GS: {},
    ObjectUrlStyle.GCS: {},
    ObjectUrlStyle.AZURE: {"endpoint": "account"},
    ObjectUrlStyle.ENDPOINT: {"endpoint": "https://minio.example:9000"},
}
_SCHEMA = MetadataSchema(
    {
        "name": Scalar(ScalarType.VARCHAR),
        "day": Scalar(ScalarType.DATETIME),
        "score": Scalar(ScalarType.NUMBER),
        "kind": EnumType(("x", "y")),
        "ok": Scalar(ScalarType.BOOLEAN),
    }
)


def _built(keys, url_for, **options):
    objects = (ListedObject(key, 5) for key in sorted(keys))
    return build_units(objects, url_for=url_for, options=BuildOptions(**options), schema=_SCHEMA)


@given(
    _KEYS,
    st.sampled_from(list(_STYLES)),
    st.sampled_from(["auto", "image", "text", "video"]),
    st.sampled_from([None, "(?P<name>[^/]*)/", "(?P<day>[0-9]+)"]),
    st.sampled_from(["{key}", "{stem}", "{name}"]),
)
def test_both_ways_skip_the_same_and_give_the_same_bytes(keys, style, media, pattern, title):
    url_for = object_urls("lake", style=style, **_STYLES[style])
    options = {"media": media, "title": title, "key_pattern": pattern and KeyPattern.compile(pattern)}

    def outcome(urls):
        build = _built(keys, urls, **options)
        try:
            lines = [unit_line(unit) for unit in build.units]
        except EncordInputError as error:
            return str(error)
        return lines, list(build.skipped)

    # A function that somebody else wrote is not trusted, and its units take the long way.
    assert outcome(url_for) == outcome(lambda key: url_for(key))


@given(_KEYS, st.sampled_from(list(_STYLES)))
def test_what_was_checked_when_it_was_made_has_no_problem(keys, style):
    build = _built(keys, object_urls("lake", style=style, **_STYLES[style]))
    for unit in build.units:
        assert unit.checked
        assert list(unit_problems(unit)) == []
        plain = dataclasses.replace(unit)
        assert plain == unit
        assert not plain.checked
        assert unit_line(plain) == unit_line(unit)


_VALUE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates(),
    st.sampled_from(["x", "y", "2025-03-01", "1.5", "true", "\0"]), st.lists(st.integers(), max_size=2),
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(["name", "day", "score", "kind", "ok", "free", "$x", "keyframes"]), _VALUE
    )
)
def test_values_of_a_table_come_out_alike_on_both_ways(row):
    url_for = object_urls("lake", region="eu-west-2")
    row = {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in row.items()}
    try:
        content = orjson.dumps({"object_key": "a/b.jpg", **row}) + b"\n"
        table = read_table(content, source="table.jsonl")
    except (TypeError, EncordInputError):
        return

    def outcome(urls):
        try:
            return [unit_line(unit) for unit in _built(["a/b.jpg"], urls, metadata=table).units]
        except EncordInputError as error:
            return str(error)

    assert outcome(url_for) == outcome(lambda key: url_for(key))


@pytest.mark.parametrize("size", [500, 100_000])
def test_a_part_is_bounded_in_bytes(tmp_path, size):
    url_for = object_urls("lake", region="eu-west-2")
    build = _built([f"{number:03d}.jpg" for number in range(100)], url_for)
    index = write_parts(build.units, tmp_path, max_bytes_per_part=size)
    assert index.units == 100
    assert all(part.bytes <= size + 100 for part in index.parts)
    assert (len(index.parts) == 1) == (size > 10_000)


def test_a_unit_larger_than_a_part_may_be_has_a_part_of_its_own(tmp_path):
    build = _built(["a.jpg", "b.jpg"], object_urls("lake", region="eu-west-2"))
    assert [part.units for part in write_parts(build.units, tmp_path, max_bytes_per_part=1).parts] == [1, 1]


@given(_KEYS, st.sampled_from(["auto", "image_group", "image_sequence", "text"]))
def test_a_part_that_its_hash_proves_reads_as_one_that_is_checked(tmp_path_factory, keys, media):
    pattern = KeyPattern.compile("(?P<name>[a-z]*)/")
    build = _built(keys, object_urls("lake", region="eu-west-2"), media=media, key_pattern=pattern)
    folder = tmp_path_factory.mktemp("parts")
    for part in write_parts(build.units, folder).parts:
        path = folder / "spec" / part.name
        assert read_part(path, sha256=part.sha256) == read_part(path)


def test_a_part_that_is_no_spec_is_refused_though_its_hash_is_right(tmp_path):
    for content in (b"[]", b"{", b'{"pictures":[]}'):
        path = tmp_path / "part-00000.json"
        path.write_bytes(content)
        with pytest.raises(UploadSpecError, match="part-00000"):
            read_part(path, sha256=hashlib.sha256(content).hexdigest())
