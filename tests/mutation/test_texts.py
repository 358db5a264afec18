"""Which mutants are left out, because only the wording of an error or of a log line differs."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.texts import changes_only_text

ORIGINAL = """
def check(rows, most):
    known = ", ".join(rows)
    log.info("read %d rows", len(rows))
    if len(rows) > most:
        raise TooManyError(f"too many, only {known}", status=4)
    return rows
"""


@pytest.mark.parametrize(
    ("old", "new", "only_text"),
    [
        ('"read %d rows"', '"READ"', True),
        ("len(rows))", "None)", True),
        ('f"too many, only {known}"', "None", True),
        ('", ".join(rows)', "None", True),
        ("> most", ">= most", False),
        ("status=4", "status=5", False),
        ("return rows", "return None", False),
        ("TooManyError", "OtherError", False),
    ],
)
def test_what_changes_only_text(old: str, new: str, only_text: bool) -> None:
    assert ORIGINAL.count(old) == 1
    original, mutant = (ast.parse(text).body[0] for text in (ORIGINAL, ORIGINAL.replace(old, new)))
    assert changes_only_text(original, mutant) == only_text


def test_a_text_that_is_also_used_elsewhere_is_no_mere_text() -> None:
    used = ORIGINAL.replace("return rows", "return known")
    original, mutant = (ast.parse(text).body[0] for text in (used, used.replace('", ".join(rows)', "None")))
    assert not changes_only_text(original, mutant)
