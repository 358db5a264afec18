import datetime as dt

import pytest

from encord_provider.exceptions import EncordInputError
from encord_provider.listing import ListedObject, ObjectFilter
from encord_provider.upload_spec import BuildOptions, Skipped, build_units


def day(number):
    return dt.datetime(2026, 1, number, tzinfo=dt.UTC)


ONE = ListedObject("a.jpg", 100, day(5), "STANDARD")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({}, None),
        ({"include": ["*.png", "*.jpg"], "exclude": ["b*"]}, None),
        ({"include": ["*.png"]}, "matches no include pattern"),
        ({"include": ["*.JPG"]}, "matches no include pattern"),
        ({"exclude": ["b*", "a.*"], "min_size": 1000}, "excluded by pattern 'a.*'"),
        ({"min_size": 100, "max_size": 100}, None),
        ({"min_size": 101}, "smaller than 101 bytes"),
        ({"max_size": 99}, "larger than 99 bytes"),
        ({"modified_from": day(5), "modified_before": day(6)}, None),
        ({"modified_from": day(6)}, "written before 2026-01-06T00:00:00+00:00"),
        ({"modified_before": day(5)}, "written at or after 2026-01-05T00:00:00+00:00"),
        ({"storage_classes": ["STANDARD", "STANDARD_IA"]}, None),
        ({"storage_classes": ["GLACIER"]}, "storage class STANDARD"),
    ],
)
def test_what_is_not_wanted_has_a_reason(wanted, reason):
    assert ObjectFilter(**wanted).reason(ONE) == reason


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"min_size": 1}, "size unknown"),
        ({"modified_from": day(1)}, "modification time unknown"),
        ({"storage_classes": ["STANDARD"]}, "storage class unknown"),
    ],
)
def test_what_the_listing_does_not_tell_is_not_guessed(wanted, reason):
    assert ObjectFilter(**wanted).reason(ListedObject("a.jpg")) == reason


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"modified_from": dt.datetime(2026, 1, 1)}, "modified_from 2026-01-01T00:00:00 has no time zone"),
        ({"min_size": 2, "max_size": 1}, "min_size 2 is greater than max_size 1"),
        (
            {"modified_from": day(2), "modified_before": day(2)},
            "modified_from must be before modified_before",
        ),
        ({"storage_classes": "STANDARD"}, "storage_classes takes a list, got 'STANDARD'"),
        ({"include": "a.jpg"}, "include takes a list, got 'a.jpg'"),
        ({"exclude": "a.jpg"}, "exclude takes a list, got 'a.jpg'"),
    ],
)
def test_a_filter_that_nothing_can_pass_is_refused(wanted, message):
    with pytest.raises(EncordInputError, match=message):
        ObjectFilter(**wanted)


def test_objects_that_are_filtered_out_are_listed_with_the_reason():
    objects = [ONE, ListedObject("b.jpg", 5, day(5), "STANDARD")]
    units, skipped, _ = build_units(
        objects,
        url_for=lambda key: f"s3://b/{key}",
        options=BuildOptions(filters=ObjectFilter(min_size=10)),
    )
    assert [unit.title for unit in units] == ["a.jpg"]
    assert list(skipped) == [Skipped("b.jpg", "smaller than 10 bytes")]
