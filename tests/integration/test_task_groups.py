"""The task groups in the DAGs of others: mapped, nested, twice, told by other tasks, with default arguments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.hooks.encord import EncordHook
from tests.helpers.dags import run

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

HEAD = """
import pendulum
from airflow.sdk import DAG, TaskGroup, task, task_group
from encord_provider.pipelines import import_from_s3, sync_metadata, import_dropped_specs

with DAG(dag_id="groups", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
"""
FIXED = 'bucket="{bucket}", integration="AWS S3", deferrable=False'


@pytest.fixture
def sites(s3: Any, bucket: str) -> str:
    """One image for each of two sites, and a table with their weather."""
    for site in ("oslo", "bergen"):
        s3.put_object(Bucket=bucket, Key=f"site={site}/{site}.jpg", Body=b"x")
    rows = [f"site={site}/{site}.jpg,sun" for site in ("oslo", "bergen")]
    s3.put_object(Bucket=bucket, Key="labels.csv", Body="\n".join(["key,weather", *rows, ""]).encode())
    return bucket


@pytest.fixture
def groups(serve: Any, sites: str) -> Any:
    """A DAG whose body is given."""

    def served(body: str, *, arguments: str = "") -> Any:
        head = HEAD.replace("2026, 1, 1)", f"2026, 1, 1){arguments}")
        lines = [f"    {line}" for line in body.replace("FIXED", FIXED).format(bucket=sites).splitlines()]
        return serve("groups", head + "\n".join(lines))

    return served


def items(folder: str) -> dict[str, Any]:
    hook = EncordHook()
    found = hook.client.get_storage_folder(hook.find_folder(folder))
    listed = found.list_items(include_client_metadata=True)
    return {item.name.rpartition("/")[2]: item.client_metadata or {} for item in listed}


METADATA = 'metadata={{"table": "s3://{bucket}/labels.csv"}}'


def test_mapped_over_sites_each_patches_its_own_folder(encord: EncordEmulator, groups: Any) -> None:
    dag = groups(
        f"""
@task_group
def site(name):
    @task(multiple_outputs=True)
    def place(name):
        return {{{{"prefix": f"site={{{{name}}}}/", "folder": f"lake/{{{{name}}}}"}}}}
    told = place(name)
    import_from_s3(prefix=told["prefix"], folder=told["folder"], {METADATA}, FIXED)
site.expand(name=["oslo", "bergen"])
"""
    )
    state, states, _ = run(dag, logical_date=None)
    assert (state, set(states.values())) == ("success", {"success"}), states
    assert items("lake/oslo") == {"oslo.jpg": {"weather": "sun"}}
    assert items("lake/bergen") == {"bergen.jpg": {"weather": "sun"}}


def test_nested_and_twice(encord: EncordEmulator, groups: Any) -> None:
    dag = groups(
        """
with TaskGroup("outer"):
    for name in ("oslo", "bergen"):
        import_from_s3(prefix=f"site={{name}}/", folder=f"lake/{{name}}", group_id=name, FIXED)
"""
    )
    state, states, _ = run(dag, logical_date=None)
    assert (state, set(states.values())) == ("success", {"success"}), states
    assert (list(items("lake/oslo")), list(items("lake/bergen"))) == (["oslo.jpg"], ["bergen.jpg"])


TOLD = """
@task(multiple_outputs=True)
def told():
    return {{"bucket": "{bucket}", "prefix": "site=*/", "source": {{"kind": "bucket", "bucket": "{bucket}"}},
            "uri": "s3://{bucket}/urls.csv", "folder": "lake", "integration": "AWS S3", "allowed": 1,
            "schema": {{"weather": "varchar"}}, "table": "s3://{bucket}/labels.csv", "include": ["*.jpg"],
            "conn": "encord_default", "aws": "aws_default", "key": "file_key", "style": "virtual-hosted",
            "count": "1"}}
of = told()
"""


def upstream_of(dag: Any, label: str) -> set[str]:
    (found,) = [one for one in dag.tasks if one.task_id.endswith(f".{label}")]
    return {name.rpartition(".")[2] for name in found.upstream_task_ids}


def test_everything_may_come_from_another_task(encord: EncordEmulator, groups: Any) -> None:
    dag = groups(
        TOLD
        + """
import_from_s3(
    source={{"kind": "bucket", "bucket": of["bucket"], "prefix": of["prefix"]}}, folder=of["folder"],
    integration=of["integration"], schema=of["schema"], filters={{"include": of["include"]}},
    metadata={{"table": of["table"]}}, max_failed_units=of["allowed"], encord_conn_id=of["conn"],
    aws_conn_id=of["aws"], deferrable=False,
)
"""
    )
    for label in ("set_schema", "build_spec", "import_data", "patch_metadata"):
        assert "told" in upstream_of(dag, label), label
    state, states, _ = run(dag, logical_date=None)
    assert (state, set(states.values())) == ("success", {"success"}), states
    assert items("lake") == {"oslo.jpg": {"weather": "sun"}, "bergen.jpg": {"weather": "sun"}}


@pytest.mark.parametrize(
    "source",
    [
        'of["source"]',
        'S3Bucket(bucket=of["bucket"], prefix=of["prefix"])',
        '{{"kind": "table", "uri": of["uri"]}}',
        'ObjectUrlTable(uri=of["uri"])',
        'S3Inventory(manifest=of["uri"])',
        'ObjectStorageFolder(uri=of["uri"])',
    ],
)
def test_a_source_that_another_task_gives_waits_for_it(groups: Any, source: str) -> None:
    imports = "from encord_provider.sources import *\nfrom encord_provider.sources import S3Bucket\n"
    dag = groups(TOLD + imports + f'import_from_s3(source={source}, folder="lake")')
    assert upstream_of(dag, "build_spec") == {"told"}


def test_a_number_that_is_none_fails_before_anything_is_sent(encord: EncordEmulator, groups: Any) -> None:
    dag = groups(
        TOLD + 'import_from_s3(prefix="site=*/", folder="lake", max_failed_units=of["table"], FIXED)'
    )
    state, states, _ = run(dag, logical_date=None)
    assert (state, states["import_from_s3.import_data"]) == ("failed", "failed")
    assert "start_upload_job" not in [entry["route"] for entry in encord.requests()]


def test_the_number_of_failed_units_may_come_from_another_task(
    encord: EncordEmulator, groups: Any, s3: Any, sites: str
) -> None:
    s3.put_object(
        Bucket=sites,
        Key="urls.csv",
        Body=f"object_url\nhttps://{sites}.s3.eu-west-1.amazonaws.com/none.jpg\n".encode(),
    )
    body = TOLD + (
        'import_from_s3(source={{"kind": "table", "uri": of["uri"]}}, folder="lake", integration="AWS S3",'
        ' max_failed_units=of["ALLOWED"], deferrable=False)'
    )
    assert run(groups(body.replace("ALLOWED", "count")), logical_date=None)[0] == "success"


def test_default_arguments_reach_the_tasks_unless_given(groups: Any, encord: EncordEmulator) -> None:
    arguments = (
        ', default_args={"encord_conn_id": "encord_lab", "aws_conn_id": "aws_lab", "workspace": "/srv/lab", '
        '"retries": 7}'
    )
    body = """
import_from_s3(bucket="lake", folder="lake", schema={{"a": "varchar"}})
sync_metadata(table="s3://lake/t.csv", folder="lake", schema={{"a": "varchar"}})
import_dropped_specs(bucket="lake", folder="lake")
import_from_s3(bucket="lake", folder="lake", encord_conn_id="encord_eu", aws_conn_id=None, group_id="given")
"""
    dag = groups(body, arguments=arguments)
    for one in dag.tasks:
        given = one.task_id.startswith("given.")
        assert one.retries == 7
        if hasattr(one, "op_kwargs"):
            continue
        assert getattr(one, "encord_conn_id", None) == ("encord_eu" if given else "encord_lab"), one.task_id
        if hasattr(one, "workspace"):
            assert one.workspace == "/srv/lab"
        if one.task_id.endswith("build_spec"):
            assert one.aws_conn_id == (None if given else "aws_lab")


def test_the_drop_folder_is_read_with_the_default_arguments_too(
    groups: Any, encord: EncordEmulator, s3: Any, sites: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    for name in ("ENCORD", "AWS"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}_LAB", os.environ[f"AIRFLOW_CONN_{name}_DEFAULT"])
        monkeypatch.delenv(f"AIRFLOW_CONN_{name}_DEFAULT")
    spec = {"images": [{"objectUrl": f"https://{sites}.s3.eu-west-1.amazonaws.com/site=oslo/oslo.jpg"}]}
    s3.put_object(Bucket=sites, Key="inbox/a.json", Body=json.dumps(spec).encode())
    dag = groups(
        'import_dropped_specs(prefix="inbox/", folder="lake", FIXED)',
        arguments=', default_args={"encord_conn_id": "encord_lab", "aws_conn_id": "aws_lab"}',
    )
    state, states, _ = run(dag, logical_date=None)
    assert (state, set(states.values())) == ("success", {"success"}), states


def test_tasks_are_tried_again_unless_the_dag_says_otherwise(groups: Any) -> None:
    body = """
import_from_s3(bucket="lake", folder="lake", schema={{"a": "varchar"}})
sync_metadata(table="s3://lake/t.csv", folder="lake")
import_dropped_specs(bucket="lake", folder="lake")
"""
    assert {one.retries for one in groups(body).tasks} == {2}
    assert {one.retries for one in groups(body, arguments=', default_args={"retries": 0}').tasks} == {0}
