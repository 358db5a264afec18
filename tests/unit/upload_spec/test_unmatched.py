"""What is said of tables and patterns that meet no object, or too few."""

from __future__ import annotations

from typing import Any

import pytest

from encord_provider.exceptions import EncordInputError, MetadataTableError
from encord_provider.listing import ListedObject, ObjectFilter
from encord_provider.schema import parse_schema
from encord_provider.tables import FrameTable, MetadataTable, Sampling, read_frames, read_table
from encord_provider.upload_spec import BuildOptions, DataUnit, KeyPattern, build_units
from encord_provider.upload_spec.matches import Matches


def built(*keys: str, schema: Any = None, **options: Any) -> tuple[list[DataUnit], Matches]:
    """The data units of a bucket ``b``, and what met its objects."""
    units, _, matches = build_units(
        [ListedObject(key, 5) for key in sorted(keys)],
        url_for=lambda key: f"s3://b/{key}",
        options=BuildOptions(**options),
        schema=schema,
    )
    return list(units), matches


def table(*rows: str, columns: str = "key,site") -> MetadataTable:
    return read_table("\n".join((columns, *rows, "")), source="t.csv")


def frames(*rows: str) -> FrameTable:
    return read_frames("\n".join(("key,frame,x", *rows, "")), source="f.csv")


def refusal(matches: Matches, **arguments: Any) -> str:
    with pytest.raises(EncordInputError) as raised:
        matches.check(**arguments)
    return str(raised.value)


@pytest.mark.parametrize(("rows", "more"), [(5, False), (6, True), (7, True)])
def test_five_rows_are_shown_and_that_there_are_more(rows: int, more: bool) -> None:
    _, matches = built("a.jpg", metadata=table("a.jpg,1", *(f"{number}.png,x" for number in range(rows))))
    (warning,) = matches.warnings()
    assert f"{rows} of the {rows + 1} rows of the metadata table t.csv" in warning
    assert ["'4.png'" in warning, "'5.png'" in warning, warning.endswith(", ...")] == [True, False, more]
    assert "line 3, '0.png', line 4, '1.png'" in warning
    assert matches.unmatched == rows
    matches.check()


def test_as_many_rows_as_are_allowed_may_meet_nothing() -> None:
    _, matches = built("a.jpg", metadata=table("a.jpg,1", "x.jpg,2", "y.jpg,3"))
    matches.check(max_unmatched=2)
    assert "2 of the 3 rows" in (said := refusal(matches, max_unmatched=1))
    assert "max_unmatched is 1: line 3, 'x.jpg', line 4, 'y.jpg'" in said


def test_a_table_that_meets_none_of_the_data_units_is_refused_with_their_number() -> None:
    _, matches = built("a.jpg", "b.jpg", "c.mp4", metadata=table("x.jpg,1", "y.jpg,2"))
    said = refusal(matches)
    assert "None of the 2 rows of the metadata table t.csv" in said
    assert "of the 3 data units" in said
    assert "The first: line 2, 'x.jpg', line 3, 'y.jpg'" in said
    matches.check(max_unmatched=2)


def test_every_table_is_asked_only_of_the_data_units_that_it_could_be_about() -> None:
    about_frames, about_media = frames("x.mp4,0,1"), table("x.jpg,5,1,1,a/b", columns="key,file_size,h,w,m")
    _, matches = built("a.jpg", frames=about_frames)
    matches.check()
    _, matches = built("a.nii", media_metadata=about_media)
    matches.check()
    _, matches = built("a.nii", "b.jpg", "c.jpg", media_metadata=about_media)
    assert "of the 2 data units" in (said := refusal(matches))
    assert "table of media metadata t.csv" in said
    _, matches = built("a.jpg", "b.mp4", frames=about_frames)
    assert "of the 1 data units" in (said := refusal(matches))
    assert "table of frames f.csv" in said
    _, matches = built("a.nii", metadata=table("x.nii,1"), media_metadata=about_media)
    assert "metadata table t.csv" in refusal(matches)


def test_a_table_that_nothing_was_built_for_and_one_without_rows_pass() -> None:
    _, matches = built(metadata=table("x.jpg,1"))
    matches.check()
    _, matches = built("a.jpg", metadata=table())
    matches.check()
    assert list(matches.warnings()) == ["The metadata table t.csv has no rows."]
    assert matches.unmatched == 0


def test_of_no_table_nothing_is_said() -> None:
    _, matches = built("a.jpg")
    matches.check(max_unmatched=0)
    assert (matches.unmatched, list(matches.warnings())) == (0, [])


def test_a_row_that_the_listing_has_but_no_unit_takes_is_not_used() -> None:
    _, matches = built("a.jpg", "b.xyz", metadata=table("b.xyz,1"))
    assert matches.unmatched == 0
    assert "None of the 1 rows" in refusal(matches)


def test_include_patterns_are_named_with_the_first_object() -> None:
    _, matches = built("a.jpg", "b.jpg", filters=ObjectFilter(include=["*.png", "*.JPG"]))
    assert "no object matches '*.png', '*.JPG', the first one is 'a.jpg'" in refusal(matches)
    _, matches = built("a.jpg", "b.png", "c.jpg", filters=ObjectFilter(include=["*.png", "*.mp4", "b*"]))
    matches.check()
    assert list(matches.warnings()) == ["The include pattern '*.mp4' matches no object."]
    _, matches = built(filters=ObjectFilter(include=["*.png"]))
    matches.check()


def test_a_key_pattern_must_match_one_of_the_objects_that_are_taken() -> None:
    pattern = KeyPattern.compile("site=(?P<site>[^/]+)/")
    _, matches = built("a.jpg", "b.jpg", "site=x/c.xyz", key_pattern=pattern)
    assert "matches no object, the first one is 'a.jpg'" in refusal(matches)
    for keys in (("a.jpg", "site=x/b.jpg", "z.jpg"), ("site=x/b.jpg", "z.jpg"), ()):
        built(*keys, key_pattern=pattern)[1].check()


def test_a_rule_for_groups_must_give_one_of_the_objects_a_group() -> None:
    rule = {"media": "image_group", "group_by": "(?P<clip>clip[0-9])_"}
    _, matches = built("a.jpg", "b.jpg", **rule)
    assert "gives no object a group, the first one is 'a.jpg'" in refusal(matches)
    for keys in (("a.jpg", "clip1_1.jpg", "z.jpg"), ("clip1_1.jpg", "z.jpg"), ()):
        built(*keys, **rule)[1].check()
    _, matches = built("a.jpg", group_by="(?P<clip>clip[0-9])_")
    matches.check()
    assert ["'(?P<clip>clip[0-9])_' was not used" in one for one in matches.warnings()] == [True]
    units, matches = built("s/1.dcm", group_by="(?P<series>s)/")
    assert ([unit.title for unit in units], list(matches.warnings())) == (["s"], [])


def test_a_url_with_blanks_before_it_is_a_url() -> None:
    (unit,), matches = built("a.jpg", metadata=table('" s3://b/a.jpg",oslo'))
    assert unit.client_metadata == {"site": "oslo"}
    assert matches.unmatched == 0


def test_frames_of_one_video_may_come_in_two_spellings_but_each_only_once() -> None:
    (unit,), matches = built("v.mp4", frames=frames("v.mp4,0,a", "s3://b/v.mp4,5,b"))
    assert unit.client_metadata == {"$encord": {"frames": {"0": {"x": "a"}, "5": {"x": "b"}}}}
    assert list(matches.warnings()) == []
    with pytest.raises(MetadataTableError, match=r"f\.csv, line 4.*as line 3, 'v\.mp4'.*frame 5 again"):
        built("v.mp4", frames=frames("v.mp4,0,a", "v.mp4,5,b", "s3://b/v.mp4,5,c"))
    _, matches = built("v.mp4", frames=frames("v.mp4,0,a", "w.mp4,1,b", "w.mp4,2,c"))
    assert "2 of the 3 rows of the table of frames f.csv" in next(matches.warnings())


def test_values_of_frames_take_the_type_of_the_schema() -> None:
    (unit,), _ = built("v.mp4", frames=frames("v.mp4,0,1.5"), schema=parse_schema({"x": "number"}))
    assert unit.client_metadata == {"$encord": {"frames": {"0": {"x": 1.5}}}}


def test_frames_are_sampled_as_wanted_without_a_table_of_frames() -> None:
    (unit,), _ = built("v.mp4", sampling=Sampling(sampling_rate=0))
    assert unit.client_metadata == {"$encord": {"config": {"sampling_rate": 0}}}


def test_a_video_without_a_row_of_frames_has_none() -> None:
    first, second = built("v.mp4", "w.mp4", frames=frames("v.mp4,0,a"))[0]
    assert first.client_metadata == {"$encord": {"frames": {"0": {"x": "a"}}}}
    assert second.client_metadata == {}


def test_every_row_that_does_not_fit_the_schema_is_named_also_of_objects_that_are_not_there() -> None:
    rows = table("a.jpg,high", "b.jpg,2", "elsewhere.jpg,low", columns="key,score")
    with pytest.raises(EncordInputError) as raised:
        built("a.jpg", metadata=rows, schema=parse_schema({"score": "number"}))
    assert [name in str(raised.value) for name in ("line 2", "line 3", "line 4")] == [True, False, True]
