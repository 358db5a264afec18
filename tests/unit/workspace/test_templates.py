"""What a template makes of a value is turned back into the value."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace.templates import value_of

VALUES: list[tuple[Any, type]] = [
    ({"a": [1, None], "it's": {"b": True}}, dict),
    ({}, dict),
    (["x", 'y"'], list),
    ([], list),
    (5, int),
    (-1, int),
    (0.5, float),
    (3, float),
    (True, bool),
    (False, bool),
]


@pytest.mark.parametrize("template", ["{{ value }}", "{{ value | tojson }}", "  {{ value }}\n"])
@pytest.mark.parametrize(("value", "kind"), VALUES, ids=repr)
def test_a_rendered_value_is_the_value_again(template: str, value: Any, kind: type) -> None:
    text = jinja2.Environment(autoescape=False).from_string(template).render(value=value)
    assert isinstance(text, str)
    found = value_of(text, kind, parameter="p")
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("template", ["{{ none }}", "{{ none | tojson }}", "", "  "])
@pytest.mark.parametrize("kind", [dict, list, int, float, bool, str])
def test_none_is_none_whatever_was_wanted(template: str, kind: type) -> None:
    text = jinja2.Environment(autoescape=False).from_string(template).render()
    assert value_of(text, kind, parameter="p") is None


@pytest.mark.parametrize(
    ("value", "kind"), [*VALUES, (None, int), (("a", "b"), list), ("a text", str)], ids=repr
)
def test_a_value_that_no_template_touched_stays_as_it_is(value: Any, kind: type) -> None:
    assert value_of(value, kind, parameter="p") is value


@pytest.mark.parametrize(
    "text", ["s3://lake/a.csv", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "5", "True", " a "]
)
def test_a_text_where_a_text_may_be_stays_as_it_is(text: str) -> None:
    assert value_of(text, dict, list, str, parameter="p") == text


def test_a_text_that_holds_a_mapping_stays_a_text_where_only_a_text_may_be() -> None:
    assert value_of('{"a": 1}', str, parameter="p") == '{"a": 1}'


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        ('{"a": 1', (dict, str)),
        ("{'a': open('/etc/passwd')}", (dict,)),
        ("[1, 2", (list, str)),
        ('["a"]', (dict, str)),
        ("many", (int,)),
        ("1.5", (int,)),
        ("True", (int,)),
        (True, (int, float)),
        ("1", (bool,)),
        (5, (str,)),
        ([], (dict,)),
        (b"bytes", (dict, list, str)),
        ("[" * 100_000, (list,)),
    ],
    ids=lambda one: repr(one)[:40],
)
def test_anything_else_is_an_error_that_names_the_parameter(given: Any, kinds: tuple[type, ...]) -> None:
    with pytest.raises(EncordInputError, match=r"filters\.min_size must be ") as caught:
        value_of(given, *kinds, parameter="filters.min_size")
    assert len(str(caught.value)) < 500


def test_the_error_of_a_broken_mapping_says_the_way_out() -> None:
    with pytest.raises(EncordInputError, match=r"spec must be a mapping or a text.*task\.output.*tojson"):
        value_of("{<Undefined>}", dict, str, parameter="spec")
