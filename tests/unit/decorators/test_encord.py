"""``@task.encord`` in a DAG file, run by Airflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import EncordInputError

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

Serve = Callable[[str, str], Any]

FILE = """
from airflow.sdk import dag, task

@dag(dag_id="{dag_id}", schedule=None)
def folders():
{body}

folders()
"""


def _run(serve: Serve, dag_id: str, body: str) -> dict[str, Any]:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    done = serve(dag_id, FILE.format(dag_id=dag_id, body=lines)).test()
    assert str(done.state) == "success"
    return {
        f"{one.task_id}[{one.map_index}]" if one.map_index >= 0 else one.task_id: one.xcom_pull(
            task_ids=one.task_id, map_indexes=one.map_index
        )
        for one in done.get_task_instances()
    }


def test_the_function_is_handed_the_connected_client(serve: Serve, encord: EncordEmulator) -> None:
    returned = _run(
        serve,
        "handed",
        """
@task.encord
def make(client, name, *, run_id=None):
    assert run_id
    return str(client.create_storage_folder(name).name)

@task.encord(encord_conn_id="encord_default")
def count(client, made):
    return [folder.name for folder in client.list_storage_folders() if folder.name == made]

count(make("night"))
""",
    )
    assert returned == {"make": "night", "count": ["night"]}


def test_it_serves_in_mapped_tasks(serve: Serve, encord: EncordEmulator) -> None:
    returned = _run(
        serve,
        "mapped",
        """
@task.encord
def make(client, suffix, name):
    return str(client.create_storage_folder(name + suffix).name)

make.partial(suffix="-x").expand(name=["a", "b"])
""",
    )
    assert returned == {"make[0]": "a-x", "make[1]": "b-x"}


def test_a_function_without_a_parameter_for_the_client_is_refused_when_the_dag_is_parsed() -> None:
    from airflow.sdk import DAG

    from encord_provider.decorators.encord import encord_task

    @encord_task
    def nothing() -> None: ...

    with DAG("refused"), pytest.raises(EncordInputError, match="nothing"):
        nothing()


def test_airflow_finds_it() -> None:
    from airflow.sdk import task

    from encord_provider.decorators.encord import encord_task

    assert task.encord == encord_task
