"""The fenced blocks of the documentation pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
WRITTEN_ELSEWHERE = ("emulator.md", "reliability.md", "coverage.md")
"""Pages whose examples have tests of their own."""

RUN_BY_THEIR_OWN_TESTS = ("tutorial.md", "migrating.md", "recipes.md")
"""Pages whose blocks take a world of their own for granted; ask for them by name."""

_BLOCK = re.compile(r"^```(\w*)[ ]?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DAG_ID = re.compile(r'dag_id="(\w+)"')


@dataclass(frozen=True)
class Block:
    """One fenced block.

    :param page: the page, relative to the folder of the documentation.
    :param line: the line of the page on which it starts.
    :param language: what follows the fence.
    :param target: what follows the language: the URI of the file that the block stands for, or nothing.
    :param text: what is in it.
    """

    page: str
    line: int
    language: str
    target: str
    text: str

    @property
    def name(self) -> str:
        """Page and line, for the names of tests."""
        return f"{self.page}:{self.line}"

    @property
    def dag_id(self) -> str:
        """The DAG that a Python block defines."""
        found = _DAG_ID.search(self.text)
        assert found, f"{self.name} defines no DAG"
        return found.group(1)


def pages() -> list[Path]:
    """The pages, in order."""
    return sorted(path for path in DOCS.rglob("*.md") if path.name not in WRITTEN_ELSEWHERE)


def blocks(*languages: str, page: str | None = None) -> Iterator[Block]:
    """The blocks of these languages, of all without any.

    :param page: the one page whose blocks are meant; without it, all but those of :data:`RUN_BY_THEIR_OWN_TESTS`.
    """
    meant = [DOCS / page] if page else [one for one in pages() if one.name not in RUN_BY_THEIR_OWN_TESTS]
    for path in meant:
        text = path.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            if not languages or found.group(1) in languages:
                yield Block(
                    page=path.relative_to(DOCS).as_posix(),
                    line=text.count("\n", 0, found.start()) + 1,
                    language=found.group(1),
                    target=found.group(2).strip(),
                    text=found.group(3),
                )
