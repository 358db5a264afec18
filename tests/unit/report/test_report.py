"""The report of a run, as a person opens it: what the tasks of a run wrote, and what stands on the page."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from encord_provider.api.upload_job import JobState, UnitCounts, UploadJob
from encord_provider.jobs.receipts import Receipt
from encord_provider.operators.build_upload_spec import EncordBuildUploadSpecOperator
from encord_provider.operators.check_metadata import EncordCheckMetadataOperator
from encord_provider.operators.export_metadata import EncordExportMetadataOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from encord_provider.operators.read_upload_spec import EncordReadUploadSpecOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from encord_provider.report.page import page_of
from encord_provider.report.run_report import RunReport, read_sections
from encord_provider.report.section import MOST_ROWS, ReportTable, Section, SectionState, TaskReport
from encord_provider.report.tasks import import_report
from tests.helpers.airflow_task import DAG_ID, TaskRecord, in_dag
from tests.helpers.imports import ImportTask, url

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


class _Text(HTMLParser):
    """What a browser shows of a page, and the tags in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    def __contains__(self, text: str) -> bool:
        return text in " ".join(self.words)


def _report(workspace: Path, run_id: str) -> tuple[_Text, dict[str, Any]]:
    folder = workspace / DAG_ID / run_id / "~report"
    page = (folder / "report.html").read_text(encoding="utf-8")
    return _Text(page), json.loads((folder / "report.json").read_bytes())


def _section(**changes: Any) -> Section:
    fields = {
        "task": "load",
        "state": SectionState.SUCCESS,
        "try_number": 1,
        "started": "2026-05-01T00:00:00+00:00",
        "ended": "2026-05-01T00:00:01+00:00",
        "error": None,
        "report": None,
    }
    return Section(**{**fields, **changes})


def test_the_page_draws_when_how_much_was_registered() -> None:
    began = datetime(2026, 5, 1, tzinfo=UTC)
    progress = tuple(
        (began + timedelta(seconds=after), done) for after, done in ((0, 10), (30, 40), (100, 50))
    )
    report = TaskReport(title="Import", counts={}, progress=progress)
    page = page_of([_section(report=report)], dag_id="d", run_id="r")
    assert "50, 100 s from the first part to the last" in page
    assert "points='0.0,96.0 180.0,24.0 600.0,0.0'" in page
    at_once = TaskReport(title="Import", counts={}, progress=progress[:1] * 2)
    assert "<svg" not in page_of([_section(report=at_once)], dag_id="d", run_id="r")


def test_of_a_thousand_parts_not_each_one_is_drawn_but_the_last() -> None:
    units = UnitCounts(done=1)
    job = UploadJob(job_id="j", state=JobState.DONE, units=units)
    receipts = [
        Receipt(
            part=f"{number}",
            sha256="",
            job=job,
            ended_at=datetime(2026, 5, 1, 0, number // 60, number % 60, tzinfo=UTC),
        )
        for number in range(1_000)
    ]
    summary = {
        "units": {"total": 1_000, "done": 1_000, "failed": 0, "cancelled": 0, "pending": 0},
        **dict.fromkeys(("items_added", "failures", "receipts", "folder"), ""),
    }
    progress = import_report(summary, [], receipts).progress
    assert len(progress) == 200
    assert progress[-1] == (datetime(2026, 5, 1, 0, 16, 39, tzinfo=UTC), 1_000)


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_import_reports_its_counts_and_its_jobs(
    encord_emulator: EncordEmulator, tmp_path: Path, deferrable: bool
) -> None:
    task = ImportTask(encord_emulator, tmp_path, deferrable=deferrable)
    assert task.finish() == "success"
    page, whole = _report(tmp_path / "workspace", "task")
    (section,) = whole["tasks"]
    assert section["state"] == "success"
    assert section["report"]["counts"]["registered"] == 6
    assert all(job in page for job in task.record.returned["job_ids"])
    progress = section["report"]["progress"]
    assert len(progress) == len(task.record.returned["job_ids"])
    assert progress == sorted(progress)
    assert progress[-1][1] == 6
    left = task.record.read()["xcoms"]["encord_report"]
    assert ["registered", 6] in left["counts"]
    assert Path(left["report"].removeprefix("file://")).exists()


def test_a_failed_import_names_the_failed_objects_and_where_all_of_them_are(
    encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(3), message="no such <b>object</b>")
    task = ImportTask(encord_emulator, tmp_path, deferrable=False)
    assert task.finish() == "failed"
    page, whole = _report(tmp_path / "workspace", "task")
    (section,) = whole["tasks"]
    assert section["state"] == "failed"
    assert section["error"].startswith("UploadJobFailedError")
    assert (section["report"]["counts"]["registered"], section["report"]["counts"]["failed"]) == (5, 1)
    assert url(3) in page
    assert "failures.csv" in page
    assert task.record.read()["xcoms"]["encord_report"]["state"] == "failed"


def test_nothing_of_single_objects_is_left_in_airflows_database(
    encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("unit_error", url=url(3), message="refused")
    task = ImportTask(encord_emulator, tmp_path, deferrable=False)
    task.finish()
    assert url(3) not in json.dumps(task.record.read()["xcoms"])


def test_all_tasks_of_a_run_stand_on_one_page(
    encord: EncordEmulator, tmp_path: Path, put: Any, bucket: str
) -> None:
    put("site=oslo/one.jpg", "site=bergen/two.jpg", "notes.xyz")
    workspace = (tmp_path / "workspace").as_uri()
    operators = {
        "schema": lambda: EncordSetSchemaOperator(
            task_id="schema", schema={"site": "varchar"}, workspace=workspace
        ),
        "spec": lambda: EncordBuildUploadSpecOperator(
            task_id="spec",
            bucket=bucket,
            metadata={"key_pattern": r"site=(?P<site>[^/]+)/"},
            workspace=workspace,
        ),
    }
    for name, make in operators.items():
        record = TaskRecord(tmp_path / f"{name}.json", task_id=name)
        record.run(in_dag(make))
        assert record.state == "success", name
    page, whole = _report(tmp_path / "workspace", "manual__1")
    by_task = {one["task"]: one for one in whole["tasks"]}
    assert by_task["schema"]["report"]["counts"]["added"] == 1
    assert by_task["spec"]["report"]["counts"] == {
        "objects listed": 3,
        "image": 2,
        "objects left out": 1,
        "rows without an object": 0,
    }
    for text in ("notes.xyz", "site", "100%", "Metadata schema", "Upload spec"):
        assert text in page


def test_rows_that_were_not_patched_are_named(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    ImportTask(encord_emulator, tmp_path, deferrable=False).finish()
    record = TaskRecord(tmp_path / "patch.json", task_id="patch")
    rows = {url(0): {"site": "oslo"}, "https://bucket.s3.amazonaws.com/nowhere.jpg": {"site": "oslo"}}
    record.run(
        in_dag(
            lambda: EncordPatchMetadataOperator(
                task_id="patch",
                metadata=rows,
                folder="lake/daily",
                validate=False,
                workspace=(tmp_path / "workspace").as_uri(),
            )
        )
    )
    page, whole = _report(tmp_path / "workspace", "manual__1")
    (section,) = whole["tasks"]
    assert section["report"]["counts"]["unmatched"] == 1
    assert "nowhere.jpg" in page


def test_nothing_to_import_is_reported_as_skipped(
    encord: EncordEmulator, tmp_path: Path, bucket: str
) -> None:
    record = TaskRecord(tmp_path / "spec.json", task_id="spec")
    workspace = (tmp_path / "workspace").as_uri()
    record.run(
        in_dag(lambda: EncordBuildUploadSpecOperator(task_id="spec", bucket=bucket, workspace=workspace))
    )
    assert record.state == "skipped"
    page, whole = _report(tmp_path / "workspace", "manual__1")
    assert [one["state"] for one in whole["tasks"]] == ["skipped"]
    assert bucket in page


def test_a_report_that_cannot_be_written_fails_no_import(
    encord_emulator: EncordEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunReport, "add", full)
    task = ImportTask(encord_emulator, tmp_path, deferrable=False)
    assert task.finish() == "success"


def test_the_link_leads_to_the_plugin(
    encord_emulator: EncordEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")
    task = ImportTask(encord_emulator, tmp_path, deferrable=False)
    task.finish()
    address = urlsplit(task.record.read()["xcoms"]["_link_EncordReportLink"])
    assert address.path == "/team/encord/report"
    assert parse_qs(address.query) == {"dag_id": [DAG_ID], "run_id": ["task"]}


def test_the_page_needs_nothing_from_elsewhere_and_shows_every_text_as_text() -> None:
    evil = '"><script>alert(1)</script><img src="https://example.com/x">'
    table = ReportTable.of(evil, (evil,), [[evil]], file=evil)
    section = _section(
        task=evil,
        error=evil,
        report=TaskReport(title=evil, counts={evil: 1}, tables=(table,), files={evil: evil}),
    )
    html = page_of([section], dag_id=evil, run_id=evil)
    page = _Text(html)
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    outside = [(tag, name) for tag, given in page.tags for name in given if name in ("src", "href")]
    assert outside == []
    assert not re.search(r"@import|url\(", html)
    assert "Content-Security-Policy" in html


def test_the_first_thousand_rows_are_shown_and_all_are_counted() -> None:
    table = ReportTable.of("Failed", ("object",), ([number] for number in range(MOST_ROWS + 5)), file="f.csv")
    assert (len(table.rows), table.total) == (MOST_ROWS, MOST_ROWS + 5)
    page = _Text(
        page_of([_section(report=TaskReport(title="t", counts={}, tables=(table,)))], dag_id="d", run_id="r")
    )
    assert "1,000 of 1,005" in page
    assert "f.csv" in page


def test_a_section_of_a_later_attempt_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    report = RunReport(tmp_path.as_uri(), dag_id="d", run_id="r")
    report.add(_section(state=SectionState.FAILED, error="down"))
    report.add(_section(try_number=2))
    assert [one.state for one in read_sections(tmp_path.as_uri())] == [SectionState.SUCCESS]


@pytest.mark.parametrize("written", [b"{", b"[]", b'{"form": 99}', b'{"form": 1, "state": "odd"}'])
def test_a_section_of_another_form_is_left_out(tmp_path: Path, written: bytes) -> None:
    report = RunReport(tmp_path.as_uri(), dag_id="d", run_id="r")
    report.add(_section())
    (tmp_path / "~report" / "tasks" / "other.json").write_bytes(written)
    assert [one.task for one in read_sections(tmp_path.as_uri())] == ["load"]


def test_a_section_is_read_as_it_was_written() -> None:
    table = ReportTable.of("t", ("a", "b"), [[1, 2]])
    section = _section(report=TaskReport(title="t", counts={"n": 1}, tables=(table,), files={"f": "u"}))
    assert Section.from_json(json.loads(json.dumps(section.as_json()))) == section


class _Task:
    """A task of a run on Airflow's own runner."""

    def __init__(self, home: Path, operator: Any, *, state: str = "success") -> None:
        record = TaskRecord(home / f"{operator.task_id}.json", task_id=operator.task_id, run_id="run")
        record.run(operator)
        assert record.state == state
        self.page, whole = _report(home / "workspace", "run")
        (self.section,) = whole["tasks"]
        assert "encord_report" in record.read()["xcoms"]


def test_a_spec_that_was_read_is_reported(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    spec = tmp_path / "handmade.json"
    units = [{"objectUrl": url(0), "clientMetadata": {"site": "oslo"}}, {"objectUrl": url(1)}]
    spec.write_text(json.dumps({"images": units, "skip_duplicate_urls": True}))
    task = _Task(
        tmp_path,
        in_dag(
            lambda: EncordReadUploadSpecOperator(
                task_id="read_spec", spec=f"file://{spec}", workspace=f"file://{tmp_path}/workspace"
            )
        ),
    )
    assert task.section["report"]["counts"] == {"data units": 2, "image": 2}
    assert "50%" in task.page
    assert "index.json" in task.page


def test_a_spec_that_is_wrong_says_so_in_the_report(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    spec = tmp_path / "handmade.json"
    spec.write_text('{"pictures": []}')
    task = _Task(
        tmp_path,
        in_dag(
            lambda: EncordReadUploadSpecOperator(
                task_id="read_spec", spec=f"file://{spec}", workspace=f"file://{tmp_path}/workspace"
            )
        ),
        state="failed",
    )
    assert task.section["state"] == "failed"
    assert "pictures" in task.page


@pytest.mark.parametrize(("value", "state", "wrong"), [(0.5, "success", 0), ("<b>high</b>", "failed", 1)])
def test_a_check_reports_every_value_that_does_not_fit(
    encord_emulator: EncordEmulator, tmp_path: Path, value: Any, state: str, wrong: int
) -> None:
    workspace = f"file://{tmp_path}/workspace"
    declare = in_dag(
        lambda: EncordSetSchemaOperator(task_id="declare", schema={"score": "number"}, workspace=workspace)
    )
    TaskRecord(tmp_path / "declare.json", task_id="declare", run_id="other").run(declare)
    rows = [{"object_url": url(0), "score": value, "mood": "fine"}, {"object_url": url(1), "score": 1}]
    task = _Task(
        tmp_path,
        in_dag(lambda: EncordCheckMetadataOperator(task_id="check", metadata=rows, workspace=workspace)),
        state=state,
    )
    counts = {"rows": 2, "rows that do not fit": wrong, "keys": 2, "undeclared keys": 1}
    assert task.section["report"]["counts"] == counts
    assert "mood" in task.page
    assert ("<b>high</b>" in task.page) == bool(wrong)
    assert ("errors.txt" in task.page) == bool(wrong)


def test_an_export_reports_its_items(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    assert ImportTask(encord_emulator, tmp_path).finish() == "success"
    task = _Task(
        tmp_path,
        in_dag(
            lambda: EncordExportMetadataOperator(
                task_id="export", folder="lake/daily", workspace=f"file://{tmp_path}/workspace"
            )
        ),
    )
    assert task.section["report"]["counts"] == {"items": 6, "items that cannot be read": 0}
    assert "metadata.jsonl" in task.page
