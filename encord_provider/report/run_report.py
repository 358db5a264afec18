"""The report of a run in the workspace: a section that each task writes, and the page and the JSON made of them."""

from __future__ import annotations

import orjson

from encord_provider.report.page import page_of
from encord_provider.report.section import Section
from encord_provider.workspace.files import child, path_of, safe_name, write_whole

_FOLDER = "~report"
"""No task has a folder of this name, see :func:`~encord_provider.workspace.files.safe_name`."""
_ATTEMPTS = 5


def read_sections(folder: str) -> list[Section]:
    """Read the sections of a run's report, in the order of their names; what is of another form is left out.

    :param folder: the URI of the run's folder.
    """
    tasks = path_of(child(folder, _FOLDER, "tasks"))
    if not tasks.exists():
        return []
    names = sorted(path.name for path in tasks.iterdir())
    sections: list[Section] = []
    for name in names:
        if name.endswith(".json") and not name.startswith("."):
            try:
                section = Section.from_json(orjson.loads((tasks / name).read_bytes()))
            except ValueError:
                continue
            if section is not None:
                sections.append(section)
    return sections


class RunReport:
    """The report of one run of a DAG.

    Tasks of a run end at the same time: each writes a file of its own, and then the page of all that are there, until
    what it has drawn is what is there.

    :param run_folder: the URI of the run's folder in the workspace.
    :param dag_id: the DAG.
    :param run_id: its run.
    """

    def __init__(self, run_folder: str, *, dag_id: str, run_id: str) -> None:
        self._run_folder = run_folder
        self.folder = child(run_folder, _FOLDER)
        self.uri = child(self.folder, "report.html")
        self._dag_id, self._run_id = dag_id, run_id

    def add(self, section: Section) -> None:
        """Write a section, in place of one of an earlier attempt, and the page with it.

        :param section: the section.
        """
        mine = child(self.folder, "tasks", f"{safe_name(section.task)}.json")
        write_whole(mine, orjson.dumps(section.as_json()))
        drawn: list[Section] = []
        for _ in range(_ATTEMPTS):
            there = read_sections(self._run_folder)
            if there == drawn:
                return
            drawn = there
            self._write(there)

    def _write(self, sections: list[Section]) -> None:
        page = page_of(sections, dag_id=self._dag_id, run_id=self._run_id)
        whole = {
            "dag_id": self._dag_id,
            "run_id": self._run_id,
            "tasks": [one.as_json() for one in sections],
        }
        write_whole(self.uri, page.encode())
        write_whole(child(self.folder, "report.json"), orjson.dumps(whole, option=orjson.OPT_INDENT_2))
