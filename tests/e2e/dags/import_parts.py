"""The import of one spec, once with a worker that waits and once deferred, for the tests that kill parts of Airflow."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from encord_provider.operators.import_data import EncordImportDataOperator

for mode in ("waiting", "deferred"):
    with DAG(
        dag_id=f"import_{mode}",
        schedule=None,
        params={"spec": Param("", type="string"), "workspace": Param("", type="string")},
    ):
        EncordImportDataOperator(
            task_id="import_data",
            encord_conn_id="encord_second",
            spec="{{ params.spec }}",
            folder="lake/daily",
            create_folder=True,
            integration="AWS S3",
            deferrable=mode == "deferred",
            workspace="{{ params.workspace }}",
            # Airflow counts a try as failed when a task is back from its deferral before the scheduler has heard
            # that the worker which deferred it has ended.
            retries=5,
            retry_delay=timedelta(seconds=1),
        )
