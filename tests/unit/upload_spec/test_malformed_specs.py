"""Every malformed upload spec in ``malformed_specs.txt`` gives the errors that are listed below it.

Each line is the exact place of an error, then what the message must name, in this order, between dots. Where the
column is a star, versions of orjson differ in it.
"""

import re
from pathlib import Path

import pytest

from encord_provider.exceptions import UploadSpecError
from encord_provider.upload_spec import parse_spec


def cases():
    text = Path(__file__).with_name("malformed_specs.txt").read_text(encoding="utf-8")
    for block in text.split("#### ")[1:]:
        name, _, rest = block.partition("\n")
        document, _, errors = rest.partition("\n>>>>\n")
        yield pytest.param(document, errors.strip("\n").split("\n"), id=name)


@pytest.mark.parametrize(("document", "errors"), cases())
def test_a_malformed_spec_gets_the_error_that_helps(document, errors):
    with pytest.raises(UploadSpecError) as caught:
        parse_spec(document, source="spec.json")
    messages = str(caught.value).split("\n")
    assert len(messages) == len(errors)
    for message, error in zip(messages, errors, strict=True):
        place, _, named = error.partition(": ")
        begins = re.match(re.escape(f"{place}: ").replace(r"\*", "[0-9]+"), message)
        assert begins, message
        rest = message[begins.end() :]
        for one in named.split(" ... "):
            assert one in rest, message
            rest = rest.partition(one)[2]


def test_there_are_more_than_200_of_them():
    assert len(list(cases())) > 200
