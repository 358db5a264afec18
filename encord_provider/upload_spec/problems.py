"""What is wrong with an upload spec, and where."""

from __future__ import annotations

from dataclasses import dataclass

from encord_provider.exceptions import UploadSpecError
from encord_provider.text.strict_json import JsonPath, shown_path

_MAX_SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """Something in an upload spec that must be mended.

    :param path: where it is in what was checked: in a document array, position and field, in a data unit the
        field of its item.
    :param message: what is wrong and what would be right.
    :param line: the line, from 1; None when the spec was no text.
    :param column: the column, from 1; None when the line says enough.
    """

    path: JsonPath
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = [] if self.line is None else [f"line {self.line}"]
        if self.column is not None:
            place.append(f"column {self.column}")
        if self.path:
            place.append(shown_path(self.path))
        return f"{', '.join(place)}: {self.message}" if place else self.message


def raise_problems(problems: list[Problem], source: str) -> None:
    """Raise what was found in an upload spec, if anything.

    :param problems: the findings.
    :param source: the name of the document.
    :raises UploadSpecError: when there are any; with the first 20 of them.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise UploadSpecError(f"{source}, {problems[0]}" if problems[0].line else f"{source}: {problems[0]}")
    lines = [str(problem) for problem in problems[:_MAX_SHOWN]]
    if len(problems) > _MAX_SHOWN:
        lines.append(f"... and {len(problems) - _MAX_SHOWN} more")
    raise UploadSpecError(f"{source}: {len(problems)} errors\n" + "\n".join(lines))
