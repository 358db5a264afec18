import pytest

from encord_provider.exceptions import KeyPatternError
from encord_provider.upload_spec import KeyPattern


def test_named_groups_become_metadata():
    pattern = KeyPattern.compile(r"site=(?P<site>[^/]+)/dt=(?P<date>[0-9-]+)/")
    assert pattern.metadata("raw/site=oslo/dt=2026-01-02/a.jpg") == {"site": "oslo", "date": "2026-01-02"}
    assert pattern.names == ("site", "date")


def test_a_key_that_does_not_match_gives_nothing():
    assert KeyPattern.compile("site=(?P<site>[^/]+)").metadata("other/a.jpg") == {}


def test_groups_that_took_no_part_are_left_out():
    pattern = KeyPattern.compile(r"(?P<site>[a-z]+)/(?:cam(?P<camera>[0-9]+)/)?")
    assert pattern.metadata("oslo/x.jpg") == {"site": "oslo"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site=(?P<site>[^/", r"is not a valid regular expression: .*\(character 15"),
        ("(?P<a>x)(?P<a>y)", "redefinition of group name 'a'"),
        ("site=([^/]+)", "has no named group; write one as"),
        ("", "has no named group"),
        ("x(?P<keyframes>[0-9]+)", "character 2: group 'keyframes' is reserved by Encord"),
        ("(?P<_>[0-9]+)", "group '_' is not a metadata key"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused_with_its_place(text, message):
    with pytest.raises(KeyPatternError, match=message):
        KeyPattern.compile(text)


@pytest.mark.parametrize(
    "text",
    [
        "(?P<x>(a+)+)$",
        "(?P<x>([a-z]+)*)_",
        "(?P<x>(.*)+)b",
        "(?P<x>([0-9]+[.]?)+)x",
        "(?P<x>(a?){30}a)",
        r"(?P<x>(\w+\s*)+):",
        "(?P<x>(ab|a|b)+)$",
        "(?P<x>(a*a*/)+)$",
        "(?P<x>((a+|aa)/)+)$",
        "(?P<x>((?:a|aa){2}/)+)$",
    ],
)
def test_a_pattern_that_might_take_for_ever_is_refused(text):
    with pytest.raises(KeyPatternError, match="might take for ever"):
        KeyPattern.compile(text)


@pytest.mark.parametrize(
    "text",
    [
        "site=(?P<site>[^/]+)/dt=(?P<date>[0-9-]+)/",
        "(?:[^/]+/)*(?P<x>[^/]+)$",
        "(?P<x>[^/]+(?:/[^/]+)*)/",
        "(?P<x>([a-z]+_)+)",
        "(?P<x>(a|b)*)",
        "(?P<x>(ab|cd)+)",
        "(?P<x>.*)/(?P<y>.*)_[0-9]+",
        "(?P<x>([0-9]{2}-)+)",
        "(?i)(?P<x>.+)[.]jpe?g$",
        "(?P<x>(?:a(?:b+)c)+)",
    ],
)
def test_a_pattern_that_divides_a_key_in_one_way_is_taken(text):
    assert KeyPattern.compile(text).text == text
