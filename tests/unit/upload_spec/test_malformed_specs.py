"""Every malformed upload spec in ``malformed_specs.txt`` gives exactly the error that stands below it."""

from pathlib import Path

import pytest

from encord_provider.exceptions import UploadSpecError
from encord_provider.upload_spec import parse_spec


def cases():
    text = Path(__file__).with_name("malformed_specs.txt").read_text(encoding="utf-8")
    for block in text.split("#### ")[1:]:
        name, _, rest = block.partition("\n")
        document, _, message = rest.partition("\n>>>>\n")
        yield pytest.param(document, message.strip("\n"), id=name)


@pytest.mark.parametrize(("document", "message"), cases())
def test_a_malformed_spec_gets_the_error_that_helps(document, message):
    with pytest.raises(UploadSpecError) as caught:
        parse_spec(document, source="spec.json")
    assert str(caught.value) == message


def test_there_are_more_than_200_of_them():
    assert len(list(cases())) > 200
