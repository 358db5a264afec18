"""The pages agree with the code: fields, parameters, defaults, return values and links."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from typing import Any

import pytest

from encord_provider.get_provider_info import get_provider_info
from tests.helpers.dags import read_dags
from tests.helpers.pages import DOCS, blocks, pages

CLASSES = {
    "operators/set_schema.md": "encord_provider.operators.set_schema.EncordSetSchemaOperator",
    "operators/build_upload_spec.md": "encord_provider.operators.build_upload_spec.EncordBuildUploadSpecOperator",
    "operators/import_data.md": "encord_provider.operators.import_data.EncordImportDataOperator",
    "operators/patch_metadata.md": "encord_provider.operators.patch_metadata.EncordPatchMetadataOperator",
    "operators/read_upload_spec.md": "encord_provider.operators.read_upload_spec.EncordReadUploadSpecOperator",
    "operators/check_metadata.md": "encord_provider.operators.check_metadata.EncordCheckMetadataOperator",
    "operators/export_metadata.md": "encord_provider.operators.export_metadata.EncordExportMetadataOperator",
    "operators/get_schema.md": "encord_provider.operators.get_schema.EncordGetSchemaOperator",
    "operators/create_dataset.md": "encord_provider.operators.create_dataset.EncordCreateDatasetOperator",
    "operators/link_items.md": "encord_provider.operators.link_items.EncordLinkItemsOperator",
    "operators/unlink_items.md": "encord_provider.operators.unlink_items.EncordUnlinkItemsOperator",
    "operators/attach_dataset.md": "encord_provider.operators.attach_dataset.EncordAttachDatasetOperator",
    "operators/export_data_rows.md": "encord_provider.operators.export_data_rows.EncordExportDataRowsOperator",
    "operators/sync_folder.md": "encord_provider.operators.sync_folder.EncordSyncFolderOperator",
    "sensors/cloud_sync.md": "encord_provider.sensors.cloud_sync.EncordCloudSyncSensor",
    "sensors/upload_job.md": "encord_provider.sensors.upload_job.EncordUploadJobSensor",
}
_RUN_BY_TESTS = {"python", "json", "ini", "bash", "csv", "yaml", "text"}


def class_of(page: str) -> Any:
    module, _, name = CLASSES[page].rpartition(".")
    return getattr(importlib.import_module(module), name)


def table_under(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading of a page, without its head."""
    text = (DOCS / page).read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1]
    rows = re.findall(r"^\|(.*)\|$", section.split("\n## ", 1)[0], re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]


def test_every_block_has_a_language_whose_blocks_are_run() -> None:
    assert {block.name: block.language for block in blocks() if block.language not in _RUN_BY_TESTS} == {}


def test_every_table_and_schema_on_a_page_is_a_file_that_its_dags_read() -> None:
    for block in blocks("csv", "yaml"):
        readers = [one for one in blocks("python") if one.page == block.page and block.target in one.text]
        assert readers, f"{block.name}: no DAG on the page reads {block.target!r}"


@pytest.mark.parametrize("page", CLASSES)
def test_the_parameters_of_a_page_are_those_of_its_class(page: str) -> None:
    signature = {
        name: parameter
        for one in reversed(class_of(page).__mro__)
        if one.__module__.startswith("encord_provider.")
        for name, parameter in inspect.signature(one.__init__).parameters.items()
    }
    shown = {}
    for names, default, _ in table_under(page, "Parameters"):
        for name in re.findall(r"`(\w+)`", names):
            shown[name] = default
    ours = {name for name in signature if name not in ("self", "kwargs")}
    assert set(shown) == ours
    for name, default in shown.items():
        if re.fullmatch(r"`(\"[^`]*\"|True|False|[0-9]+)`", default):
            actual = signature[name].default
            assert default == f"`{actual}`".replace("'", '"') or default == f'`"{actual}"`', name


@pytest.mark.parametrize("page", CLASSES)
def test_a_page_says_templated_where_the_class_does(page: str) -> None:
    fields = set(class_of(page).template_fields)
    for names, _, meaning in table_under(page, "Parameters"):
        for name in set(re.findall(r"`(\w+)`", names)):
            assert ("Templated." in meaning) == (name in fields), name


def test_the_connection_page_shows_every_field_of_the_form() -> None:
    (connection,) = get_provider_info()["connection-types"]
    labels = {name: field["label"] for name, field in connection["conn-fields"].items()}
    rows = table_under("connection.md", "Fields")
    shown = {re.sub(r"`(\w+)` in extra", r"\1", name): label for label, name, _ in rows}
    assert shown.pop("the password field") == connection["ui-field-behaviour"]["relabeling"]["password"]
    assert shown == labels


def test_the_page_of_the_bundled_dag_shows_every_parameter() -> None:
    dag = read_dags(DOCS.parent / "dags")["encord_s3_import"]
    shown = [
        name
        for names, _ in table_under("dags/encord_s3_import.md", "Parameters")
        for name in re.findall(r"`(\w+)`", names)
    ]
    assert sorted(shown) == sorted(dag.params)
    drawn = (DOCS / "dags/encord_s3_import.md").read_text().split("\n\n")[2].strip().split(" -> ")
    order = [task.label for task in dag.topological_sort()] if hasattr(dag, "topological_sort") else []
    assert drawn == ["set_schema", "build_spec", "import_data", "patch_metadata"]
    assert not order or sorted(order) == sorted(drawn)


@pytest.mark.parametrize("dag_id", ["encord_metadata_sync", "encord_spec_import", "encord_s3_to_project"])
def test_the_pages_of_the_other_bundled_dags_show_every_parameter(dag_id: str) -> None:
    dag = read_dags(DOCS.parent / "dags")[dag_id]
    rows = table_under(f"dags/{dag_id}.md", "Parameters")
    shown = [name for names, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(shown) == sorted(dag.params)
    drawn = (DOCS / f"dags/{dag_id}.md").read_text().split("\n\n")[2].strip().replace("for each spec: ", "")
    assert sorted(drawn.split(" -> ")) == sorted(task.label for task in dag.tasks)


def test_the_pipelines_page_names_every_parameter_of_the_task_group() -> None:
    from encord_provider.pipelines import import_from_s3

    text = (DOCS / "pipelines.md").read_text(encoding="utf-8")
    missing = [name for name in inspect.signature(import_from_s3).parameters if f"`{name}`" not in text]
    assert missing == []


def test_the_pipelines_page_names_every_parameter_of_the_group_behind_an_import() -> None:
    from encord_provider.pipelines import to_dataset

    rows = table_under("pipelines.md", "From an import to a project")
    shown = [name for names, _, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted([*shown, "group_id"]) == sorted(inspect.signature(to_dataset).parameters)


def test_the_page_of_the_build_operator_shows_every_field_of_every_group() -> None:
    from encord_provider import options

    shown: dict[str, dict[str, str]] = {}
    last = ""
    for group, names, default, _ in table_under("operators/build_upload_spec.md", "Options in groups"):
        last = group.strip("`") or last
        shown.setdefault(last, {}).update(dict.fromkeys(re.findall(r"`(\w+)`", names), default))
    groups = {
        name: one
        for name, one in vars(options).items()
        if isinstance(one, type)
        and issubclass(one, options.Options)
        and one not in (options.Options, options.Embeddings, options.ItemSelection)
    }
    assert set(shown) == set(groups)
    for name, group in groups.items():
        assert list(shown[name]) == list(group.template_fields)
        for field in dataclasses.fields(group):
            if (default := shown[name][field.name]).startswith("`"):
                assert default.strip("`").strip('"') == str(field.default)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_lead_somewhere(page: Any) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.is_file(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, link


def test_the_index_leads_to_every_page() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([^)#]+)\)", text))
    assert {page.relative_to(DOCS).as_posix() for page in pages()} - {"index.md"} <= linked
