import datetime as dt
import uuid

import pytest

from encord_provider.exceptions import MetadataValueError
from encord_provider.schema import MetadataSchema, Plain, check_metadata, parse_schema

SCHEMA = MetadataSchema(
    {
        **parse_schema(
            {
                "n": "number",
                "b": "boolean",
                "d": "datetime",
                "v": "varchar",
                "t": "text",
                "u": "uuid",
                "e": {"type": "enum", "options": ["sun", "rain"]},
                "emb": {"type": "embedding", "size": 3},
                "g": "geospatial",
            }
        ),
        "old": Plain("number"),
        "user": Plain("user"),
        "gone": parse_schema({"gone": {"type": "deleted"}})["gone"],
    }
)
UUID = "0b9f61b1-7c9d-4a9e-8a53-0d6f2b0c9f11"


@pytest.mark.parametrize(
    ("key", "value", "sent"),
    [
        ("n", "7", 7),
        ("n", "-7.50", -7.5),
        ("n", "1e3", 1000.0),
        ("n", "+.5", 0.5),
        ("n", 3, 3),
        ("n", "12345678901234567890", 12345678901234567890.0),
        ("old", "7", 7),
        ("b", "true", True),
        ("b", "FALSE", False),
        ("b", True, True),
        ("d", "20260102", "20260102"),
        ("d", "2026-01-02", "2026-01-02"),
        ("d", "2026-01-02T03:04:05", "2026-01-02T03:04:05"),
        ("d", "2026-01-02T03:04:05.678", "2026-01-02T03:04:05.678"),
        ("d", "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ("d", "2026-01-02T03:04:05+01:30", "2026-01-02T03:04:05+01:30"),
        ("d", dt.date(2026, 1, 2), "2026-01-02"),
        ("d", dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), "2026-01-02T03:00:00+00:00"),
        ("v", "x" * 8192, "x" * 8192),
        ("v", "", ""),
        ("t", "x" * 9000, "x" * 9000),
        ("u", UUID, UUID),
        ("u", uuid.UUID(UUID), UUID),
        ("e", "sun", "sun"),
        ("emb", [1, 2.5, -3], [1, 2.5, -3]),
        ("emb", "[1, 2.5, -3]", [1, 2.5, -3]),
        ("g", {"lat": 1, "lon": 2}, {"lat": 1, "lon": 2}),
        ("user", 7, 7),
        ("n", None, None),
        ("keyframes", [0, 30], [0, 30]),
        ("keyframes", "[0, 30]", [0, 30]),
        ("$encord", {"config": {"sampling_rate": 0}}, {"config": {"sampling_rate": 0}}),
        ("not in the schema", {"any": ["thing"]}, {"any": ["thing"]}),
    ],
)
def test_a_value_that_fits_is_sent_in_its_type(key, value, sent):
    found = check_metadata({key: value}, SCHEMA)[key]
    assert found == sent
    assert type(found) is type(sent)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("n", "high", "'n' must be a number, got 'high'"),
        ("n", " 7", "'n' must be a number, got ' 7'"),
        ("n", "1_000", "must be a number"),
        ("n", "٣", "must be a number"),
        ("n", "nan", "must be a number"),
        ("n", float("inf"), "must be a number, got inf (not finite)"),
        ("n", "1e999", "(not finite)"),
        ("n", True, "must be a number, got True"),
        ("n", [1], "must be a number"),
        ("old", "x", "'old' must be a number"),
        ("b", "yes", "'b' must be a boolean (true or false), got 'yes'"),
        ("b", 1, "must be a boolean"),
        ("d", "02.01.2026", "must be a datetime (yyyymmdd, yyyy-mm-dd or yyyy-mm-ddThh:mm:ss"),
        ("d", "2026-0102", "must be a datetime"),
        ("d", "2026-13-01", "month must be in 1..12"),
        ("d", "20260230", "must be a datetime"),
        ("d", "2026-01-02 03:04:05", "must be a datetime"),
        ("d", "20260102T03:04:05", "must be a datetime"),
        ("d", "2026-01-02T25:04:05", "hour must be in 0..23"),
        ("d", "2026-01-02T03:04:05+25:00", "no such offset"),
        ("d", 20260102, "must be a datetime"),
        ("v", "x" * 8193, "8,193 characters; use the type text for more than 8,192"),
        ("v", 7, "must be a varchar (text of at most 8,192 characters), got 7"),
        ("t", "a\0b", "a NUL character cannot be stored"),
        ("t", ["x"], "'t' must be text"),
        ("u", UUID.replace("-", ""), "'u' must be a uuid"),
        ("u", 7, "must be a uuid"),
        ("e", "Sun", "'e' must be one of rain, sun, got 'Sun'"),
        ("e", 1, "must be one of rain, sun"),
        ("emb", [1, 2], "'emb' must be an embedding of 3 numbers, got [1, 2] (2 numbers)"),
        ("emb", [1, 2, "x"], "('x' is not a number)"),
        ("emb", [1, 2, float("nan")], "nan is not a JSON number"),
        ("emb", "[1, 2,", "must be an embedding of 3 numbers"),
        ("emb", 7, "must be an embedding of 3 numbers"),
        ("gone", 7, "'gone' was deleted from the metadata schema"),
        ("keyframes", [-1], "'keyframes' must be a list of frame numbers from 0"),
        ("keyframes", "1", "'keyframes' must be a list"),
        ("$encord", "x", "'$encord' must be an object"),
        ("$other", 1, "'$other' starts with $, which Encord reserves"),
    ],
)
def test_a_value_that_does_not_fit_names_place_key_and_type(key, value, message):
    with pytest.raises(MetadataValueError) as caught:
        check_metadata({key: value}, SCHEMA, where="labels.csv, line 7")
    assert str(caught.value).startswith("labels.csv, line 7: ")
    assert message in str(caught.value)


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(MetadataValueError) as caught:
        check_metadata({"n": "x" * 10_000}, SCHEMA)
    assert len(str(caught.value)) < 200


def test_all_values_of_a_row_that_do_not_fit_are_named_at_once():
    with pytest.raises(MetadataValueError, match="'n' must be a number, got 'x'; 'b' must be a boolean"):
        check_metadata({"n": "x", "v": "fine", "b": "y"}, SCHEMA, where="row 1")


def test_strict_refuses_keys_that_the_schema_does_not_have():
    metadata = {"n": 1, "other": 2, "keyframes": [1], "$encord": {}}
    assert check_metadata(metadata, SCHEMA) == metadata
    with pytest.raises(MetadataValueError, match="'other' is not in the metadata schema"):
        check_metadata(metadata, SCHEMA, strict=True)


def test_without_a_schema_only_reserved_keys_are_checked():
    assert check_metadata({"n": "x"}, None) == {"n": "x"}
    with pytest.raises(MetadataValueError, match="'keyframes' must be a list"):
        check_metadata({"keyframes": 3}, None)
