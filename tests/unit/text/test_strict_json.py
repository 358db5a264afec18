import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_provider.text.strict_json import StrictJsonError, loads, places_of

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n "a": 1,\n "b": {"c": 1, "c": 2}\n}', "line 3, column 16: the key 'c' is given twice in b"),
        (
            '{"a": [{"x": 1},\n{"x": 1, "y": 2, "x": 3}]}',
            "line 2, column 18: the key 'x' is given twice in a[1]",
        ),
        ('{"a": [{}, {"b": 1}], "a": 1}', "line 1, column 23: the key 'a' is given twice"),
        ('{\n "a": 1,\n}', "line 2, column 8: trailing comma before '}'"),
        ('{"a": [1,\n 2,\n]}', "line 2, column 3: trailing comma before ']'"),
        ('{"a": NaN}', "line 1, column 7: NaN is not a JSON number"),
        ('{"a":\n -Infinity}', "line 2, column 2: -Infinity is not a JSON number"),
        ('{"a": ' + "9" * 5000 + "}", "line 1, column 7: a number with too many digits"),
        ("", "line 1, column 1: the document is empty"),
        ("{'a': 1}", "line 1, column 2: not valid JSON: expecting property name enclosed in double quotes"),
        ('{"a": 1', "not valid JSON: expecting ',' delimiter"),
        ('{"a": 1} x', "line 1, column 10: not valid JSON: extra data"),
        ('{"a": "\\ud800"}', "not valid Unicode"),
        ('{"a": "x\ny"}', "line 1, column 9: not valid JSON: invalid control character"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_would_be_lost_or_misread_is_an_error_with_its_place(text, message):
    with pytest.raises(StrictJsonError) as caught:
        loads(text)
    assert message in str(caught.value)


def test_bytes_that_are_no_utf8_are_named_by_place():
    with pytest.raises(StrictJsonError, match="line 2, column 4: byte 0xfc is not UTF-8"):
        loads(b'{\n "a\xfc": 1}')


@given(document=DOCUMENTS, indent=st.sampled_from([None, 0, 2]))
def test_any_json_is_read_as_the_standard_library_reads_it(document, indent):
    text = json.dumps(document, indent=indent)
    assert loads(text) == json.loads(text)


@given(document=DOCUMENTS)
def test_every_value_is_found_on_its_line(document):
    text = json.dumps(document, indent=1)
    lines = text.split("\n")

    def check(path, value):
        line = lines[found[path][0] - 1].strip()
        if path and isinstance(path[-1], str):
            assert line.startswith(json.dumps(path[-1]) + ":")
        elif not isinstance(value, dict | list):
            assert line.rstrip(",") == json.dumps(value)

    def paths(value, path=()):
        yield path, value
        members = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, member in members:
            yield from paths(member, (*path, key))

    everything = list(paths(document))
    found = places_of(text, [path for path, _ in everything])
    for path, value in everything:
        check(path, value)


def test_a_path_that_is_missing_is_placed_on_its_parent():
    assert places_of('{\n"a": [\n{"x": 1}\n]}', [("a", 0, "y", "z"), ("b",)]) == {
        ("a", 0, "y", "z"): (3, None),
        ("b",): (1, None),
    }


def test_a_text_that_only_looks_like_half_of_a_surrogate_pair_is_no_reason_to_refuse_a_large_number():
    assert loads(r'{"a": "\\uD8", "n": 1e400}') == {"a": r"\uD8", "n": float("inf")}
