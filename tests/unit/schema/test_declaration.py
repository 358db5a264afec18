import pytest

from encord_provider.exceptions import MetadataSchemaError
from encord_provider.schema import (
    Embedding,
    Enum,
    Geospatial,
    MetadataSchema,
    Scalar,
    ScalarType,
    declaration_of,
    merge,
    parse_schema,
)

DECLARED = MetadataSchema(
    {
        "site": Scalar(ScalarType.VARCHAR),
        "notes": Scalar(ScalarType.TEXT),
        "score": Scalar(ScalarType.NUMBER),
        "weather": Enum(("sun", "rain")),
        "clip": Embedding(512),
        "where": Geospatial(),
    }
)


def test_a_mapping_a_json_text_and_a_yaml_text_say_the_same():
    mapping = {
        "site": "string",
        "notes": "long_string",
        "score": "number",
        "weather": {"type": "enum", "options": ["sun", "rain"]},
        "clip": {"type": "embedding", "size": 512},
        "where": "geospatial",
    }
    json_text = """{"site": "varchar", "notes": {"type": "text"}, "score": "number", "where": "geospatial",
        "weather": {"type": "enum", "options": ["sun", "rain"]}, "clip": {"type": "embedding", "size": 512}}"""
    yaml_text = """
        site: varchar
        notes: text
        score: number
        weather: {type: enum, options: [sun, rain]}
        clip:
          type: embedding
          size: 512
        where: geospatial
    """
    assert parse_schema(mapping) == parse_schema(json_text) == parse_schema(yaml_text.encode()) == DECLARED


def test_a_schema_that_was_read_can_be_declared_again():
    assert parse_schema(DECLARED.to_wire()) == DECLARED


@pytest.mark.parametrize("key", ["team.site", "Größe 2", "a-b_c.d", "日付", "keyframes2", "0"])
def test_keys_of_letters_digits_blank_and_punctuation_are_allowed(key):
    assert list(parse_schema({key: "number"})) == [key]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("$encord", "starts with \\$, which Encord reserves"),
        ("keyframes", "is reserved by Encord for frames of interest"),
        ("key-frames", "is reserved by Encord"),
        ("a/b", "is not a metadata key: use letters, digits"),
        ("", "is not a metadata key"),
        ("-_ .", "with at least one letter or digit"),
        (7, "7 is not text; quote it"),
    ],
)
def test_keys_that_encord_refuses_are_named_with_the_rule(key, message):
    with pytest.raises(MetadataSchemaError, match=f"schema.yaml: .*{message}"):
        parse_schema({key: "number"}, source="schema.yaml")


def test_the_rule_for_keys_is_that_of_the_sdk():
    from encord.metadata_schema import _is_valid_metadata_key

    from encord_provider.schema.keys import key_problem

    for key in (
        "a",
        "",
        "$a",
        "a$",
        "keyframes",
        "key.frames",
        "-",
        "a b",
        "ä",
        "a\tb",
        "²",
        "a/b",
        "Keyframes",
    ):
        assert (key_problem(key) is None) == _is_valid_metadata_key(key), key


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"a": "nubmer"}, "key 'a': unknown type 'nubmer'; did you mean 'number'"),
        ({"a": "object"}, "unknown type 'object'; types are number, boolean"),
        ({"a": 1}, "give the name of a type, or a mapping with 'type'; got 1"),
        ({"a": None}, "got None"),
        ({"a": {"options": ["x"]}}, "a mapping with 'type'"),
        ({"a": "enum"}, "an enum needs 'options'"),
        ({"a": {"type": "enum", "options": []}}, "a list of 1 to 255 texts"),
        ({"a": {"type": "enum", "options": "xy"}}, "a list of 1 to 255 texts"),
        ({"a": {"type": "enum", "options": ["x", 1]}}, "the enum option 1 is not text; quote it"),
        ({"a": {"type": "enum", "options": ["x", "y", "x"]}}, "the enum option 'x' is given twice"),
        (
            {"a": {"type": "enum", "options": [str(one) for one in range(256)]}},
            "256 enum options, the limit is 255",
        ),
        ({"a": {"type": "enum", "options": ["x"], "size": 2}}, "the type 'enum' has no field 'size'"),
        ({"a": {"type": "number", "options": ["x"]}}, "the type 'number' has no field 'options'"),
        ({"a": "embedding"}, "an embedding needs 'size', a whole number from 1 to 4096; got None"),
        ({"a": {"type": "embedding", "size": 4097}}, "got 4097"),
        ({"a": {"type": "embedding", "size": True}}, "got True"),
        ({"a": {"type": "embedding", "size": "512"}}, "got '512'"),
        ({"a": {"type": "deleted", "hard": "yes"}}, "'hard' must be true or false"),
        ({"a": {"ty": "variant", "hint": "colour"}}, "has a form that this provider does not know"),
        ("a: number\nb: text\na: text\n", "line 3, column 1: the key 'a' is given twice"),
        ('{"a": "number",\n "a": "text"}', "line 2, column 2: the key 'a' is given twice"),
        ('{"a": "number",}', "line 1, column 15: trailing comma"),
        ("a: [number", "line 1"),
        ("- a\n- b", "a metadata schema is a mapping from key to type"),
        ("just text", "a metadata schema is a mapping from key to type"),
        ("", "a metadata schema is a mapping from key to type"),
        ("on: boolean", "True is not text; quote it"),
        ("a: {type: enum, options: [yes, no]}", "the enum option True is not text; quote it"),
        ("? [a]\n: number", "a key must be text"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        (b"a: \xff", "byte 0xff is not UTF-8"),
        ("a: number\nb: !!int x", "schema.yaml, line 2, column 4: 'x' is not a valid int"),
        ("a: 2026-13-45", "schema.yaml, line 1, column 4: '2026-13-45' is not a valid timestamp"),
        ("a: \x00", "special characters are not allowed"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_with_its_place(declaration, message):
    with pytest.raises(MetadataSchemaError) as caught:
        parse_schema(declaration, source="schema.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("schema.yaml")


def test_a_schema_is_written_as_it_is_declared():
    wire = {
        "a": {"ty": "variant", "hint": "uuid"},
        "b": {"ty": "enum", "values": ["x", "y"]},
        "c": {"ty": "embedding", "size": 8, "api": None},
        "d": {"ty": "embedding", "size": 8, "api": {"url": "https://e"}},
        "e": {"ty": "geospatial"},
        "f": {"ty": "number", "format": "F64"},
        "g": {"ty": "tombstone", "deleted_ty": None},
        "h": {"ty": "tombstone", "deleted_ty": {"ty": "variant", "hint": "text"}},
    }
    schema = MetadataSchema.from_wire(wire)
    declared = declaration_of(schema)
    assert declared["a"] == "uuid"
    assert declared["b"] == {"type": "enum", "options": ["x", "y"]}
    assert declared["h"] == {"type": "deleted"}
    assert merge(schema, parse_schema(declared)) == schema
    assert parse_schema(declaration_of(MetadataSchema(schema.live))) == MetadataSchema(schema.live)
