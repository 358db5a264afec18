"""The buttons of a task: what stands behind them while the task runs, while it is deferred, and when it has ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.get_provider_info import get_provider_info
from encord_provider.hooks.encord import EncordHook
from encord_provider.hooks.web_app import WebApp
from encord_provider.operators.attach_dataset import EncordAttachDatasetOperator
from encord_provider.operators.get_schema import EncordGetSchemaOperator
from encord_provider.operators.link_items import EncordLinkItemsOperator
from encord_provider.operators.patch_metadata import EncordPatchMetadataOperator
from tests.helpers.airflow_task import TaskRecord, in_dag
from tests.helpers.folders import images, new_dataset, new_folder, new_project, register
from tests.helpers.imports import ImportTask

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

FOLDER, JOBS = "_link_EncordFolderLink", "_link_EncordUploadJobsLink"


def _links(record: TaskRecord) -> dict[str, Any]:
    return {key: value for key, value in record.read()["xcoms"].items() if key.startswith("_link_")}


def _folder() -> str:
    return EncordHook().find_folder("lake/daily")


def test_folder_and_jobs_can_be_opened_while_the_task_is_deferred(
    encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    encord_emulator.inject_fault("job_stuck")
    task = ImportTask(encord_emulator, tmp_path, deferrable=True)
    task.run()
    assert task.record.state == "deferred"
    links = _links(task.record)
    assert links[FOLDER] == f"{encord_emulator.url}/#gallery/{_folder()}"
    address, _, jobs = links[JOBS].rpartition("/")
    assert address == f"{encord_emulator.url}/#jobs"
    assert set(jobs.split(",")) == {str(job.uuid) for job in task.jobs}


def test_the_links_survive_the_deferral_and_name_every_job_at_the_end(
    encord_emulator: EncordEmulator, tmp_path: Path
) -> None:
    task = ImportTask(encord_emulator, tmp_path, deferrable=True)
    assert task.finish() == "success"
    links = _links(task.record)
    assert links[FOLDER] == f"{encord_emulator.url}/#gallery/{_folder()}"
    assert links[JOBS] == f"{encord_emulator.url}/#jobs/{','.join(task.record.returned['job_ids'])}"


def test_a_task_that_failed_early_has_no_address(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    task = ImportTask(
        encord_emulator, tmp_path, deferrable=False, folder="no/such/folder", create_folder=False
    )
    assert task.finish() == "failed"
    links = _links(task.record)
    # The report says why.
    assert links.pop("_link_EncordReportLink")
    assert set(links.values()) <= {""}


def test_what_is_patched_can_be_opened(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    task = ImportTask(encord_emulator, tmp_path, deferrable=False)
    task.finish()
    record = TaskRecord(tmp_path / "patch.json", task_id="patch")
    operator = in_dag(
        lambda: EncordPatchMetadataOperator(
            task_id="patch",
            for_all={"site": "oslo"},
            folder="lake/daily",
            validate=False,
            workspace=tmp_path.as_uri(),
        )
    )
    record.run(operator)
    assert record.state == "success"
    assert _links(record)[FOLDER] == f"{encord_emulator.url}/#gallery/{_folder()}"


def test_datasets_and_projects_can_be_opened(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    register(new_folder("lake"), images("a.jpg"))
    dataset = new_dataset()
    project = new_project(dataset)
    page = f"{encord_emulator.url}/#curation/"
    record = TaskRecord(tmp_path / "link.json", task_id="link")
    record.run(
        in_dag(
            lambda: EncordLinkItemsOperator(
                task_id="link", dataset="trucks", folder="lake", workspace=tmp_path.as_uri()
            )
        )
    )
    links = _links(record)
    assert links["_link_EncordDatasetLink"] == f"{page}{dataset.dataset_hash}"
    assert links["_link_EncordReportLink"]
    record = TaskRecord(tmp_path / "attach.json", task_id="attach")
    record.run(
        in_dag(
            lambda: EncordAttachDatasetOperator(
                task_id="attach", dataset="trucks", project="labels", workspace=tmp_path.as_uri()
            )
        )
    )
    assert _links(record)["_link_EncordProjectLink"] == f"{page}{project.project_hash}"


def test_the_schema_can_be_opened(encord_emulator: EncordEmulator, tmp_path: Path) -> None:
    record = TaskRecord(tmp_path / "schema.json", task_id="schema")
    record.run(in_dag(lambda: EncordGetSchemaOperator(task_id="schema")))
    assert _links(record) == {"_link_EncordSchemaLink": f"{encord_emulator.url}/#schema"}


@pytest.mark.parametrize(
    ("domain", "dataset", "project"),
    [
        (
            "https://api.encord.com",
            "https://app.encord.com/datasets/view/d",
            "https://app.encord.com/projects/view/p/summary",
        ),
        (
            "https://api.us.encord.com",
            "https://app.us.encord.com/datasets/view/d",
            "https://app.us.encord.com/projects/view/p/summary",
        ),
    ],
)
def test_the_web_app_is_that_of_the_region(domain: str, dataset: str, project: str) -> None:
    app = WebApp.of_domain(domain)
    assert app is not None
    assert (app.dataset("d"), app.project("p")) == (dataset, project)


def test_the_address_of_a_folder_is_what_the_option_says(monkeypatch: pytest.MonkeyPatch) -> None:
    app = WebApp.of_domain("https://api.encord.com")
    assert app is not None
    assert app.folder("f") == app.upload_jobs("f", ["j"]) == "https://app.encord.com"
    monkeypatch.setenv("AIRFLOW__ENCORD__FOLDER_ADDRESS", "https://app.encord.com/here/{folder}?x=1")
    assert app.folder("f") == app.upload_jobs("f", ["j"]) == "https://app.encord.com/here/f?x=1"


def test_an_address_that_names_no_folder_is_not_used_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = WebApp.of_domain("https://api.encord.com")
    assert app is not None
    monkeypatch.setenv("AIRFLOW__ENCORD__FOLDER_ADDRESS", "https://app.encord.com/here/0a1b")
    assert app.folder("f") == app.folder("g") == "https://app.encord.com"
    (said,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    for named in ("[encord] folder_address", "https://app.encord.com/here/0a1b", "{folder}"):
        assert named in said


@pytest.mark.parametrize("domain", ["https://encord.example.com", "https://api.encord.com.example.com"])
def test_the_web_app_of_a_private_deployment_is_not_guessed(domain: str) -> None:
    assert WebApp.of_domain(domain) is None


def test_airflow_is_told_of_every_link() -> None:
    from airflow.sdk.module_loading import import_string

    from encord_provider import links

    told = {import_string(path) for path in get_provider_info()["extra-links"]}
    kinds = {one for one in vars(links).values() if isinstance(one, type) and one is not links.EncordLink}
    assert told == {one for one in kinds if issubclass(one, links.EncordLink)}


def test_the_hook_finds_the_emulator(encord_emulator: EncordEmulator) -> None:
    assert EncordHook().web_app == WebApp(root=encord_emulator.url, is_emulator=True)
