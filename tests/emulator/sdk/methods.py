"""The table of SDK methods in ``docs/emulator.md``, made from the markers of the tests.

``python -m tests.emulator.sdk.methods`` writes it; a test checks that it is up to date and complete.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "emulator.md"
BEGIN = "<!-- methods: begin, written by python -m tests.emulator.sdk.methods -->"
END = "<!-- methods: end -->"
EVIDENCE = ("documented", "inferred", "unknown")


@dataclass(frozen=True, order=True)
class Method:
    """One method of the SDK as a test describes it.

    :param name: ``Class.method``.
    :param evidence: how well Encord's own behaviour is known: ``documented`` by Encord or plain in the SDK's code,
        ``inferred`` from either, or ``unknown``.
    :param works: whether it works against the emulator; else it is refused with a message.
    :param note: what a user should know.
    """

    name: str
    evidence: str
    works: bool = True
    note: str = ""


def methods_of(item: pytest.Item) -> list[Method]:
    """The methods that a test stands for."""
    found = []
    for marker in item.iter_markers("sdk_method"):
        evidence = marker.kwargs.get("evidence")
        if evidence not in EVIDENCE:
            raise pytest.UsageError(f"{item.nodeid}: evidence must be one of {EVIDENCE}, not {evidence!r}")
        works, note = marker.kwargs.get("works", True), marker.kwargs.get("note", "")
        found += [Method(name, evidence, works, note) for name in marker.args]
    return found


class Collector:
    """A pytest plugin that keeps the methods of all collected tests."""

    def __init__(self) -> None:
        self.methods: set[Method] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self.methods.update(methods_of(item))


def collect() -> set[Method]:
    """The methods of all tests in this folder."""
    collector = Collector()
    status = pytest.main(
        ["--collect-only", "-q", "-q", "--no-header", str(Path(__file__).parent)], plugins=[collector]
    )
    if status != pytest.ExitCode.OK:
        raise RuntimeError(f"collecting the tests ended with {status!r}")
    return collector.methods


def public_methods(kind: type[Any]) -> set[str]:
    """``Class.method`` for every public method that a class defines itself, without properties."""
    return {
        f"{kind.__name__}.{name}"
        for name, member in vars(kind).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, staticmethod | classmethod))
    }


def table(methods: set[Method]) -> str:
    """The table in Markdown."""
    lines = ["| Method | Works | Evidence | Note |", "|---|---|---|---|"]
    for method in sorted(methods):
        works = "yes" if method.works else "no"
        lines.append(f"| `{method.name}` | {works} | {method.evidence} | {method.note} |")
    return "\n".join(lines)


def written_table() -> str:
    """The table that the page holds now."""
    text = PAGE.read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def write(methods: set[Method]) -> None:
    """Put the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(methods)}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write(collect())
