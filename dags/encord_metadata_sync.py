"""
### From a table to the custom metadata of items

Each run reads a table (CSV, JSONL or Parquet) with one row for each item, checks every row against the metadata
schema, and patches the items that differ from it. Running it again changes nothing.

It runs when the asset `encord_metadata_table` is updated (name it as an outlet of the DAG that writes the table), every
day, and from the UI with the parameters below. Set them once for runs that nobody starts by hand in the Airflow
Variable `encord_metadata_sync`, a JSON object with the same names. What a run is given comes first, then the Variable.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pendulum
from airflow.sdk import DAG, Asset, Param

from encord_provider.pipelines import setting, sync_metadata

try:
    from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable
except ImportError:  # Airflow 3.1
    from airflow.timetables.assets import AssetOrTimeSchedule  # type: ignore[assignment]
    from airflow.timetables.trigger import CronTriggerTimetable  # type: ignore[assignment]

_VARIABLE = "encord_metadata_sync"


_setting = partial(setting, variable=_VARIABLE)

with DAG(
    dag_id="encord_metadata_sync",
    description="Metadata table -> schema check -> custom metadata of items -> report",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("@daily", timezone="UTC"), assets=[Asset("encord_metadata_table")]
    ),
    start_date=pendulum.datetime(2020, 1, 1, tz="UTC"),
    catchup=False,
    # Two runs at once would only do the same work twice.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
    tags=["encord"],
    params={
        "table": Param(
            None,
            type=["string", "null"],
            title="Metadata table",
            description="URI of a CSV, JSONL or Parquet table, such as s3://bucket/labels.csv.",
        ),
        "folder": Param(
            None,
            type=["string", "null"],
            title="Encord folder",
            description="UUID, or name path such as lake/site-a, with all folders below.",
        ),
        "dataset": Param(
            None,
            type=["string", "null"],
            title="Dataset",
            description="UUID of a dataset, instead of a folder.",
        ),
        "project": Param(
            None,
            type=["string", "null"],
            title="Project",
            description="UUID of a project, instead of a folder.",
        ),
        "schema": Param(
            None,
            type=["object", "null"],
            title="Metadata schema",
            description='Keys to add to the organisation\'s schema, such as {"site": "varchar"}.',
        ),
        "key": Param(
            None,
            type=["string", "null"],
            enum=[None, "object_url", "object_key", "file_url", "file_key", "uuid", "title"],
            title="Items by",
            description="What the rows name items by; empty for object_url.",
        ),
        "key_column": Param(
            None,
            type=["string", "null"],
            title="Key column",
            description="The column that holds it; empty for the first usual one, such as object_url or key.",
        ),
        "mode": Param(
            None,
            type=["string", "null"],
            enum=[None, "merge", "replace"],
            title="Mode",
            description="merge (also when empty) keeps the other keys of an item, replace removes them.",
        ),
        "max_unmatched": Param(
            None,
            type=["string", "null"],
            pattern="^[0-9]*$",
            title="Rows without an item",
            description="How many rows may match no item, or several; empty for any number.",
        ),
        "workspace": Param(
            None,
            type=["string", "null"],
            title="Workspace",
            description="URI of the folder for reports; empty for [encord] workspace.",
        ),
        "encord_conn_id": Param("encord_default", type="string", title="Encord connection"),
        "aws_conn_id": Param("aws_default", type="string", title="AWS connection"),
    },
):
    sync_metadata(
        table=_setting("table"),
        folder=_setting("folder"),
        dataset=_setting("dataset"),
        project=_setting("project"),
        recursive=True,
        schema=_setting("schema", as_json=True),
        key=_setting("key"),
        key_column=_setting("key_column"),
        mode=_setting("mode"),
        max_unmatched=_setting("max_unmatched"),
        workspace=_setting("workspace"),
        encord_conn_id="{{ params.encord_conn_id }}",
        aws_conn_id="{{ params.aws_conn_id }}",
        group_id="sync",
    )
