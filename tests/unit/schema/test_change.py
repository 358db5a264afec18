import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.exceptions import MetadataSchemaError
from encord_provider.schema import (
    Embedding,
    Enum,
    Geospatial,
    MetadataSchema,
    Plain,
    Scalar,
    ScalarType,
    Tombstone,
    diff,
    merge,
    parse_schema,
)

NUMBER, TEXT = Scalar(ScalarType.NUMBER), Scalar(ScalarType.TEXT)

CURRENT = MetadataSchema(
    {
        "score": NUMBER,
        "weather": Enum(("rain", "sun")),
        "clip": Embedding(512, {"url": "https://h"}),
        "old": Plain("varchar", {"max_length": 100}),
        "gone": Tombstone(NUMBER),
        "dead": Tombstone(),
    }
)


def test_merge_adds_extends_and_restores_and_keeps_the_rest():
    wanted = parse_schema(
        {"site": "varchar", "weather": {"type": "enum", "options": ["snow", "sun"]}, "gone": "number"}
    )
    merged = merge(CURRENT, wanted)
    found = diff(CURRENT, merged)
    assert (found.added, found.extended, found.restored) == (("site",), ("weather",), ("gone",))
    assert found.unchanged == ("clip", "dead", "old", "score")
    assert merged["weather"] == Enum(("rain", "snow", "sun"))
    assert (
        str(found) == "+ site: varchar\n~ weather: enum gets snow\n^ gone: restored as number\n= 4 unchanged"
    )


def test_declaring_the_same_again_changes_nothing():
    wanted = parse_schema(
        {
            "score": "number",
            "weather": {"type": "enum", "options": ["sun"]},
            "clip": {"type": "embedding", "size": 512},
            "old": "varchar",
        }
    )
    assert merge(CURRENT, wanted) == CURRENT
    assert diff(CURRENT, merge(CURRENT, wanted)).is_empty


def test_retyping_needs_permission():
    wanted = parse_schema({"score": "text"})
    with pytest.raises(
        MetadataSchemaError, match="'score': is number and would become text; set allow_retype"
    ):
        merge(CURRENT, wanted)
    merged = merge(CURRENT, wanted, allow_retype=True)
    assert diff(CURRENT, merged).retyped == ("score",)
    assert "! score: number -> text" in str(diff(CURRENT, merged))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"clip": {"type": "embedding", "size": 256}},
            r"is embedding\(512\) and cannot become embedding\(256\)",
        ),
        (
            {"weather": "text"},
            r"is enum\(rain, sun\) and cannot become text: Encord retypes scalar keys only",
        ),
        ({"old": "number"}, "is varchar and cannot become number"),
        ({"dead": "number"}, "was deleted for good, which Encord cannot undo; use another key"),
    ],
)
def test_what_encord_cannot_change_is_refused_even_when_allowed(wanted, message):
    with pytest.raises(MetadataSchemaError, match=message):
        merge(CURRENT, parse_schema(wanted), allow_retype=True, allow_delete=True)


def test_a_deleted_key_cannot_come_back_as_another_type_unasked():
    with pytest.raises(
        MetadataSchemaError, match="'gone': is number and would become text; set allow_retype"
    ):
        merge(CURRENT, parse_schema({"gone": "text"}))


def test_replace_deletes_what_is_not_declared_only_when_allowed():
    wanted = parse_schema({"score": "number"})
    with pytest.raises(MetadataSchemaError) as caught:
        merge(CURRENT, wanted, mode="replace")
    assert str(caught.value).split("\n")[1:] == [
        f"{key!r}: is not declared and would be deleted; set allow_delete to do that"
        for key in ("clip", "old", "weather")
    ]
    merged = merge(CURRENT, wanted, mode="replace", allow_delete=True)
    assert diff(CURRENT, merged).deleted == ("clip", "old", "weather")
    assert merged["clip"] == Tombstone(CURRENT["clip"])
    assert "- clip: embedding(512) -> deleted, was embedding(512)" in str(diff(CURRENT, merged))


def test_a_key_is_deleted_softly_or_for_good_on_request():
    soft, hard = {"score": {"type": "deleted"}}, {"score": {"type": "deleted", "hard": True}}
    with pytest.raises(
        MetadataSchemaError, match="'score': is number and would be deleted; set allow_delete"
    ):
        merge(CURRENT, parse_schema(soft))
    assert merge(CURRENT, parse_schema(soft), allow_delete=True)["score"] == Tombstone(NUMBER)
    assert merge(CURRENT, parse_schema(hard), allow_delete=True)["score"] == Tombstone()
    softly = merge(CURRENT, parse_schema(soft), allow_delete=True)
    assert merge(softly, parse_schema(soft)) == softly
    assert merge(softly, parse_schema(hard), allow_delete=True)["score"] == Tombstone()


def test_deleting_a_key_that_is_not_there_is_an_error():
    with pytest.raises(MetadataSchemaError, match="'x': is to be deleted, but the schema has no such key"):
        merge(CURRENT, parse_schema({"x": {"type": "deleted"}}), allow_delete=True)


def test_an_enum_never_grows_beyond_what_encord_takes():
    current = MetadataSchema({"e": Enum(tuple(f"a{one}" for one in range(200)))})
    wanted = MetadataSchema({"e": Enum(tuple(f"b{one}" for one in range(56)))})
    with pytest.raises(
        MetadataSchemaError, match="has 200 enum options and would get 56 more; the limit is 255"
    ):
        merge(current, wanted)


def test_an_unknown_mode_is_refused():
    with pytest.raises(MetadataSchemaError, match="unknown mode 'update': use 'merge' or 'replace'"):
        merge(CURRENT, CURRENT, mode="update")


def test_comparing_two_whole_schemas_shows_keys_that_are_missing_as_deleted():
    found = diff(MetadataSchema({"a": NUMBER, "e": Enum(("x", "y"))}), MetadataSchema({"e": Enum(("y",))}))
    assert (found.deleted, found.retyped) == (("a",), ("e",))
    assert "- a: number -> gone" in str(found)


def test_the_wire_form_keeps_deleted_and_older_entries():
    body = {
        "a": {"ty": "variant", "hint": "varchar"},
        "e": {"ty": "enum", "values": ["b", "a"]},
        "emb": {"ty": "embedding", "size": 512, "api": None},
        "g": {"ty": "geospatial"},
        "n": {"ty": "tombstone", "deleted_ty": {"ty": "variant", "hint": "number"}},
        "x": {"ty": "tombstone", "deleted_ty": None},
        "o": {"ty": "number", "format": "F32"},
        "later": {"ty": "colour", "space": "RGB"},
    }
    assert MetadataSchema.from_wire(body).to_wire() == body


def test_an_organisation_without_schema_has_an_empty_one():
    assert len(MetadataSchema.from_wire(None)) == 0


@pytest.mark.parametrize(
    "entry",
    [None, [], {}, {"ty": "variant", "hint": "x"}, {"ty": "enum"}, {"ty": "tombstone"}, {"ty": "embedding"}],
)
def test_an_answer_of_another_form_names_the_key(entry):
    with pytest.raises(
        MetadataSchemaError, match="the entry of 'k' has a form that this provider does not know"
    ):
        MetadataSchema.from_wire({"k": entry})


LIVE = st.one_of(
    st.builds(Scalar, st.sampled_from(ScalarType)),
    st.builds(Enum, st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True).map(tuple)),
    st.builds(Embedding, st.integers(1, 4096)),
    st.just(Geospatial()),
    st.builds(Plain, st.sampled_from(["number", "user", "text"])),
)
SCHEMAS = st.dictionaries(st.sampled_from("abcdef"), LIVE | st.builds(Tombstone, st.none() | LIVE)).map(
    MetadataSchema
)


@given(schema=SCHEMAS)
def test_any_schema_comes_back_from_its_wire_form_which_the_sdk_reads(schema):
    from encord.metadata_schema import _ClientMetadataSchema

    wire = schema.to_wire()
    assert MetadataSchema.from_wire(wire) == schema
    assert set(_ClientMetadataSchema.model_validate(wire).root) == set(schema)


@given(
    current=SCHEMAS,
    wanted=SCHEMAS,
    mode=st.sampled_from(["merge", "replace"]),
    allow_retype=st.booleans(),
    allow_delete=st.booleans(),
)
def test_merge_never_loses_a_key(current, wanted, mode, allow_retype, allow_delete):
    try:
        merged = merge(current, wanted, mode=mode, allow_retype=allow_retype, allow_delete=allow_delete)
    except MetadataSchemaError:
        return
    assert set(merged) == set(current) | set(wanted)
    found = diff(current, merged)
    assert allow_retype or not found.retyped or found.restored
    assert allow_delete or not found.deleted
    if mode == "merge":
        assert all(merged[key] == one for key, one in current.items() if key not in wanted)
    for key, one in current.items():
        if isinstance(one, Enum) and isinstance(merged[key], Enum):
            assert set(one.options) <= set(merged[key].options)
    assert merge(merged, merged) == merged


def test_a_difference_is_also_there_as_plain_lists():
    found = diff(CURRENT, merge(CURRENT, parse_schema({"site": "varchar"})))
    assert found.as_dict() == {
        **{"added": ["site"], "extended": [], "retyped": [], "restored": [], "deleted": []},
        "unchanged": ["clip", "dead", "gone", "old", "score", "weather"],
    }


def test_a_schema_prints_one_line_per_key_and_knows_which_are_live():
    assert str(CURRENT).split("\n") == [
        "clip: embedding(512)",
        "dead: deleted for good",
        "gone: deleted, was number",
        "old: varchar",
        "score: number",
        "weather: enum(rain, sun)",
    ]
    assert list(CURRENT.live) == ["clip", "old", "score", "weather"]
