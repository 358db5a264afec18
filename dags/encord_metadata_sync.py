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

import pendulum
from airflow.sdk import DAG, Asset

from encord_provider.pipelines import sync_metadata
from encord_provider.settings import Settings

try:
    from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable
except ImportError:  # Airflow 3.1
    from airflow.timetables.assets import AssetOrTimeSchedule  # type: ignore[assignment]
    from airflow.timetables.trigger import CronTriggerTimetable  # type: ignore[assignment]

_settings = Settings(variable="encord_metadata_sync")

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
        "table": _settings.optional(
            "Metadata table", "URI of a CSV, JSONL or Parquet table, such as s3://bucket/labels.csv."
        ),
        "folder": _settings.optional(
            "Encord folder", "UUID, or name path such as lake/site-a, with all folders below."
        ),
        "dataset": _settings.optional("Dataset", "UUID of a dataset, instead of a folder."),
        "project": _settings.optional("Project", "UUID of a project, instead of a folder."),
        **_settings.section(
            "Rows and items",
            {
                "key": _settings.optional(
                    "Items by",
                    "What the rows name items by.",
                    empty="object_url",
                    choices=["object_url", "object_key", "file_url", "file_key", "uuid", "title"],
                ),
                "key_column": _settings.optional(
                    "Key column",
                    "The column that holds it.",
                    empty="the first usual one, such as object_url or key",
                ),
                "mode": _settings.optional(
                    "Mode",
                    "merge keeps the other keys of an item, replace removes them.",
                    empty="merge",
                    choices=["merge", "replace"],
                ),
                "max_unmatched": _settings.optional(
                    "Rows without an item",
                    "How many rows may match no item, or several.",
                    empty="any number, but not all",
                    pattern="^[0-9]*$",
                ),
                "allow_empty": _settings.optional(
                    "Empty table",
                    "Whether a table without rows is right; otherwise the run fails.",
                    empty="false",
                    choices=["true", "false"],
                ),
                "schema": _settings.optional(
                    "Metadata schema",
                    "Keys to add to the organisation's schema.",
                    example={"site": "varchar"},
                ),
            },
        ),
        **_settings.surroundings(),
    },
):
    sync_metadata(
        table=_settings.template("table"),
        folder=_settings.template("folder"),
        dataset=_settings.template("dataset"),
        project=_settings.template("project"),
        recursive=True,
        schema=_settings.template("schema", as_json=True),
        key=_settings.template("key"),
        key_column=_settings.template("key_column"),
        mode=_settings.template("mode"),
        max_unmatched=_settings.template("max_unmatched"),
        allow_empty=_settings.template("allow_empty"),
        workspace=_settings.template("workspace"),
        encord_conn_id="{{ params.encord_conn_id }}",
        aws_conn_id="{{ params.aws_conn_id }}",
        group_id="sync",
    )
