"""Every text on the troubleshooting page is one that the code says: a message that is reworded fails here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import airflow
import pytest

import encord_provider
from tests.helpers.pages import Block, blocks

PAGE = "troubleshooting.md"
PROVIDER = Path(encord_provider.__file__).parent
AIRFLOW = Path(airflow.__file__).parent
_GAP = "\0"
_PLACEHOLDER = re.compile(r"%(?:\.\d+)?[sdrf]")


def quoted() -> list[Block]:
    return [block for block in blocks("text") if block.page == PAGE]


def _text(node: ast.expr) -> str:
    """What a piece of code says, with a gap for each value in it."""
    match node:
        case ast.Constant(value=str(value)):
            return _PLACEHOLDER.sub(_GAP, value)
        case ast.JoinedStr(values=values):
            return "".join(str(one.value) if isinstance(one, ast.Constant) else _GAP for one in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left) + _text(right)
        case _:
            return _GAP


def _messages(folder: Path, leave_out: str = "") -> Iterator[str]:
    for file in folder.rglob("*.py"):
        if leave_out in file.relative_to(folder).parts:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documentation = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
        }  # no one is told what stands in a docstring
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp) and id(node) not in documentation:
                yield _text(node)


@cache
def said(by: str) -> str:
    if by.startswith("Airflow"):
        return "\n\n".join(
            [*_messages(AIRFLOW / "jobs"), *_messages(AIRFLOW / "api_fastapi" / "core_api" / "routes")]
        )
    return "\n\n".join(_messages(PROVIDER, leave_out="emulator"))


def is_said(text: str, by: str) -> bool:
    """Whether there is one message that has all fixed parts of a text, in their order, and values between them."""
    fixed = [part.strip() for part in text.strip().split("...")]
    # Between two parts of a quotation there is at least one value; other values may stand there, too.
    between = rf"[^{_GAP}]{{0,3}}{_GAP}(?:(?!\n\n).)*?"
    pattern = between.join(re.escape(part) for part in fixed if part)
    return re.search(pattern, said(by), re.DOTALL) is not None


@pytest.mark.parametrize("block", quoted(), ids=lambda block: block.name)
def test_the_message_is_one_of_the_code(block: Block) -> None:
    if block.target and block.target != f"Airflow {'.'.join(airflow.__version__.split('.')[:2])}":
        pytest.skip(f"a message of {block.target}")
    assert is_said(block.text, block.target or "encord_provider"), block.text


@pytest.mark.parametrize("block", quoted(), ids=lambda block: block.name)
def test_the_message_has_words_by_which_it_is_found(block: Block) -> None:
    parts = [part for part in block.text.strip().split("...") if part.strip()]
    assert sum(map(len, parts)) >= 12


def test_a_text_that_nothing_says_is_noticed() -> None:
    assert is_said("There are no objects in ...: nothing to import.", "encord_provider")
    assert not is_said("There are no files in ...: nothing to import.", "encord_provider")
    assert not is_said("There are no objects in the bucket: nothing to import.", "encord_provider")
    assert not is_said("There are no objects in ...: give a lone cloud integration.", "encord_provider")


def test_every_message_says_why_or_the_way_out() -> None:
    text = (Path(__file__).parents[2] / "docs" / PAGE).read_text(encoding="utf-8")
    entries = re.split(r"^```text[^\n]*\n.*?^```$", text, flags=re.MULTILINE | re.DOTALL)[1:]
    # Messages that have one answer stand above it together.
    answers = [entry.strip() for entry in entries if entry.strip()]
    assert [entry[:60] for entry in answers if not entry.startswith(("**Why:**", "**Way out:**"))] == []
    assert answers[-1] == entries[-1].strip()
